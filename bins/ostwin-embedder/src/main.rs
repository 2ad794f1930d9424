//! Turns text into vectors for the search by meaning, on standard input and output.

fn main() {}
