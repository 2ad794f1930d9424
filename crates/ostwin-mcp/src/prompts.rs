//! Prompts: texts that a person's client sends to a model under a name.

use rmcp::model::PromptArgument;

use crate::error::ToolError;
use crate::tool::Arguments;

/// An argument of a prompt. The protocol knows only texts here.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What to give.
    pub description: &'static str,
    /// Whether it has to be given.
    pub required: bool,
}

type Write<S> = dyn Fn(&S, &Arguments) -> Result<String, ToolError> + Send + Sync;

/// A prompt of a server whose state is `S`.
pub struct Prompt<S> {
    /// Its name on the wire.
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: &'static [Argument],
    write: Box<Write<S>>,
}

impl<S> Prompt<S> {
    /// A prompt whose text `write` makes of its arguments.
    pub fn new(
        name: &'static str,
        title: &'static str,
        description: &'static str,
        arguments: &'static [Argument],
        write: impl Fn(&S, &Arguments) -> Result<String, ToolError> + Send + Sync + 'static,
    ) -> Self {
        Self { name, title, description, arguments, write: Box::new(write) }
    }

    /// What it is for.
    pub(crate) fn description(&self) -> &'static str {
        self.description
    }

    /// Makes the text.
    ///
    /// # Errors
    /// An argument that is unknown, missing or wrong, or a file that cannot be read.
    pub fn write(&self, state: &S, arguments: &Arguments) -> Result<String, ToolError> {
        for (name, value) in arguments {
            if !self.arguments.iter().any(|argument| argument.name == name) {
                let text = format!("unknown argument `{name}`; {}", self.expected());
                return Err(ToolError::invalid(name, text));
            }
            if !value.is_string() {
                return Err(ToolError::invalid(name, format!("`{name}` has to be a text")));
            }
        }
        let missing =
            |argument: &&Argument| argument.required && !arguments.contains_key(argument.name);
        if let Some(argument) = self.arguments.iter().find(missing) {
            let name = argument.name;
            return Err(ToolError::invalid(name, format!("missing argument `{name}`")));
        }
        (self.write)(state, arguments)
    }

    fn expected(&self) -> String {
        let names: Vec<_> = self.arguments.iter().map(|argument| argument.name).collect();
        if names.is_empty() {
            return format!("`{}` takes none", self.name);
        }
        format!("`{}` takes `{}`", self.name, names.join("`, `"))
    }

    /// The prompt as a client lists it.
    pub(crate) fn listed(&self) -> rmcp::model::Prompt {
        let arguments = self.arguments.iter().map(|argument| {
            PromptArgument::new(argument.name)
                .with_description(argument.description)
                .with_required(argument.required)
        });
        let arguments: Vec<_> = arguments.collect();
        let arguments = (!arguments.is_empty()).then_some(arguments);
        rmcp::model::Prompt::new(self.name, Some(self.description), arguments)
            .with_title(self.title)
    }
}

impl<S> std::fmt::Debug for Prompt<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn arguments_are_checked_by_name() {
        const ROOM: &[Argument] =
            &[Argument { name: "room_id", description: "The room.", required: true }];
        let prompt = Prompt::new("greet", "Greet", "Greets.", ROOM, |(), arguments| {
            Ok(format!("hello {}", arguments["room_id"].as_str().unwrap_or_default()))
        });
        let write = |arguments: Value| {
            let arguments = arguments.as_object().cloned().unwrap_or_default();
            prompt.write(&(), &arguments).map_err(|error| error.message)
        };
        assert_eq!(write(json!({ "room_id": "room-001" })), Ok("hello room-001".to_owned()));
        assert_eq!(write(json!({})), Err("missing argument `room_id`".to_owned()));
        assert_eq!(write(json!({ "room_id": 1 })), Err("`room_id` has to be a text".to_owned()));
        assert_eq!(
            write(json!({ "room": "x" })),
            Err("unknown argument `room`; `greet` takes `room_id`".to_owned())
        );
    }
}
