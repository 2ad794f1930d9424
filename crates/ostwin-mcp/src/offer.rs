//! What a server offers to its client.

use crate::library::Library;
use crate::prompts::Prompt;
use crate::resources::Resource;
use crate::tool::Tool;

/// Everything that a server over the state `S` offers. A kind of which there is nothing is not
/// announced to clients.
#[derive(Debug)]
pub struct Offer<S> {
    /// What a model can call.
    pub tools: Vec<Tool<S>>,
    /// What a client can read by its address.
    pub resources: Vec<Resource<S>>,
    /// What a person can send to a model by a name.
    pub prompts: Vec<Prompt<S>>,
    /// Skills that a client can list and read by itself.
    pub library: Option<Library<S>>,
}

impl<S> From<Vec<Tool<S>>> for Offer<S> {
    fn from(tools: Vec<Tool<S>>) -> Self {
        Self { tools, resources: Vec::new(), prompts: Vec::new(), library: None }
    }
}
