//! The shared memory as its users ask it: real ledgers, a real cache, an encoder that is easy to
//! predict.

mod cache;
mod meaning;
mod search;
mod world;
