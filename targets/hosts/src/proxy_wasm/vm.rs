//! An instance of a filter, and the callbacks into it.

use super::attributes::Attributes;
use super::call::HttpAnswer;
use super::exports::{Exports, OnHeaders};
use super::half::{HalfLimits, Piece, Told};
use super::host::{Context, ContextId, Host, LocalResponse, Taken};
use super::status::{Level, Peer, Side};
use dunlin::{ErrorKind, InterruptHandle, Store, TypedFunc, WasmParams, WasmResults};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// How many contexts may wait for their guest to be done with them.
const MOST_LINGERING: usize = 1024;

/// An instance of a filter, used by one thread.
pub(super) struct Vm {
    pub(super) store: Store<Host>,
    pub(super) exports: Exports,
    pub(super) number: u64,
    /// It trapped: it isn't called any more.
    pub(super) failed: bool,
}

/// There is no room for another context.
pub(super) struct NoRoom;

impl Vm {
    /// Calls a callback for a context. `None` if it isn't exported, or the VM has failed.
    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        context: ContextId,
        callback: Option<TypedFunc<P, R>>,
        params: P,
    ) -> Option<R> {
        let callback = callback.filter(|_| !self.failed)?;
        let host = self.store.data_mut();
        host.current = context;
        host.effective = None;
        let called = refuel(&mut self.store).and_then(|()| callback.call(&mut self.store, params));
        match called {
            Ok(result) => Some(result),
            Err(error) => {
                self.failed = true;
                let text = match error.kind() {
                    ErrorKind::Trap => format!("the filter trapped: {error}"),
                    _ => format!("the filter failed: {error}"),
                };
                self.store.data().log(Level::Critical, text.as_bytes());
                None
            }
        }
    }

    /// Makes a context for a stream, with this number.
    pub(super) fn open(
        &mut self,
        id: ContextId,
        tcp: bool,
        attributes: &Arc<Attributes>,
    ) -> Result<(), NoRoom> {
        let host = self.store.data_mut();
        let limits = &host.options.limits;
        if host.contexts.len() >= limits.streams {
            return Err(NoRoom);
        }
        let limits = HalfLimits { headers: 2 * limits.header_bytes, body: limits.body_bytes };
        let context = Context::new(tcp, attributes, &host.budget, limits).map_err(|_| NoRoom)?;
        host.contexts.insert(id, context);
        let root = host.root;
        self.call(id, self.exports.context_create, (id, root));
        if tcp {
            let held = self.call(id, self.exports.new_connection, id).is_some_and(|action| action != 0);
            if let Some(context) = self.store.data_mut().contexts.get_mut(&id) {
                context.request.begin_connection(held);
                context.response.begin_connection(false);
            }
        }
        self.settle();
        Ok(())
    }

    /// Something arrives for a context.
    pub(super) fn push(&mut self, id: ContextId, side: Side, piece: Piece) {
        let host = self.store.data_mut();
        let Some(context) = host.contexts.get_mut(&id) else { return };
        if context.half(side).push(piece).is_err() {
            overflow(context, side);
        }
        host.dirty.insert(id);
        self.settle();
    }

    /// Carries out what was asked of contexts, until nothing is left.
    fn settle(&mut self) {
        while let Some(id) = self.store.data_mut().dirty.pop_first() {
            while !self.failed && self.tell(id) {}
        }
        for id in std::mem::take(&mut self.store.data_mut().finished) {
            self.delete(id);
        }
    }

    /// Tells the guest the next thing of a context. False if there is none.
    fn tell(&mut self, id: ContextId) -> bool {
        let Some(context) = self.store.data_mut().contexts.get_mut(&id) else { return false };
        if context.closed {
            return false;
        }
        let tcp = context.tcp;
        let sides = [Side::Request, Side::Response];
        for (index, side) in sides.into_iter().enumerate() {
            if side == Side::Request && context.local.is_some() {
                continue;
            }
            let told = match context.half(side).next() {
                Ok(Some(told)) => told,
                Ok(None) => continue,
                Err(_) => {
                    overflow(context, side);
                    return false;
                }
            };
            let exports = &self.exports;
            let action = match told {
                Told::Headers { count, end } => match exports.headers[index] {
                    OnHeaders::None => None,
                    OnHeaders::V1(function) => self.call(id, Some(function), (id, count)),
                    OnHeaders::V2(function) => self.call(id, Some(function), (id, count, end.into())),
                },
                Told::Body { size, end } if tcp => self.call(id, exports.data[index], (id, size, end.into())),
                Told::Body { size, end } => self.call(id, exports.body[index], (id, size, end.into())),
                Told::Trailers { count } => self.call(id, exports.trailers[index], (id, count)),
            };
            // What was being told stays as it is, for `release`.
            if self.failed {
                return false;
            }
            if let Some(context) = self.store.data_mut().contexts.get_mut(&id) {
                // Where the guest answers itself, or closes the stream, nothing goes on.
                let hold = context.local.is_some() || context.closed;
                context.half(side).decide(hold || action.is_some_and(|action| action != 0));
            }
            return true;
        }
        false
    }

    pub(super) fn context(&mut self, id: ContextId) -> Option<&mut Context> {
        self.store.data_mut().contexts.get_mut(&id)
    }

    /// What goes on from a context.
    pub(super) fn take(&mut self, id: ContextId) -> Option<Taken> {
        self.context(id).map(Context::take)
    }

    /// Takes all contexts away, from a VM that has failed.
    pub(super) fn into_contexts(self) -> BTreeMap<ContextId, Context> {
        self.store.into_data().contexts
    }

    /// A TCP connection was closed.
    pub(super) fn connection_closed(&mut self, id: ContextId, side: Side, by: Peer) {
        if self.context(id).is_some() {
            self.call(id, self.exports.connection_close[side as usize], (id, by as u32));
        }
        self.settle();
    }

    /// A stream is over.
    pub(super) fn close(&mut self, id: ContextId) {
        let Some(context) = self.context(id) else { return };
        context.logging = true;
        // Envoy's order: of an exchange the log comes first.
        let tcp = context.tcp;
        if !tcp {
            self.call(id, self.exports.log, id);
        }
        let done = self.call(id, self.exports.done, id);
        if tcp {
            self.call(id, self.exports.log, id);
        }
        let host = self.store.data_mut();
        if done == Some(0) && host.lingering.len() < MOST_LINGERING {
            host.lingering.insert(id);
            self.settle();
        } else {
            self.delete(id);
        }
    }

    fn delete(&mut self, id: ContextId) {
        self.call(id, self.exports.delete, id);
        let host = self.store.data_mut();
        host.contexts.remove(&id);
        host.lingering.remove(&id);
        host.dirty.remove(&id);
    }

    /// Tells of timers that have expired, and of queues into which something was put.
    pub(super) fn run(&mut self, now: Instant) {
        let host = self.store.data_mut();
        let root = host.root;
        if host.next_tick.is_some_and(|next| next <= now) {
            host.next_tick = host.tick_period.and_then(|period| now.checked_add(period));
            self.call(root, self.exports.tick, root);
            self.settle();
        }
        for (context, queue) in self.store.data().shared.ready(self.number) {
            self.call(context, self.exports.queue_ready, (context, queue));
            self.settle();
        }
    }

    /// When a timer expires.
    pub(super) fn next_tick(&self) -> Option<Instant> {
        self.store.data().next_tick.filter(|_| !self.failed)
    }

    /// Tells of the answer to a call, or that it failed and why.
    pub(super) fn answer(&mut self, token: u32, answer: Result<HttpAnswer, &'static str>) {
        let host = self.store.data_mut();
        if host.calls.open.remove(&token).is_none() {
            return;
        }
        let root = host.root;
        let sizes = match &answer {
            Ok(answer) => (answer.headers.len(), answer.body.len(), answer.trailers.len()),
            Err(_) => (0, 0, 0),
        };
        host.calls.failure = answer.as_ref().err().copied();
        host.calls.answer = answer.ok();
        let params = (root, token, sizes.0 as u32, sizes.1 as u32, sizes.2 as u32);
        self.call(root, self.exports.http_call_response, params);
        let calls = &mut self.store.data_mut().calls;
        (calls.answer, calls.failure) = (None, None);
        self.settle();
    }

    /// Calls the guest's function of that number.
    pub(super) fn call_foreign(&mut self, function: u32, arguments: Vec<u8>) {
        let host = self.store.data_mut();
        let (root, size) = (host.root, arguments.len() as u32);
        host.arguments = arguments;
        self.call(root, self.exports.foreign_function, (root, function, size));
        self.store.data_mut().arguments.clear();
        self.settle();
    }

    pub(super) fn host(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.store.interrupt_handle()
    }
}

/// Answers where a body, or headers, are more than may be kept.
fn overflow(context: &mut Context, side: Side) {
    let (status, body): (_, &[u8]) = match side {
        Side::Request => (413, b"Payload Too Large"),
        Side::Response => (500, b"Internal Server Error"),
    };
    match context.tcp {
        true => context.closed = true,
        false => {
            let local = LocalResponse::new(status, "filter_held_too_much", body);
            context.local.get_or_insert(local);
        }
    }
}

pub(super) fn refuel(store: &mut Store<Host>) -> Result<(), dunlin::Error> {
    if store.get_fuel().is_ok() {
        let fuel = store.data().options.fuel.unwrap_or(u64::MAX);
        store.set_fuel(fuel)?;
    }
    Ok(())
}
