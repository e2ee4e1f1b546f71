//! How a guest's run can end.

use crate::failure::{EXIT_FUEL, EXIT_SIGNAL, EXIT_TIMEOUT, EXIT_TRAP, Failure};
use dunlin::WasmBacktrace;

/// How it ended.
#[derive(Debug)]
pub(crate) enum RunOutcome {
    /// The guest ended by itself, with this exit code.
    Exited(u32),
    /// The guest trapped, or a function that it called failed.
    Trapped(String, Option<WasmBacktrace>),
    /// The guest's time was up.
    Timeout(Option<WasmBacktrace>),
    /// The guest's fuel was used up.
    OutOfFuel(Option<WasmBacktrace>),
    /// The process got this signal.
    Signalled(u8),
    /// The guest was replayed, and didn't come to its end.
    #[cfg_attr(not(feature = "record"), expect(dead_code, reason = "other builds replay"))]
    Replayed { code: u8, sentence: String, backtrace: Option<WasmBacktrace> },
    /// The guest never began.
    Failed(Failure),
}

impl RunOutcome {
    /// The process's exit code. Of the guest's own code, the system keeps the lowest eight bits.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            RunOutcome::Exited(code) => *code as u8,
            RunOutcome::Trapped(..) => EXIT_TRAP,
            RunOutcome::Timeout(_) => EXIT_TIMEOUT,
            RunOutcome::OutOfFuel(_) => EXIT_FUEL,
            RunOutcome::Signalled(signal) => EXIT_SIGNAL + signal,
            RunOutcome::Replayed { code, .. } => *code,
            RunOutcome::Failed(failure) => failure.code,
        }
    }

    /// What the report calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            RunOutcome::Exited(_) => "exit",
            RunOutcome::Trapped(..) => "trap",
            RunOutcome::Timeout(_) => "timeout",
            RunOutcome::OutOfFuel(_) => "out of fuel",
            RunOutcome::Signalled(_) => "signal",
            RunOutcome::Replayed { .. } => "replayed",
            RunOutcome::Failed(_) => "not run",
        }
    }

    pub(super) fn backtrace(&self) -> Option<&WasmBacktrace> {
        match self {
            RunOutcome::Trapped(_, backtrace)
            | RunOutcome::Timeout(backtrace)
            | RunOutcome::OutOfFuel(backtrace) => backtrace.as_ref(),
            RunOutcome::Replayed { backtrace, .. } => backtrace.as_ref(),
            RunOutcome::Exited(_) | RunOutcome::Signalled(_) | RunOutcome::Failed(_) => None,
        }
    }
}
