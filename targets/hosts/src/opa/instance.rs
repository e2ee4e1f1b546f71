//! Instances of policies, and the host functions that they call.

use super::builtins::{Asked, Implementation, Reply};
use super::error::{GivenUp, PolicyError};
use super::guest::{self, Address, Guest};
use super::options::PolicyOptions;
#[cfg(feature = "serve")]
use dunlin::SnapshotPre;
use dunlin::{
    AsContext, Caller, Error, ExternType, FuncType, Instance, Linker, Memory, MemoryType, Module, Store, Val,
    ValType,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What OPA's own hosts give a policy at least, whatever it declares.
const LEAST_PAGES: u32 = 5;

/// What an instance is made of. Cloning it is cheap.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) module: Module,
    pub(super) options: PolicyOptions,
    /// By the number that the policy gives them.
    pub(super) builtins: Arc<BTreeMap<i32, (String, Implementation)>>,
}

/// An instance of a policy.
pub(super) struct Running {
    pub(super) store: Store<Hosted>,
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "it is for those that begin like this one")
    )]
    linker: Linker<Hosted>,
    pub(super) instance: Instance,
    pub(super) guest: Guest,
}

/// What host functions know.
pub(super) struct Hosted {
    pub(super) parts: Parts,
    memory: Option<Memory>,
    /// `None` until the instance has been made.
    guest: Option<Guest>,
    /// Of the current evaluation.
    pub(super) asked: Asked,
}

/// Makes an instance.
pub(super) fn start(parts: &Parts) -> Result<Running, PolicyError> {
    let engine = parts.module.engine();
    let mut store = store(parts)?;
    refuel(&mut store, &parts.options)?;
    let mut linker = Linker::new(engine);
    let wanted = parts.module.imports().find(|import| (import.module(), import.name()) == ("env", "memory"));
    let mut given = None;
    if let Some(ExternType::Memory(wanted)) = wanted.map(|import| import.ty().clone()) {
        // An instance has it, not the host, so that it is part of what can be restored.
        let instance = Instance::new(&mut store, &Module::new(engine, memory(sized(&wanted)))?, &[])?;
        linker.instance(&store, "env", instance)?;
        given = Some(instance);
    }
    link(&mut linker)?;
    linker.define_unknown_imports_as_traps(&parts.module)?;
    let instance = linker.instantiate(&mut store, &parts.module)?;
    Running::of(store, linker, instance, given)
}

fn store(parts: &Parts) -> Result<Store<Hosted>, PolicyError> {
    let engine = parts.module.engine();
    let asked = Asked::new(&parts.options.services);
    let hosted = Hosted { parts: parts.clone(), memory: None, guest: None, asked };
    Ok(match &parts.options.budget {
        Some(budget) => Store::with_budget(engine, budget, hosted)?,
        None => Store::try_new(engine, hosted)?,
    })
}

impl Running {
    /// An instance, whose memory is that of another one, or its own.
    fn of(
        mut store: Store<Hosted>,
        linker: Linker<Hosted>,
        instance: Instance,
        given: Option<Instance>,
    ) -> Result<Self, PolicyError> {
        let memory = given
            .unwrap_or(instance)
            .get_memory(&store, "memory")
            .ok_or_else(|| PolicyError::NotAPolicy("it has no memory".into()))?;
        let guest = Guest::new(&mut store, instance, memory)
            .map_err(|error| PolicyError::NotAPolicy(error.to_string()))?;
        store.data_mut().memory = Some(memory);
        store.data_mut().guest = Some(guest.clone());
        Ok(Self { store, linker, instance, guest })
    }

    /// What it is now, to begin there often.
    #[cfg(feature = "serve")]
    pub(super) fn prepare(&mut self) -> Result<SnapshotPre<Hosted>, Error> {
        self.store.snapshot_pre(&self.linker)
    }

    /// An instance that begins where another one was.
    #[cfg(feature = "serve")]
    pub(super) fn begin(parts: &Parts, prepared: &SnapshotPre<Hosted>) -> Result<Self, PolicyError> {
        let mut store = store(parts)?;
        let restored = prepared.restore(&mut store)?;
        refuel(&mut store, &parts.options)?;
        let (given, instance) = match restored.instances[..] {
            [given, instance] => (Some(given), instance),
            ref instances => (None, instances[0]),
        };
        // Its imports are there, so nothing has to be linked.
        Self::of(store, Linker::new(parts.module.engine()), instance, given)
    }
}

