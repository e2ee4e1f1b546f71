//! What is kept for an instance between the host functions that it calls.

use super::host::{Host, Task};
use crate::services::held::Held;
use crate::services::log::{GuestLog, Log};
use dunlin::Memory;
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder, WritePipe};
use std::sync::Arc;

/// Who an instance's calls and lines go to.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) host: Arc<dyn Host>,
    pub(super) log: Arc<dyn Log>,
    /// What the log calls the guest.
    pub(super) name: Arc<str>,
}

pub(super) struct State {
    pub(super) surroundings: Surroundings,
    /// Of the current call, as is `console`: so each may write as much as the next.
    pub(super) wasi: WasiCtx,
    pub(super) console: GuestLog,
    pub(super) memory: Option<Memory>,
    /// What the instance is at work for.
    pub(super) task: Task,
    /// Of the current call.
    pub(super) operation: Vec<u8>,
    pub(super) message: Vec<u8>,
    pub(super) response: Option<Held>,
    pub(super) error: Option<Held>,
    /// What the last call of the host's came to.
    pub(super) answer: Option<Result<Held, Held>>,
}

impl State {
    pub(super) fn new(surroundings: &Surroundings, task: Task) -> Self {
        let lines = || GuestLog::new(surroundings.log.clone(), &*surroundings.name);
        let wasi =
            WasiCtxBuilder::new().stdout(WritePipe::new(lines())).stderr(WritePipe::new(lines())).build();
        Self {
            surroundings: surroundings.clone(),
            wasi,
            console: lines(),
            memory: None,
            task,
            operation: Vec::new(),
            message: Vec::new(),
            response: None,
            error: None,
            answer: None,
        }
    }

    /// Forgets the last call.
    pub(super) fn begin(&mut self, task: Task) {
        *self = Self { memory: self.memory, ..Self::new(&self.surroundings, task) };
    }
}
