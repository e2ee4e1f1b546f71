//! Which WebAssembly proposals a module may use.

use std::fmt;
use wasmparser::WasmFeatures;

/// What the build lacks the code for.
const LACKING: WasmFeatures = match cfg!(feature = "simd") {
    true => WasmFeatures::empty(),
    false => WasmFeatures::SIMD.union(WasmFeatures::RELAXED_SIMD),
};

/// The set of proposals that are switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Features(WasmFeatures);

impl Default for Features {
    /// WebAssembly 2.0, and of 3.0 extended constant expressions, tail calls, multiple memories, 64-bit memories,
    /// relaxed vector instructions, exceptions, typed references and groups of types; exceptions as they were before, which
    /// compilers still emit; and atomic instructions.
    fn default() -> Features {
        Features(
            WasmFeatures::WASM2
                | WasmFeatures::EXTENDED_CONST
                | WasmFeatures::TAIL_CALL
                | WasmFeatures::MULTI_MEMORY
                | WasmFeatures::RELAXED_SIMD
                | WasmFeatures::MEMORY64
                | WasmFeatures::EXCEPTIONS
                | WasmFeatures::LEGACY_EXCEPTIONS
                | WasmFeatures::FUNCTION_REFERENCES
                | WasmFeatures::THREADS,
        )
        .of_this_build()
    }
}

macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident = $flag:ident, $name:literal, $words:literal $(, $switch:ident)?;)*) => {
        /// A part of WebAssembly that came after its first version, as a proposal.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Feature {
            $($(#[$doc])* $feature,)*
        }

        impl Feature {
            /// Every one, in the order of their declaration.
            pub const ALL: [Feature; [$(Feature::$feature),*].len()] = [$(Feature::$feature),*];

            /// The proposal's name.
            pub fn name(self) -> &'static str {
                match self { $(Feature::$feature => $name,)* }
            }

            /// What it brings, in a few words: `128-bit vectors`.
            pub fn description(self) -> &'static str {
                match self { $(Feature::$feature => $words,)* }
            }

            /// The method of [`Config`](crate::Config) that switches it; `None` if this version of Dunlin doesn't have it.
            pub fn switch(self) -> Option<&'static str> {
                if LACKING.contains(self.flag()) {
                    return None;
                }
                match self { $(Feature::$feature => switch_name!($($switch)?),)* }
            }

            fn flag(self) -> WasmFeatures {
                match self { $(Feature::$feature => WasmFeatures::$flag,)* }
            }
        }

        impl Features {
            pub(crate) fn set(&mut self, feature: Feature, enable: bool) {
                self.0.set(feature.flag(), enable);
                *self = self.of_this_build();
            }

            $($(
                pub(crate) fn $switch(&mut self, enable: bool) -> &mut Self {
                    self.set(Feature::$feature, enable);
                    self
                }
            )?)*
        }
    };
}

macro_rules! switch_name {
    () => {
        None
    };
    ($switch:ident) => {
        Some(concat!("Config::", stringify!($switch)))
    };
}

features! {
    /// Mutable globals may be imported and exported.
    MutableGlobals = MUTABLE_GLOBAL, "mutable-globals", "imports or exports of mutable globals", wasm_mutable_global;
    /// `i32.extend8_s` and its kin.
    SignExtension = SIGN_EXTENSION, "sign-extension", "sign extension", wasm_sign_extension;
    /// `i32.trunc_sat_f32_s` and its kin.
    SaturatingConversions = SATURATING_FLOAT_TO_INT, "saturating-float-to-int", "conversions that saturate",
        wasm_saturating_float_to_int;
    /// More than one result; block types with parameters.
    MultiValue = MULTI_VALUE, "multi-value", "several results, or blocks with parameters", wasm_multi_value;
    /// `memory.copy` and its kin, passive segments.
    BulkMemory = BULK_MEMORY, "bulk-memory", "bulk memory instructions or passive segments", wasm_bulk_memory;
    /// `externref`, more than one table, and instructions on references and tables.
    ReferenceTypes = REFERENCE_TYPES, "reference-types", "references or several tables", wasm_reference_types;
    /// `v128` and its instructions.
    Simd = SIMD, "simd", "128-bit vectors", wasm_simd;
    /// `return_call` and `return_call_indirect`.
    TailCalls = TAIL_CALL, "tail-calls", "tail calls", wasm_tail_call;
    /// More than one memory.
    MultiMemory = MULTI_MEMORY, "multi-memory", "several memories", wasm_multi_memory;
    /// Addition, subtraction and multiplication in constant expressions.
    ExtendedConst = EXTENDED_CONST, "extended-const", "arithmetic in constant expressions", wasm_extended_const;
    /// Vector instructions whose results differ between processors.
    RelaxedSimd = RELAXED_SIMD, "relaxed-simd", "relaxed vector instructions", wasm_relaxed_simd;
    /// Memories and tables with 64-bit indices.
    Memory64 = MEMORY64, "memory64", "64-bit memories or tables", wasm_memory64;
    /// Tags, `throw` and `try_table`.
    Exceptions = EXCEPTIONS, "exceptions", "exceptions", wasm_exceptions;
    /// `try` and its kin, which `try_table` has replaced.
    LegacyExceptions = LEGACY_EXCEPTIONS, "legacy-exceptions", "exceptions as they were before their proposal was finished",
        wasm_legacy_exceptions;
    /// References that name a type, or are never null; recursion groups of function types, and subtypes.
    FunctionReferences = FUNCTION_REFERENCES, "function-references", "typed references or groups of types",
        wasm_function_references;
    /// Structs and arrays that the engine collects.
    Gc = GC, "gc", "garbage collected types";
    /// Atomic instructions and shared memories.
    Threads = THREADS, "threads", "atomic instructions or shared memories", wasm_threads;
    /// Whatever else can be shared.
    SharedEverythingThreads = SHARED_EVERYTHING_THREADS, "shared-everything-threads", "shared functions, tables, globals or types";
    /// Orders of atomic instructions other than the strictest.
    AcquireReleaseAtomics = ACQUIRE_RELEASE_ATOMICS, "acquire-release-atomics", "weaker orders of atomic instructions";
    /// Continuations.
    StackSwitching = STACK_SWITCHING, "stack-switching", "continuations";
    /// 128-bit addition, subtraction and multiplication.
    WideArithmetic = WIDE_ARITHMETIC, "wide-arithmetic", "128-bit integer arithmetic", wasm_wide_arithmetic;
    /// Pages of memory of other sizes than 64 KiB.
    CustomPageSizes = CUSTOM_PAGE_SIZES, "custom-page-sizes", "pages of another size than 64 KiB", wasm_custom_page_sizes;
    /// Types that describe types, and exact references.
    CustomDescriptors = CUSTOM_DESCRIPTORS, "custom-descriptors", "type descriptors or exact types";
    /// Instructions that discard a memory's pages.
    MemoryControl = MEMORY_CONTROL, "memory-control", "control of a memory's pages";
    /// Loads and stores of several bytes of an array.
    MultibyteArrayAccess = MULTIBYTE_ARRAY_ACCESS, "multibyte-array-access", "loads and stores in arrays";
    /// Imports that share a module's name or a type.
    CompactImports = COMPACT_IMPORTS, "compact-import-section", "imports that share a name or a type",
        wasm_compact_imports;
}

