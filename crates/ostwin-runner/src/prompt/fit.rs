//! Fitting sections into a budget: the least important are cut first, at a line's end.

use super::foreign::seal;

/// Which end of a section survives a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The beginning.
    Head,
    /// The end: what is newest in a log.
    Tail,
}

/// How long a section is kept when the prompt is too long; higher is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// Cut first at this rank.
    Rank(u8),
    /// Never cut.
    Pinned,
}

/// One section before it is fitted.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    pub(super) source: String,
    pub(super) priority: Priority,
    /// Most bytes of the body, whatever else the prompt holds.
    pub(super) budget: usize,
    pub(super) keep: Keep,
    pub(super) body: String,
}

/// One section as it stands in the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) text: String,
    pub(super) cut: bool,
}

/// Cuts `sections` until all together have at most `total` bytes, or nothing but pinned sections
/// and marks is left. Each section's own budget holds in any case, unless it is pinned.
pub(super) fn fit(sections: &[Section], total: usize) -> Vec<Fitted> {
    let mut fitted: Vec<Fitted> = sections.iter().map(|s| render(s, s.budget)).collect();
    let mut size: usize = fitted.iter().map(|f| f.text.len()).sum();
    let mut order: Vec<usize> = (0..sections.len()).rev().collect();
    order.sort_by_key(|&i| sections[i].priority);
    for i in order {
        if size <= total || sections[i].priority == Priority::Pinned {
            break;
        }
        let before = fitted[i].text.len();
        let frame = render(&sections[i], 0).text.len();
        let wanted = before.saturating_sub(size - total);
        // The kept part is set apart from the mark by an empty line.
        let shorter = render(&sections[i], wanted.saturating_sub(frame + 2));
        if shorter.text.len() < before {
            size -= before - shorter.text.len();
            fitted[i] = shorter;
        }
    }
    fitted
}

/// The section with at most `limit` bytes of its body, closed by an empty line.
fn render(section: &Section, limit: usize) -> Fitted {
    let heading = match section.heading {
        "" => String::new(),
        heading => format!("# {heading}\n\n"),
    };
    let whole = seal(&section.body);
    if section.priority == Priority::Pinned || whole.len() <= limit {
        return Fitted { text: format!("{heading}{whole}\n\n"), cut: false };
    }
    let kept = cut(&section.body, limit, section.keep);
    let missing = section.body.len() - kept.1;
    let mark = format!(
        "[{missing} of {} bytes of this section are cut {}; read all of it in {}]",
        section.body.len(),
        match section.keep {
            Keep::Head => "here",
            Keep::Tail => "before this",
        },
        section.source
    );
    let text = match (kept.0.is_empty(), section.keep) {
        (true, _) => format!("{heading}{mark}\n\n"),
        (false, Keep::Head) => format!("{heading}{}\n\n{mark}\n\n", kept.0),
        (false, Keep::Tail) => format!("{heading}{mark}\n\n{}\n\n", kept.0),
    };
    Fitted { text, cut: true }
}

/// Whole lines of `text` that have at most `limit` bytes once they are sealed, and how many bytes
/// of `text` they are. If not one line fits, a part of one.
fn cut(text: &str, limit: usize, keep: Keep) -> (String, usize) {
    let mut room = limit;
    loop {
        let part = match keep {
            Keep::Head => head(text, room),
            Keep::Tail => tail(text, room),
        };
        let sealed = seal(part);
        match sealed.len().checked_sub(limit) {
            None | Some(0) => return (sealed.into_owned(), part.len()),
            // Quoting made it longer: leave that much more out.
            Some(over) => room = part.len().saturating_sub(over),
        }
    }
}

fn head(text: &str, limit: usize) -> &str {
    let fits = text.get(..text.floor_char_boundary(limit)).unwrap_or_default();
    let part = match fits.rfind('\n') {
        Some(end) if fits.len() < text.len() => fits.get(..end).unwrap_or_default(),
        _ => fits,
    };
    part.trim_end()
}

fn tail(text: &str, limit: usize) -> &str {
    let start = text.ceil_char_boundary(text.len().saturating_sub(limit));
    let fits = text.get(start..).unwrap_or_default();
    let part = match fits.find('\n') {
        Some(end) if start > 0 => fits.get(end + 1..).unwrap_or_default(),
        _ => fits,
    };
    part.trim_start_matches('\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn section(id: &'static str, rank: u8, body: &str) -> Section {
        Section {
            id,
            heading: "H",
            source: format!("`{id}.md`"),
            priority: Priority::Rank(rank),
            budget: 1000,
            keep: Keep::Head,
            body: body.to_owned(),
        }
    }

    fn texts(fitted: &[Fitted]) -> Vec<&str> {
        fitted.iter().map(|f| f.text.as_str()).collect()
    }

    #[test]
    fn the_least_important_is_cut_first_and_at_a_line() {
        let low = section("low", 1, &"a line of the low one\n".repeat(10));
        let high = section("high", 9, "keep me");
        let fitted = fit(&[low, high], 160);
        assert_eq!(
            texts(&fitted),
            [
                "# H\n\na line of the low one\na line of the low one\n\n[177 of 220 bytes of \
                 this section are cut here; read all of it in `low.md`]\n\n",
                "# H\n\nkeep me\n\n"
            ]
        );
        assert_eq!(fitted.iter().map(|f| f.cut).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn of_a_log_the_end_is_kept() {
        let mut log = section("log", 1, "one\ntwo\nthree");
        (log.keep, log.budget) = (Keep::Tail, 10);
        assert_eq!(
            texts(&fit(&[log], 1000)),
            ["# H\n\n[4 of 13 bytes of this section are cut before this; read all of it in \
              `log.md`]\n\ntwo\nthree\n\n"]
        );
    }

    #[test]
    fn a_pinned_section_is_never_cut() {
        let mut pinned = section("pinned", 0, "whole");
        (pinned.priority, pinned.budget) = (Priority::Pinned, 0);
        assert_eq!(texts(&fit(&[pinned], 0)), ["# H\n\nwhole\n\n"]);
    }

    proptest! {
        #[test]
        fn a_cut_keeps_its_limit_and_is_a_part(
            lines in proptest::collection::vec("[a-zé`~<!> -]{0,12}", 0..12),
            limit in 0_usize..80,
            from_end in any::<bool>(),
        ) {
            let text = lines.join("\n");
            let keep = if from_end { Keep::Tail } else { Keep::Head };
            let (kept, used) = cut(&text, limit, keep);
            prop_assert!(kept.len() <= limit);
            prop_assert!(used <= text.len());
            let sealed = seal(&kept);
            prop_assert_eq!(sealed.as_ref(), kept.as_str());
        }

        #[test]
        fn sections_fit_unless_marks_alone_are_too_long(
            bodies in proptest::collection::vec(
                (proptest::collection::vec("[a-z ]{0,30}", 0..20), 0_u8..5), 1..6),
            total in 0_usize..3000,
        ) {
            let sections: Vec<Section> =
                bodies.iter().map(|(lines, rank)| section("s", *rank, &lines.join("\n"))).collect();
            let fitted = fit(&sections, total);
            let size: usize = fitted.iter().map(|f| f.text.len()).sum();
            let marks: usize = sections.iter().map(|s| {
                render(s, 0).text.len().max(if s.body.is_empty() { 5 } else { 0 })
            }).sum();
            prop_assert!(size <= total.max(marks), "{size} > {total}, marks {marks}");
        }
    }
}
