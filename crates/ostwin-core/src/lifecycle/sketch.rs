//! Reading a lifecycle that somebody drew with arrows.
//!
//! ```text
//! pending → engineer → qa ─┬─► passed
//!              ▲           │
//!              └─ engineer ◄┘ (on fail)
//! ```
//!
//! The stages stand in one line. A fork behind a stage says that it judges: what it accepts goes
//! on, what it rejects takes the return line below, on which stands who mends it. Drawings are made
//! by hand and by models, so nothing depends on characters being exactly below each other, and
//! ASCII does as well. What the words mean (roles, stages) is for whoever reads the sketch.

use std::ops::Range;

/// A drawing, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The stages in order, without where the drawing begins and ends.
    pub steps: Vec<Step>,
}

/// One stage of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What stands there.
    pub label: Label,
    /// Whether the way forks behind it.
    pub forks: bool,
    /// What stands on the return line of its fork, if something does.
    pub mended_by: Option<Label>,
}

/// A name in a drawing: `engineer`, or `fixing (engineer)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name, in lower case, with `-` for blanks.
    pub name: String,
    /// What stands in parentheses behind it, if it is one word.
    pub role: Option<String>,
    /// Its place in the drawing, in bytes.
    pub place: Range<usize>,
}

/// Why a drawing can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SketchError {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: String,
    /// The place in the drawing, in bytes.
    pub place: Range<usize>,
}

/// Words for where a drawing begins.
const BEGINS: [&str; 5] = ["pending", "start", "todo", "queued", "ready"];
/// Words for where it ends well.
const ENDS: [&str; 8] =
    ["passed", "signoff", "sign-off", "signed-off", "done", "completed", "finished", "end"];
/// Words for where a rejection leads that say nothing of who mends it.
const FAILURES: [&str; 8] = [
    "fixing",
    "fix",
    "failed",
    "failed-final",
    "rejected",
    "escalated",
    "triage",
    "manager-triage",
];

/// Reads a drawing.
///
/// # Errors
/// [`SketchError`] with the place that can't be read.
pub fn sketch(text: &str) -> Result<Sketch, SketchError> {
    let rows: Vec<Vec<Token>> = rows(text);
    let main = rows.iter().position(|row| row.iter().any(Token::points_on));
    let Some((main, row)) = main.and_then(|at| Some((at, rows.get(at)?))) else {
        let help = "draw the stages in one line: `pending → engineer → qa ─┬─► passed`";
        return Err(mistake("the drawing has no arrow", help, 0..text.len()));
    };
    let (mut steps, forks) = stages(row)?;
    let mut returns = Vec::new();
    for (_, row) in rows.iter().enumerate().filter(|(at, _)| *at != main) {
        returns.extend(return_lines(row)?);
    }
    mend(&mut steps, &forks, returns)?;
    Ok(Sketch { steps })
}

fn mistake(problem: impl Into<String>, help: &str, place: Range<usize>) -> SketchError {
    SketchError { problem: problem.into(), help: help.to_owned(), place }
}

/// A piece of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Label(Label),
    /// Line characters without a blank between them.
    Line {
        text: String,
        place: Range<usize>,
        /// Where it begins, in characters from the left.
        column: usize,
    },
    /// A remark in parentheses.
    Remark,
}

impl Token {
    fn points_on(&self) -> bool {
        matches!(self, Self::Line { text, .. } if text.contains(is_right_arrow))
    }

    fn place(&self) -> Range<usize> {
        match self {
            Self::Label(label) => label.place.clone(),
            Self::Line { place, .. } => place.clone(),
            Self::Remark => 0..0,
        }
    }
}

fn is_right_arrow(c: char) -> bool {
    matches!(c, '→' | '►' | '▶' | '▸' | '⟶' | '➜' | '⇒' | '>')
}

fn is_fork(c: char) -> bool {
    matches!(c, '┬' | '┳' | '┼' | '╋' | '├' | '+')
}

fn is_line(c: char) -> bool {
    is_right_arrow(c)
        || is_fork(c)
        || ('\u{2190}'..='\u{21ff}').contains(&c)
        || ('\u{2500}'..='\u{257f}').contains(&c)
        || ('\u{25a0}'..='\u{25ff}').contains(&c)
        || matches!(c, '-' | '=' | '|' | '<' | '^' | '\\' | '/' | '~' | '\'' | '`')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '@' | '[' | ']')
}

