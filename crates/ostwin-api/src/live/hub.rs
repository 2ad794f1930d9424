//! The hub of the stream: numbers events, keeps the last of them, hands them to listeners.
//!
//! An event's id is `<boot>-<n>`: `boot` is drawn when the server starts, so that an id of another
//! process is known as such, and `n` counts from 1. A listener that does not keep up is let go: it
//! comes back with the last id it saw, and gets what it missed from the buffer, or is told to start
//! over.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostwin_core::ids::{PlanId, RoomId};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Most events that are kept for listeners that come back.
const KEPT: usize = 4_096;
/// Most bytes of events that are kept.
const KEPT_BYTES: usize = 16 << 20;
/// Most events that wait for one listener.
const WAITING: usize = 512;

/// What an event is about: its name on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// A plan, in short.
    Plan,
    /// A room, as its plan's board shows it.
    Room,
    /// A message.
    Channel,
    /// How far a session says it is.
    Progress,
    /// A session began, ended, or said something.
    Attempt,
    /// A memory was published.
    Memory,
    /// Something that people want to hear of wherever they are.
    Alert,
}

impl Topic {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plan,
        Self::Room,
        Self::Channel,
        Self::Progress,
        Self::Attempt,
        Self::Memory,
        Self::Alert,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Room => "room",
            Self::Channel => "channel",
            Self::Progress => "progress",
            Self::Attempt => "attempt",
            Self::Memory => "memory",
            Self::Alert => "alert",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) topic: Topic,
    /// The key of the project.
    pub(crate) project: String,
    pub(crate) plan: Option<PlanId>,
    pub(crate) room: Option<RoomId>,
    /// JSON.
    pub(crate) data: String,
}

/// An event with its number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) news: News,
}

/// What a listener gets.
#[derive(Debug)]
pub(crate) struct Listening {
    /// The number of the last event before those.
    pub(crate) from: u64,
    /// Whether what the listener has is to be thrown away: its id is of another boot, or older
    /// than what is kept.
    pub(crate) reset: bool,
    /// What was missed.
    pub(crate) missed: Vec<Arc<Numbered>>,
    /// What comes; it ends when the listener does not keep up.
    pub(crate) live: mpsc::Receiver<Arc<Numbered>>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    bytes: usize,
    kept: VecDeque<Arc<Numbered>>,
    listeners: Vec<mpsc::Sender<Arc<Numbered>>>,
    let_go: u64,
    closed: bool,
}

/// The hub of one server.
#[derive(Debug)]
pub(crate) struct Hub {
    boot: String,
    state: Mutex<State>,
}

impl Hub {
    /// A hub without events; `boot` is drawn anew for each process.
    pub(crate) fn new(boot: u128) -> Self {
        let boot = format!("{:08x}", boot & 0xffff_ffff);
        Self { boot, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete at every step, so a panic elsewhere harms nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of event `number`.
    pub(crate) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.boot)
    }

    /// The id of the last event.
    pub(crate) fn last_id(&self) -> String {
        self.id(self.state().last)
    }

    /// How many listen, and how many were let go because they did not keep up.
    pub(crate) fn listeners(&self) -> (usize, u64) {
        let mut state = self.state();
        state.listeners.retain(|listener| !listener.is_closed());
        (state.listeners.len(), state.let_go)
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> u64 {
        self.state().last
    }

    /// Tells everybody.
    pub(crate) fn publish(&self, news: News) {
        let mut state = self.state();
        state.last += 1;
        let event = Arc::new(Numbered { number: state.last, news });
        state.bytes += event.news.data.len();
        state.kept.push_back(Arc::clone(&event));
        while state.kept.len() > KEPT || (state.bytes > KEPT_BYTES && state.kept.len() > 1) {
            let gone = state.kept.pop_front();
            state.bytes -= gone.map_or(0, |gone| gone.news.data.len());
        }
        let mut slow = 0;
        state.listeners.retain(|listener| match listener.try_send(Arc::clone(&event)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                slow += 1;
                false
            }
            Err(TrySendError::Closed(_)) => false,
        });
        state.let_go += slow;
    }

