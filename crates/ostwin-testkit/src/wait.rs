//! Waiting for what another process does.

use std::io;
use std::time::{Duration, Instant};

/// Asks `check` every few milliseconds until it gives something. For what only another process can
/// tell through its files; everything else has a channel to wait on.
///
/// # Errors
/// `patience` is over (kind `TimedOut`); the text names `what`.
pub fn wait_until<T>(
    what: &str,
    patience: Duration,
    mut check: impl FnMut() -> Option<T>,
) -> io::Result<T> {
    const PAUSE: Duration = Duration::from_millis(5);
    let end = Instant::now() + patience;
    loop {
        if let Some(value) = check() {
            return Ok(value);
        }
        if Instant::now() >= end {
            let text = format!("waited {patience:?} in vain for {what}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_the_check_gives_or_says_what_it_waited_for() {
        let mut looks = 0;
        let third = wait_until("the third look", Duration::from_secs(30), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(third.unwrap(), 3);
        let error = wait_until("nothing", Duration::ZERO, || None::<()>).unwrap_err();
        assert_eq!(error.to_string(), "waited 0ns in vain for nothing");
    }
}
