//! What went wrong, as RFC 9457 writes it: every error of the API has this one shape.

use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ostwin_core::artifacts::ArtifactError;
use ostwin_core::board::BoardError;
use ostwin_core::control::{ActError, ControlError};
use ostwin_core::fs::FsError;
use ostwin_core::ids::NameError;
use ostwin_core::json::JsonError;
use ostwin_core::jsonl::JsonlError;
use ostwin_core::ledger::PublishError;
use ostwin_core::lock::LockError;
use ostwin_core::plan_review::{GateError, PlanCheckError};
use ostwin_core::plans::PlanStoreError;
use ostwin_core::room::{PostRefusal, ReplyError, RoomError};
use schemars::JsonSchema;
use serde::Serialize;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: `about:blank`, the status says it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What went wrong with this request, and what to do.
    detail: String,
    /// The single mistakes, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

/// One mistake in what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Mistake {
    /// What is wrong.
    pub(crate) message: String,
    /// Its code, as the documentation lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The line in the text, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// The column in the line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<String>,
}

impl Problem {
    /// A problem in these words.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// A problem that an error is, with its causes.
    pub(crate) fn of(status: StatusCode, error: &dyn Error) -> Self {
        Self::new(status, with_causes(error))
    }

    /// The same with its single mistakes.
    pub(crate) fn with(mut self, errors: Vec<Mistake>) -> Self {
        self.errors = errors;
        self
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Something of the server's own that should not have happened.
    pub(crate) fn internal(error: &dyn Error) -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// What went wrong, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status >= 500 {
            tracing::warn!(status = self.status, "{}", self.detail);
        }
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}

/// An error and its causes in one line, without repeating what the error says already.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

const BUSY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
const BROKEN: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

/// Which status an error of core is answered with.
trait Meant: Error + Sized + 'static {
    fn status(&self) -> StatusCode;
}

impl Meant for NameError {
    fn status(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

impl Meant for FsError {
    fn status(&self) -> StatusCode {
        BROKEN
    }
}

impl Meant for JsonError {
    fn status(&self) -> StatusCode {
        BROKEN
    }
}

impl Meant for LockError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Busy { .. } => BUSY,
            _ => BROKEN,
        }
    }
}

impl Meant for JsonlError {
    fn status(&self) -> StatusCode {
        if self.is_busy() { BUSY } else { BROKEN }
    }
}

impl Meant for PlanStoreError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            _ => BROKEN,
        }
    }
}

impl Meant for BoardError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Plan(error) => error.status(),
            Self::Room(error) => error.status(),
            Self::Dag(_) => StatusCode::CONFLICT,
            _ => BROKEN,
        }
    }
}

impl Meant for RoomError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Step { .. } | Self::State { .. } => StatusCode::CONFLICT,
            Self::Name(_) => StatusCode::BAD_REQUEST,
            error if error.is_busy() => BUSY,
            _ => BROKEN,
        }
    }
}

impl Meant for ControlError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotRunning { .. } | Self::Refused { .. } => StatusCode::CONFLICT,
            Self::NoAnswer { .. } => StatusCode::GATEWAY_TIMEOUT,
            _ => BROKEN,
        }
    }
}

impl Meant for ActError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoReason => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoChange { .. } | Self::Elsewhere { .. } => StatusCode::CONFLICT,
            Self::Control(error) => error.status(),
            Self::Room(error) => error.status(),
            Self::Lock(error) => error.status(),
            Self::StillRuns { .. } => BUSY,
            Self::Event(_) => BROKEN,
        }
    }
}

impl Meant for ReplyError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Empty | Self::Post(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NothingAsked { .. }
            | Self::NotOpen { .. }
            | Self::Several { .. }
            | Self::OtherKind { .. } => StatusCode::CONFLICT,
            Self::Room(error) => error.status(),
        }
    }
}

impl Meant for PostRefusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden { .. } | Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Verdict(_) | Self::Message(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Room(error) => error.status(),
        }
    }
}

impl Meant for PublishError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Jsonl(error) => error.status(),
            Self::Entropy(_) => BROKEN,
        }
    }
}

impl Meant for ArtifactError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Link { .. } | Self::WrongKind { .. } => StatusCode::FORBIDDEN,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Fs(_) => BROKEN,
        }
    }
}

impl Meant for GateError {
    fn status(&self) -> StatusCode {
        match self {
            Self::EditedInside { .. } => StatusCode::CONFLICT,
            Self::Fs(error) => error.status(),
            Self::Store(error) => error.status(),
            Self::Room(error) => error.status(),
        }
    }
}

impl Meant for PlanCheckError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Verdict(_) => StatusCode::CONFLICT,
            Self::Room(error) => error.status(),
        }
    }
}

impl<E: Meant> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::of(error.status(), &error)
    }
}
