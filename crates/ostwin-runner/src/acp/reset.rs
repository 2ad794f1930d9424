//! When a model's service goes on, read from what an agent says about its refusal.
//!
//! There is no agreed field for it: services say it in a header, in a sentence or as a number of
//! seconds since 1970, and agents hand on what they like of it. So only phrases are read that mean
//! nothing else, and a time that makes no sense counts as none.

use std::time::Duration;

use ostwin_core::time::Timestamp;

/// A window that opens later than this is a misreading.
const FARTHEST: Duration = Duration::from_secs(8 * 24 * 3600);

/// What stands before a time from now, or before a time of day; longer spellings come first.
const SIGNS: [&str; 24] = [
    "retry-after-ms",
    "retry_after_ms",
    "retry-after",
    "retry_after",
    "retryafter",
    "retry after",
    "retrydelay",
    "retry in",
    "try again in",
    "try again at",
    "try again after",
    "available in",
    "available at",
    "available again at",
    "resets in",
    "resets at",
    "reset in",
    "reset at",
    "reset after",
    "resets_at",
    "reset_at",
    "resetsat",
    "reset_time",
    "limit reached|",
];

/// The time at which the service goes on, if `text` names one that lies ahead of `now`.
pub(crate) fn reset_in(text: &str, now: Timestamp) -> Option<Timestamp> {
    let lower = text.to_ascii_lowercase();
    SIGNS.iter().find_map(|sign| {
        lower.match_indices(sign).find_map(|(at, _)| {
            let value = text.get(at + sign.len()..)?;
            let value = value.trim_start_matches([' ', ':', '=', '"', '\'', '\\', '|', '`']);
            let bare = match () {
                () if sign.ends_with("ms") => Some(0.001),
                // A number behind it is an hour of the day.
                () if sign.ends_with("at") => None,
                () => Some(1.0),
            };
            let reset = moment(value).or_else(|| Some(now.plus(span(value, bare)?)))?;
            (now < reset && reset <= now.plus(FARTHEST)).then_some(reset)
        })
    })
}

/// An RFC 3339 time, or seconds or milliseconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    let end = text.find([' ', '"', '\'', ',', ';', ')', '}', '\\', '`']).unwrap_or(text.len());
    let word = text.get(..end)?.trim_end_matches('.');
    if let Ok(time) = word.parse() {
        return Some(time);
    }
    let number: i64 = word.parse().ok()?;
    match word.len() {
        10 => Some(Timestamp::from_millis(number.checked_mul(1000)?)),
        13 => Some(Timestamp::from_millis(number)),
        _ => None,
    }
}

/// A span such as `20s`, `1h20m`, `5 days 3 hours`; a number alone counts so many seconds as `bare`
/// says, and nothing without it.
fn span(text: &str, bare: Option<f64>) -> Option<Duration> {
    let mut rest = text;
    let mut sum: Option<f64> = None;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let Ok(number) = number.trim_end_matches('.').parse::<f64>() else { break };
        let attached = behind.starts_with(|c: char| c.is_ascii_alphabetic());
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(letters);
        let Some(factor) = seconds_of(&unit.to_ascii_lowercase()) else {
            // A number behind a span that was read is another sentence.
            sum = sum.or_else(|| Some(number * bare.filter(|_| !attached)?));
            break;
        };
        sum = Some(sum.unwrap_or(0.0) + number * factor);
        rest = next.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    Duration::try_from_secs_f64(sum?).ok()
}

fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    /// Milliseconds from now.
    fn wait(text: &str) -> Option<u64> {
        let now = Timestamp::from_millis(NOW);
        reset_in(text, now).map(|at| u64::try_from(at.since(now).as_millis()).unwrap())
    }

    #[test]
    fn what_services_say_is_understood() {
        for (text, millis) in [
            ("Rate limit reached for tokens per min. Please try again in 20s.", 20_000),
            ("Please try again in 1h20m3.5s. Visit us", 4_803_500),
            ("try again in 450ms", 450),
            ("You've hit your usage limit. Try again in 5 days 3 hours 2 minutes.", 442_920_000),
            ("try again in 1 hour and 30 minutes", 5_400_000),
            (r#"Internal error: {"status":429,"headers":{"retry-after":"3600"}}"#, 3_600_000),
            (r#"{"retry_after_ms":1500,"x":7}"#, 1_500),
            (r#"{"retryDelay":"34.5s"}"#, 34_500),
            ("AI usage limit reached|1800003600", 3_600_000),
            ("your limit resets at 2027-01-15T09:00:00Z, see", 3_600_000),
            (r#"{"resets_at":1800000060000}"#, 60_000),
        ] {
            assert_eq!(wait(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_ahead_is_none() {
        for text in [
            "Rate limit reached",
            "try again later",
            "try again in a moment",
            "resets at 3pm",
            "resets at 3 pm",
            "try again in 3x",
            "your limit reset at 2020-01-01T00:00:00Z",
            "retry-after: 0",
            "try again in 40 days",
            "try again in 99999999999999999999999999 hours",
            "429",
        ] {
            assert_eq!(wait(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_every_answer_lies_ahead(
            text in "(retry-after|try again in|resets at|limit reached\\|)?[ :=\"]{0,2}\\PC{0,40}",
        ) {
            let now = Timestamp::from_millis(NOW);
            if let Some(reset) = reset_in(&text, now) {
                proptest::prop_assert!(now < reset && reset <= now.plus(FARTHEST));
            }
        }
    }
}