    /// Begins to listen behind the event `after`; without one, from now on.
    pub(crate) fn listen(&self, after: Option<&str>) -> Listening {
        let (sender, live) = mpsc::channel(WAITING);
        let mut state = self.state();
        if !state.closed {
            state.listeners.push(sender);
        }
        let seen = after.map(|id| self.number(id).filter(|seen| *seen <= state.last));
        let oldest = state.kept.front().map_or(state.last + 1, |event| event.number);
        let (from, reset) = match seen {
            None => (state.last, false),
            Some(Some(seen)) if seen + 1 >= oldest => (seen, false),
            Some(_) => (state.last, true),
        };
        let missed = state.kept.iter().filter(|event| event.number > from).cloned().collect();
        Listening { from, reset, missed, live }
    }

    /// Ends every stream: the server is about to end.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.listeners.clear();
    }

    /// The number in an id of this boot.
    fn number(&self, id: &str) -> Option<u64> {
        let (boot, number) = id.rsplit_once('-')?;
        number.parse().ok().filter(|_| boot == self.boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(data: &str) -> News {
        News {
            topic: Topic::Alert,
            project: "p".to_owned(),
            plan: None,
            room: None,
            data: data.to_owned(),
        }
    }

    fn hub(events: usize) -> Hub {
        let hub = Hub::new(0xab);
        (0..events).for_each(|number| hub.publish(news(&number.to_string())));
        hub
    }

    fn heard(hub: &Hub, after: Option<&str>) -> (u64, bool, Vec<u64>) {
        let Listening { from, reset, missed, .. } = hub.listen(after);
        (from, reset, missed.iter().map(|event| event.number).collect())
    }

    #[test]
    fn what_was_missed_is_told_again() {
        let hub = hub(3);
        assert_eq!(hub.last_id(), "000000ab-3");
        assert_eq!(heard(&hub, None), (3, false, vec![]));
        assert_eq!(heard(&hub, Some("000000ab-1")), (1, false, vec![2, 3]));
        assert_eq!(heard(&hub, Some("000000ab-3")), (3, false, vec![]));
        assert_eq!(heard(&hub, Some("000000ab-0")), (0, false, vec![1, 2, 3]));
    }

    #[test]
    fn an_id_that_says_nothing_here_starts_over() {
        let hub = hub(3);
        for id in ["000000ac-3", "000000ab-4", "000000ab-", "nonsense", ""] {
            assert_eq!(heard(&hub, Some(id)), (3, true, vec![]), "{id}");
        }
        let long = self::hub(KEPT + 10);
        assert!(long.listen(Some("000000ab-9")).reset);
        let kept = long.listen(Some("000000ab-10"));
        assert_eq!((kept.reset, kept.missed.len()), (false, KEPT));
    }

    #[test]
    fn large_events_are_kept_by_their_bytes() {
        let hub = Hub::new(1);
        let large = "x".repeat(KEPT_BYTES / 4);
        (0..9).for_each(|_| hub.publish(news(&large)));
        assert_eq!(hub.listen(Some("00000001-5")).missed.len(), 4);
        assert!(hub.listen(Some("00000001-4")).reset);
    }

    #[test]
    fn who_does_not_keep_up_is_let_go() {
        let hub = Hub::new(1);
        let mut slow = hub.listen(None);
        let mut quick = hub.listen(None);
        for _ in 0..=WAITING {
            hub.publish(news("x"));
            quick.live.try_recv().unwrap();
        }
        assert_eq!(hub.listeners(), (1, 1));
        let mut left = 0;
        while slow.live.try_recv().is_ok() {
            left += 1;
        }
        assert_eq!((left, slow.live.is_closed()), (WAITING, true));
    }
}
