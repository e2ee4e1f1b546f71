//! The host functions that guests call.

use super::host::HostCall;
use super::state::State;
use crate::services::held::Held;
use dunlin::{Caller, Error, Linker};
use std::io::Write;

/// Where guests import these functions from: waPC's own, and wasmCloud's.
const MODULES: [&str; 2] = ["wapc", "wasmbus"];

const NAMES: [&str; 9] = [
    "__console_log",
    "__guest_error",
    "__guest_request",
    "__guest_response",
    "__host_call",
    "__host_error",
    "__host_error_len",
    "__host_response",
    "__host_response_len",
];

/// Whether a guest's import is answered, besides those of WASI.
pub fn answers(module: &str, name: &str) -> bool {
    MODULES.contains(&module) && NAMES.contains(&name)
}

type Guest<'a> = Caller<'a, State>;

pub(super) fn link(linker: &mut Linker<State>) -> Result<(), Error> {
    for module in MODULES {
        linker.func_wrap(module, "__guest_request", guest_request)?;
        linker.func_wrap(module, "__guest_response", |mut guest: Guest<'_>, at: u32, len: u32| {
            let held = copied(&mut guest, at, len)?;
            guest.data_mut().response = Some(held);
            Ok::<_, Error>(())
        })?;
        linker.func_wrap(module, "__guest_error", |mut guest: Guest<'_>, at: u32, len: u32| {
            let held = copied(&mut guest, at, len)?;
            guest.data_mut().error = Some(held);
            Ok::<_, Error>(())
        })?;
        linker.func_wrap(module, "__host_call", host_call)?;
        linker.func_wrap(module, "__host_response_len", |guest: Guest<'_>| length(answer(&guest)))?;
        linker.func_wrap(module, "__host_error_len", |guest: Guest<'_>| length(refusal(&guest)))?;
        linker.func_wrap(module, "__host_response", |mut guest: Guest<'_>, at: u32| {
            let (memory, state) = split(&mut guest)?;
            write(memory, at, state.answer.as_ref().and_then(|answer| answer.as_ref().ok()))
        })?;
        linker.func_wrap(module, "__host_error", |mut guest: Guest<'_>, at: u32| {
            let (memory, state) = split(&mut guest)?;
            write(memory, at, state.answer.as_ref().and_then(|answer| answer.as_ref().err()))
        })?;
        linker.func_wrap(module, "__console_log", |mut guest: Guest<'_>, at: u32, len: u32| {
            let (memory, state) = split(&mut guest)?;
            let line = slice(memory, at, len)?;
            // Writing to the log doesn't fail.
            let _ = state.console.write_all(line).and_then(|()| state.console.write_all(b"\n"));
            Ok::<_, Error>(())
        })?;
    }
    Ok(())
}

/// Writes the current call's operation and message where the guest has made room for them.
fn guest_request(mut guest: Guest<'_>, operation: u32, message: u32) -> Result<(), Error> {
    let (memory, state) = split(&mut guest)?;
    for (at, bytes) in [(operation, &state.operation), (message, &state.message)] {
        slice_mut(memory, at, bytes.len())?.copy_from_slice(bytes);
    }
    Ok(())
}

/// Has the host answer a call. Returns whether there is an answer, rather than an error.
#[expect(clippy::too_many_arguments, reason = "the ABI's")]
fn host_call(
    mut guest: Guest<'_>,
    binding: u32,
    binding_len: u32,
    namespace: u32,
    namespace_len: u32,
    operation: u32,
    operation_len: u32,
    payload: u32,
    payload_len: u32,
) -> Result<u32, Error> {
    let fuel = guest.get_fuel().ok();
    let budget = guest.budget().clone();
    let (memory, state) = split(&mut guest)?;
    state.answer = None;
    state.task.fuel = fuel;
    let call = HostCall {
        binding: text(memory, binding, binding_len)?,
        namespace: text(memory, namespace, namespace_len)?,
        operation: text(memory, operation, operation_len)?,
        payload: slice(memory, payload, payload_len)?,
    };
    let answer = match state.surroundings.host.clone().call(call, &mut state.task) {
        Ok(answer) => Ok(Held::new(&budget, answer)?),
        Err(error) => Err(Held::new(&budget, error.into_bytes())?),
    };
    let (answered, left) = (answer.is_ok(), state.task.fuel);
    state.answer = Some(answer);
    if let Some(left) = left.filter(|_| fuel.is_some()) {
        guest.set_fuel(left)?;
    }
    Ok(answered.into())
}

fn answer<'a>(guest: &'a Guest<'_>) -> Option<&'a Held> {
    guest.data().answer.as_ref()?.as_ref().ok()
}

fn refusal<'a>(guest: &'a Guest<'_>) -> Option<&'a Held> {
    guest.data().answer.as_ref()?.as_ref().err()
}

fn length(held: Option<&Held>) -> u32 {
    held.map_or(0, |held| u32::try_from(held.bytes.len()).unwrap_or(u32::MAX))
}

/// Writes what is held, if anything is.
fn write(memory: &mut [u8], at: u32, held: Option<&Held>) -> Result<(), Error> {
    let bytes = held.map_or(&[][..], |held| &held.bytes);
    slice_mut(memory, at, bytes.len())?.copy_from_slice(bytes);
    Ok(())
}

fn copied(guest: &mut Guest<'_>, at: u32, len: u32) -> Result<Held, Error> {
    let budget = guest.budget().clone();
    let (memory, _) = split(guest)?;
    Held::copy(&budget, slice(memory, at, len)?)
}

fn split<'a>(guest: &'a mut Guest<'_>) -> Result<(&'a mut [u8], &'a mut State), Error> {
    let memory =
        guest.data().memory.ok_or_else(|| Error::msg("the guest calls its host before it has a memory"))?;
    Ok(memory.data_and_store_mut(guest))
}

fn outside() -> Error {
    Error::msg("the guest names bytes outside of its memory")
}

fn slice(memory: &[u8], at: u32, len: u32) -> Result<&[u8], Error> {
    memory.get(at as usize..).and_then(|from| from.get(..len as usize)).ok_or_else(outside)
}

fn slice_mut(memory: &mut [u8], at: u32, len: usize) -> Result<&mut [u8], Error> {
    memory.get_mut(at as usize..).and_then(|from| from.get_mut(..len)).ok_or_else(outside)
}

fn text(memory: &[u8], at: u32, len: u32) -> Result<&str, Error> {
    let bytes = slice(memory, at, len)?;
    str::from_utf8(bytes).map_err(|_| Error::msg("the guest names its call by bytes that aren't UTF-8"))
}
