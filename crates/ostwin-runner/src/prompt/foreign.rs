//! Text of others inside a prompt: it keeps its meaning and loses its power over the rest.

use std::borrow::Cow;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The word that marks the contract's block; no fence of a foreign text keeps it.
const CONTRACT_WORD: &str = "verdict-contract";
/// What stands in its place.
const QUOTED_WORD: &str = "quoted-contract";

/// `text` made fit to stand in a section: headings lie below the prompt's own, and no fence is
/// named like the contract's block.
pub(super) fn tame(text: &str) -> String {
    // To Markdown a carriage return ends a line, to most programs it doesn't.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    rename_fences(&lower_headings(text.trim_start_matches('\n').trim_end()))
}

/// Moves every heading one level down, so that the prompt's own sections stay the only ones at
/// level 1. What looks like a heading inside HTML is none to a parser, but may be one to a model.
fn lower_headings(text: &str) -> String {
    let mut lowered = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for (event, range) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
        let level = match event {
            Event::Start(Tag::Heading { level, .. }) => level,
            Event::Html(_) => HeadingLevel::H2,
            _ => continue,
        };
        let heading = text.get(range.clone()).unwrap_or_default();
        let marks = heading.find(|c: char| !c.is_whitespace()).unwrap_or(0);
        if heading.get(marks..).is_some_and(|rest| rest.starts_with('#')) {
            if level < HeadingLevel::H6 {
                let at = range.start + marks;
                lowered.push_str(text.get(copied..at).unwrap_or_default());
                lowered.push('#');
                copied = at;
            }
        } else if level == HeadingLevel::H1 {
            // The underline of a heading is its last line.
            let underline = heading.trim_end().rfind('\n').map_or(0, |end| end + 1);
            let at = range.start + underline;
            lowered.push_str(text.get(copied..at).unwrap_or_default());
            lowered.push_str(&heading.get(underline..).unwrap_or_default().replace('=', "-"));
            copied = range.end;
        }
    }
    lowered.push_str(text.get(copied..).unwrap_or_default());
    lowered
}

/// Takes the contract's word from every line that could be read as the start of a fence.
fn rename_fences(text: &str) -> String {
    let mut renamed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let line = if line.contains("```") || line.contains("~~~") {
            replace_ignoring_case(line, CONTRACT_WORD, QUOTED_WORD)
        } else {
            Cow::Borrowed(line)
        };
        renamed.push_str(&line);
    }
    renamed
}

/// `word` must be ASCII, so that lower-casing the ASCII letters keeps every offset.
fn replace_ignoring_case<'a>(line: &'a str, word: &str, by: &str) -> Cow<'a, str> {
    let lowered = line.to_ascii_lowercase();
    if !lowered.contains(word) {
        return Cow::Borrowed(line);
    }
    let mut replaced = String::with_capacity(line.len());
    let mut copied = 0;
    for (at, _) in lowered.match_indices(word) {
        replaced.push_str(line.get(copied..at).unwrap_or_default());
        replaced.push_str(by);
        copied = at + word.len();
    }
    replaced.push_str(line.get(copied..).unwrap_or_default());
    Cow::Owned(replaced)
}

/// `text` such that Markdown behind it starts afresh: one that leaves a fence, a comment or other
/// HTML open is quoted whole, because a quotation ends everything that was opened inside it.
pub(super) fn seal(text: &str) -> Cow<'_, str> {
    if ends_closed(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(shifted(text, ">"))
}

/// `text` as a block of its own inside a list item.
pub(super) fn inside_item(text: &str) -> String {
    shifted(&seal(text), " ")
}

/// Every line of `text` two columns further right, behind `mark`.
fn shifted(text: &str, mark: &str) -> String {
    let mut shifted = String::with_capacity(text.len() + text.len() / 16 + 2);
    for line in text.lines() {
        if line.is_empty() {
            shifted.push_str(mark.trim_end());
        } else {
            shifted.push_str(mark);
            shifted.push(' ');
            push_without_tabs(&mut shifted, line);
        }
        shifted.push('\n');
    }
    shifted.truncate(shifted.trim_end_matches('\n').len());
    shifted
}

/// A tab reaches to the next multiple of four columns: moved to the right it would be another
/// indentation, and what was code could become a heading.
fn push_without_tabs(text: &mut String, line: &str) {
    let mut column = 0;
    for c in line.chars() {
        let width = if c == '\t' { 4 - column % 4 } else { 1 };
        match c {
            '\t' => text.extend(std::iter::repeat_n(' ', width)),
            c => text.push(c),
        }
        column += width;
    }
}

/// Whether a heading behind `text` is one.
fn ends_closed(text: &str) -> bool {
    const SENTINEL: &str = "\n\n# sentinel";
    let followed = format!("{text}{SENTINEL}");
    let start = followed.len() + 2 - SENTINEL.len();
    Parser::new_ext(&followed, Options::empty()).into_offset_iter().last().is_some_and(
        |(event, range)| {
            event == Event::End(TagEnd::Heading(HeadingLevel::H1)) && range.start == start
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_move_below_the_prompts_own() {
        assert_eq!(
            tame(
                "# A\n\n<p>\n# h\n</p>\n\n```sh\n# a comment\n```\n\n> ## B\n\nC\n===\n\n###### D\n"
            ),
            "## A\n\n<p>\n## h\n</p>\n\n```sh\n# a comment\n```\n\n> ### B\n\nC\n---\n\n###### D"
        );
    }

    #[test]
    fn no_fence_keeps_the_contracts_name() {
        assert_eq!(
            tame("a verdict-contract\n ~~~~ json Verdict-Contract\n> ```json verdict-contract é"),
            "a verdict-contract\n ~~~~ json quoted-contract\n> ```json quoted-contract é"
        );
    }

    #[test]
    fn what_stays_open_is_quoted() {
        for open in ["```sh\nls", "~~~~\nx\n~~~", "<!-- note", "<pre>\nx", "a\n\n<![CDATA[ x"] {
            let sealed = seal(open);
            assert!(ends_closed(&sealed), "{open:?} became {sealed:?}");
            assert_eq!(sealed.lines().count(), open.lines().count());
        }
        for closed in ["", "text", "```sh\nls\n```", "- a\n  - b", "> quoted", "a\n===", "<b>x"] {
            assert_eq!(seal(closed), closed);
        }
    }
}
