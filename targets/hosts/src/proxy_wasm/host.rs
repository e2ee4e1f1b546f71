//! What host functions know: the data of a VM's store.

use super::attributes::Attributes;
use super::call::Calls;
use super::half::{Half, HalfLimits, Piece};
use super::headers::Headers;
use super::options::{Message, PluginOptions};
use super::shared::Shared;
use super::status::{Level, Side};
use dunlin::{Budget, Memory, OutOfBudget, TypedFunc};
use dunlin_wasi_lite::WasiCtx;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of a context.
pub(super) type ContextId = u32;

/// What host functions know.
pub(super) struct Host {
    pub(super) wasi: WasiCtx,
    pub(super) options: Arc<PluginOptions>,
    pub(super) shared: Shared,
    pub(super) budget: Budget,
    pub(super) memory: Option<Memory>,
    pub(super) allocate: Option<TypedFunc<u32, u32>>,
    /// The guest's allocator is being called.
    pub(super) allocating: bool,
    /// The plugin's configuration can be read.
    pub(super) configuring: bool,
    /// Which VM this is, among those that share queues.
    pub(super) vm: u64,
    pub(super) root: ContextId,
    /// Whose callback is being called, and whom it acts for.
    pub(super) current: ContextId,
    pub(super) effective: Option<ContextId>,
    pub(super) contexts: BTreeMap<ContextId, Context>,
    /// Contexts of which something was asked for.
    pub(super) dirty: BTreeSet<ContextId>,
    /// Contexts whose guest says later that it is done with them.
    pub(super) lingering: BTreeSet<ContextId>,
    /// Of those, the ones of which it has said so.
    pub(super) finished: Vec<ContextId>,
    pub(super) calls: Calls,
    /// What a foreign function's callback can read.
    pub(super) arguments: Vec<u8>,
    pub(super) tick_period: Option<Duration>,
    pub(super) next_tick: Option<Instant>,
}

/// A stream's context.
pub(super) struct Context {
    pub(super) tcp: bool,
    pub(super) attributes: Arc<Attributes>,
    pub(super) request: Half,
    pub(super) response: Half,
    /// What the guest answers in place of the upstream.
    pub(super) local: Option<LocalResponse>,
    /// The guest closed the stream.
    pub(super) closed: bool,
    /// The stream is over: headers can only be read.
    pub(super) logging: bool,
}

/// A response that a filter or the proxy makes.
#[derive(Clone, Debug)]
pub(super) struct LocalResponse {
    pub(super) status: u32,
    pub(super) details: Vec<u8>,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
    pub(super) grpc_status: i32,
}

/// What has to go on from a context.
pub(super) struct Taken {
    pub(super) request: Vec<Piece>,
    pub(super) response: Vec<Piece>,
    pub(super) local: Option<LocalResponse>,
    pub(super) closed: bool,
}

impl Context {
    pub(super) fn new(
        tcp: bool,
        attributes: &Arc<Attributes>,
        budget: &Budget,
        limits: HalfLimits,
    ) -> Result<Self, OutOfBudget> {
        Ok(Self {
            tcp,
            attributes: attributes.clone(),
            request: Half::new(budget, limits)?,
            response: Half::new(budget, limits)?,
            local: None,
            closed: false,
            logging: false,
        })
    }

    pub(super) fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    pub(super) fn take(&mut self) -> Taken {
        Taken {
            request: self.request.take().into(),
            response: self.response.take().into(),
            local: self.local.take(),
            closed: std::mem::take(&mut self.closed),
        }
    }
}

impl Host {
    /// The number of the context that the guest acts for.
    pub(super) fn acting(&self) -> ContextId {
        // A context that is gone can't act.
        let alive = |id: &ContextId| *id == self.root || self.contexts.contains_key(id);
        self.effective.filter(alive).unwrap_or(self.current)
    }

    /// The stream's context that the guest acts for; `None` if that is the root.
    pub(super) fn context(&mut self) -> Option<&mut Context> {
        let id = self.acting();
        self.contexts.get_mut(&id)
    }

    /// The context that the guest acts for, of which something is asked that will be carried out later.
    pub(super) fn ask(&mut self) -> Option<&mut Context> {
        let id = self.acting();
        let context = self.contexts.get_mut(&id)?;
        self.dirty.insert(id);
        Some(context)
    }

    pub(super) fn log(&self, level: Level, text: &[u8]) {
        if level >= self.options.log_level {
            let text = &text[..text.len().min(self.options.limits.message_bytes)];
            let text = &String::from_utf8_lossy(text);
            (self.options.log)(Message { plugin: &self.options.name, level, text });
        }
    }
}