impl Running {
    /// Gives the store the fuel of an instance that is made.
    pub(super) fn refuel(&mut self, options: &PolicyOptions) -> Result<(), Error> {
        refuel(&mut self.store, options)
    }
}

fn refuel(store: &mut Store<Hosted>, options: &PolicyOptions) -> Result<(), Error> {
    match store.get_fuel() {
        Ok(_) => store.set_fuel(options.fuel.unwrap_or(u64::MAX)),
        // It isn't counted.
        Err(_) => Ok(()),
    }
}

/// The memory to give where this one is imported.
fn sized(wanted: &MemoryType) -> MemoryType {
    let pages = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX);
    let maximum = wanted.maximum().map(pages);
    let least = LEAST_PAGES.min(maximum.unwrap_or(u32::MAX));
    MemoryType::new(pages(wanted.minimum()).max(least), maximum)
}

/// A module that has and exports a memory of this type.
fn memory(ty: MemoryType) -> Vec<u8> {
    let leb = |mut n: u64| {
        let mut bytes = Vec::new();
        while n > 0x7f {
            bytes.push(n as u8 | 0x80);
            n >>= 7;
        }
        bytes.push(n as u8);
        bytes
    };
    let mut limits = vec![1, u8::from(ty.maximum().is_some())];
    limits.extend([Some(ty.minimum()), ty.maximum()].into_iter().flatten().flat_map(leb));
    let mut bytes = b"\0asm\x01\0\0\0\x05".to_vec();
    bytes.push(limits.len() as u8);
    bytes.extend(limits);
    bytes.extend(b"\x07\x0a\x01\x06memory\x02\0");
    bytes
}

/// Whether a policy's import is answered. What isn't traps when it is called.
pub fn answers(module: &str, name: &str) -> bool {
    const NAMES: [&str; 3] = ["memory", "opa_abort", "opa_println"];
    let builtin = name.strip_prefix(BUILTIN).and_then(|arguments| arguments.parse().ok());
    module == "env" && (NAMES.contains(&name) || builtin.is_some_and(|n: usize| n <= MOST_ARGUMENTS))
}

/// What the name of a function that calls builtins begins with; the number of their arguments follows.
const BUILTIN: &str = "opa_builtin";
const MOST_ARGUMENTS: usize = 4;

fn link(linker: &mut Linker<Hosted>) -> Result<(), Error> {
    linker.func_wrap(
        "env",
        "opa_abort",
        |caller: Caller<'_, Hosted>, message: Address| -> Result<(), Error> {
            Err(Error::host(GivenUp::Policy(said(&caller, message))))
        },
    )?;
    linker.func_wrap("env", "opa_println", |caller: Caller<'_, Hosted>, message: Address| {
        let message = said(&caller, message);
        (caller.data().parts.options.services.print)(&message);
    })?;
    for arguments in 0..=MOST_ARGUMENTS {
        let ty = FuncType::new([ValType::I32; 6].into_iter().take(2 + arguments), [ValType::I32]);
        let name = format!("{BUILTIN}{arguments}");
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
    let mut charges = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let json = guest.dump(&mut *caller, *argument)?;
        values.push(serde_json::from_slice(&json.bytes).map_err(Error::host)?);
        charges.push(json.charge);
    }
    let budget = caller.as_context().budget().clone();
    let hosted = caller.data_mut();
    let Some((name, builtin)) = hosted.parts.builtins.get(&id) else {
        return Err(Error::msg(format!("the policy calls builtin {id}, which isn't in its table")));
    };
    let reply = match hosted.asked.answered_by(builtin, &budget, &values) {
        Ok(reply) => reply,
        Err(error) if error.halts() => {
            return Err(Error::host(GivenUp::Builtin(name.clone(), error.to_string())));
        }
        // As in OPA's own host, the expression is undefined.
        Err(_) => return Ok(0),
    };
    let address = match reply {
        Reply::Value(value) => guest.parse(&mut *caller, value.to_string().as_bytes()),
        Reply::Set(items) => guest.parse_rego(&mut *caller, rego_set(&items).as_bytes()),
    };
    caller.data_mut().asked.is_answered();
    address
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
    caller.data().memory.map(|memory| guest::message(memory, caller, message)).unwrap_or_default()
}
