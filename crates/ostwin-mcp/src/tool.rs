//! One tool: its name, what it says of itself, and the function behind it.

use std::sync::Arc;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::args::decode;
use crate::error::{Code, ToolError};
use crate::schema;
use crate::waiting::Waiting;

/// What a call of a tool does to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It adds something; a second call adds another.
    Adds,
    /// It sets something that the next call sets again.
    Sets,
    /// It replaces what was there.
    Replaces,
}

impl Effect {
    fn annotations(self) -> ToolAnnotations {
        ToolAnnotations::new()
            .read_only(self == Self::Reads)
            .destructive(self == Self::Replaces)
            .idempotent(self != Self::Adds)
    }
}

/// Arguments as they come from the wire.
pub type Arguments = Map<String, Value>;

type Run<S> = dyn Fn(&S, Arguments, &Waiting) -> Result<Value, ToolError> + Send + Sync;

/// A tool of a server whose state is `S`.
pub struct Tool<S> {
    /// Its name on the wire.
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
    reaches_out: bool,
    input: fn() -> Arguments,
    extend: fn(&mut Arguments),
    output: fn() -> Arguments,
    run: Box<Run<S>>,
    /// Why this server's session may not call it.
    withheld: Option<String>,
}

impl<S: 'static> Tool<S> {
    /// A tool whose arguments are `A`, whose result is `R` and whose work is `run`. `description`
    /// is read by models: its first sentence says what the tool is for.
    pub fn new<A, R>(
        name: &'static str,
        title: &'static str,
        effect: Effect,
        description: &'static str,
        run: fn(&S, A, &Waiting) -> Result<R, ToolError>,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
    {
        Self {
            name,
            title,
            description,
            effect,
            reaches_out: false,
            input: schema::of_arguments::<A>,
            extend: |_| {},
            output: schema::of_result::<R>,
            run: Box::new(move |state, arguments, waiting| {
                let result = run(state, decode(arguments)?, waiting)?;
                serde_json::to_value(result)
                    .map_err(|error| ToolError::because(Code::Unavailable, &error))
            }),
            withheld: None,
        }
    }

    /// The same tool for a server whose state is `T`: `find` gets from it what the tool works on,
    /// and may take an argument for that, which `extend` adds to the schema.
    pub fn reached<T: 'static>(
        self,
        extend: fn(&mut Arguments),
        find: fn(&T, &mut Arguments) -> Result<S, ToolError>,
    ) -> Tool<T> {
        let run = self.run;
        Tool {
            name: self.name,
            title: self.title,
            description: self.description,
            effect: self.effect,
            reaches_out: self.reaches_out,
            input: self.input,
            extend,
            output: self.output,
            run: Box::new(move |state, mut arguments, waiting| {
                let found = find(state, &mut arguments)?;
                run(&found, arguments, waiting)
            }),
            withheld: self.withheld,
        }
    }

    /// The same tool with more in the schema of its arguments than their type says.
    #[must_use]
    pub fn extended(self, extend: fn(&mut Arguments)) -> Self {
        Self { extend, ..self }
    }

    /// The same tool, which may ask other machines.
    #[must_use]
    pub fn reaching_out(self) -> Self {
        Self { reaches_out: true, ..self }
    }

    /// The same tool, which the session may not call, if there is a reason why.
    #[must_use]
    pub(crate) fn withheld(self, withheld: Option<String>) -> Self {
        Self { withheld, ..self }
    }

    /// Whether the session does not know of it.
    pub(crate) fn is_withheld(&self) -> bool {
        self.withheld.is_some()
    }

    /// Does the tool's work.
    ///
    /// # Errors
    /// What the caller should read; nothing was changed.
    pub fn run(
        &self,
        state: &S,
        arguments: Arguments,
        waiting: &Waiting,
    ) -> Result<Value, ToolError> {
        match &self.withheld {
            Some(why) => Err(ToolError::new(Code::Forbidden, why.clone())),
            None => (self.run)(state, arguments, waiting),
        }
    }

    /// The tool as a client lists it. Schemas are made here, when they are first asked for,
    /// because many sessions never do.
    pub fn listed(&self) -> rmcp::model::Tool {
        let mut input = (self.input)();
        (self.extend)(&mut input);
        rmcp::model::Tool::new(self.name, self.description, Arc::new(input))
            .with_title(self.title)
            .with_raw_output_schema(Arc::new((self.output)()))
            .with_annotations(self.effect.annotations().open_world(self.reaches_out))
    }
}

impl<S> std::fmt::Debug for Tool<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).finish_non_exhaustive()
    }
}
