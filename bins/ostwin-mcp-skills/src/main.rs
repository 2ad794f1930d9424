//! The skills server of an agent's session, on standard input and output.

fn main() {}
