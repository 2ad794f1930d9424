//! The vectors of the entries, by one model: a file of records of one size, which every process
//! reads by blocks out of the system's page cache.
//!
//! A record carries the entry's id, so the file outlives the index and survives its rebuilding. A
//! record that does not add up means that the file is not what it was: it is made anew.

mod file;
mod quantize;

pub(crate) use file::{Header, Vectors};
pub(crate) use quantize::Quantized;
