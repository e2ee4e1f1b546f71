//! Why a request isn't answered by its guest.

use dunlin::{Error, ErrorKind, Trap};
use hyper::StatusCode;
use std::fmt::{self, Display};

/// Why a request gets no answer of its guest's: the client is told the status and no more, the log the sentence.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the client is told.
    pub status: StatusCode,
    /// What metrics count it as: the trap's name, or a word.
    pub code: &'static str,
    /// What is reported.
    pub message: String,
}

impl Failure {
    /// Any failure.
    pub fn new(status: StatusCode, code: &'static str, message: impl Display) -> Self {
        Self { status, code, message: message.to_string() }
    }

    /// The guest is at fault: it trapped, or what it gave is no answer.
    pub fn guest(code: &'static str, message: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, message)
    }

    /// Nothing answers requests for this.
    pub fn not_found(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", format_args!("nothing answers {}", path.escape_debug()))
    }

    /// The time is up.
    pub fn out_of_time() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "out of time", "out of time")
    }

    /// There is no room for it.
    pub fn busy(code: &'static str, message: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// The client has gone away. Nobody gets this answer.
    pub(super) fn client_gone() -> Self {
        // As proxies log it.
        let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, "client gone", "the client has gone away")
    }
}

impl From<Error> for Failure {
    /// What it means for a request that instantiating or calling its guest failed so.
    fn from(error: Error) -> Self {
        match (error.kind(), error.trap()) {
            (_, Some(Trap::Interrupt)) => Self::out_of_time(),
            (_, Some(Trap::OutOfFuel)) => Self::new(StatusCode::GATEWAY_TIMEOUT, "out of fuel", error),
            (ErrorKind::OutOfBudget | ErrorKind::OutOfMemory, _) | (_, Some(Trap::OutOfBudget)) => {
                Self::busy("out of memory", error)
            }
            (_, Some(trap)) => {
                let message = match error.backtrace() {
                    Some(backtrace) => format!("{error}\n{backtrace}"),
                    None => error.to_string(),
                };
                Self::guest(code(trap), message)
            }
            _ => Self::guest("error", error),
        }
    }
}

/// What metrics call a trap.
fn code(trap: Trap) -> &'static str {
    match trap {
        Trap::StackOverflow => "stack overflow",
        Trap::MemoryOutOfBounds => "memory out of bounds",
        Trap::TableOutOfBounds => "table out of bounds",
        Trap::UndefinedElement => "undefined element",
        Trap::IndirectCallToNull => "indirect call to null",
        Trap::BadSignature => "bad signature",
        Trap::IntegerOverflow => "integer overflow",
        Trap::IntegerDivisionByZero => "division by zero",
        Trap::BadConversionToInteger => "bad conversion to integer",
        Trap::UnreachableCodeReached => "unreachable",
        Trap::ModuleChanged => "module changed",
        _ => "trap",
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
