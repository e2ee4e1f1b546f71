//! Policies: modules of which all is known that an evaluation needs.

use super::builtins::{self, Missing};
use super::error::PolicyError;
use super::guest::Text;
use super::instance::{Parts, Running, start};
use super::options::PolicyOptions;
use dunlin::{Charge, ExternType, Module, Val};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A policy: a module that OPA's compiler made of Rego. Cloning it is cheap.
#[derive(Clone)]
pub struct Policy {
    pub(super) parts: Parts,
    pub(super) minor: i32,
    pub(super) entrypoints: Arc<BTreeMap<String, i32>>,
    /// The instance that the tables were read from, for the first evaluator.
    first: Arc<Mutex<Option<Running>>>,
    /// What the tables take.
    _tables: Arc<[Charge; 2]>,
}

impl Policy {
    /// Checks that the module is a policy whose builtins are all known, by making an instance of it.
    ///
    /// # Errors
    /// If it isn't, or if there is no memory for an instance.
    pub fn new(module: &Module, options: PolicyOptions) -> Result<Self, PolicyError> {
        if !matches!(module.get_export("opa_json_dump"), Some(ExternType::Func(_))) {
            return Err(PolicyError::NotAPolicy("it doesn't export opa_json_dump".into()));
        }
        // None of the builtins is called while the tables are read.
        let mut parts = Parts { module: module.clone(), options, builtins: Arc::default() };
        let mut running = start(&parts)?;
        let Running { store, guest, instance, .. } = &mut running;

        // Policies that were made before OPA 0.27 don't say.
        let mut version =
            |name: &str, default| match instance.get_global(&*store, name).map(|g| g.get(&mut *store)) {
                Some(Val::I32(version)) => version,
                _ => default,
            };
        let major = version("opa_wasm_abi_version", 1);
        let minor = version("opa_wasm_abi_minor_version", 0);
        if major != 1 {
            return Err(PolicyError::NotAPolicy(format!("its ABI is version {major}, not 1")));
        }
        let (entrypoints, entrypoints_charge) =
            names(guest.table(&mut *store, "entrypoints")?, "entrypoints")?;
        let (mut known, mut unknown, mut denied) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (names, builtins_charge) = names(guest.table(&mut *store, "builtins")?, "builtins")?;
        for (name, number) in names {
            match builtins::find(&name, &parts.options) {
                Ok(builtin) => _ = known.insert(number, (name, builtin)),
                Err(Missing::Unknown) => unknown.push(name),
                Err(Missing::Denied) => denied.push(name),
            }
        }
        if !denied.is_empty() {
            return Err(PolicyError::DeniedBuiltins(denied));
        }
        if !unknown.is_empty() {
            return Err(PolicyError::UnknownBuiltins(unknown));
        }
        parts.builtins = Arc::new(known);
        store.data_mut().parts = parts.clone();
        let first = Arc::new(Mutex::new(Some(running)));
        let tables = Arc::new([entrypoints_charge, builtins_charge]);
        Ok(Self { parts, minor, entrypoints: Arc::new(entrypoints), first, _tables: tables })
    }

    /// The instance that there is already, with the fuel of a new one; once, and if it is charged to the same budget.
    pub(super) fn take_first(&self) -> Option<Running> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        first.refuel(&self.parts.options).ok()?;
        Some(first)
    }

    /// The same policy with other limits.
    #[cfg(feature = "serve")]
    pub(super) fn limited(&self, change: impl FnOnce(&mut PolicyOptions)) -> Self {
        let mut policy = Self { first: Arc::default(), ..self.clone() };
        change(&mut policy.parts.options);
        policy
    }

    /// The minor version of the policy's ABI, whose major version is 1.
    pub fn abi_minor_version(&self) -> u32 {
        self.minor as u32
    }

    /// What can be evaluated: paths like `example/allow`, sorted.
    pub fn entrypoints(&self) -> impl Iterator<Item = &str> {
        self.entrypoints.keys().map(String::as_str)
    }

    /// The builtins that the policy asks its host for.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.parts.builtins.values().map(|(name, _)| name.as_str())
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entrypoints: Vec<_> = self.entrypoints().collect();
        f.debug_struct("Policy")
            .field("minor", &self.minor)
            .field("entrypoints", &entrypoints)
            .finish_non_exhaustive()
    }
}

fn names(json: Text, table: &str) -> Result<(BTreeMap<String, i32>, Charge), PolicyError> {
    let names = serde_json::from_slice(&json.bytes)
        .map_err(|error| PolicyError::NotAPolicy(format!("its table of {table} can't be read: {error}")))?;
    Ok((names, json.charge))
}
