//! What is kept in memory of a project, from its file events: boards for whoever asks, and a stream
//! for whoever listens. Nothing is looked at on a timer, and nothing is kept of the past but the
//! last events, so that a client that was away for a moment misses nothing.

mod boards;
mod death;
mod differences;
mod hub;
mod sse;
mod summary;
mod tail;

pub(crate) use boards::{Boards, Note, Outlets, View, Views};
pub(crate) use hub::Hub;
pub(crate) use sse::{StreamQuery, stream};
pub(crate) use summary::{PlanSummary, Review, RoomRow};
pub(crate) use tail::{Follow, Tail};
