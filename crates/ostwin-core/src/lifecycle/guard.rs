//! Guards: the conditions under which an edge of a machine may be taken.
//!
//! A guard is `ident op (ident|int)`, several joined by `and`, over the counters of a room.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::nearest;

/// A figure of a room that a guard can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Rejections and failed attempts that were answered by another try.
    Retries,
    /// How many retries this room has, with those that triage or a person granted.
    MaxRetries,
    /// How often the room went to triage.
    Triages,
    /// How often it may.
    MaxTriages,
    /// How many sessions' states were entered.
    Attempts,
    /// Seconds since the room's first session.
    ElapsedSeconds,
    /// What its sessions cost, in US dollars.
    CostUsd,
    /// Tokens its sessions used.
    Tokens,
}

impl Counter {
    /// Every counter, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Retries,
        Self::MaxRetries,
        Self::Triages,
        Self::MaxTriages,
        Self::Attempts,
        Self::ElapsedSeconds,
        Self::CostUsd,
        Self::Tokens,
    ];

    /// The name in a guard.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retries => "retries",
            Self::MaxRetries => "max_retries",
            Self::Triages => "triages",
            Self::MaxTriages => "max_triages",
            Self::Attempts => "attempts",
            Self::ElapsedSeconds => "elapsed_seconds",
            Self::CostUsd => "cost_usd",
            Self::Tokens => "tokens",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|counter| counter.as_str() == text)
    }
}

/// The values of all counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counters {
    /// See [`Counter::Retries`].
    pub retries: u32,
    /// See [`Counter::MaxRetries`].
    pub max_retries: u32,
    /// See [`Counter::Triages`].
    pub triages: u32,
    /// See [`Counter::MaxTriages`].
    pub max_triages: u32,
    /// See [`Counter::Attempts`].
    pub attempts: u32,
    /// See [`Counter::ElapsedSeconds`].
    pub elapsed_seconds: u64,
    /// See [`Counter::CostUsd`].
    pub cost_usd: f64,
    /// See [`Counter::Tokens`].
    pub tokens: u64,
}

impl Counters {
    /// The value of one counter. Figures beyond 2^53 lose their last digits, which no limit needs.
    pub fn get(&self, counter: Counter) -> f64 {
        match counter {
            Counter::Retries => f64::from(self.retries),
            Counter::MaxRetries => f64::from(self.max_retries),
            Counter::Triages => f64::from(self.triages),
            Counter::MaxTriages => f64::from(self.max_triages),
            Counter::Attempts => f64::from(self.attempts),
            Counter::ElapsedSeconds => self.elapsed_seconds as f64,
            Counter::CostUsd => self.cost_usd,
            Counter::Tokens => self.tokens as f64,
        }
    }
}

/// How two figures are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Op {
    /// Longer spellings first, so that `<=` is not read as `<`.
    const ALL: [Self; 6] = [
        Self::LessOrEqual,
        Self::GreaterOrEqual,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::Greater,
    ];

    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }
}

/// The right side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// Another counter.
    Counter(Counter),
    /// A fixed whole number.
    Number(u64),
}

impl Operand {
    fn value(self, counters: &Counters) -> f64 {
        match self {
            Self::Counter(counter) => counters.get(counter),
            Self::Number(number) => number as f64,
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(counter) => out.write_str(counter.as_str()),
            Self::Number(number) => write!(out, "{number}"),
        }
    }
}

/// One comparison: `retries < max_retries`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// The counter that is looked at.
    pub left: Counter,
    /// How it is compared.
    pub op: Op,
    /// What it is compared with.
    pub right: Operand,
}

/// A condition: all of its comparisons must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard(Vec<Comparison>);

/// Why a text is not a guard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("guard `{guard}`: {problem}")]
pub struct GuardError {
    /// The whole text.
    pub guard: String,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl Guard {
    /// A guard of these comparisons; none at all is no guard.
    pub fn new(comparisons: Vec<Comparison>) -> Option<Self> {
        (!comparisons.is_empty()).then_some(Self(comparisons))
    }

    /// `retries < max_retries`: there is another try.
    pub fn retries_left() -> Self {
        Self::below(Counter::Retries, Counter::MaxRetries)
    }

    /// `triages < max_triages`: there is another triage.
    pub fn triages_left() -> Self {
        Self::below(Counter::Triages, Counter::MaxTriages)
    }

    fn below(left: Counter, limit: Counter) -> Self {
        Self(vec![Comparison { left, op: Op::Less, right: Operand::Counter(limit) }])
    }

    /// The comparisons, in order.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.0
    }

