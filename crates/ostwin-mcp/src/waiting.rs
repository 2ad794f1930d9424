//! Waiting inside a tool call, for as long as its caller waits.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// The right to wait: held by a running call.
#[derive(Debug)]
pub struct Waiting(Receiver<()>);

/// The end of it: when this is dropped, every wait returns at once.
#[derive(Debug)]
pub struct Patience(#[expect(dead_code, reason = "held for its drop only")] Sender<()>);

/// A call's right to wait, and what ends it.
pub fn waiting() -> (Waiting, Patience) {
    let (sender, receiver) = mpsc::channel();
    (Waiting(receiver), Patience(sender))
}

impl Waiting {
    /// Waits for `time`; `false` at once when nobody waits for the call any more.
    pub fn wait(&self, time: Duration) -> bool {
        matches!(self.0.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_patience_does() {
        let (waiting, patience) = waiting();
        assert!(waiting.wait(Duration::from_millis(1)));
        let waiter = std::thread::spawn(move || waiting.wait(Duration::from_secs(600)));
        drop(patience);
        assert!(!waiter.join().unwrap());
    }
}
