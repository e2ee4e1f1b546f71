//! Configurations and engines.

use crate::boundary::{c_types, exports};
use crate::budget::dunlin_budget_t;
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::own::{Shared, try_box};
use crate::pointers::{Out, Require, Text};
#[cfg(feature = "jit")]
use crate::tier_choice::{Choice, TierRef};
use dunlin::{Config, Engine, Feature, Limits};

/// How an engine will behave.
pub struct wasm_config_t {
    pub(crate) config: Config,
    keep_binary: bool,
    #[cfg(feature = "jit")]
    pub(crate) tier: Choice,
}

impl wasm_config_t {
    fn new() -> Self {
        Self {
            config: Config::new(),
            keep_binary: true,
            #[cfg(feature = "jit")]
            tier: Choice::default(),
        }
    }

    fn engine(self) -> Result<Box<wasm_engine_t>> {
        #[cfg(feature = "jit")]
        let (config, tier) = self.tier.apply(self.config)?;
        #[cfg(not(feature = "jit"))]
        let config = self.config;
        let inner = Inner {
            engine: Engine::new(&config)?,
            keep_binary: self.keep_binary,
            #[cfg(feature = "jit")]
            tier,
        };
        let shared = Shared::try_new(inner).ok_or(Failure::NO_MEMORY)?;
        try_box(wasm_engine_t(EngineRef(shared))).ok_or(Failure::NO_MEMORY)
    }
}

struct Inner {
    engine: Engine,
    keep_binary: bool,
    #[cfg(feature = "jit")]
    tier: Option<TierRef>,
}

/// An owner of an engine.
#[derive(Clone)]
pub(crate) struct EngineRef(Shared<Inner>);

impl EngineRef {
    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Whether modules keep their bytes for `wasm_module_serialize`.
    pub(crate) fn keeps_binary(&self) -> bool {
        self.0.keep_binary
    }

    #[cfg(feature = "jit")]
    pub(crate) fn tier(&self) -> Option<&TierRef> {
        self.0.tier.as_ref()
    }
}

/// C's handle of an engine.
pub struct wasm_engine_t(pub(crate) EngineRef);

c_types! {
    wasm_config_t = "wasm_config_t";
    wasm_engine_t = "wasm_engine_t";
}

macro_rules! switch {
    ($config:ident, $method:ident($value:expr)) => {
        if let Some(config) = $config {
            config.config.$method($value);
        }
    };
}

exports! {
    fn wasm_config_new() -> Option<Box<wasm_config_t>> {
        try_box(wasm_config_t::new())
    }

    fn wasm_config_delete(config: Option<Box<wasm_config_t>>) {
        drop(config);
    }

    fn wasm_engine_new() -> Option<Box<wasm_engine_t>> {
        wasm_config_t::new().engine().ok()
    }

    fn wasm_engine_new_with_config(config: Option<Box<wasm_config_t>>) -> Option<Box<wasm_engine_t>> {
        config?.engine().ok()
    }

    fn wasm_engine_delete(engine: Option<Box<wasm_engine_t>>) {
        drop(engine);
    }

    fn dunlin_engine_new(config: Option<Box<wasm_config_t>>, out: Out<'_, Option<Box<wasm_engine_t>>>) -> Outcome {
        let out = out.cleared()?;
        *out = Some(config.map_or_else(wasm_config_t::new, |config| *config).engine()?);
        Ok(())
    }

    fn dunlin_engine_copy(engine: Option<&wasm_engine_t>) -> Option<Box<wasm_engine_t>> {
        try_box(wasm_engine_t(engine?.0.clone()))
    }

    fn dunlin_engine_budget(engine: Option<&wasm_engine_t>) -> Option<Box<dunlin_budget_t>> {
        try_box(dunlin_budget_t(engine?.0.engine().budget().clone()))
    }

    fn dunlin_config_budget_set(config: Option<&mut wasm_config_t>, budget: Option<&dunlin_budget_t>) {
        if let Some(budget) = budget {
            switch!(config, budget(budget.0.clone()));
        }
    }

    fn dunlin_config_consume_fuel_set(config: Option<&mut wasm_config_t>, enable: bool) {
        switch!(config, consume_fuel(enable));
    }

    fn dunlin_config_max_wasm_stack_set(config: Option<&mut wasm_config_t>, bytes: usize) {
        switch!(config, max_wasm_stack(bytes));
    }

    fn dunlin_config_max_memory_size_set(config: Option<&mut wasm_config_t>, bytes: u64) {
        switch!(config, max_memory_size(bytes));
    }

    fn dunlin_config_canonical_nans_set(config: Option<&mut wasm_config_t>, enable: bool) {
        switch!(config, canonical_nans(enable));
    }

    fn dunlin_config_relaxed_simd_deterministic_set(config: Option<&mut wasm_config_t>, enable: bool) {
        switch!(config, relaxed_simd_deterministic(enable));
    }

    fn dunlin_config_shared_memory_set(config: Option<&mut wasm_config_t>, enable: bool) {
        switch!(config, shared_memory(enable));
    }

    fn dunlin_config_suspend_compiled_set(config: Option<&mut wasm_config_t>, enable: bool) {
        switch!(config, suspend_compiled(enable));
    }

    fn dunlin_config_strict_limits_set(config: Option<&mut wasm_config_t>, enable: bool) {
        switch!(config, limits(if enable { Limits::strict() } else { Limits::default() }));
    }

    fn dunlin_config_keep_binary_set(config: Option<&mut wasm_config_t>, enable: bool) {
        if let Some(config) = config {
            config.keep_binary = enable;
        }
    }

    fn dunlin_config_wasm_feature_set(
        config: Option<&mut wasm_config_t>,
        name: Text<'_>,
        enable: bool,
    ) -> Outcome {
        let (config, name) = (config.require()?, name.utf8()?);
        let feature = Feature::ALL.into_iter().find(|feature| feature.name() == name);
        let feature = feature.filter(|feature| feature.switch().is_some()).ok_or_else(|| {
            Failure::argument(format_args!("there is no feature `{}`", name.escape_debug()))
        })?;
        config.config.wasm_feature(feature, enable);
        Ok(())
    }
}
