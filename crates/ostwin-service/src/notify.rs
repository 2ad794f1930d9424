//! Telling the supervisor, systemd or one that understands the same, how a service stands.

use std::time::Duration;

use sd_notify::NotifyState;

/// Whoever started this service and waits for word. Where nobody does, nothing is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Supervisor;

impl Supervisor {
    /// The service does its work from now on.
    pub fn ready(self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// The service ends.
    pub fn stopping(self) {
        self.tell(&[NotifyState::Stopping]);
    }

    /// How often the supervisor wants to hear [`Supervisor::alive`], if it does: twice in the time
    /// after which it takes the service for dead.
    pub fn pulse(self) -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|patience| patience / 2)
    }

    /// The service is not stuck.
    pub fn alive(self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    fn tell(self, states: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            tracing::warn!(%error, "the supervisor cannot be told how this service stands");
        }
    }
}
