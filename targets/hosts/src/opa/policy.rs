//! Policies: modules of which all is known that an evaluation needs.

use super::builtins::{self, Missing};
use super::error::PolicyError;
use super::instance::{Parts, Running, start};
use super::options::PolicyOptions;
use dunlin::{ExternType, Module, Val};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A policy: a module that OPA's compiler made of Rego. Cloning it is cheap.
#[derive(Clone)]
pub struct Policy {
    pub(super) parts: Parts,
    pub(super) minor: i32,
    pub(super) entrypoints: Arc<BTreeMap<String, i32>>,
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
        let Running { mut store, guest, instance } = start(&parts)?;
        // Policies that were made before OPA 0.27 don't say.
        let mut version =
            |name: &str, default| match instance.get_global(&store, name).map(|g| g.get(&mut store)) {
                Some(Val::I32(version)) => version,
                _ => default,
            };
        let major = version("opa_wasm_abi_version", 1);
        let minor = version("opa_wasm_abi_minor_version", 0);
        if major != 1 {
            return Err(PolicyError::NotAPolicy(format!("its ABI is version {major}, not 1")));
        }
        let entrypoints = names(guest.table(&mut store, "entrypoints")?, "entrypoints")?;
        let (mut known, mut unknown, mut denied) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (name, number) in names(guest.table(&mut store, "builtins")?, "builtins")? {
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
        Ok(Self { parts, minor, entrypoints: Arc::new(entrypoints) })
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

fn names(json: Vec<u8>, table: &str) -> Result<BTreeMap<String, i32>, PolicyError> {
    serde_json::from_slice(&json)
        .map_err(|error| PolicyError::NotAPolicy(format!("its table of {table} can't be read: {error}")))
}
