//! Tests of the plan's grammar as a whole.

mod bad_plans;
mod dialects;
mod properties;
mod round_trip;

use super::{ParseOptions, ParsedPlan, Plan, parse};

/// The plan of a text that must have no error.
fn plan(text: &str) -> Plan {
    let parsed = parsed(text);
    assert!(!parsed.has_errors(), "{text}\n{:#?}", parsed.diagnostics);
    parsed.plan.without_spans()
}

fn parsed(text: &str) -> ParsedPlan {
    parse(text, &ParseOptions::default())
}

/// The stable texts of what is wrong.
fn codes(parsed: &ParsedPlan) -> Vec<&'static str> {
    parsed.diagnostics.iter().map(|found| found.code.as_str()).collect()
}
