//! How large an answer may be.
//!
//! An answer goes out twice in one line: as structured content and as text for callers that read
//! only text, where quotes are escaped. Both count.

use serde::Serialize;

/// Largest answer on the wire, in bytes, the envelope included.
pub const MAX_REPLY_BYTES: usize = 256 * 1024;

/// What the envelope of an answer takes at most.
const ENVELOPE_BYTES: usize = 512;

/// What is left for the answer itself.
const BUDGET_BYTES: usize = MAX_REPLY_BYTES - ENVELOPE_BYTES;

/// What a list's own fields beside its items may take.
const AROUND_A_LIST_BYTES: usize = 4 * 1024;

/// The bytes that this JSON takes on the wire: once as it is, once as an escaped text.
fn wire_bytes(json: &str) -> usize {
    let escapes = json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    2 * json.len() + escapes + 2
}

/// Whether an answer with this JSON is small enough to be sent.
pub(crate) fn fits(json: &str) -> bool {
    wire_bytes(json) <= BUDGET_BYTES
}

/// Drops items from the end until the list fits into an answer; whether any was dropped. The first
/// item stays whatever its size, so that a caller who pages always moves on.
pub(crate) fn fit_list<T: Serialize>(items: &mut Vec<T>) -> bool {
    let mut used = AROUND_A_LIST_BYTES;
    let fitting = items
        .iter()
        .take_while(|item| {
            used += serde_json::to_string(item).map_or(0, |json| wire_bytes(&json));
            used <= BUDGET_BYTES
        })
        .count()
        .max(1);
    let dropped = fitting < items.len();
    items.truncate(fitting);
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_to_what_fits_and_never_to_nothing() {
        let mut small = vec!["x"; 100];
        assert!(!fit_list(&mut small));
        let mut large = vec!["\"".repeat(1_000); 200];
        assert!(fit_list(&mut large));
        let json = serde_json::to_string(&large).unwrap();
        assert!(fits(&json) && large.len() > 40, "{}", large.len());
        let mut huge = vec!["x".repeat(MAX_REPLY_BYTES), "y".to_owned()];
        assert!(fit_list(&mut huge));
        assert_eq!(huge.len(), 1);
    }

    #[test]
    fn both_copies_count() {
        assert!(fits(&"x".repeat(120 * 1024)));
        assert!(!fits(&"\"".repeat(120 * 1024)));
    }
}
