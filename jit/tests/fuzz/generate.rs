//! Programs.

use crate::random::Random;
use arbitrary::Unstructured;

/// A module that ends by itself, wherever it is started, and traps more or less often.
pub(crate) struct Program {
    pub(crate) bytes: Vec<u8>,
}

impl Program {
    /// None if the random bytes don't make one.
    pub(crate) fn new(random: &mut Random) -> Option<Self> {
        let config = wasm_smith::Config {
            // What Dunlin has.
            bulk_memory_enabled: true,
            compact_imports_enabled: false,
            extended_const_enabled: true,
            multi_value_enabled: true,
            reference_types_enabled: true,
            saturating_float_to_int_enabled: true,
            sign_extension_ops_enabled: true,
            simd_enabled: random.below(3) > 0,
            tail_call_enabled: random.below(3) > 0,
            max_memories: 1 + random.below(3) as usize,
            // What it doesn't.
            custom_page_sizes_enabled: false,
            exceptions_enabled: false,
            gc_enabled: false,
            memory64_enabled: false,
            relaxed_simd_enabled: false,
            shared_everything_threads_enabled: false,
            threads_enabled: false,
            wide_arithmetic_enabled: false,
            // Something to be seen, and not too much of it.
            disallow_traps: random.below(3) > 0,
            export_everything: true,
            max_data_segments: 3,
            max_element_segments: 4,
            max_funcs: 10,
            max_globals: 8,
            max_imports: 8,
            max_instructions: [30, 100, 400][random.below(3) as usize],
            max_memory32_bytes: 10 << 16,
            max_table_elements: 50,
            max_tables: 3,
            max_types: 20,
            memory_max_size_required: true,
            min_funcs: 2,
            min_memories: random.below(2) as u32,
            table_max_size_required: true,
            ..wasm_smith::Config::default()
        };
        let bytes = random.bytes(8192);
        let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
        module.ensure_termination(200 + random.below(4000) as u32).ok()?;
        Some(Self { bytes: module.to_bytes() })
    }
}
