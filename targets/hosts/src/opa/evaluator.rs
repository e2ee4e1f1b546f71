//! Evaluators: instances of a policy that keep their data between evaluations.

use super::builtins::{Asked, Reply};
use super::error::{Abort, PolicyError};
use super::guest::{Address, Evaluation, Guest, text};
use super::policy::{Policy, Shared};
use dunlin::{
    Caller, Error, ExternType, FuncType, Instance, InterruptHandle, Linker, Memory, MemoryType, Store, Val,
    ValType,
};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::sync::Arc;

/// What OPA's own hosts give a policy at least, whatever it declares.
const LEAST_PAGES: u32 = 5;

/// An instance of a policy with data.
///
/// Evaluations are independent of each other: the heap is reset before each, and an instance that trapped is replaced
/// by a new one.
pub struct Evaluator {
    policy: Policy,
    data: String,
    ready: Option<Ready>,
}

/// An instance whose data has been parsed.
struct Ready {
    running: Running,
    evaluation: Evaluation,
    data: Address,
    /// Where the heap begins behind the data.
    heap: Address,
}

/// An instance of a policy.
pub(super) struct Running {
    pub(super) store: Store<Hosted>,
    pub(super) instance: Instance,
    pub(super) guest: Guest,
}

/// What host functions know.
pub(super) struct Hosted {
    shared: Arc<Shared>,
    memory: Option<Memory>,
    /// `None` until the instance has been made.
    guest: Option<Guest>,
    /// Of the current evaluation.
    asked: Asked,
}

impl Evaluator {
    pub(super) fn new(policy: Policy, data: String) -> Result<Self, PolicyError> {
        check_json("data", &data)?;
        let mut evaluator = Self { policy, data, ready: None };
        evaluator.ready = Some(evaluator.make()?);
        Ok(evaluator)
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Replaces the data, a JSON document.
    ///
    /// # Errors
    /// If it isn't JSON, or there is no memory for it; then the data remains as it was.
    pub fn set_data(&mut self, data: impl Into<String>) -> Result<(), PolicyError> {
        *self = Self::new(self.policy.clone(), data.into())?;
        Ok(())
    }

    /// Ends evaluations from another thread. It is of no use any more after an evaluation has failed: ask again then.
    ///
    /// # Errors
    /// If there is no memory for a new instance, where the last evaluation failed.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle, PolicyError> {
        let ready = self.take()?;
        let handle = ready.running.store.interrupt_handle();
        self.ready = Some(ready);
        Ok(handle)
    }

    /// Evaluates an entrypoint with an input, a JSON document, or without one.
    ///
    /// The result is OPA's: a JSON array, `[]` if the entrypoint is undefined for this input, otherwise
    /// `[{"result": …}]`. A policy that was compiled from a query has that query's variables as keys instead.
    ///
    /// # Errors
    /// If there is no such entrypoint, if the input isn't JSON, if the policy gives up, traps or reaches a limit.
    pub fn evaluate(&mut self, entrypoint: &str, input: Option<&str>) -> Result<String, PolicyError> {
        let number = self.policy.shared.entrypoints.get(entrypoint);
        let number = *number.ok_or_else(|| PolicyError::UnknownEntrypoint(entrypoint.into()))?;
        if let Some(input) = input {
            check_json("input", input)?;
        }
        let mut ready = self.take()?;
        let Ready { running: Running { store, guest, .. }, evaluation, data, heap } = &mut ready;
        store.data_mut().asked = Asked::default();
        if store.get_fuel().is_ok() {
            store.set_fuel(self.policy.shared.options.fuel.unwrap_or(u64::MAX))?;
        }
        let results = guest.evaluate(store, evaluation, (number, *data, *heap), input.map(str::as_bytes))?;
        self.ready = Some(ready);
        String::from_utf8(results).map_err(|_| PolicyError::NotAPolicy("its results aren't UTF-8".into()))
    }

    /// The instance, made anew if the last evaluation failed.
    fn take(&mut self) -> Result<Ready, PolicyError> {
        self.ready.take().map_or_else(|| self.make(), Ok)
    }

    fn make(&self) -> Result<Ready, PolicyError> {
        let mut running = start(&self.policy.shared)?;
        let Running { store, guest, .. } = &mut running;
        let evaluation = guest.evaluation(&mut *store, self.policy.shared.minor)?;
        let data = guest.parse(&mut *store, self.data.as_bytes())?;
        if data == 0 {
            return Err(PolicyError::NotAPolicy("it can't parse the data".into()));
        }
        let heap = guest.heap(store)?;
        Ok(Ready { running, evaluation, data, heap })
    }
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator").field("policy", &self.policy).finish_non_exhaustive()
    }
}

fn check_json(what: &'static str, json: &str) -> Result<(), PolicyError> {
    serde_json::from_str::<IgnoredAny>(json).map_err(|error| PolicyError::NotJson { what, error })?;
    Ok(())
}

