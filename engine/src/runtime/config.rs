mod elsewhere;

pub use elsewhere::{InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

use crate::memory::arena::Arena;
use crate::module::features::{Feature, Features};
use crate::runtime::tier::Tier;
use crate::translate::check::{self, TranslationCheck};
use crate::value::relaxed::RelaxedSimd;
use crate::{Budget, Dispatch, Limits};
use alloc::sync::Arc;

/// How an [`Engine`](crate::Engine) behaves. Everything has a default; methods change one thing each.
///
/// ```
/// use dunlin::{Budget, Config, Engine};
/// let mut config = Config::new();
/// config.consume_fuel(true).wasm_simd(false).budget(Budget::new(64 << 20));
/// let engine = Engine::new(&config)?;
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) consume_fuel: bool,
    pub(crate) max_wasm_stack: usize,
    pub(crate) max_memory_size: u64,
    pub(crate) canonical_nans: bool,
    #[cfg(feature = "coredump")]
    pub(crate) coredump_on_trap: bool,
    pub(crate) relaxed_simd: RelaxedSimd,
    /// None is one without a bound.
    pub(crate) budget: Option<Budget>,
    pub(crate) limits: Limits,
    pub(crate) dispatch: Option<Dispatch>,
    /// Checks translated code. As a pointer, since a program in which nobody asks for the check then doesn't have it.
    pub(crate) check_translation: Option<TranslationCheck>,
    pub(crate) tier: Option<Arc<dyn Tier>>,
    pub(crate) suspend_compiled: bool,
    #[cfg(feature = "snapshot")]
    pub(crate) snapshots: bool,
    pub(crate) shared_memory: bool,
    pub(crate) guest_debug: bool,
    pub(crate) epoch_interruption: bool,
    pub(crate) keep_module_bytes: bool,
    pub(crate) arena: Option<Arena>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, enable: bool) -> &mut Self {
            self.features.$name(enable);
            self
        }
    )*};
}

impl Config {
    /// The default: WebAssembly 2.0 with tail calls, multiple memories, extended constant expressions, 64-bit memories,
    /// relaxed vector instructions and atomic instructions; no fuel; 1 MiB of stack; an unlimited budget.
    pub fn new() -> Self {
        Self {
            features: Features::default(),
            consume_fuel: false,
            max_wasm_stack: 1 << 20,
            max_memory_size: u64::MAX,
            canonical_nans: false,
            #[cfg(feature = "coredump")]
            coredump_on_trap: false,
            relaxed_simd: RelaxedSimd::DETERMINISTIC,
            budget: None,
            limits: Limits::default(),
            dispatch: None,
            check_translation: if cfg!(debug_assertions) { Some(check::require) } else { None },
            tier: None,
            suspend_compiled: false,
            #[cfg(feature = "snapshot")]
            snapshots: false,
            shared_memory: false,
            guest_debug: false,
            epoch_interruption: false,
            keep_module_bytes: false,
            arena: None,
        }
    }

    features! {
        /// Whether modules may use 128-bit vectors (WebAssembly 2.0, "SIMD"). On by default.
        wasm_simd
        /// Whether functions and blocks may have several results, and blocks parameters (WebAssembly 2.0). On by
        /// default.
        wasm_multi_value
        /// Whether modules may use `externref`, several tables, and instructions on tables and references
        /// (WebAssembly 2.0). On by default.
        wasm_reference_types
        /// Whether modules may use `memory.copy`, `memory.fill`, passive segments and their kin (WebAssembly 2.0). On
        /// by default.
        wasm_bulk_memory
        /// Whether modules may use `i32.extend8_s` and its kin (WebAssembly 2.0). On by default.
        wasm_sign_extension
        /// Whether modules may use `i32.trunc_sat_f32_s` and its kin (WebAssembly 2.0). On by default.
        wasm_saturating_float_to_int
        /// Whether mutable globals may be imported and exported. On by default.
        wasm_mutable_global
        /// Whether modules may use `return_call` and `return_call_indirect` (WebAssembly 3.0). On by default.
        wasm_tail_call
        /// Whether a module may have several memories (WebAssembly 3.0). On by default.
        wasm_multi_memory
        /// Whether constant expressions may add, subtract and multiply (WebAssembly 3.0). On by default.
        wasm_extended_const
        /// Whether modules may use relaxed vector instructions (WebAssembly 3.0). On by default. What their results are,
        /// [`Config::relaxed_simd_deterministic`] says.
        wasm_relaxed_simd
        /// Whether modules may use 128-bit addition, subtraction and multiplication of integers. Off by default.
        wasm_wide_arithmetic
        /// Whether memories and tables may have 64-bit indices (WebAssembly 3.0). On by default.
        wasm_memory64
        /// Whether modules may use atomic instructions and declare shared memories. On by default; but instances get shared
        /// memories only with [`Config::shared_memory`].
        wasm_threads
        /// Whether references may name a function type or be never null, with `call_ref` and its kin; and whether function
        /// types may be in recursion groups and have subtypes (WebAssembly 3.0). On by default.
        wasm_function_references
        /// Whether modules may have tags, throw exceptions and catch them by `try_table` (WebAssembly 3.0). On by default.
        wasm_exceptions
        /// Whether exceptions may be caught by `try`, `catch`, `delegate` and `rethrow`, which the standard has replaced by
        /// `try_table`. It matters only where [`Config::wasm_exceptions`] is on. On by default, as compilers still emit them.
        wasm_legacy_exceptions
        /// Whether the pages of a memory may have a size other than 64 KiB: 1 byte. Off by default.
        wasm_custom_page_sizes
        /// Whether imports may share a module's name, or a type ("compact import section"). Off by default.
        wasm_compact_imports
    }