/// The proposal's name.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Feature {
    /// The one that wasmparser says would be needed.
    pub(crate) fn of_wasmparser(flag: WasmFeatures) -> Option<Feature> {
        Self::ALL.into_iter().find(|feature| feature.flag().intersects(flag))
    }
}

impl Features {
    fn of_this_build(self) -> Features {
        Features(self.0 - LACKING)
    }

    /// The set, as wasmparser wants it for everything but bodies.
    ///
    /// To wasmparser, recursion groups and subtypes are part of the proposal about garbage collection. Of what else that brings,
    /// sections can define types, and values of them by constant expressions: the loader refuses these itself.
    pub(crate) fn of_sections(self) -> WasmFeatures {
        let groups =
            if self.has(Feature::FunctionReferences) { WasmFeatures::GC } else { WasmFeatures::empty() };
        self.0 | groups
    }

    /// The set, as wasmparser wants it for bodies.
    pub(crate) fn of_bodies(self) -> WasmFeatures {
        self.0
    }

    /// Whether the validator keeps each type as the key of a map.
    pub(crate) fn interns_types(self) -> bool {
        [Feature::FunctionReferences, Feature::Exceptions, Feature::LegacyExceptions]
            .into_iter()
            .any(|feature| self.has(feature))
    }

    /// Whether a feature is among them.
    pub(crate) fn has(self, feature: Feature) -> bool {
        self.0.contains(feature.flag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_wasm_2_and_some_of_wasm_3() {
        let on = Features::default().of_bodies();
        assert!(on.floats() && on.simd() && on.bulk_memory() && on.reference_types() && on.multi_value());
        assert!(on.extended_const() && on.tail_call() && on.multi_memory());
        assert!(!on.gc() && on.function_references());
        assert!(on.threads() && on.exceptions() && on.legacy_exceptions());
        assert!(on.relaxed_simd() && on.memory64() && !on.custom_page_sizes() && !on.wide_arithmetic());
    }

    /// What isn't part of WebAssembly 3.0, and not yet as good as standard.
    const OFF: [Feature; 3] = [Feature::WideArithmetic, Feature::CustomPageSizes, Feature::CompactImports];

    #[test]
    fn what_has_a_switch_is_on_by_default_if_it_is_the_standard() {
        for feature in Feature::ALL {
            let on = feature.switch().is_some() && !OFF.contains(&feature);
            assert_eq!(Features::default().has(feature), on, "{feature}");
        }
    }

    #[test]
    fn every_proposal_for_modules_has_a_name_here() {
        let ours = Feature::ALL.into_iter().fold(WasmFeatures::empty(), |all, feature| all | feature.flag());
        let rest: Vec<_> = (WasmFeatures::all() - ours).iter_names().map(|(name, _)| name).collect();
        let others = |name: &&str| !matches!(*name, "FLOATS" | "GC_TYPES") && !name.starts_with("CM");
        assert_eq!(rest.iter().copied().filter(others).collect::<Vec<_>>(), ["COMPONENT_MODEL"]);
    }

    #[test]
    fn switches_switch() {
        let mut features = Features::default();
        features.wasm_simd(false).wasm_reference_types(false);
        assert!(!features.of_bodies().simd() && !features.of_bodies().reference_types());
        assert!(!features.of_bodies().call_indirect_overlong());
        assert_eq!(*features.wasm_simd(true).wasm_reference_types(true), Features::default());
    }
}
