//! The program's inside: a greeting, then an answer for each line.
//!
//! One thread reads lines, this one encodes and writes, so that waiting for a line can end after a
//! while without one. Whoever asks sends the next request after the last answer, so nothing piles
//! up: the reader is at most one line ahead.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use ostwin_core::embedding::{
    Answer, Code, Greeting, MAX_LINE_BYTES, MAX_TEXTS, Problem, Request, head,
};
use ostwin_core::json::Version;
use serde::{Deserialize, Serialize};

use crate::encoder::Encoder;
use crate::lines::{self, Line};

/// Says which encoder there is, or why there is none.
///
/// # Errors
/// Nobody reads it.
pub fn greet(output: &mut impl Write, encoder: Result<&dyn Encoder, &Problem>) -> io::Result<()> {
    let greeting = Greeting {
        model: encoder.ok().map(|encoder| encoder.name().to_owned()),
        dimensions: encoder.ok().map(Encoder::dimensions),
        error: encoder.err().cloned(),
        v: Version::default(),
    };
    write_line(output, &greeting)
}

/// Answers each line of `input` until it ends, or until none came for `idle`.
///
/// What was asked before the end is still answered; if the reader of the answers is gone too, the
/// first of them ends it.
///
/// # Errors
/// Reading or writing failed.
pub fn serve(
    encoder: &mut dyn Encoder,
    mut input: impl BufRead + Send + 'static,
    output: &mut impl Write,
    idle: Duration,
) -> io::Result<()> {
    let (sender, lines) = sync_channel(0);
    thread::Builder::new().name("lines".to_owned()).spawn(move || {
        while let Some(line) = lines::next(&mut input).transpose() {
            let failed = line.is_err();
            // Without a receiver the program is about to end.
            if sender.send(line).is_err() || failed {
                break;
            }
        }
    })?;
    loop {
        match lines.recv_timeout(idle) {
            Ok(line) => {
                if let Some(answer) = answer(encoder, line?) {
                    write_line(output, &answer)?;
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn write_line(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

/// What a line is answered with; a blank one with nothing.
fn answer(encoder: &mut dyn Encoder, line: Line) -> Option<Answer> {
    let (id, vectors) = match line {
        Line::TooLong => {
            let message = format!("the line is longer than {MAX_LINE_BYTES} bytes: ask in parts");
            (None, Err(Problem::new(Code::TooLarge, message)))
        }
        Line::Whole(line) if line.iter().all(u8::is_ascii_whitespace) => return None,
        Line::Whole(line) => match serde_json::from_slice::<Request>(&line) {
            Ok(request) => (Some(request.id), encode(encoder, &request.texts)),
            Err(error) => {
                let message = format!(
                    "not a request: {error}; one is `{{\"id\":1,\"texts\":[\"some text\"]}}`"
                );
                (id_of(&line), Err(Problem::new(Code::InvalidArgument, message)))
            }
        },
    };
    Some(match vectors {
        Ok(vectors) => Answer { id, vectors: Some(vectors), error: None },
        Err(problem) => Answer { id, vectors: None, error: Some(problem) },
    })
}

/// The id of what is no request but has one.
fn id_of(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Id {
        id: u64,
    }
    serde_json::from_slice::<Id>(line).ok().map(|line| line.id)
}

fn encode(encoder: &mut dyn Encoder, texts: &[String]) -> Result<Vec<Vec<f32>>, Problem> {
    if texts.len() > MAX_TEXTS {
        let message = format!("{} texts are more than {MAX_TEXTS}: ask in parts", texts.len());
        return Err(Problem::new(Code::TooLarge, message));
    }
    let texts: Vec<&str> = texts.iter().map(|text| head(text)).collect();
    if let Some(blank) = texts.iter().position(|text| text.trim().is_empty()) {
        let message = format!("text {blank} (counted from 0) is empty, so it has no meaning");
        return Err(Problem::new(Code::InvalidArgument, message));
    }
    encoder.encode(&texts)
}

#[cfg(test)]
mod tests;
