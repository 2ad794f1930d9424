//! What the kernel can tell about processes, per platform.

#[cfg(target_os = "linux")]
pub(super) use linux::{Handle, has_variable, list, open, stat};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{Handle, has_variable, list, open, stat};

/// One row of the process table, as far as the runner needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) start_time: u64,
    /// It has ended and only waits to be reaped.
    pub(super) zombie: bool,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::fs::MetadataExt as _;

    use rustix::process::{Pid, PidfdFlags, Signal};

    use super::Stat;

    /// A kernel handle on one process: signals sent through it can't reach
    /// another process that got the same pid later.
    #[derive(Debug)]
    pub(crate) struct Handle(OwnedFd);

    impl Handle {
        pub(crate) fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
            rustix::process::pidfd_send_signal(&self.0, signal)
        }

        /// Becomes readable when the process has ended.
        pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    /// Opens a handle, or `None` if there is no such process any more.
    pub(crate) fn open(pid: u32) -> Option<Handle> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok().map(Handle)
    }

    pub(crate) fn stat(pid: u32) -> Option<Stat> {
        parse_stat(&fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// All processes of this user. One that vanishes while the table is read
    /// is left out.
    pub(crate) fn list() -> Vec<Stat> {
        let user = rustix::process::geteuid().as_raw();
        let Ok(entries) = fs_err::read_dir("/proc") else { return Vec::new() };
        entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
                let owner = entry.metadata().ok()?.uid();
                (owner == user).then(|| stat(pid)).flatten()
            })
            .collect()
    }

    /// Whether the environment that `pid` was started with has `NAME=value`.
    pub(crate) fn has_variable(pid: u32, name: &str, value: &str) -> bool {
        let Ok(environment) = fs_err::read(format!("/proc/{pid}/environ")) else { return false };
        environment.split(|byte| *byte == 0).any(|entry| {
            entry
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="))
                .is_some_and(|found| found == value.as_bytes())
        })
    }

    /// Reads one line of `/proc/<pid>/stat`. The command name in it may hold
    /// spaces and parentheses, so fields count from the last `)`.
    fn parse_stat(text: &str) -> Option<Stat> {
        let (head, tail) = text.rsplit_once(')')?;
        let pid = head.split_whitespace().next()?.parse().ok()?;
        let fields: Vec<&str> = tail.split_whitespace().collect();
        // `fields[0]` is field 3 of proc(5): state; then parent (4), and start time (22).
        Some(Stat {
            pid,
            zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
            parent: fields.get(1)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_command_name_with_parentheses_does_not_shift_the_fields() {
            let line =
                "4021 (a) (b c)) S 17 4021 4021 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
            assert_eq!(
                parse_stat(line),
                Some(Stat { pid: 4021, parent: 17, start_time: 987_654, zombie: false })
            );
        }

        #[test]
        fn a_zombie_is_recognised_and_garbage_is_nothing() {
            let line = "5 (x) Z 1 5 5 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 42 1 2";
            assert_eq!(
                parse_stat(line),
                Some(Stat { pid: 5, parent: 1, start_time: 42, zombie: true })
            );
            assert_eq!(parse_stat("5 (x) S 1"), None);
            assert_eq!(parse_stat(""), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use rustix::process::{Pid, Signal};

    use super::Stat;

    /// A pid without the kernel's protection against reuse.
    #[derive(Debug)]
    pub(crate) struct Handle(Pid);

    impl Handle {
        pub(crate) fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
            rustix::process::kill_process(self.0, signal)
        }
    }

    pub(crate) fn open(pid: u32) -> Option<Handle> {
        Pid::from_raw(i32::try_from(pid).ok()?).map(Handle)
    }

    /// The start time is not known here and reads as zero.
    pub(crate) fn stat(pid: u32) -> Option<Stat> {
        let raw = Pid::from_raw(i32::try_from(pid).ok()?)?;
        rustix::process::test_kill_process(raw).ok()?;
        Some(Stat { pid, parent: 0, start_time: 0, zombie: false })
    }

    pub(crate) fn list() -> Vec<Stat> {
        Vec::new()
    }

    pub(crate) fn has_variable(_pid: u32, _name: &str, _value: &str) -> bool {
        false
    }
}
