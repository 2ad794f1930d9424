//! What a tool answers when it cannot do what it was asked.
//!
//! A failed call is a result that the model reads, not a fault of the protocol, so it says in one
//! shape what failed, in which argument, and whether asking again can help. Nothing was changed.

use std::io;

use ostwin_core::channel::PostError;
use ostwin_core::fs::FsError;
use ostwin_core::jsonl::JsonlError;
use ostwin_core::ledger::PublishError;
use ostwin_core::lock::LockError;
use ostwin_core::room::RoomError;
use schemars::JsonSchema;
use serde::Serialize;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// An argument is missing, unknown, out of range or contradicts another.
    InvalidArgument,
    /// What was named does not exist.
    NotFound,
    /// The speaker may not do this now.
    Forbidden,
    /// It was done already, or something changed in between.
    Conflict,
    /// The content or the answer is larger than allowed.
    TooLarge,
    /// Somebody else holds a lock; try again.
    Busy,
    /// A file of the project cannot be understood.
    CorruptState,
    /// The system refused to read or write.
    IoError,
    /// It cannot be done here: the session ends, or the server has a defect.
    Unavailable,
}

impl Code {
    /// The code as the wire writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::CorruptState => "corrupt_state",
            Self::IoError => "io_error",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A failed call, as its caller reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct ToolError {
    /// What kind of failure it was.
    pub code: Code,
    /// What failed and what to do about it.
    pub message: String,
    /// The argument that is wrong, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether the same call may succeed a moment later.
    pub retryable: bool,
}

impl ToolError {
    /// A failure of this kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, retryable: code == Code::Busy }
    }

    /// A wrong argument.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Code::InvalidArgument, message) }
    }

    /// A failure of this kind with the whole chain of causes as its message.
    pub fn because(code: Code, error: &dyn std::error::Error) -> Self {
        Self::new(code, chain(error))
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

impl From<FsError> for ToolError {
    fn from(error: FsError) -> Self {
        let code = match error.source.kind() {
            io::ErrorKind::NotFound => Code::NotFound,
            io::ErrorKind::FileTooLarge => Code::TooLarge,
            io::ErrorKind::InvalidData => Code::CorruptState,
            _ => Code::IoError,
        };
        Self::because(code, &error)
    }
}

impl From<LockError> for ToolError {
    fn from(error: LockError) -> Self {
        let code = match &error {
            LockError::Busy { .. } => Code::Busy,
            LockError::Io { .. } => Code::IoError,
        };
        Self::because(code, &error)
    }
}

impl From<JsonlError> for ToolError {
    fn from(error: JsonlError) -> Self {
        match error {
            JsonlError::Lock(error) => error.into(),
            JsonlError::Fs(error) => error.into(),
            JsonlError::TooLong { .. } => Self::because(Code::TooLarge, &error),
        }
    }
}

impl From<PublishError> for ToolError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Invalid { field, .. } => Self::invalid(field, error.to_string()),
            PublishError::Jsonl(error) => error.into(),
            PublishError::Entropy(_) => Self::because(Code::IoError, &error),
        }
    }
}

impl From<RoomError> for ToolError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Fs(error) => error.into(),
            RoomError::Jsonl(error) => error.into(),
            RoomError::Lock(error) => error.into(),
            RoomError::Post(error) => error.into(),
            RoomError::Publish(error) => error.into(),
            RoomError::NotFound { .. } => Self::because(Code::NotFound, &error),
            RoomError::NoState { .. } | RoomError::Json(_) | RoomError::Name(_) => {
                Self::because(Code::CorruptState, &error)
            }
            RoomError::Step { .. } | RoomError::State { .. } => {
                Self::because(Code::Conflict, &error)
            }
            RoomError::Entropy(_) => Self::because(Code::IoError, &error),
        }
    }
}

impl From<PostError> for ToolError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::UnknownType { .. } => Self::invalid("type", error.to_string()),
            PostError::TooLarge { part, .. } => {
                Self { field: Some(part.to_owned()), ..Self::because(Code::TooLarge, &error) }
            }
            PostError::Jsonl(error) => error.into(),
            PostError::Entropy(_) => Self::because(Code::IoError, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn only_a_busy_file_is_worth_trying_again() {
        let busy = LockError::Busy { path: "/x/channel.jsonl".into(), holder: Some(7) };
        let error = ToolError::from(JsonlError::from(busy));
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::json!({
                "code": "busy",
                "message": "`/x/channel.jsonl` is locked by process 7",
                "retryable": true
            })
        );
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = ToolError::from(FsError::new("append to", Path::new("/x"), full));
        assert_eq!((error.code, error.retryable), (Code::IoError, false));
        assert!(error.message.starts_with("cannot append to `/x`: "), "{}", error.message);
    }
}
