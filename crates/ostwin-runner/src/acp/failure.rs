//! What can go wrong with an agent, sorted by what it means for an attempt.

use agent_client_protocol::{
    Error, ErrorCode, is_connection_terminated, is_incoming_transport_closed,
};

use crate::process::ExitStatus;

/// Why a step of a session failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcpError {
    /// The agent wants somebody to log in first.
    #[error("the agent needs authentication: {0}")]
    Auth(String),
    /// The model's service refuses for now: rate limit, overload, or no
    /// connection. Worth trying again later.
    #[error("the model service is not available for now: {0}")]
    RateLimited(String),
    /// The agent answered with an error of another kind.
    #[error("the agent reported an error ({code}): {message}")]
    Agent {
        /// The JSON-RPC code.
        code: i32,
        /// What the agent said.
        message: String,
    },
    /// The agent broke the protocol.
    #[error("the agent broke the protocol: {0}")]
    Protocol(String),
    /// The agent closed its output in the middle of a session.
    #[error("the agent closed the connection")]
    Closed,
    /// The agent's process ended in the middle of a session.
    #[error("the agent's process ended in the middle of the session ({0})")]
    Ended(ExitStatus),
    /// The agent did not answer a step of the handshake in time.
    #[error("the agent did not answer `{0}` in time")]
    HandshakeTimeout(&'static str),
}

impl AcpError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited(_))
    }

    /// Sorts an error of the protocol crate. `fault` is why our own side gave
    /// the stream up, if it did.
    pub(super) fn from_error(error: &Error, fault: Option<String>) -> Self {
        if let Some(fault) = fault {
            return Self::Protocol(fault);
        }
        if is_incoming_transport_closed(error) || is_connection_terminated(error) {
            return Self::Closed;
        }
        let code = error.code.value();
        let message = in_words(error);
        if error.code == ErrorCode::AUTH_REQUIRED {
            return Self::Auth(message);
        }
        if is_auth_trouble(error) {
            return Self::Auth(message);
        }
        if is_service_trouble(error) {
            return Self::RateLimited(message);
        }
        Self::Agent { code, message }
    }
}

/// Message and data as one bounded line.
fn in_words(error: &Error) -> String {
    const MAX_CHARS: usize = 2_000;
    let detail = match &error.data {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => format!(": {text}"),
        Some(data) => format!(": {data}"),
    };
    format!("{}{detail}", error.message).chars().take(MAX_CHARS).collect()
}

/// HTTP statuses that agents put somewhere into an error's data.
fn http_status(error: &Error) -> Option<u64> {
    let data = error.data.as_ref()?;
    ["status", "statusCode", "status_code", "http_status", "httpStatus", "code"]
        .iter()
        .find_map(|key| data.get(*key)?.as_u64())
        .filter(|status| (400..600).contains(status))
}

fn is_auth_trouble(error: &Error) -> bool {
    if let Some(status) = http_status(error) {
        return matches!(status, 401 | 403);
    }
    let text = in_words(error).to_lowercase();
    [
        "invalid api key",
        "invalid_api_key",
        "incorrect api key",
        "api key not valid",
        "no api key",
        "unauthorized",
        "authentication",
        "providerautherror",
        "not logged in",
        "please log in",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// There is no agreed code for these. A status decides; failing that, words do
/// that agents use and that mean nothing else.
fn is_service_trouble(error: &Error) -> bool {
    if let Some(status) = http_status(error) {
        return matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 529);
    }
    let code = error.code.value();
    if matches!(code, 429 | 502 | 503 | 504 | 529) {
        return true;
    }
    let text = in_words(error).to_lowercase();
    speaks_of_a_limit(&text) || speaks_of_trouble(&text)
}

/// Whether a text in lower case says that the model's service has a limit and it was reached.
pub(crate) fn speaks_of_a_limit(text: &str) -> bool {
    [
        "rate limit",
        "rate_limit",
        "ratelimit",
        "usage limit",
        "usage_limit",
        "session limit",
        "quota exceeded",
        "exceeded your current quota",
        "too many requests",
        "resource_exhausted",
        "resource exhausted",
        "status 429",
        "error 429",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

fn speaks_of_trouble(text: &str) -> bool {
    [
        "overloaded",
        "service unavailable",
        "internal server error",
        "server had an error",
        "bad gateway",
        "gateway timeout",
        "connection refused",
        "connection reset",
        "econnreset",
        "econnrefused",
        "etimedout",
        "enotfound",
        "fetch failed",
        "network error",
        "connection error",
        "socket connection was closed",
        "socket hang up",
        "terminated unexpectedly",
        "status 500",
        "status 503",
        "status 529",
        "error 500",
        "error 503",
        "error 529",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(error: &Error) -> AcpError {
        AcpError::from_error(error, None)
    }

    #[test]
    fn trouble_of_the_service_is_transient() {
        for error in [
            Error::new(429, "Too many"),
            Error::internal_error().data(json!({"status": 529})),
            Error::internal_error().data("Rate limit exceeded, retry later"),
            Error::new(-32603, "fetch failed: ECONNRESET"),
        ] {
            assert!(sorted(&error).is_transient(), "{error:?}");
        }
    }

    #[test]
    fn a_login_is_not_transient() {
        for error in [
            Error::auth_required(),
            Error::internal_error().data(json!({"statusCode": 401, "message": "rate limit"})),
            Error::new(-32603, "Invalid API key"),
        ] {
            assert!(matches!(sorted(&error), AcpError::Auth(_)), "{error:?}");
        }
    }

    #[test]
    fn the_rest_is_the_agents_own() {
        let error = Error::internal_error().data("the file 429.txt is missing");
        assert_eq!(
            sorted(&error),
            AcpError::Agent {
                code: -32603,
                message: "Internal error: the file 429.txt is missing".into()
            }
        );
    }

    #[test]
    fn our_own_reason_to_give_up_comes_first() {
        let error = Error::internal_error();
        assert_eq!(
            AcpError::from_error(&error, Some("too long".into())),
            AcpError::Protocol("too long".into())
        );
    }
}