/// Makes an instance.
pub(super) fn start(shared: &Arc<Shared>) -> Result<Running, PolicyError> {
    let engine = shared.module.engine();
    let hosted = Hosted { shared: shared.clone(), memory: None, guest: None, asked: Asked::default() };
    let mut store = match &shared.options.budget {
        Some(budget) => Store::with_budget(engine, budget, hosted)?,
        None => Store::try_new(engine, hosted)?,
    };
    if store.get_fuel().is_ok() {
        store.set_fuel(u64::MAX)?;
    }
    let mut linker = Linker::new(engine);
    let wanted = shared.module.imports().find(|import| (import.module(), import.name()) == ("env", "memory"));
    if let Some(ExternType::Memory(wanted)) = wanted.map(|import| import.ty().clone()) {
        let memory = Memory::new(&mut store, sized(&wanted))?;
        linker.define(&store, "env", "memory", memory)?;
        store.data_mut().memory = Some(memory);
    }
    link(&mut linker)?;
    linker.define_unknown_imports_as_traps(&shared.module)?;
    let instance = linker.instantiate(&mut store, &shared.module)?;
    let memory = match store.data().memory {
        Some(memory) => memory,
        None => instance
            .get_memory(&store, "memory")
            .ok_or_else(|| PolicyError::NotAPolicy("it has no memory".into()))?,
    };
    let guest = Guest::new(&mut store, instance, memory)
        .map_err(|error| PolicyError::NotAPolicy(error.to_string()))?;
    store.data_mut().memory = Some(memory);
    store.data_mut().guest = Some(guest.clone());
    Ok(Running { store, instance, guest })
}

/// The memory to give where this one is imported.
fn sized(wanted: &MemoryType) -> MemoryType {
    let pages = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX);
    let maximum = wanted.maximum().map(pages);
    let least = LEAST_PAGES.min(maximum.unwrap_or(u32::MAX));
    MemoryType::new(pages(wanted.minimum()).max(least), maximum)
}

fn link(linker: &mut Linker<Hosted>) -> Result<(), Error> {
    linker.func_wrap(
        "env",
        "opa_abort",
        |caller: Caller<'_, Hosted>, message: Address| -> Result<(), Error> {
            Err(Error::host(Abort(said(&caller, message))))
        },
    )?;
    linker.func_wrap("env", "opa_println", |caller: Caller<'_, Hosted>, message: Address| {
        let message = said(&caller, message);
        (caller.data().shared.options.print)(&message);
    })?;
    for arguments in 0..=4 {
        let ty = FuncType::new([ValType::I32; 6].into_iter().take(2 + arguments), [ValType::I32]);
        let name = format!("opa_builtin{arguments}");
        linker.func_new("env", &name, ty, |mut caller, params, results| {
            let mut numbers = params.iter().filter_map(|param| param.i32());
            let id = numbers.next().unwrap_or(-1);
            // The second is reserved.
            let arguments: Vec<Address> = numbers.skip(1).collect();
            results[0] = Val::I32(answer(&mut caller, id, &arguments)?);
            Ok(())
        })?;
    }
    Ok(())
}

/// Has a builtin answer the policy, with the address of a value, or 0 for undefined.
fn answer(caller: &mut Caller<'_, Hosted>, id: i32, arguments: &[Address]) -> Result<Address, Error> {
    let guest =
        caller.data().guest.clone().ok_or_else(|| Error::msg("a builtin is called before there is one"))?;
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let json = guest.dump(&mut *caller, *argument)?;
        values.push(serde_json::from_slice(&json).map_err(Error::host)?);
    }
    let hosted = caller.data_mut();
    let Some((_, builtin)) = hosted.shared.builtins.get(&id) else {
        return Err(Error::msg(format!("the policy calls builtin {id}, which isn't in its table")));
    };
    // As in OPA's own host, an error makes the expression undefined.
    let Ok(reply) = builtin(&mut hosted.asked, &values) else { return Ok(0) };
    match reply {
        Reply::Value(value) => guest.parse(caller, value.to_string().as_bytes()),
        Reply::Set(items) => guest.parse_rego(caller, rego_set(&items).as_bytes()),
    }
}

/// A set in Rego's notation, in which `{}` is an object.
fn rego_set(items: &[Value]) -> String {
    if items.is_empty() {
        return "set()".into();
    }
    let items: Vec<_> = items.iter().map(Value::to_string).collect();
    format!("{{{}}}", items.join(","))
}

/// What the policy says at this address.
fn said(caller: &Caller<'_, Hosted>, message: Address) -> String {
    let text = caller.data().memory.map(|memory| text(memory, caller, message));
    String::from_utf8_lossy(&text.unwrap_or_default()).into_owned()
}
