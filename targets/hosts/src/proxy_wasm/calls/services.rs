//! Host functions about everything but the messages themselves.

use super::{Answer, Guest, Span, Status, give, put, put_word, slice, split};
use crate::proxy_wasm::Headers;
use crate::proxy_wasm::call::{CallId, HttpCall};
use crate::proxy_wasm::status::Level;
use dunlin::Kind;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) fn log(guest: &mut Guest<'_>, level: u32, text: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let level = Level::from_abi(level).ok_or(Status::BadArgument)?;
    host.log(level, slice(memory, text)?);
    Ok(())
}

pub(super) fn get_log_level(guest: &mut Guest<'_>, out: u32) -> Answer {
    let level = guest.data().options.log_level as u32;
    Ok(put_word(guest, out, level)?)
}

pub(super) fn get_time(guest: &mut Guest<'_>, out: u32) -> Answer {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    Ok(put(guest, out, now.to_le_bytes())?)
}

pub(super) fn set_tick_period(guest: &mut Guest<'_>, ms: u32) -> Answer {
    let host = guest.data_mut();
    host.tick_period = (ms > 0).then(|| Duration::from_millis(ms.into()));
    host.next_tick = host.tick_period.and_then(|period| Instant::now().checked_add(period));
    Ok(())
}

pub(super) fn get_status(guest: &mut Guest<'_>, code: u32, out: Span) -> Answer {
    let failure = guest.data().calls.failure;
    /// `BrokenConnection`, which only this answers.
    const BROKEN: u32 = 11;
    put_word(guest, code, if failure.is_some() { BROKEN } else { 0 })?;
    give(guest, failure.unwrap_or_default().as_bytes(), out)
}

pub(super) fn http_call(
    guest: &mut Guest<'_>,
    [upstream, headers, body, trailers]: [Span; 4],
    ms: i32,
    out: u32,
) -> Answer {
    let (memory, host) = split(guest)?;
    let options = &host.options;
    let upstream = slice(memory, upstream)?;
    let limits = options.limits;
    let mut headers = Headers::from_wire(slice(memory, headers)?, limits.headers())?;
    let body = slice(memory, body)?;
    let trailers = Headers::from_wire(slice(memory, trailers)?, limits.headers())?;
    let complete = [":method", ":path", ":authority"].into_iter().all(|name| headers.get(name).is_some());
    if !complete || !options.upstreams.contains(upstream) {
        return Err(Status::BadArgument.into());
    }
    let timeout = u64::try_from(ms).map_err(|_| Status::BadArgument)?;
    if host.calls.open.len() >= limits.calls || body.len() > limits.call_bytes {
        return Err(Status::InternalFailure.into());
    }
    if !body.is_empty() {
        headers.set("content-length", body.len().to_string());
    }
    let bytes = headers.weight() + body.len() + trailers.weight();
    let charge = host.budget.charge(Kind::Host, bytes as u64).map_err(|_| Status::InternalFailure)?;
    let token = host.calls.next_token();
    let id = CallId { filter: 0, vm: host.vm, token };
    let call = HttpCall {
        id,
        upstream: String::from_utf8_lossy(upstream).into_owned(),
        headers,
        body: body.to_vec(),
        trailers,
        timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
    };
    put_word(guest, out, token)?;
    let calls = &mut guest.data_mut().calls;
    calls.open.insert(token, charge);
    calls.outgoing.push_back(call);
    Ok(())
}

pub(super) fn get_property(guest: &mut Guest<'_>, path: Span, out: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let value = host.property(slice(memory, path)?)?;
    give(guest, &value, out)
}

pub(super) fn set_property(guest: &mut Guest<'_>, path: Span, value: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let (path, value) = (slice(memory, path)?, slice(memory, value)?);
    let context = host.context().ok_or(Status::NotFound)?;
    Ok(context.attributes.set.set(path.strip_suffix(&[0]).unwrap_or(path), value)?)
}

pub(super) fn get_shared(guest: &mut Guest<'_>, key: Span, out: Span, cas_at: u32) -> Answer {
    let (memory, host) = split(guest)?;
    let (value, cas) = host.shared.get(&host.options.vm_id, slice(memory, key)?)?;
    give(guest, &value, out)?;
    Ok(put_word(guest, cas_at, cas)?)
}

pub(super) fn set_shared(guest: &mut Guest<'_>, key: Span, value: Span, cas: u32) -> Answer {
    let (memory, host) = split(guest)?;
    Ok(host.shared.set(&host.options.vm_id, slice(memory, key)?, slice(memory, value)?, cas)?)
}

pub(super) fn register_queue(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, host) = split(guest)?;
    let owner = (host.vm, host.root);
    let token = host.shared.register(host.options.vm_id.as_bytes(), slice(memory, name)?, owner)?;
    Ok(put_word(guest, out, token)?)
}

pub(super) fn resolve_queue(guest: &mut Guest<'_>, vm: Span, name: Span, out: u32) -> Answer {
    let (memory, host) = split(guest)?;
    let vm = match slice(memory, vm)? {
        [] => host.options.vm_id.as_bytes(),
        vm => vm,
    };
    let token = host.shared.resolve(vm, slice(memory, name)?)?;
    Ok(put_word(guest, out, token)?)
}

pub(super) fn enqueue(guest: &mut Guest<'_>, queue: u32, item: Span) -> Answer {
    let (memory, host) = split(guest)?;
    Ok(host.shared.enqueue(queue, slice(memory, item)?)?)
}

pub(super) fn dequeue(guest: &mut Guest<'_>, queue: u32, out: Span) -> Answer {
    let item = guest.data().shared.dequeue(queue)?;
    give(guest, &item, out)
}

pub(super) fn define_metric(guest: &mut Guest<'_>, kind: u32, name: Span, out: u32) -> Answer {
    let (memory, host) = split(guest)?;
    let metric = host.options.metrics.define(kind, slice(memory, name)?)?;
    Ok(put_word(guest, out, metric)?)
}

pub(super) fn record_metric(guest: &mut Guest<'_>, metric: u32, value: u64) -> Answer {
    Ok(guest.data().options.metrics.record(metric, value)?)
}

pub(super) fn increment_metric(guest: &mut Guest<'_>, metric: u32, by: i64) -> Answer {
    Ok(guest.data().options.metrics.increment(metric, by)?)
}

pub(super) fn get_metric(guest: &mut Guest<'_>, metric: u32, out: u32) -> Answer {
    let value = guest.data().options.metrics.get(metric)?;
    Ok(put(guest, out, value.to_le_bytes())?)
}

pub(super) fn set_effective_context(guest: &mut Guest<'_>, id: u32) -> Answer {
    let host = guest.data_mut();
    if id != host.root && !host.contexts.contains_key(&id) {
        return Err(Status::BadArgument.into());
    }
    host.effective = Some(id);
    Ok(())
}

pub(super) fn done(guest: &mut Guest<'_>) -> Answer {
    let host = guest.data_mut();
    let id = host.acting();
    if !host.lingering.remove(&id) {
        return Err(Status::NotFound.into());
    }
    host.finished.push(id);
    Ok(())
}

pub(super) fn call_foreign(guest: &mut Guest<'_>, name: Span, arguments: Span, out: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let (name, arguments) = (slice(memory, name)?, slice(memory, arguments)?);
    let function = host.options.foreign.get(name).ok_or(Status::NotFound)?.clone();
    let result = function(arguments).ok_or(Status::BadArgument)?;
    // A caller that doesn't want the result says so by these.
    if out == (0, 0) {
        return Ok(());
    }
    give(guest, &result, out)
}
