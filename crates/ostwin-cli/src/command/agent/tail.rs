//! What a session says and does, shown while it runs.
//!
//! A thread reads what is new at the end of the attempt's transcript, from the moment the attempt
//! is opened until it is closed.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ostwin_core::events::{Event, EventKind};
use ostwin_core::project::Project;
use ostwin_core::room::Room;
use ostwin_runner::acp::transcript::Entry;

use crate::out::Out;
use crate::view::transcript;

/// How often the transcript is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows the transcript of the attempt that is open.
#[derive(Debug)]
pub(crate) struct Tail {
    project: Project,
    out: Out,
    reader: Mutex<Option<Reader>>,
}

#[derive(Debug)]
struct Reader {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Tail {
    pub(crate) fn new(project: &Project, out: Out) -> Self {
        Self { project: project.clone(), out, reader: Mutex::new(None) }
    }

    /// Hears of an event of the plan: begins with an attempt, and ends with it.
    pub(crate) fn hear(&self, event: &Event) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        match event.kind {
            EventKind::AttemptOpened => *reader = self.begin(event),
            EventKind::AttemptClosed => {
                if let Some(Reader { ended, thread }) = reader.take() {
                    ended.store(true, Ordering::Release);
                    drop(thread.join());
                }
            }
            _ => {}
        }
    }

    /// Without a transcript to be read there is nothing to show, and the session runs on.
    fn begin(&self, event: &Event) -> Option<Reader> {
        let room = Room::open(&self.project, event.room.as_ref()?).ok()?;
        let attempt = room.last_attempt().ok()??;
        let (path, out) = (attempt.paths.transcript(), self.out);
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name("transcript".to_owned());
        let thread = thread.spawn(move || show(&path, out, &until)).ok()?;
        Some(Reader { ended, thread })
    }
}

fn show(path: &Path, out: Out, ended: &AtomicBool) {
    let mut transcript = Growing { path: path.to_owned(), offset: 0 };
    loop {
        let last = ended.load(Ordering::Acquire);
        let mut lines = Vec::new();
        for line in transcript.news() {
            if let Ok(entry) = Entry::parse(&line) {
                lines.extend(transcript::entry(&entry, false));
            }
        }
        // Without a reader there is nobody to tell; the session runs on.
        drop(out.lines(&lines));
        if last {
            return;
        }
        std::thread::sleep(INTERVAL);
    }
}

/// A file of lines that grows.
struct Growing {
    path: PathBuf,
    offset: u64,
}

impl Growing {
    /// The whole lines that are new.
    fn news(&mut self) -> Vec<String> {
        let mut bytes = Vec::new();
        let read = fs_err::File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.offset))?;
            file.read_to_end(&mut bytes)
        });
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        if read.is_err() {
            return Vec::new();
        }
        let whole = &bytes[..=end];
        self.offset += whole.len() as u64;
        String::from_utf8_lossy(whole).lines().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_new_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let mut growing = Growing { path: path.clone(), offset: 0 };
        let write = |text: &str| ostwin_core::fs::replace_hint(&path, text.as_bytes()).unwrap();
        assert_eq!(growing.news(), Vec::<String>::new());
        write("a\nb");
        assert_eq!(growing.news(), ["a"]);
        write("a\nbc\nd\n");
        assert_eq!(growing.news(), ["bc", "d"]);
        assert_eq!(growing.news(), Vec::<String>::new());
    }
}
