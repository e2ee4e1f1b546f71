//! Policies: modules of which all is known that an evaluation needs.

use super::builtins::{self, Builtin};
use super::error::PolicyError;
use super::evaluator::{Evaluator, Running, start};
use dunlin::{Budget, ExternType, Module, Val};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How a policy is evaluated: everything has a default.
#[derive(Clone)]
pub struct PolicyOptions {
    pub(super) budget: Option<Budget>,
    pub(super) fuel: Option<u64>,
    pub(super) print: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self { budget: None, fuel: None, print: Arc::new(|_| {}) }
    }
}

impl PolicyOptions {
    /// The budget of each evaluator's instance: by default the engine's.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// The fuel of each evaluation, if the engine counts fuel: by default as much as there can be.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// What is done with messages that a policy prints: by default nothing.
    pub fn print(mut self, print: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.print = Arc::new(print);
        self
    }
}

impl fmt::Debug for PolicyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, fuel, print: _ } = self;
        f.debug_struct("PolicyOptions").field("budget", budget).field("fuel", fuel).finish_non_exhaustive()
    }
}

/// A policy: a module that OPA's compiler made of Rego. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) module: Module,
    pub(super) options: PolicyOptions,
    pub(super) minor: i32,
    pub(super) entrypoints: BTreeMap<String, i32>,
    /// By the number that the policy gives them.
    pub(super) builtins: BTreeMap<i32, (String, Builtin)>,
}

impl Policy {
    /// Checks that the module is a policy whose builtins are all known, by making an instance of it.
    ///
    /// # Errors
    /// If it isn't, or if there is no memory for an instance.
    pub fn new(module: &Module, options: PolicyOptions) -> Result<Self, PolicyError> {
        let mut shared = Shared {
            module: module.clone(),
            options,
            minor: 0,
            entrypoints: BTreeMap::new(),
            builtins: BTreeMap::new(),
        };
        if !matches!(module.get_export("opa_json_dump"), Some(ExternType::Func(_))) {
            return Err(PolicyError::NotAPolicy("it doesn't export opa_json_dump".into()));
        }
        let Running { mut store, guest, instance } = start(&Arc::new(Shared::unchecked(&shared)))?;
        // Policies that were made before OPA 0.27 don't say.
        let mut version =
            |name: &str, default| match instance.get_global(&store, name).map(|g| g.get(&mut store)) {
                Some(Val::I32(version)) => version,
                _ => default,
            };
        let major = version("opa_wasm_abi_version", 1);
        shared.minor = version("opa_wasm_abi_minor_version", 0);
        if major != 1 {
            return Err(PolicyError::NotAPolicy(format!("its ABI is version {major}, not 1")));
        }
        shared.entrypoints = names(guest.table(&mut store, "entrypoints")?, "entrypoints")?;
        let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
        for (name, number) in names(guest.table(&mut store, "builtins")?, "builtins")? {
            match builtins::find(&name) {
                Some(builtin) => _ = known.insert(number, (name, builtin)),
                None => unknown.push(name),
            }
        }
        if !unknown.is_empty() {
            return Err(PolicyError::UnknownBuiltins(unknown));
        }
        shared.builtins = known;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The minor version of the policy's ABI, whose major version is 1.
    pub fn abi_minor_version(&self) -> u32 {
        self.shared.minor as u32
    }

    /// What can be evaluated: paths like `example/allow`, sorted.
    pub fn entrypoints(&self) -> impl Iterator<Item = &str> {
        self.shared.entrypoints.keys().map(String::as_str)
    }

    /// The builtins that the policy asks its host for.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.shared.builtins.values().map(|(name, _)| name.as_str())
    }

    /// An instance with this data, a JSON document.
    ///
    /// # Errors
    /// If `data` isn't JSON, or there is no memory for it.
    pub fn evaluator(&self, data: impl Into<String>) -> Result<Evaluator, PolicyError> {
        Evaluator::new(self.clone(), data.into())
    }
}

impl Shared {
    /// What an instance needs before the policy's tables have been read.
    fn unchecked(&self) -> Self {
        Self {
            module: self.module.clone(),
            options: self.options.clone(),
            minor: 0,
            entrypoints: BTreeMap::new(),
            builtins: BTreeMap::new(),
        }
    }
}

fn names(json: Vec<u8>, table: &str) -> Result<BTreeMap<String, i32>, PolicyError> {
    serde_json::from_slice(&json)
        .map_err(|error| PolicyError::NotAPolicy(format!("its table of {table} can't be read: {error}")))
}
