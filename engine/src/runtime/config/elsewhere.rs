//! Switches of wasmtime's `Config`, for embedders who come from there. Most of them change nothing here, and say why.

use crate::{Config, Error};

/// How code is compiled. Dunlin interprets, and compiles what is hot if there is a [tier](Config::tier), whichever of
/// these is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// The engine's choice.
    #[default]
    Auto,
    /// By Cranelift, which the crate `dunlin-jit` uses.
    Cranelift,
}

/// How much compiled code is optimised: a setting of wasmtime's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum OptLevel {
    /// Not at all.
    None,
    /// To execute fast.
    Speed,
    /// To execute fast and be small.
    SpeedAndSize,
}

/// How memory for instances is had. Dunlin takes it when it is needed and charges it to the [budget](crate::Budget),
/// whichever of these is asked for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum InstanceAllocationStrategy {
    /// As instances are made.
    #[default]
    OnDemand,
    /// From pools of this size, in wasmtime.
    Pooling(PoolingAllocationConfig),
}

impl InstanceAllocationStrategy {
    /// A pool of the default size.
    pub fn pooling() -> Self {
        Self::Pooling(PoolingAllocationConfig::default())
    }
}

impl From<PoolingAllocationConfig> for InstanceAllocationStrategy {
    fn from(pool: PoolingAllocationConfig) -> Self {
        Self::Pooling(pool)
    }
}

/// The size of wasmtime's pools. Only the bound on the size of memories has an effect here; what bounds all instances
/// together is the [budget](crate::Budget).
#[derive(Clone, Debug, Default)]
pub struct PoolingAllocationConfig {
    max_memory_size: Option<u64>,
}