/// The pieces of each row.
fn rows(text: &str) -> Vec<Vec<Token>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|row| {
            let tokens = tokens(row.trim_end(), start);
            start += row.len();
            tokens
        })
        .collect()
}

fn tokens(row: &str, offset: usize) -> Vec<Token> {
    let chars: Vec<(usize, char)> = row.char_indices().collect();
    let end_of = |at: usize| chars.get(at).map_or(row.len(), |(byte, _)| *byte);
    let char_at = |at: usize| chars.get(at).map(|(_, c)| *c);
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(c) = char_at(at) {
        let from = at;
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        if c == '(' {
            while char_at(at).is_some_and(|c| c != ')') {
                at += 1;
            }
            at += 1;
            let inner = row.get(end_of(from) + 1..end_of(at.saturating_sub(1))).unwrap_or_default();
            match tokens.last_mut() {
                Some(Token::Label(label)) if label.role.is_none() && is_one_word(inner) => {
                    label.role = Some(inner.trim().trim_start_matches('@').to_lowercase());
                    label.place.end = offset + end_of(at);
                }
                _ => tokens.push(Token::Remark),
            }
            continue;
        }
        if is_word(c) && !stands_alone(c, at.checked_sub(1).and_then(char_at), char_at(at + 1)) {
            at = end_of_label(&chars, at);
            let source = row.get(end_of(from)..end_of(at)).unwrap_or_default();
            tokens.push(Token::Label(Label {
                name: name(source),
                role: None,
                place: offset + end_of(from)..offset + end_of(at),
            }));
            continue;
        }
        at += 1;
        while char_at(at).is_some_and(is_line) {
            at += 1;
        }
        tokens.push(Token::Line {
            text: row.get(end_of(from)..end_of(at)).unwrap_or_default().to_owned(),
            place: offset + end_of(from)..offset + end_of(at),
            column: from,
        });
    }
    tokens
}

/// Whether a letter is the `v` of an arrow that points down.
fn stands_alone(c: char, before: Option<char>, after: Option<char>) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '|' | '│'));
    matches!(c, 'v' | 'V') && is_edge(before) && is_edge(after)
}

/// Where a label ends: single blanks and hyphens inside of it belong to it.
fn end_of_label(chars: &[(usize, char)], mut at: usize) -> usize {
    let word_at = |at: usize| chars.get(at).is_some_and(|(_, c)| is_word(*c));
    loop {
        while word_at(at) {
            at += 1;
        }
        let joint = chars.get(at).is_some_and(|(_, c)| matches!(c, ' ' | '-' | '/' | '&'));
        if joint && word_at(at + 1) {
            at += 1;
            continue;
        }
        return at;
    }
}

fn name(source: &str) -> String {
    let plain = source.trim_matches(['[', ']', '@', ' ']).to_lowercase();
    plain.replace([' ', '/', '&'], "-")
}

fn is_one_word(text: &str) -> bool {
    let text = text.trim().trim_start_matches('@');
    !text.is_empty() && text.chars().all(|c| is_word(c) || c == '-')
}

/// A fork of the main line.
struct Fork {
    column: usize,
    /// The number of the stage before it.
    step: usize,
}

