//! Events.

use super::failure::{Failure, LambdaError};
use crate::services::http::{Headers, Response};
use dunlin::{Budget, Charge, Kind};
use std::io::Read;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Something to be answered.
#[derive(Debug)]
pub struct Event {
    /// By what it is answered.
    pub(super) id: String,
    pub(super) trace: Option<String>,
    /// Variables that tell of it.
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) deadline: Option<Instant>,
    /// What it says, or why it can't be had.
    pub(super) body: Result<Body, Failure>,
}

/// An event's bytes, and what they take of the budget.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) paid: Vec<Charge>,
}

/// An event is read in parts of this size.
const PART: usize = 64 << 10;

/// Headers that become variables.
const TOLD: [(&str, &str); 5] = [
    ("lambda-runtime-aws-request-id", "LAMBDA_RUNTIME_AWS_REQUEST_ID"),
    ("lambda-runtime-deadline-ms", "LAMBDA_RUNTIME_DEADLINE_MS"),
    ("lambda-runtime-invoked-function-arn", "LAMBDA_RUNTIME_INVOKED_FUNCTION_ARN"),
    ("lambda-runtime-client-context", "LAMBDA_RUNTIME_CLIENT_CONTEXT"),
    ("lambda-runtime-cognito-identity", "LAMBDA_RUNTIME_COGNITO_IDENTITY"),
];

impl Event {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads the answer to `invocation/next`.
    pub(super) fn read(response: Response, budget: &Budget, most: u64) -> Result<Self, LambdaError> {
        let headers = &response.headers;
        let id = headers.text("lambda-runtime-aws-request-id").unwrap_or_default().to_owned();
        // It becomes a part of a path.
        if id.is_empty() || !id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_') {
            return Err(LambdaError::Malformed("an id"));
        }
        let text = |name| headers.text(name).filter(|value| !value.contains('\0')).map(str::to_owned);
        let trace = text("lambda-runtime-trace-id");
        let variables =
            TOLD.iter().filter_map(|(header, variable)| Some((*variable, text(header)?))).collect();
        let deadline = deadline(headers, SystemTime::now());
        Ok(Self { id, trace, variables, deadline, body: body(response.body, budget, most) })
    }
}

/// When it must be answered. An emulator may say a time long past: then there is none.
fn deadline(headers: &Headers, now: SystemTime) -> Option<Instant> {
    let since_epoch = headers.text("lambda-runtime-deadline-ms")?.trim().parse().ok()?;
    let left = UNIX_EPOCH.checked_add(Duration::from_millis(since_epoch))?.duration_since(now).ok()?;
    Instant::now().checked_add(left)
}

/// Reads a body, and pays before for each part of it.
fn body(mut from: impl Read, budget: &Budget, most: u64) -> Result<Body, Failure> {
    let mut body = Body { bytes: Vec::new(), paid: Vec::new() };
    loop {
        let too_large = |_| Failure::new("Runtime.OutOfMemory", "the event doesn't fit the memory budget");
        body.paid.push(budget.charge(Kind::Host, PART as u64).map_err(too_large)?);
        body.bytes.try_reserve_exact(PART).map_err(|error| Failure::new("Runtime.OutOfMemory", error))?;
        let read = from.by_ref().take(PART as u64).read_to_end(&mut body.bytes);
        let read = read.map_err(|error| {
            Failure::new("Runtime.EventError", format_args!("the event can't be read: {error}"))
        })?;
        if body.bytes.len() as u64 > most {
            let message = format_args!("the event has more than {most} bytes");
            return Err(Failure::new("Runtime.EventTooLarge", message));
        }
        if read == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_in_the_past_are_none() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let at = |text: &str| deadline(&[("Lambda-Runtime-Deadline-Ms", text)].into_iter().collect(), now);
        for none in ["600000", "0", "x", "-1", "18446744073709551615", "1799999999999"] {
            assert!(at(none).is_none(), "{none}");
        }
        let left = at("1800000060000").unwrap() - Instant::now();
        assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60));
    }

    #[test]
    fn events_are_paid_for() {
        let budget = Budget::new(200 << 10);
        let small = body(&vec![7; 100 << 10][..], &budget, 1 << 20).unwrap();
        assert_eq!((small.bytes.len(), budget.used()), (100 << 10, 192 << 10));
        assert_eq!(body(&b"x"[..], &budget, 1 << 20).unwrap_err().error_type, "Runtime.OutOfMemory");
        drop(small);
        assert_eq!(budget.used(), 0);
        assert_eq!(body(&vec![7; 11][..], &budget, 10).unwrap_err().error_type, "Runtime.EventTooLarge");
    }
}
