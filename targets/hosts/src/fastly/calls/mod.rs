//! The host functions that applications call.

mod absent;
mod backends;
mod bodies;
mod headers;
mod kv;
mod memory;
mod messages;
mod metadata;
mod sending;
mod stores;
mod tables;

use super::session::Session;
use super::status::Status;
use dunlin::{Caller, Error, Linker, Module};

/// Why a host function doesn't do what it is asked.
enum Refusal {
    /// The guest is told.
    Status(Status),
    /// The guest may not go on.
    Stopped(Error),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Stopped(error)
    }
}

type Answer = Result<(), Refusal>;
type Guest<'a> = Caller<'a, Session>;

fn to_guest(answer: Answer) -> Result<u32, Error> {
    match answer {
        Ok(()) => Ok(0),
        Err(Refusal::Status(status)) => Ok(status as u32),
        Err(Refusal::Stopped(error)) => Err(error),
    }
}

/// Links the host functions, and those of the module's imports that are known to be absent. Others trap by name.
pub(super) fn link(linker: &mut Linker<Session>, module: &Module) -> Result<(), Error> {
    for (_, _, link) in tables::MODULES {
        link(linker)?;
    }
    absent::link(linker, module)
}

/// Whether an application's import is answered, besides those of WASI, which all are. What is only told to be absent
/// isn't; nor is what traps when it is called.
pub fn answers(module: &str, name: &str) -> bool {
    tables::MODULES.iter().any(|(known, names, _)| *known == module && names.contains(&name))
}