/// The stages of the main line, and its forks.
fn stages(row: &[Token]) -> Result<(Vec<Step>, Vec<Fork>), SketchError> {
    let mut steps: Vec<Step> = Vec::new();
    let mut forks = Vec::new();
    let mut way: Option<(bool, Option<usize>)> = None;
    let mut ended = false;
    for (index, token) in row.iter().enumerate() {
        match token {
            Token::Remark => {}
            Token::Line { text, column, .. } => {
                let fork = text.chars().position(is_fork).map(|at| column + at);
                let (points, earlier) = way.unwrap_or_default();
                way = Some((points || token.points_on(), earlier.or(fork)));
            }
            Token::Label(label) => {
                let begins = index == 0 && BEGINS.contains(&label.name.as_str());
                if let Some((_, Some(column))) = way
                    && let Some(last) = steps.last_mut()
                {
                    last.forks = true;
                    forks.push(Fork { column, step: steps.len() - 1 });
                }
                let leads_here = way.is_some_and(|(points, _)| points);
                if index > 0 && !leads_here {
                    let problem = format!("no arrow leads to `{}`", label.name);
                    let help = "write `→` or `->` between the stages";
                    return Err(mistake(problem, help, label.place.clone()));
                }
                way = None;
                ended |= index > 0 && ENDS.contains(&label.name.as_str()) && label.role.is_none();
                if begins || ended && ENDS.contains(&label.name.as_str()) {
                    continue;
                }
                if ended {
                    let problem = format!("`{}` comes after the end", label.name);
                    let help = "let the stages stand before `passed`";
                    return Err(mistake(problem, help, label.place.clone()));
                }
                let label = label.clone();
                steps.push(Step { label, forks: false, mended_by: None });
            }
        }
    }
    if let (Some((true, _)), Some(last)) = (way, row.last()) {
        let help = "end the line with `→ passed`";
        return Err(mistake("the last arrow leads nowhere", help, last.place()));
    }
    if steps.is_empty() {
        let whole = row.first().map_or(0..0, Token::place);
        let help = "name who works between `pending` and `passed`";
        return Err(mistake("the drawing has no stage", help, whole));
    }
    Ok((steps, forks))
}

/// A way back, or a way down, below the main line.
struct Return {
    /// What stands on it.
    label: Option<Label>,
    /// The columns at which it begins and ends.
    columns: (usize, usize),
}

/// The return lines of a row: from a corner on the left to one on the right, or a corner with an
/// arrow to what stands behind it.
fn return_lines(row: &[Token]) -> Result<Vec<Return>, SketchError> {
    let mut returns: Vec<Return> = Vec::new();
    let mut open: Option<Return> = None;
    for token in row {
        match token {
            Token::Remark => {}
            Token::Line { text, column, .. } => {
                for (at, c) in text.chars().enumerate().map(|(at, c)| (column + at, c)) {
                    let ends = matches!(c, '┘' | '╯' | '┛' | '/') || (c == '+' && open.is_some());
                    let begins = matches!(c, '└' | '╰' | '┗' | '├' | '┣' | '\\' | '`')
                        || (c == '+' && open.is_none());
                    if ends {
                        if let Some(line) = open.take() {
                            returns.push(Return { columns: (line.columns.0, at), ..line });
                        }
                    } else if begins {
                        returns.extend(open.take().filter(|line| line.label.is_some()));
                        open = Some(Return { label: None, columns: (at, at) });
                    }
                }
            }
            Token::Label(label) => match &mut open {
                Some(line) if line.label.is_none() => {
                    line.label = Some(label.clone());
                    line.columns.1 = line.columns.1.max(line.columns.0);
                }
                _ => {
                    let problem = format!("`{}` stands on no return line", label.name);
                    return Err(mistake(problem, GIVE_JSON, label.place.clone()));
                }
            },
        }
    }
    returns.extend(open.filter(|line| line.label.is_some()));
    Ok(returns)
}

const GIVE_JSON: &str = "a drawing has one line of stages, and below each fork `┬` a line that leads \
                         back; give anything else as JSON";

