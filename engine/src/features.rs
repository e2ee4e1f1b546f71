//! Which WebAssembly proposals a module may use.

use wasmparser::WasmFeatures;

/// The set of proposals that are switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Features(WasmFeatures);

impl Default for Features {
    /// WebAssembly 2.0, extended constant expressions, tail calls and multiple memories.
    fn default() -> Features {
        Features(
            WasmFeatures::WASM2
                | WasmFeatures::EXTENDED_CONST
                | WasmFeatures::TAIL_CALL
                | WasmFeatures::MULTI_MEMORY,
        )
    }
}

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident => $flag:ident;)*) => {
        impl Features {
            $($(#[$doc])* pub(crate) fn $name(&mut self, enable: bool) -> &mut Self {
                self.0.set(WasmFeatures::$flag, enable);
                self
            })*
        }
    };
}

switches! {
    /// `v128` and its instructions.
    wasm_simd => SIMD;
    /// More than one result; block types with parameters.
    wasm_multi_value => MULTI_VALUE;
    /// `externref`, more than one table, and instructions on references and tables.
    wasm_reference_types => REFERENCE_TYPES;
    /// `memory.copy` and its kin, passive segments.
    wasm_bulk_memory => BULK_MEMORY;
    /// `return_call` and `return_call_indirect`.
    wasm_tail_call => TAIL_CALL;
    /// More than one memory.
    wasm_multi_memory => MULTI_MEMORY;
    /// Addition, subtraction and multiplication in constant expressions.
    wasm_extended_const => EXTENDED_CONST;
    /// `i32.extend8_s` and its kin.
    wasm_sign_extension => SIGN_EXTENSION;
    /// `i32.trunc_sat_f32_s` and its kin.
    wasm_saturating_float_to_int => SATURATING_FLOAT_TO_INT;
    /// Mutable globals may be imported and exported.
    wasm_mutable_global => MUTABLE_GLOBAL;
}

impl Features {
    /// The set, as wasmparser wants it.
    pub(crate) fn wasmparser(self) -> WasmFeatures {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_wasm_2_and_three_proposals() {
        let on = Features::default().wasmparser();
        assert!(on.floats() && on.simd() && on.bulk_memory() && on.reference_types() && on.multi_value());
        assert!(on.extended_const() && on.tail_call() && on.multi_memory());
        assert!(!on.gc() && !on.function_references() && !on.memory64() && !on.threads() && !on.exceptions());
        assert!(!on.custom_page_sizes() && !on.relaxed_simd() && !on.wide_arithmetic());
    }

    #[test]
    fn switches_switch() {
        let mut features = Features::default();
        features.wasm_simd(false).wasm_reference_types(false);
        assert!(!features.wasmparser().simd() && !features.wasmparser().reference_types());
        assert!(!features.wasmparser().call_indirect_overlong());
        assert_eq!(*features.wasm_simd(true).wasm_reference_types(true), Features::default());
    }
}
