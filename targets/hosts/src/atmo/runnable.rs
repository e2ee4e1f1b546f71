//! Runnables: modules that make a result of an input.

use super::calls;
use super::capabilities::Capabilities;
use super::error::RunError;
use super::request::{Request, Response};
use super::state::{IDENT, State};
use super::task::Task;
use dunlin::{Error, ErrorKind, Instance, InstancePre, Linker, Module, Store, Trap};
use dunlin_wasi_lite::{I32Exit, add_to_linker};
use std::fmt;
use std::sync::Arc;

/// A runnable, with what it may use.
#[derive(Clone)]
pub struct Runnable {
    pre: InstancePre<State>,
    capabilities: Arc<Capabilities>,
    name: Arc<str>,
}

/// What is called once, in this order, before anything else, if it is exported.
const STARTS: [&str; 3] = ["_initialize", "_start", "init"];

impl Runnable {
    /// Makes a runnable of a module, by this name in the log. Functions that it imports and nobody provides trap when they
    /// are called.
    ///
    /// # Errors
    ///
    /// If it isn't a runnable, or what it imports has other types.
    pub fn new(module: &Module, name: &str, capabilities: &Arc<Capabilities>) -> Result<Self, Error> {
        let is_func = |name| module.get_export(name).is_some_and(|ty| ty.func().is_some());
        let is_memory = module.get_export("memory").is_some_and(|ty| ty.memory().is_some());
        if !is_memory || !is_func("run_e") || !is_func("allocate") {
            return Err(Error::msg("a runnable exports its memory and the functions run_e and allocate"));
        }
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker, |state: &mut State| &mut state.wasi)?;
        calls::link(&mut linker)?;
        linker.define_unknown_imports_as_traps(module)?;
        Ok(Self {
            pre: linker.instantiate_pre(module)?,
            capabilities: capabilities.clone(),
            name: name.into(),
        })
    }

    /// The module.
    pub fn module(&self) -> &Module {
        self.pre.module()
    }

    /// What the log calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls it, on an instance of its own. Memory and messages are charged to the task's budget.
    ///
    /// # Errors
    ///
    /// If it says that it failed, or it does fail.
    pub fn call(&self, request: Request, task: &Task) -> Result<Response, RunError> {
        self.call_sharing(request, task, None)
    }

    /// The same, with no more fuel than its share if others are called at the same time.
    pub(super) fn call_sharing(
        &self,
        request: Request,
        task: &Task,
        share: Option<u64>,
    ) -> Result<Response, RunError> {
        let input = request.body.clone();
        let state = State::new(&self.capabilities, &self.name, request, task)?;
        let mut store = Store::with_budget(self.module().engine(), &task.budget, state)?;
        let fuel = task.take_fuel(share);
        // It fails where fuel isn't counted. What isn't bounded is as good as endless.
        let counts = store.set_fuel(fuel.unwrap_or(u64::MAX)).is_ok();
        let watch = task.watch(store.interrupt_handle());
        let result = self.run(&mut store, &input);
        drop(watch);
        if let Some(fuel) = fuel {
            task.give_fuel(if counts { store.get_fuel().unwrap_or(0) } else { fuel });
        }
        let state = store.into_data();
        match (result, state.outcome) {
            // Whoever may take no more has no say.
            (Err(error), _) if is_limit(&error) => Err(error.into()),
            (_, Some(Err(returned))) => Err(RunError::Returned(returned)),
            (Err(error), _) => Err(error.into()),
            (Ok(()), outcome) => {
                let output = outcome.and_then(Result::ok).map_or_else(Vec::new, |held| held.bytes);
                Ok(Response { output: output.into(), headers: state.headers })
            }
        }
    }

    fn run(&self, store: &mut Store<State>, input: &[u8]) -> Result<(), Error> {
        let instance = self.pre.instantiate(&mut *store)?;
        let memory = instance.get_memory(&*store, "memory");
        store.data_mut().memory = memory;
        for name in STARTS {
            start(&instance, store, name)?;
        }
        let len = u32::try_from(input.len()).map_err(Error::host)?;
        let at = instance.get_typed_func::<u32, u32>(&*store, "allocate")?.call(&mut *store, len)?;
        // It may have made the memory grow.
        let memory = memory.map(|memory| memory.data_mut(&mut *store)).unwrap_or_default();
        let place = memory.get_mut(at as usize..).and_then(|from| from.get_mut(..input.len()));
        let outside = || Error::msg("the runnable's allocate gives a place outside of its memory");
        place.ok_or_else(outside)?.copy_from_slice(input);
        let run = instance.get_typed_func::<(u32, u32, u32), ()>(&*store, "run_e")?;
        exited(run.call(store, (at, len, IDENT)))
    }
}

impl fmt::Debug for Runnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runnable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Calls what the module exports by this name, if it is a function without parameters or results.
fn start(instance: &Instance, store: &mut Store<State>, name: &str) -> Result<(), Error> {
    let func = instance.get_func(&*store, name).and_then(|func| func.typed::<(), ()>(&*store).ok());
    func.map_or(Ok(()), |func| exited(func.call(store, ())))
}

/// An exit with 0 is success.
fn exited(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.downcast_ref::<I32Exit>().is_some_and(|exit| exit.0 == 0) => Ok(()),
        result => result,
    }
}

fn is_limit(error: &Error) -> bool {
    let is_stopped = matches!(error.trap(), Some(Trap::Interrupt | Trap::OutOfFuel | Trap::OutOfBudget));
    is_stopped || matches!(error.kind(), ErrorKind::OutOfBudget | ErrorKind::OutOfMemory)
}