/// Puts each return line to the fork that is nearest to its right end.
fn mend(steps: &mut [Step], forks: &[Fork], mut returns: Vec<Return>) -> Result<(), SketchError> {
    returns.sort_by_key(|line| line.columns.1);
    let in_order = returns.len() == forks.len();
    let last = steps.len().saturating_sub(1);
    for (number, line) in returns.into_iter().enumerate() {
        let nearest = || forks.iter().min_by_key(|fork| fork.column.abs_diff(line.columns.1));
        let fork = if in_order { forks.get(number) } else { nearest() };
        // Where no fork is drawn, it is the last stage that a line leads back from.
        let at = fork.map_or(last, |fork| fork.step);
        let Some(step) = steps.get_mut(at) else { continue };
        step.forks = true;
        let says_who = |label: &Label| {
            label.role.is_some()
                || !(FAILURES.contains(&label.name.as_str()) || label.name.starts_with("fixing"))
        };
        if let Some(label) = line.label.filter(says_who) {
            if step.mended_by.is_some() {
                let problem = format!("a second way leads back from `{}`", step.label.name);
                return Err(mistake(problem, GIVE_JSON, label.place));
            }
            step.mended_by = Some(label);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name`, with `!` where it forks and who mends it.
    fn read(text: &str) -> Vec<String> {
        let shown = |label: &Label| match &label.role {
            Some(role) => format!("{} ({role})", label.name),
            None => label.name.clone(),
        };
        let steps = sketch(text).unwrap_or_else(|error| panic!("{error}\n{text}")).steps;
        steps
            .iter()
            .map(|step| {
                let fork = if step.forks { "!" } else { "" };
                let mended = step.mended_by.as_ref().map(|by| format!(" <- {}", shown(by)));
                format!("{}{fork}{}", shown(&step.label), mended.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn the_dialects_of_existing_plans_say_the_same() {
        for text in [
            "pending → engineer → qa ─┬─► passed → signoff\n             ▲            │\n             └─ engineer ◄┘ (on fail → fixing)",
            "pending → engineer → qa ─┬─► passed → signoff\n              ▲                     │\n              └── engineer ◄───┘ (on fail → fixing)",
            "  pending → engineer → qa ─┬─► passed\n                   ▲       │\n                   └ engineer ◄┘ (on design revision)",
            "pending -> engineer -> qa --+-> passed -> signoff\n              ^             |\n              +- engineer <-+ (on missing evidence)",
            "pending-->engineer-->qa--+-->passed\n            ^            |\n            +--engineer<-+",
            "engineer ⟶ qa ─┬─▶ passed\n   ▲          │\n   ╰─ [Engineer] ◄─╯",
            "engineer → @qa ─┬─► passed\n                └─► engineer",
            "pending → engineer → qa → passed\n      ▲ └─ engineer",
        ] {
            assert_eq!(read(text), ["engineer", "qa! <- engineer"], "{text}");
        }
    }

    #[test]
    fn a_return_line_need_not_say_who_mends() {
        for text in [
            "pending → engineer → qa ─┬─► passed\n             ▲            │\n             └────────────┘ (on fail → fixing)",
            "pending -> engineer -> qa --+-> passed\n              ^             |\n              +-------------+ (on missing evidence)",
            "pending → engineer → qa ─┬─► passed\n             └─ fixing ◄──┘",
            "pending → engineer → qa ─┬─► passed\n                         ├─► failed\n                         └─► Fixing",
        ] {
            assert_eq!(read(text), ["engineer", "qa!"], "{text}");
        }
        assert_eq!(
            read(
                "pending → architect ─┬─► passed → signoff\n             ▲       │\n             └───────┘"
            ),
            ["architect!"]
        );
    }

    #[test]
    fn several_stages_fork_each_to_its_own_line() {
        let drawing = "\
pending → developing (engineer) → audit (security-auditor) ─┬─► review (qa:late) ───────┬─► passed
                                  ▲                         │   ▲                       │
                                  └─ fixing-audit (engineer) ◄┘   └─ fixing (technical-writer) ◄┘
(what was rejected is reviewed anew)";
        assert_eq!(
            read(drawing),
            [
                "developing (engineer)",
                "audit (security-auditor)! <- fixing-audit (engineer)",
                "review (qa:late)! <- fixing (technical-writer)"
            ]
        );
        assert_eq!(
            read("a → b ─┬─► c ─┬─► passed\n              └─ x ◄┘"),
            ["a", "b!", "c! <- x"],
            "the nearest fork"
        );
        assert_eq!(read("Primary Task → v-model → passed (at last)"), ["primary-task", "v-model"]);
    }

    #[test]
    fn what_can_not_be_read_names_its_place() {
        let wrong = |text: &str| {
            let error = sketch(text).unwrap_err();
            format!("{}: `{}`", error.problem, &text[error.place])
        };
        assert_eq!(wrong("engineer, qa"), "the drawing has no arrow: `engineer, qa`");
        assert_eq!(wrong("a → b   c → passed"), "no arrow leads to `c`: `c`");
        assert_eq!(wrong("a → b →"), "the last arrow leads nowhere: `→`");
        assert_eq!(wrong("pending → passed"), "the drawing has no stage: `pending`");
        assert_eq!(wrong("a → passed → b"), "`b` comes after the end: `b`");
        assert_eq!(
            wrong("a → b ─┬─► passed\n      │\n    triage ──┼───┐"),
            "`triage` stands on no return line: `triage`"
        );
        assert_eq!(
            wrong("a → b ─┬─► passed\n   └─ a ◄┘\n   └─ c ◄┘"),
            "a second way leads back from `b`: `c`"
        );
    }
}
