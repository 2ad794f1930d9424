//! The brief as the prompt tells it: without the criteria, which have sections of their own.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Headings of the parts that the contract has too, and that the prompt takes from there.
const CRITERIA: [&str; 3] = ["Definition of Done", "Acceptance Criteria", "Quality requirements"];

/// The brief without the lists of criteria, followed by the tasks that the plan proposes.
pub(super) fn brief_text(brief: &str, tasks: &str) -> String {
    let mut text = without_criteria(brief);
    let tasks = tasks.trim();
    if !tasks.is_empty() {
        text.push_str("\n\n## Steps that the plan proposes\n\n");
        text.push_str(tasks);
    }
    text
}

fn without_criteria(brief: &str) -> String {
    let mut text = String::with_capacity(brief.len());
    let mut copied = 0;
    for part in criteria_parts(brief) {
        text.push_str(brief.get(copied..part.start).unwrap_or_default());
        copied = part.end;
    }
    text.push_str(brief.get(copied..).unwrap_or_default());
    text.trim_end().to_owned()
}

/// Each part from its heading to the next one of its level or higher.
fn criteria_parts(brief: &str) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut heading: Option<(usize, HeadingLevel, String)> = None;
    for (event, range) in Parser::new_ext(brief, Options::empty()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if level <= HeadingLevel::H2 => {
                heading = Some((range.start, level, String::new()));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, _, title)) = &mut heading {
                    title.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let Some((start, level, title)) = heading.take() else { continue };
                parts.extend(open.take().map(|open| open..start));
                if level == HeadingLevel::H2 && CRITERIA.contains(&title.trim()) {
                    open = Some(start);
                }
            }
            _ => {}
        }
    }
    parts.extend(open.map(|open| open..brief.len()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_left_to_their_own_sections() {
        let brief = "# EPIC-001: Cart\n\n## Objective\n\nA cart.\n\n## Definition of Done\n\n- \
                     **DOD-1** x\n\n### more\n\n## Acceptance Criteria\n\n- **AC-1** y\n\n\
                     ## Revised 2026-01-31\n\n```\n## Definition of Done\n```\n";
        assert_eq!(
            brief_text(brief, "- [ ] TASK-001 **Model**\n"),
            "# EPIC-001: Cart\n\n## Objective\n\nA cart.\n\n## Revised 2026-01-31\n\n```\n## \
             Definition of Done\n```\n\n## Steps that the plan proposes\n\n- [ ] TASK-001 **Model**"
        );
        assert_eq!(brief_text("Only text.", ""), "Only text.");
    }
}
