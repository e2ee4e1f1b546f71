//! How a policy is evaluated.

use super::error::BuiltinError;
use crate::services::http::OutboundHttp;
use dunlin::Budget;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A builtin of the embedder's.
pub(super) type OwnBuiltin = Arc<dyn Fn(&[Value]) -> Result<Value, BuiltinError> + Send + Sync>;

/// How a policy is evaluated: everything has a default.
#[derive(Clone, Default)]
pub struct PolicyOptions {
    pub(super) budget: Option<Budget>,
    pub(super) fuel: Option<u64>,
    pub(super) builtins: Arc<BTreeMap<String, OwnBuiltin>>,
    pub(super) services: Arc<Services>,
}

/// What builtins may use.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) print: Arc<dyn Fn(&str) + Send + Sync>,
    pub(super) http: Option<Arc<dyn OutboundHttp>>,
    pub(super) looks_names_up: bool,
    pub(super) runtime: Value,
}

impl Default for Services {
    fn default() -> Self {
        let runtime = Value::Object(serde_json::Map::new());
        Self { print: Arc::new(|_| {}), http: None, looks_names_up: false, runtime }
    }
}

impl PolicyOptions {
    /// The budget of each evaluator's instance: by default the engine's.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// The fuel of each evaluation, and of making an instance with its data, if the engine counts fuel: by default as
    /// much as there can be.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// What is done with messages that a policy prints: by default nothing.
    pub fn print(mut self, print: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.services).print = Arc::new(print);
        self
    }

    /// A builtin by this name, also in place of one that is known here. It gets the arguments, of which sets are
    /// arrays, and should answer the same arguments alike.
    pub fn builtin(
        mut self,
        name: impl Into<String>,
        answer: impl Fn(&[Value]) -> Result<Value, BuiltinError> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.builtins).insert(name.into(), Arc::new(answer));
        self
    }

    /// What `http.send` sends its requests by: by default policies that use it are refused.
    pub fn http(mut self, http: impl OutboundHttp + 'static) -> Self {
        Arc::make_mut(&mut self.services).http = Some(Arc::new(http));
        self
    }

    /// Whether `net.lookup_ip_addr` may ask the system: by default policies that use it are refused.
    pub fn look_names_up(mut self, allow: bool) -> Self {
        Arc::make_mut(&mut self.services).looks_names_up = allow;
        self
    }

    /// What `opa.runtime` tells of the host, such as `{"env": {…}}`: by default an empty object.
    pub fn runtime(mut self, runtime: Value) -> Self {
        Arc::make_mut(&mut self.services).runtime = runtime;
        self
    }
}

impl fmt::Debug for PolicyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, fuel, builtins, services } = self;
        f.debug_struct("PolicyOptions")
            .field("budget", budget)
            .field("fuel", fuel)
            .field("builtins", &builtins.keys())
            .field("http", &services.http.is_some())
            .field("looks_names_up", &services.looks_names_up)
            .finish_non_exhaustive()
    }
}
