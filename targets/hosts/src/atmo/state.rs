//! What is kept for an instance between the host functions that it calls.

use super::capabilities::Capabilities;
use super::error::Returned;
use super::fields::Fields;
use super::request::Request;
use super::task::Task;
use crate::services::held::Held;
use crate::services::log::GuestLog;
use dunlin::{Charge, Error, Kind, Memory};
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder, WritePipe};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the instance names itself when it calls its host: a number that it was called with.
pub(super) const IDENT: u32 = 1;

pub(super) struct State {
    pub(super) wasi: WasiCtx,
    pub(super) console: GuestLog,
    pub(super) memory: Option<Memory>,
    pub(super) capabilities: Arc<Capabilities>,
    pub(super) task: Task,
    /// The runnable's own copy, which it may change.
    pub(super) request: Request,
    /// The body's members, once they have been asked for; `None` inside if it has none.
    pub(super) fields: Option<Option<Fields>>,
    pub(super) headers: BTreeMap<String, String>,
    /// What the runnable came to.
    pub(super) outcome: Option<Result<Held, Returned>>,
    /// What a host function came to, until it is fetched: a result, or an error's text.
    pub(super) kept: Option<Result<Held, Held>>,
    /// Variables of the next query.
    pub(super) vars: Vec<Held>,
    /// The charge for a body in place of the request's.
    pub(super) body: Option<Charge>,
    /// The charge for everything else that the runnable has set.
    set: Charge,
}

/// What an entry of a list or a tree takes besides its bytes.
const ENTRY_BYTES: usize = 128;

impl State {
    pub(super) fn new(
        capabilities: &Arc<Capabilities>,
        name: &str,
        request: Request,
        task: &Task,
    ) -> Result<Self, Error> {
        let lines = || GuestLog::new(capabilities.log.clone(), name);
        let wasi =
            WasiCtxBuilder::new().stdout(WritePipe::new(lines())).stderr(WritePipe::new(lines())).build();
        Ok(Self {
            wasi,
            console: lines(),
            memory: None,
            capabilities: capabilities.clone(),
            task: task.clone(),
            request,
            fields: None,
            headers: BTreeMap::new(),
            outcome: None,
            kept: None,
            vars: Vec::new(),
            body: None,
            set: task.budget.charge(Kind::Host, 0)?,
        })
    }

    /// Pays for an entry of so many bytes that the runnable sets. What it replaces isn't given back before the call's end.
    pub(super) fn pay(&mut self, bytes: usize) -> Result<(), Error> {
        Ok(self.set.grow((ENTRY_BYTES + bytes) as u64)?)
    }

    /// The body's members, if it has any.
    pub(super) fn fields(&mut self) -> Result<Option<&mut Fields>, Error> {
        if self.fields.is_none() {
            self.fields = Some(Fields::read(&self.request.body, &self.task.budget)?);
        }
        Ok(self.fields.as_mut().and_then(Option::as_mut))
    }

    /// Makes this the body.
    pub(super) fn set_body(&mut self, body: Vec<u8>) -> Result<(), Error> {
        let charge = self.task.budget.charge(Kind::Host, body.len() as u64)?;
        (self.request.body, self.body) = (body.into(), Some(charge));
        Ok(())
    }
}
