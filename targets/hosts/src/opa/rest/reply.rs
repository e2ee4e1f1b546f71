//! What is answered, as JSON in the shape of OPA's own.

use super::super::error::PolicyError;
use crate::server::{Failure, StatusCode};
use serde_json::{Value, json};

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// A JSON document, or nothing.
    pub(super) body: String,
    /// What the log is told, if the policy is at fault.
    pub(super) failure: Option<Failure>,
}

impl Reply {
    pub(super) fn ok(body: String) -> Self {
        Self { status: StatusCode::OK, body, failure: None }
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, body: String::new(), failure: None }
    }

    /// What the client did wrong.
    pub(super) fn refusal(status: StatusCode, code: &str, message: impl std::fmt::Display) -> Self {
        let body = json!({"code": code, "message": message.to_string()}).to_string();
        Self { status, body, failure: None }
    }

    pub(super) fn invalid(message: impl std::fmt::Display) -> Self {
        Self::refusal(StatusCode::BAD_REQUEST, "invalid_parameter", message)
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "resource_not_found", format_args!("there is no {what}"))
    }

    pub(super) fn not_allowed() -> Self {
        Self::refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this isn't answered by that method",
        )
    }
}

impl From<PolicyError> for Reply {
    fn from(error: PolicyError) -> Self {
        let text = error.to_string();
        let failure = match error {
            PolicyError::NotJson { .. } => return Self::invalid(text),
            PolicyError::Engine(error) => Failure::from(error),
            PolicyError::Halted { .. } => Failure::guest("builtin", &text),
            _ => Failure::guest("policy", &text),
        };
        // A backtrace is for the log.
        let said = text.lines().next().unwrap_or_default();
        let errors: Value = json!([{"code": "eval_internal_error", "message": said}]);
        let body = json!({
            "code": "internal_error",
            "message": "error(s) occurred while evaluating query",
            "errors": errors,
        });
        Self { status: failure.status, body: body.to_string(), failure: Some(failure) }
    }
}
