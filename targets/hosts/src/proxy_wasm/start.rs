//! How an instance starts.

use super::call::Calls;
use super::error::PluginError;
use super::exports::{Exports, Finder};
use super::host::{ContextId, Host};
use super::log::Lines;
use super::plugin::Plugin;
use super::status::Level;
use super::vm::{Vm, refuel};
use crate::deadline::{Awaited, Deadlines};
use dunlin::{Store, TypedFunc, WasmParams, WasmResults};
use dunlin_wasi_lite::{I32Exit, WasiCtxBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The number of the next VM.
static NEXT_VM: AtomicU64 = AtomicU64::new(1);

impl Vm {
    /// Starts one whose contexts have numbers from `root` on, in the time that the plugin may take for it.
    pub(super) fn start(plugin: &Plugin, root: ContextId) -> Result<Self, PluginError> {
        let number = NEXT_VM.fetch_add(1, Ordering::Relaxed);
        let store = store(plugin, root, number)?;
        let time = plugin.options.start_time;
        let deadlines = Deadlines::start().map_err(dunlin::Error::host)?;
        let handle = store.interrupt_handle();
        let awaited = Instant::now().checked_add(time).map(|at| deadlines.interrupt_at(at, handle));
        let started = Self::initialize(plugin, store, number);
        // One that has just started may have been interrupted, too.
        match awaited.is_some_and(Awaited::end) {
            true => Err(PluginError::Slow(time)),
            false => started,
        }
    }

    fn initialize(plugin: &Plugin, mut store: Store<Host>, number: u64) -> Result<Self, PluginError> {
        refuel(&mut store)?;
        let instance = plugin.linked.instantiate(&mut store)?;
        let memory = instance.get_memory(&store, "memory");
        store.data_mut().memory =
            Some(memory.ok_or_else(|| PluginError::NotAFilter("it exports no memory".into()))?);
        let mut finder = Finder { store: &mut store, instance };
        let allocate = match finder.find("proxy_on_memory_allocate")? {
            Some(allocate) => Some(allocate),
            None => finder.find("malloc")?,
        };
        let exports = Exports::new(&mut finder)?;
        let initialize = finder.find::<(), ()>("_initialize")?;
        let main = finder.find::<(u32, u32), u32>("main").unwrap_or_default();
        let start = finder.find::<(), ()>("_start")?;
        store.data_mut().allocate = allocate;
        let mut vm = Self { store, exports, number, failed: false };
        match (initialize, main) {
            (Some(initialize), main) => {
                vm.begin(initialize, ())?;
                if let Some(main) = main {
                    vm.begin(main, (0, 0))?;
                }
            }
            (None, _) => _ = start.map(|start| vm.begin(start, ())).transpose()?,
        }
        vm.configure()?;
        Ok(vm)
    }

    fn configure(&mut self) -> Result<(), PluginError> {
        let Host { root, options, .. } = self.store.data();
        let (root, options) = (*root, options.clone());
        self.store.data_mut().configuring = true;
        if let Some(create) = self.exports.context_create {
            self.begin(create, (root, 0))?;
        }
        if let Some(start) = self.exports.vm_start
            && self.begin(start, (root, options.vm_configuration.len() as u32))? == Some(0)
        {
            return Err(PluginError::Refused("proxy_on_vm_start"));
        }
        if let Some(configure) = self.exports.configure
            && self.begin(configure, (root, options.configuration.len() as u32))? == Some(0)
        {
            return Err(PluginError::Refused("proxy_on_configure"));
        }
        self.store.data_mut().configuring = false;
        Ok(())
    }

    /// Calls what belongs to the start. `None` if the guest exits with success.
    fn begin<P: WasmParams, R: WasmResults>(
        &mut self,
        function: TypedFunc<P, R>,
        params: P,
    ) -> Result<Option<R>, PluginError> {
        refuel(&mut self.store)?;
        match function.call(&mut self.store, params) {
            Ok(result) => Ok(Some(result)),
            Err(error) if matches!(error.downcast_ref::<I32Exit>(), Some(I32Exit(0))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A store with what host functions know.
fn store(plugin: &Plugin, root: ContextId, number: u64) -> Result<Store<Host>, PluginError> {
    let options = plugin.options.clone();
    let engine = plugin.module.engine();
    let budget = options.budget.as_ref().unwrap_or(engine.budget()).clone();
    let lines = |level| Lines::pipe(options.clone(), level);
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(lines(Level::Info)).stderr(lines(Level::Error));
    let host = Host {
        wasi: wasi.build(),
        shared: plugin.shared.clone(),
        budget: budget.clone(),
        options,
        memory: None,
        allocate: None,
        allocating: false,
        configuring: false,
        vm: number,
        root,
        current: root,
        effective: None,
        contexts: BTreeMap::new(),
        dirty: BTreeSet::new(),
        lingering: BTreeSet::new(),
        finished: Vec::new(),
        calls: Calls::default(),
        arguments: Vec::new(),
        tick_period: None,
        next_tick: None,
    };
    Ok(Store::with_budget(engine, &budget, host)?)
}
