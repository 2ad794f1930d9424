//! The sentence encoder: text to vectors whose angle is nearness of meaning.
//!
//! Three encoders behind one trait: one that is built in, a folder with a static model, and a
//! service. They are heavy to compile and the service needs TLS, so that one program,
//! `ostwin-embedder`, links this crate and no other; [`serve`] is that program's inside. The crate
//! owns no state beyond the loaded model.

mod bundled;
mod encoder;
mod endpoint;
mod lines;
mod serve;
mod source;
mod static_model;

pub use encoder::Encoder;
pub use serve::{greet, serve};
pub use source::Source;