macro_rules! nothing {
    ($on:ident: $($(#[$doc:meta])* $name:ident($ty:ty);)*) => {
        impl $on {$(
            $(#[$doc])*
            pub fn $name(&mut self, _: $ty) -> &mut Self {
                self
            }
        )*}
    };
}

impl PoolingAllocationConfig {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes each memory may have: [`Config::max_memory_size`].
    pub fn max_memory_size(&mut self, bytes: usize) -> &mut Self {
        self.max_memory_size = Some(bytes as u64);
        self
    }
}

nothing! {
    PoolingAllocationConfig:
    /// How many memories there may be: no effect, since the budget bounds them.
    total_memories(u32);
    /// How many tables there may be: no effect, since the budget bounds them.
    total_tables(u32);
    /// How many native stacks there may be: no effect, since the budget bounds them.
    total_stacks(u32);
    /// How many instances there may be: no effect, since the budget bounds them.
    total_core_instances(u32);
    /// How many elements each table may have: no effect, since the budget bounds them.
    table_elements(usize);
    /// How many bytes an instance may have: no effect, since the budget bounds them.
    max_core_instance_size(usize);
    /// How many unused slots stay as they are: no effect, since there are none.
    max_unused_warm_slots(u32);
    /// How much of an unused memory stays resident: no effect, since there are none.
    linear_memory_keep_resident(usize);
    /// How much of an unused table stays resident: no effect, since there are none.
    table_keep_resident(usize);
}

nothing! {
    Config:
    /// Which compiler is used: no effect, since [`Config::tier`] says that.
    strategy(Strategy);
    /// How much code is optimised: no effect, since the tier has one level.
    cranelift_opt_level(OptLevel);
    /// Whether Cranelift checks itself: no effect; [`Config::check_translation`] is for the interpreter.
    cranelift_debug_verifier(bool);
    /// Whether functions are compiled by several threads: no effect; the tier has its own options.
    parallel_compilation(bool);
    /// Whether native debuggers see the guest's code: no effect.
    debug_info(bool);
    /// Whether compiled code has unwind information for native tools: no effect.
    native_unwind_info(bool);
    /// Whether compiled code knows the offsets of its instructions: no effect, since backtraces always have them.
    generate_address_map(bool);
    /// Whether errors have backtraces: no effect, since they always have.
    wasm_backtrace(bool);
    /// Whether traps may be faults: no effect; the tier has its own options.
    signals_based_traps(bool);
    /// How much address space a memory reserves: no effect; the tier decides, as far as the machine allows.
    memory_reservation(u64);
    /// How much address space behind a memory is kept free: no effect; the tier decides.
    memory_guard_size(u64);
    /// How much address space a memory reserves to grow: no effect; the engine decides.
    memory_reservation_for_growth(u64);
    /// Whether memories may move: no effect; those without a reservation do.
    memory_may_move(bool);
    /// Whether instances share data segments until they write: no effect; see
    /// [`Linker::instantiate_pre`](crate::Linker::instantiate_pre).
    memory_init_cow(bool);
    /// Whether tables are filled as they are used: no effect.
    table_lazy_init(bool);
    /// Whether calls may be asynchronous: no effect, since they always may, at no cost to others.
    async_support(bool);
    /// How large the native stacks of asynchronous calls are: no effect, since they have none;
    /// [`Config::max_wasm_stack`] bounds what the guest's functions use.
    async_stack_size(usize);
}

impl Config {
    /// Whether every operation that results in a NaN results in the same one: [`Config::canonical_nans`].
    pub fn cranelift_nan_canonicalization(&mut self, enable: bool) -> &mut Self {
        self.canonical_nans(enable)
    }

    /// Switches a feature of the processor on for Cranelift: no effect; the tier finds out what the processor has.
    ///
    /// # Safety
    ///
    /// Nothing can go wrong here; in wasmtime, the processor must have the feature.
    pub unsafe fn cranelift_flag_enable(&mut self, _: &str) -> &mut Self {
        self
    }

    /// Sets a flag of Cranelift: no effect.
    ///
    /// # Safety
    ///
    /// Nothing can go wrong here; in wasmtime, the flag must suit the processor.
    pub unsafe fn cranelift_flag_set(&mut self, _: &str, _: &str) -> &mut Self {
        self
    }

    /// How memory for instances is had. Of a pool's sizes, [`PoolingAllocationConfig::max_memory_size`] has an effect.
    pub fn allocation_strategy(&mut self, strategy: impl Into<InstanceAllocationStrategy>) -> &mut Self {
        if let InstanceAllocationStrategy::Pooling(PoolingAllocationConfig { max_memory_size: Some(bytes) }) =
            strategy.into()
        {
            self.max_memory_size(bytes);
        }
        self
    }

    /// The processor that code is for, by the name that target triples begin with. An engine executes code on its own
    /// machine only; files for other machines are made by `dunlin_jit::aot`.
    ///
    /// # Errors
    ///
    /// If it isn't this machine's.
    pub fn target(&mut self, target: &str) -> Result<&mut Self, Error> {
        let this = crate::sys::ARCH;
        match target.split('-').next() {
            Some(arch) if arch == this => Ok(self),
            _ => Err(Error::msg(format_args!(
                "an engine's code is for this machine, which is {this}, not `{}`",
                target.escape_debug()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_bounds_memories() {
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        assert_eq!(config.max_memory_size, u64::MAX);
        let mut pool = PoolingAllocationConfig::new();
        config.allocation_strategy(pool.total_memories(3).clone());
        assert_eq!(config.max_memory_size, u64::MAX);
        config.allocation_strategy(pool.max_memory_size(1 << 16).clone());
        assert_eq!(config.max_memory_size, 1 << 16);
    }

    #[test]
    fn the_target_is_this_machine() {
        let mut config = Config::new();
        let this = std::env::consts::ARCH;
        config.target(this).unwrap().target(&format!("{this}-unknown-linux-gnu")).unwrap();
        for other in ["", "riscv64gc", "x86", "\n"] {
            assert!(config.target(other).is_err(), "{other:?}");
        }
    }
}
