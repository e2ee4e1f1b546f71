//! Guests, and their instances.

use super::calls;
use super::error::CallError;
use super::host::{Host, Task};
use super::state::{State, Surroundings};
use crate::services::held::Held;
use crate::services::log::{Log, NoLog};
use dunlin::{Budget, Error, InstancePre, Linker, Module, Store, TypedFunc};
use dunlin_wasi_lite::{I32Exit, add_to_linker};
use std::fmt;
use std::sync::Arc;

/// A module that was made for waPC, and who answers its calls.
#[derive(Clone)]
pub struct Guest {
    pre: InstancePre<State>,
    surroundings: Surroundings,
}

/// What is called once, in this order, before anything else, if it is exported.
const STARTS: [&str; 2] = ["_start", "wapc_init"];

impl Guest {
    /// Makes a guest of a module. Functions that it imports and nobody provides trap when they are called.
    ///
    /// # Errors
    ///
    /// If it isn't a waPC guest, or what it imports has other types.
    pub fn new(module: &Module, host: Arc<dyn Host>) -> Result<Self, Error> {
        let is_memory = module.get_export("memory").is_some_and(|ty| ty.memory().is_some());
        if !is_memory || module.get_export("__guest_call").is_none_or(|ty| ty.func().is_none()) {
            return Err(Error::msg("a waPC guest exports its memory and a function __guest_call"));
        }
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker, |state: &mut State| &mut state.wasi)?;
        calls::link(&mut linker)?;
        linker.define_unknown_imports_as_traps(module)?;
        let surroundings = Surroundings { host, log: Arc::new(NoLog), name: "guest".into() };
        Ok(Self { pre: linker.instantiate_pre(module)?, surroundings })
    }

    /// Has what the guest writes, by the ABI's own function and to its standard streams, logged under this name.
    #[must_use]
    pub fn logged(mut self, log: Arc<dyn Log>, name: &str) -> Self {
        (self.surroundings.log, self.surroundings.name) = (log, name.into());
        self
    }

    /// The module.
    pub fn module(&self) -> &Module {
        self.pre.module()
    }

    /// Makes an instance, whose memory and messages are charged to `budget`, and starts it.
    ///
    /// # Errors
    ///
    /// If there is no room, or starting it fails.
    pub fn instantiate(&self, task: &mut Task, budget: &Budget) -> Result<Instance, Error> {
        let state = State::new(&self.surroundings, task.clone());
        let mut store = Store::with_budget(self.module().engine(), budget, state)?;
        refuel(&mut store, task);
        let _watch = task.watch(store.interrupt_handle());
        let instance = self.pre.instantiate(&mut store)?;
        store.data_mut().memory = instance.get_memory(&store, "memory");
        for name in STARTS {
            if let Some(start) = instance.get_func(&store, name) {
                let result = start.typed::<(), ()>(&store)?.call(&mut store, ());
                task.fuel = task.fuel.and(store.get_fuel().ok());
                match result {
                    Err(error) if error.downcast_ref::<I32Exit>().is_some_and(|exit| exit.0 == 0) => {}
                    result => result?,
                }
            }
        }
        let call = instance.get_typed_func(&mut store, "__guest_call")?;
        Ok(Instance { store, call })
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("host", &self.surroundings.host).finish_non_exhaustive()
    }
}

/// An instance of a guest, which keeps its memory from call to call.
pub struct Instance {
    store: Store<State>,
    call: TypedFunc<(u32, u32), u32>,
}

impl Instance {
    /// Calls the guest, which may take what `task` has.
    ///
    /// # Errors
    ///
    /// If the guest says that it failed, or it does fail.
    pub fn call(&mut self, operation: &str, message: &[u8], task: &mut Task) -> Result<Vec<u8>, CallError> {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(Error::host);
        let lengths = (len(operation.as_bytes())?, len(message)?);
        refuel(&mut self.store, task);
        let state = self.store.data_mut();
        state.begin(task.clone());
        (state.operation, state.message) = (operation.into(), message.into());
        let watch = task.watch(self.store.interrupt_handle());
        let result = self.call.call(&mut self.store, lengths);
        drop(watch);
        task.fuel = task.fuel.and(self.store.get_fuel().ok());
        let state = self.store.data_mut();
        let (response, error) = (state.response.take(), state.error.take());
        state.begin(Task::default());
        let bytes = |held: Option<Held>| held.map_or_else(Vec::new, |held| held.bytes);
        match result? {
            0 => Err(CallError::Guest(String::from_utf8_lossy(&bytes(error)).into_owned())),
            _ => Ok(bytes(response)),
        }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

/// Gives a store what is left for its task. Fuel that isn't bounded is as good as endless.
fn refuel(store: &mut Store<State>, task: &Task) {
    // It fails where fuel isn't counted.
    let _ = store.set_fuel(task.fuel.unwrap_or(u64::MAX));
}
