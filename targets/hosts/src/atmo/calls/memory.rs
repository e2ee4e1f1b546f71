//! What host functions read and write of the guest's memory.

use super::{Guest, Refusal};
use crate::atmo::state::State;
use dunlin::Error;

/// An address and a length in the guest's memory.
pub(super) type Span = (u32, u32);

/// What lies outside of the guest's memory, or isn't what it should be.
#[derive(Debug)]
pub(super) struct Misplaced(&'static str);

impl From<Misplaced> for Refusal {
    fn from(_: Misplaced) -> Self {
        Self::Argument
    }
}

impl From<Misplaced> for Error {
    fn from(Misplaced(why): Misplaced) -> Self {
        Error::msg(why)
    }
}

const OUTSIDE: Misplaced = Misplaced("the runnable names bytes outside of its memory");

/// The guest's memory, and what the host knows.
pub(super) fn split<'a>(guest: &'a mut Guest<'_>) -> Result<(&'a mut [u8], &'a mut State), Error> {
    let memory = guest
        .data()
        .memory
        .ok_or_else(|| Error::msg("the runnable calls its host before it has a memory"))?;
    Ok(memory.data_and_store_mut(guest))
}

pub(super) fn slice(memory: &[u8], (at, len): Span) -> Result<&[u8], Misplaced> {
    memory.get(at as usize..).and_then(|from| from.get(..len as usize)).ok_or(OUTSIDE)
}

pub(super) fn slice_mut(memory: &mut [u8], at: u32, len: usize) -> Result<&mut [u8], Misplaced> {
    memory.get_mut(at as usize..).and_then(|from| from.get_mut(..len)).ok_or(OUTSIDE)
}

pub(super) fn text(memory: &[u8], span: Span) -> Result<&str, Misplaced> {
    str::from_utf8(slice(memory, span)?).map_err(|_| Misplaced("the runnable gives a name that isn't UTF-8"))
}
