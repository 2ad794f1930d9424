//! Waiting inside a tool call, for as long as its caller waits, and telling the caller meanwhile.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::mpsc as news;

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How much is done; more each time.
    pub done: f64,
    /// How much there is in all.
    pub total: f64,
    /// What the call does or waits for.
    pub message: String,
}

/// The right to wait: held by a running call.
#[derive(Debug)]
pub struct Waiting {
    patience: Receiver<()>,
    news: Option<news::Sender<Progress>>,
}

/// The end of it: when this is dropped, every wait returns at once.
#[derive(Debug)]
pub struct Patience(#[expect(dead_code, reason = "held for its drop only")] Sender<()>);

/// A call's right to wait, and what ends it.
pub fn waiting() -> (Waiting, Patience) {
    let (sender, receiver) = mpsc::channel();
    (Waiting { patience: receiver, news: None }, Patience(sender))
}

impl Waiting {
    /// The same right, for a caller who wants to be told how far the call is.
    #[must_use]
    pub(crate) fn telling(self, news: news::Sender<Progress>) -> Self {
        Self { news: Some(news), ..self }
    }

    /// Waits for `time`; `false` at once when nobody waits for the call any more.
    pub fn wait(&self, time: Duration) -> bool {
        matches!(self.patience.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// Tells the caller how far the call is, if it asked for that. A caller who does not listen
    /// misses it: nothing is kept for later.
    pub fn tell(&self, progress: impl FnOnce() -> Progress) {
        if let Some(news) = &self.news {
            // Full or closed: see above.
            drop(news.try_send(progress()));
        }
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

    #[test]
    fn a_caller_who_does_not_listen_holds_nobody_up() {
        let progress = |done: f64| Progress { done, total: 3.0, message: "waits".to_owned() };
        let (waiting, _patience) = waiting();
        waiting.tell(|| unreachable!("nobody asked"));
        let (sender, mut receiver) = news::channel(1);
        let waiting = waiting.telling(sender);
        waiting.tell(|| progress(1.0));
        waiting.tell(|| progress(2.0));
        assert_eq!(receiver.try_recv(), Ok(progress(1.0)));
        assert!(receiver.try_recv().is_err());
        drop(receiver);
        waiting.tell(|| progress(3.0));
    }
}
