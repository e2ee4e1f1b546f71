//! The host functions that filters call.

mod messages;
mod services;

use super::host::Host;
use super::status::Status;
use dunlin::{Caller, Error, Linker};
use messages::*;
use services::*;

/// Why a host function doesn't do what it is asked.
enum Refusal {
    /// The guest is told.
    Status(Status),
    /// The guest trapped in its allocator.
    Failed(Error),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

type Answer = Result<(), Refusal>;
type Guest<'a> = Caller<'a, Host>;

fn to_guest(answer: Answer) -> Result<u32, Error> {
    match answer {
        Ok(()) => Ok(0),
        Err(Refusal::Status(status)) => Ok(status as u32),
        Err(Refusal::Failed(error)) => Err(error),
    }
}

/// An address and a length in the guest's memory.
type Span = (u32, u32);

const OUTSIDE: Status = Status::InvalidMemoryAccess;

/// The guest's memory, and what the host knows.
fn split<'a>(guest: &'a mut Guest<'_>) -> Result<(&'a mut [u8], &'a mut Host), Status> {
    let memory = guest.data().memory.ok_or(Status::InternalFailure)?;
    Ok(memory.data_and_store_mut(guest))
}

fn slice(memory: &[u8], (at, len): Span) -> Result<&[u8], Status> {
    let from = memory.get(at as usize..).ok_or(OUTSIDE)?;
    from.get(..len as usize).ok_or(OUTSIDE)
}

/// Writes where the guest wants a result.
fn put<const N: usize>(guest: &mut Guest<'_>, at: u32, bytes: [u8; N]) -> Result<(), Status> {
    let (memory, _) = split(guest)?;
    let place = memory.get_mut(at as usize..).and_then(|from| from.first_chunk_mut()).ok_or(OUTSIDE)?;
    *place = bytes;
    Ok(())
}

fn put_word(guest: &mut Guest<'_>, at: u32, word: u32) -> Result<(), Status> {
    put(guest, at, word.to_le_bytes())
}

/// Gives the guest bytes in memory that it allocates, with their address and length at the places in `out`.
fn give(guest: &mut Guest<'_>, bytes: &[u8], out: Span) -> Answer {
    let len = u32::try_from(bytes.len()).map_err(|_| Status::InternalFailure)?;
    let at = if len > 0 { allocate(guest, len)? } else { 0 };
    let (memory, _) = split(guest)?;
    let place = memory.get_mut(at as usize..).and_then(|from| from.get_mut(..bytes.len()));
    place.ok_or(OUTSIDE)?.copy_from_slice(bytes);
    put_word(guest, out.0, at)?;
    put_word(guest, out.1, len)?;
    Ok(())
}

fn allocate(guest: &mut Guest<'_>, len: u32) -> Result<u32, Refusal> {
    let host = guest.data_mut();
    // An allocator that asks for memory would go round for ever.
    if host.allocating {
        return Err(Status::InternalFailure.into());
    }
    let allocate = host.allocate.ok_or(Status::InternalFailure)?;
    host.allocating = true;
    let at = allocate.call(&mut *guest, len);
    guest.data_mut().allocating = false;
    match at.map_err(Refusal::Failed)? {
        0 => Err(Status::InternalFailure.into()),
        at => Ok(at),
    }
}

/// What the ABI has and nothing here does.
fn unimplemented() -> Answer {
    Err(Status::Unimplemented.into())
}

/// Declares host functions: what links them, and their names.
macro_rules! functions {
    ($link:ident, $names:ident: $($name:literal ($($arg:ident: $ty:ty),*) => |$guest:ident| $call:expr;)*) => {
        const $names: &[&str] = &[$($name),*];

        fn $link(linker: &mut Linker<Host>) -> Result<(), Error> {
            $(
                #[allow(unused_mut, unused_variables, reason = "not every function needs all that it is given")]
                linker.func_wrap("env", $name, |mut $guest: Guest<'_>, $($arg: $ty),*| {
                    let $guest = &mut $guest;
                    to_guest($call)
                })?;
            )*
            Ok(())
        }
    };
}

/// What Emscripten's modules import.
const EMSCRIPTEN: [&str; 2] = ["emscripten_notify_memory_growth", "pthread_equal"];

/// Links the host functions of every version of the ABI.
pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), Error> {
    link_messages(linker)?;
    link_services(linker)?;
    linker.func_wrap("env", EMSCRIPTEN[0], |_: u32| {})?;
    linker.func_wrap("env", EMSCRIPTEN[1], |a: u32, b: u32| u32::from(a == b))?;
    Ok(())
}

/// Whether a filter's import is answered, besides those of WASI, which all are. What isn't traps when it is called.
pub fn answers(module: &str, name: &str) -> bool {
    module == "env" && [MESSAGES, SERVICES, &EMSCRIPTEN].iter().any(|names| names.contains(&name))
}

