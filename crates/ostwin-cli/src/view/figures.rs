//! Numbers as people read them: times, tokens, money, sizes.

use std::time::Duration;

use ostwin_core::time::Timestamp;

/// Seconds in at most six characters: `42s`, `3m05s`, `2h07m`, `3d04h`.
pub(crate) fn seconds(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// A measured time, with tenths where it is short.
pub(crate) fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        0..1_000 => format!("{}ms", duration.as_millis()),
        1_000..10_000 => format!("{:.1}s", duration.as_secs_f64()),
        _ => seconds(duration.as_secs()),
    }
}

/// A count in at most five characters: `950`, `12.3k`, `1.20M`.
pub(crate) fn count(count: u64) -> String {
    // Figures for people: the loss of precision is meant.
    let figure = count as f64;
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => format!("{:.1}k", figure / 1e3),
        100_000..1_000_000 => format!("{:.0}k", figure / 1e3),
        1_000_000..10_000_000 => format!("{:.2}M", figure / 1e6),
        _ => format!("{:.1}M", figure / 1e6),
    }
}

/// US dollars.
pub(crate) fn dollars(cost: f64) -> String {
    match cost {
        cost if cost < 100.0 => format!("${cost:.2}"),
        cost => format!("${cost:.0}"),
    }
}

/// Bytes, in binary units.
pub(crate) fn bytes(bytes: u64) -> String {
    let figure = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", figure / 1024.0),
        _ => format!("{:.1} MiB", figure / 1_048_576.0),
    }
}

/// The time of day in UTC: `08:15:30`.
pub(crate) fn clock(time: Timestamp) -> String {
    time.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// Day and time in UTC: `2026-01-31 08:15:30Z`.
pub(crate) fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock}Z"),
        _ => text,
    }
}

/// `1 epic`, `2 epics`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stay_short() {
        let times: Vec<String> = [0, 59, 60, 3599, 3600, 86_399, 86_400].map(seconds).into();
        assert_eq!(times, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h"]);
        let counts: Vec<String> =
            [0, 999, 1_000, 99_949, 123_456, 1_234_567, 12_345_678].map(count).into();
        assert_eq!(counts, ["0", "999", "1.0k", "99.9k", "123k", "1.23M", "12.3M"]);
        assert_eq!([0.0, 1.239, 123.4].map(dollars), ["$0.00", "$1.24", "$123"]);
        assert_eq!([0, 1536, 3_145_728].map(bytes), ["0 B", "1.5 KiB", "3.0 MiB"]);
        assert_eq!(duration(Duration::from_millis(1_250)), "1.2s");
    }

    #[test]
    fn times_are_utc() {
        let time = Timestamp::from_millis(1_769_847_330_250);
        assert_eq!((clock(time), moment(time)), ("08:15:30".into(), "2026-01-31 08:15:30Z".into()));
    }
}