    /// Whether every comparison holds.
    pub fn holds(&self, counters: &Counters) -> bool {
        self.0.iter().all(|comparison| {
            let right = comparison.right.value(counters);
            comparison.op.holds(counters.get(comparison.left), right)
        })
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Comparison { left, op, right }) in self.0.iter().enumerate() {
            let joint = if index == 0 { "" } else { " and " };
            write!(out, "{joint}{} {} {right}", left.as_str(), op.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Guard {
    type Err = GuardError;

    fn from_str(text: &str) -> Result<Self, GuardError> {
        let mut words = Words { rest: text };
        let mut comparisons = Vec::new();
        let problem = loop {
            match comparison(&mut words) {
                Ok(comparison) => comparisons.push(comparison),
                Err(problem) => break problem,
            }
            match words.next() {
                None => return Ok(Self(comparisons)),
                Some("and") => {}
                Some(word) => break format!("expected `and` or the end, found `{word}`"),
            }
        };
        Err(GuardError { guard: text.to_owned(), problem })
    }
}

fn comparison(words: &mut Words<'_>) -> Result<Comparison, String> {
    let left = words.next().ok_or("expected a counter, found the end")?;
    let left = Counter::parse(left).ok_or_else(|| not_a_counter(left, "a counter"))?;
    let op = words.next().ok_or("expected an operator, found the end")?;
    let op = Op::ALL
        .into_iter()
        .find(|known| known.as_str() == op)
        .ok_or_else(|| format!("expected one of `<` `<=` `>` `>=` `==` `!=`, found `{op}`"))?;
    let right = words.next().ok_or("expected a counter or a whole number, found the end")?;
    let right = if right.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = right.parse().map_err(|_| format!("`{right}` is too large a number"))?;
        Operand::Number(number)
    } else {
        let counter = Counter::parse(right);
        Operand::Counter(
            counter.ok_or_else(|| not_a_counter(right, "a counter or a whole number"))?,
        )
    };
    Ok(Comparison { left, op, right })
}

fn not_a_counter(word: &str, expected: &str) -> String {
    let names = Counter::ALL.map(Counter::as_str);
    match nearest(word, names) {
        Some(near) => format!("expected {expected}, found `{word}`; did you mean `{near}`?"),
        None => format!("expected {expected}, found `{word}`; counters are {}", names.join(", ")),
    }
}

/// Cuts a guard into identifiers, numbers and operators; blanks only separate.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let first = rest.chars().next()?;
        let same_kind = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let len = if same_kind(first) {
            rest.find(|c| !same_kind(c)).unwrap_or(rest.len())
        } else {
            rest.find(|c: char| c.is_whitespace() || same_kind(c)).unwrap_or(rest.len())
        };
        let (word, rest) = rest.split_at(len);
        self.rest = rest;
        Some(word)
    }
}

impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Guard {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Guard".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "`counter op (counter|integer)`, several joined by `and`; counters: \
                            retries, max_retries, triages, max_triages, attempts, \
                            elapsed_seconds, cost_usd, tokens",
            "examples": ["retries < max_retries"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counter() -> impl Strategy<Value = Counter> {
        proptest::sample::select(Counter::ALL.to_vec())
    }

    fn any_comparison() -> impl Strategy<Value = Comparison> {
        let right = prop_oneof![
            counter().prop_map(Operand::Counter),
            any::<u64>().prop_map(Operand::Number)
        ];
        (counter(), proptest::sample::select(Op::ALL.to_vec()), right)
            .prop_map(|(left, op, right)| Comparison { left, op, right })
    }

    proptest! {
        #[test]
        fn format_then_parse_is_identity(
            comparisons in proptest::collection::vec(any_comparison(), 1..5),
        ) {
            let guard = Guard(comparisons);
            prop_assert_eq!(guard.to_string().parse::<Guard>(), Ok(guard));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Guard>();
        }
    }

    #[test]
    fn blanks_do_not_matter() {
        let guard: Guard = "  retries<max_retries   and cost_usd >=5 ".parse().unwrap();
        assert_eq!(guard.to_string(), "retries < max_retries and cost_usd >= 5");
    }

    #[test]
    fn errors_say_what_was_expected() {
        let problem = |text: &str| text.parse::<Guard>().unwrap_err().problem;
        assert_eq!(problem(""), "expected a counter, found the end");
        assert_eq!(
            problem("retrys < 3"),
            "expected a counter, found `retrys`; did you mean `retries`?"
        );
        assert_eq!(
            problem("retries = 3"),
            "expected one of `<` `<=` `>` `>=` `==` `!=`, found `=`"
        );
        assert_eq!(problem("retries < 3 or tokens > 2"), "expected `and` or the end, found `or`");
        assert_eq!(problem("retries < 3 and"), "expected a counter, found the end");
        assert_eq!(
            problem("tokens < 99999999999999999999"),
            "`99999999999999999999` is too large a number"
        );
    }

    #[test]
    fn every_operator_decides() {
        let counters =
            Counters { retries: 2, max_retries: 3, cost_usd: 0.5, ..Counters::default() };
        let holds = |text: &str| text.parse::<Guard>().unwrap().holds(&counters);
        assert!(holds("retries < max_retries"));
        assert!(holds("retries <= 2"));
        assert!(holds("max_retries > retries and retries >= 2"));
        assert!(holds("retries == 2 and retries != 3"));
        assert!(holds("cost_usd < 1"));
        assert!(!holds("retries < max_retries and tokens > 0"));
    }
}