functions! { link_messages, MESSAGES:
        "proxy_get_header_map_pairs"(map: u32, at: u32, len: u32) => |guest| get_pairs(guest, map, (at, len));
        "proxy_get_header_map_size"(map: u32, out: u32) => |guest| get_map_size(guest, map, out);
        "proxy_set_header_map_pairs"(map: u32, at: u32, len: u32) => |guest| set_pairs(guest, map, (at, len));
        "proxy_get_header_map_value"(map: u32, k: u32, kn: u32, at: u32, len: u32)
            => |guest| get_value(guest, map, (k, kn), (at, len));
        "proxy_add_header_map_value"(map: u32, k: u32, kn: u32, v: u32, vn: u32)
            => |guest| change_value(guest, map, (k, kn), (v, vn), |map, key, value| map.append(key, value));
        "proxy_replace_header_map_value"(map: u32, k: u32, kn: u32, v: u32, vn: u32)
            => |guest| change_value(guest, map, (k, kn), (v, vn), |map, key, value| map.set(key, value));
        "proxy_remove_header_map_value"(map: u32, k: u32, kn: u32) => |guest| remove_value(guest, map, (k, kn));
        "proxy_get_buffer_bytes"(buffer: u32, start: u32, max: u32, at: u32, len: u32)
            => |guest| get_bytes(guest, buffer, (start, max), (at, len));
        "proxy_set_buffer_bytes"(buffer: u32, start: u32, size: u32, at: u32, len: u32)
            => |guest| set_bytes(guest, buffer, (start, size), (at, len));
        "proxy_get_buffer_status"(buffer: u32, len: u32, flags: u32) => |guest| get_status_of(guest, buffer, len, flags);
        "proxy_get_configuration"(at: u32, len: u32) => |guest| get_configuration(guest, (at, len));
        "proxy_send_local_response"(status: u32, d: u32, dn: u32, b: u32, bn: u32, h: u32, hn: u32, grpc: i32)
            => |guest| send_local_response(guest, status, [(d, dn), (b, bn), (h, hn)], grpc);
        "proxy_continue_stream"(stream: u32) => |guest| continue_stream(guest, stream);
        "proxy_continue_request"() => |guest| continue_stream(guest, 0);
        "proxy_continue_response"() => |guest| continue_stream(guest, 1);
        "proxy_close_stream"(stream: u32) => |guest| close_stream(guest, stream);
        "proxy_clear_route_cache"() => |guest| Ok(());
}

functions! { link_services, SERVICES:
        "proxy_log"(level: u32, at: u32, len: u32) => |guest| log(guest, level, (at, len));
        "proxy_get_log_level"(out: u32) => |guest| get_log_level(guest, out);
        "proxy_get_current_time_nanoseconds"(out: u32) => |guest| get_time(guest, out);
        "proxy_set_tick_period_milliseconds"(ms: u32) => |guest| set_tick_period(guest, ms);
        "proxy_get_status"(code: u32, at: u32, len: u32) => |guest| get_status(guest, code, (at, len));
        "proxy_http_call"(u: u32, un: u32, h: u32, hn: u32, b: u32, bn: u32, t: u32, tn: u32, ms: i32, out: u32)
            => |guest| http_call(guest, [(u, un), (h, hn), (b, bn), (t, tn)], ms, out);
        "proxy_get_property"(p: u32, pn: u32, at: u32, len: u32) => |guest| get_property(guest, (p, pn), (at, len));
        "proxy_set_property"(p: u32, pn: u32, v: u32, vn: u32) => |guest| set_property(guest, (p, pn), (v, vn));
        "proxy_get_shared_data"(k: u32, kn: u32, at: u32, len: u32, cas: u32)
            => |guest| get_shared(guest, (k, kn), (at, len), cas);
        "proxy_set_shared_data"(k: u32, kn: u32, v: u32, vn: u32, cas: u32)
            => |guest| set_shared(guest, (k, kn), (v, vn), cas);
        "proxy_register_shared_queue"(n: u32, nn: u32, out: u32) => |guest| register_queue(guest, (n, nn), out);
        "proxy_resolve_shared_queue"(v: u32, vn: u32, n: u32, nn: u32, out: u32)
            => |guest| resolve_queue(guest, (v, vn), (n, nn), out);
        "proxy_enqueue_shared_queue"(queue: u32, at: u32, len: u32) => |guest| enqueue(guest, queue, (at, len));
        "proxy_dequeue_shared_queue"(queue: u32, at: u32, len: u32) => |guest| dequeue(guest, queue, (at, len));
        "proxy_define_metric"(kind: u32, n: u32, nn: u32, out: u32)
            => |guest| define_metric(guest, kind, (n, nn), out);
        "proxy_record_metric"(metric: u32, value: u64)
            => |guest| record_metric(guest, metric, value);
        "proxy_increment_metric"(metric: u32, by: i64)
            => |guest| increment_metric(guest, metric, by);
        "proxy_get_metric"(metric: u32, out: u32) => |guest| get_metric(guest, metric, out);
        "proxy_set_effective_context"(id: u32) => |guest| set_effective_context(guest, id);
        "proxy_done"() => |guest| done(guest);
        "proxy_call_foreign_function"(n: u32, nn: u32, a: u32, an: u32, at: u32, len: u32)
            => |guest| call_foreign(guest, (n, nn), (a, an), (at, len));
        "proxy_grpc_call"(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32, i: u32, j: u32, k: u32, l: u32)
            => |guest| unimplemented();
        "proxy_grpc_stream"(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32, i: u32)
            => |guest| unimplemented();
        "proxy_grpc_send"(a: u32, b: u32, c: u32, d: u32) => |guest| unimplemented();
        "proxy_grpc_cancel"(a: u32) => |guest| unimplemented();
        "proxy_grpc_close"(a: u32) => |guest| unimplemented();
}