    /// Switches a feature by its value: what the method does that [`Feature::switch`] names.
    ///
    /// # Panics
    ///
    /// If this version of Dunlin doesn't have the feature.
    pub fn wasm_feature(&mut self, feature: Feature, enable: bool) -> &mut Self {
        assert!(feature.switch().is_some(), "this version of Dunlin doesn't have {}", feature.description());
        self.features.set(feature, enable);
        self
    }

    /// Whether execution consumes fuel and stops when there is none: see [`Store::set_fuel`](crate::Store::set_fuel).
    /// Off by default.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Self {
        self.consume_fuel = enable;
        self
    }

    /// How many bytes of stack the WebAssembly functions of a store may use together, before they trap with
    /// [`Trap::StackOverflow`](crate::Trap::StackOverflow). They are taken from
    /// the budget as they are used. 1 MiB by default; at least 4 KiB and at most 1 GiB, whatever is asked for.
    pub fn max_wasm_stack(&mut self, bytes: usize) -> &mut Self {
        self.max_wasm_stack = bytes;
        self
    }

    /// How many bytes each linear memory may have. `memory.grow` beyond that gives -1, and a memory that begins larger is an
    /// error of kind [`ErrorKind::Limit`](crate::ErrorKind::Limit). Unlimited by default, but for the 4 GiB that
    /// 32-bit addresses reach; a budget bounds all memories together.
    pub fn max_memory_size(&mut self, bytes: u64) -> &mut Self {
        self.max_memory_size = bytes;
        self
    }

    /// Whether [shared memories](crate::SharedMemory) can be made, by the embedder and by modules that declare one. Off by
    /// default: guests that share a memory see when others write it, which makes an exact clock.
    pub fn shared_memory(&mut self, enable: bool) -> &mut Self {
        self.shared_memory = enable;
        self
    }

    /// Whether every operation that results in a NaN results in the same one, so that results don't depend on the
    /// machine. It costs a little time. Off by default.
    pub fn canonical_nans(&mut self, enable: bool) -> &mut Self {
        self.canonical_nans = enable;
        self
    }

    /// Whether the backtrace of an error keeps the locals and operands of interpreted functions, for a
    /// [`WasmCoreDump`](crate::WasmCoreDump). They are charged to the store's budget, as long as the error exists. Modules keep
    /// what the validator knows of their types, which is charged to their budget. Off by default.
    #[cfg(feature = "coredump")]
    pub fn coredump_on_trap(&mut self, enable: bool) -> &mut Self {
        self.coredump_on_trap = enable;
        self
    }

    /// Whether modules keep what validating a body again takes.
    #[cfg(any(feature = "coredump", feature = "snapshot"))]
    pub(crate) fn validates_again(&self) -> bool {
        #[cfg(feature = "coredump")]
        let wanted = self.coredump_on_trap;
        #[cfg(not(feature = "coredump"))]
        let wanted = false;
        #[cfg(feature = "snapshot")]
        let wanted = wanted || self.snapshots;
        wanted
    }

    /// Whether relaxed vector instructions have the results of the specification's deterministic profile, the same on every
    /// machine, interpreted and compiled. On by default.
    ///
    /// Otherwise they have those of this machine's instructions, also the same interpreted and compiled. They are faster,
    /// compiled: a fused multiply-add (aarch64, and x86_64 with FMA) is one instruction for two, and on x86_64 byte
    /// selection, truncation, minimum, maximum and the dot product need no corrections. Code that was compiled ahead of
    /// time must have been compiled with the same choice, for a processor that makes it:
    /// [`RelaxedSimd`](crate::tier::RelaxedSimd) has them.
    ///
    /// <https://webassembly.github.io/spec/core/exec/relaxed.html>
    pub fn relaxed_simd_deterministic(&mut self, enable: bool) -> &mut Self {
        self.relaxed_simd = if enable { RelaxedSimd::DETERMINISTIC } else { RelaxedSimd::of_this_machine() };
        self
    }

    /// How large parts of a module may be. By default whatever WebAssembly engines have agreed upon;
    /// [`Limits::strict`] is for modules from anywhere.
    pub fn limits(&mut self, limits: Limits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// The memory that all modules and stores of the engine may use together. Unlimited by default.
    pub fn budget(&mut self, budget: Budget) -> &mut Self {
        self.budget = Some(budget);
        self
    }

    /// Takes the bytes of all linear memories of the engine's stores from `bytes`, and none from the system: for machines that have
    /// memory set apart for guests, as a `static` is. A memory that grows moves there, unless what is behind it is free; where
    /// there is no room, it can't grow, or isn't made. They are charged to the budget like others, and have no guard regions, so
    /// that a tier has their bounds checked.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Instance, Module, Store};
    /// // One page of memory, and what is lost by aligning it.
    /// let arena = vec![0; (64 << 10) + 16].leak();
    /// let engine = Engine::new(Config::new().memory_arena(arena))?;
    /// let module = Module::new(&engine, r#"(module (memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 1))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let grow = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), i32>(&store, "grow")?;
    /// assert_eq!(grow.call(&mut store, ())?, -1);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn memory_arena(&mut self, bytes: &'static mut [u8]) -> &mut Self {
        self.arena = Some(Arena::new(bytes));
        self
    }

    /// Whether an independent verifier looks at every function's translated code before it runs, and panics if it
    /// finds a mistake of the translator's: for tests and fuzzing. On by default in builds with debug assertions.
    pub fn check_translation(&mut self, enable: bool) -> &mut Self {
        self.check_translation = if enable { Some(check::require) } else { None };
        self
    }

    /// What compiles functions that are executed often; without one, everything is interpreted. The crate
    /// `dunlin-jit` has one.
    pub fn tier(&mut self, tier: Arc<dyn Tier>) -> &mut Self {
        self.tier = Some(tier);
        self
    }

    /// Whether [resumable calls](crate::Func::call_resumable) execute compiled code, which can then be left at each call and
    /// loop. That makes it larger and a little slower, for all calls. Off by default: such calls are interpreted.
    pub fn suspend_compiled(&mut self, enable: bool) -> &mut Self {
        self.suspend_compiled = enable;
        self
    }

    /// Whether modules keep what [snapshots](crate::SuspendedCall::snapshot) need: a digest of their bytes, and what the validator knows of
    /// their types, which is charged to the budget. Off by default.
    #[cfg(feature = "snapshot")]
    pub fn snapshots(&mut self, enable: bool) -> &mut Self {
        self.snapshots = enable;
        self
    }

    /// Has programs do the same in each run with the same answers from outside, so that they can be
    /// [recorded](crate::Store::record): fuel is counted, NaNs are canonical, relaxed vector instructions deterministic, and modules keep
    /// their digests, as by the methods for each.
    #[cfg(feature = "record")]
    pub fn recordable(&mut self) -> &mut Self {
        self.consume_fuel(true).canonical_nans(true).relaxed_simd_deterministic(true).snapshots(true)
    }

    /// Whether [resumable calls](crate::Func::call_resumable) can be stopped before each instruction, and looked at: see
    /// [`Store::edit_breakpoints`](crate::Store::edit_breakpoints). The engine then has no tier, and everything is interpreted
    /// several times slower than otherwise, from cells that take several times the memory: more than
    /// [`Module::plan`](crate::Module::plan) says. Off by default.
    pub fn guest_debug(&mut self, enable: bool) -> &mut Self {
        self.guest_debug = enable;
        self
    }

    /// Whether stores have deadlines in the engine's epochs, and stop at them: see
    /// [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline). Off by default. It costs nothing while no deadline
    /// is reached.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Self {
        self.epoch_interruption = enable;
        self
    }

    /// Whether modules keep the bytes that they were loaded from, for [`Module::serialize`](crate::Module::serialize) and
    /// [`Module::custom_sections`](crate::Module::custom_sections). They are charged to the budget. Off by default.
    pub fn keep_module_bytes(&mut self, enable: bool) -> &mut Self {
        self.keep_module_bytes = enable;
        self
    }

    /// How the interpreter goes from one instruction to the next; by default [`Dispatch::Tail`] where that is known to
    /// work. Where it isn't (in a build without optimisation), [`Dispatch::Loop`] is used whatever is asked for.
    /// Programs compute the same either way.
    pub fn dispatch(&mut self, dispatch: Dispatch) -> &mut Self {
        self.dispatch = Some(dispatch);
        self
    }
}
