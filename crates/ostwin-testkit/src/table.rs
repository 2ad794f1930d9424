//! Looking through all processes of the machine, to show that none was left behind.

use std::path::Path;

use ostwin_core::env;

/// The living processes that carry the mark of this attempt.
pub fn processes_with_mark(attempt: &str) -> Vec<u32> {
    processes_with_env(env::ATTEMPT, attempt)
}

/// The living processes that were started with `name` set to `value`, in ascending order.
pub fn processes_with_env(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}");
    living(|_, environment| {
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    })
}

/// The living processes whose environment or working directory points to `dir` or below.
pub(crate) fn processes_around(dir: &Path) -> Vec<u32> {
    let wanted = dir.as_os_str().as_encoded_bytes();
    living(|process, environment| {
        environment.windows(wanted.len()).any(|part| part == wanted)
            || std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir))
    })
}

/// The processes, other than this one, that pass the check. One that has ended but was not reaped
/// has no environment any more and does not count.
fn living(check: impl Fn(&Path, &[u8]) -> bool) -> Vec<u32> {
    let own = std::process::id();
    let mut found: Vec<u32> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok().filter(|pid| *pid != own)?;
            // Processes come and go meanwhile, and some belong to others.
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            (!environment.is_empty() && check(&entry.path(), &environment)).then_some(pid)
        })
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::process::{Process, command};

    #[test]
    fn a_marked_process_is_found_until_it_is_gone() {
        let mark = format!("att-test-{}", std::process::id());
        let mut sleeper = command("sleep");
        sleeper.arg("1000").env(env::ATTEMPT, &mark);
        let mut sleeper = Process::spawn(&mut sleeper).unwrap();
        // The kernel shows an environment only a moment after the program has been started.
        let seen = || (processes_with_mark(&mark) == [sleeper.id()]).then_some(());
        crate::wait_until("the marked process", Duration::from_secs(20), seen).unwrap();
        assert_eq!(processes_with_mark(&mark[..mark.len() - 1]), Vec::<u32>::new());
        sleeper.kill().unwrap();
        assert_eq!(processes_with_mark(&mark), Vec::<u32>::new());
    }
}
