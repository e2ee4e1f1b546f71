//! Generates programs.

use crate::looping;
use crate::random::Random;
use arbitrary::Unstructured;
use wasmparser::{Parser, Payload, TypeRef};

/// A module whose functions all terminate, and trap more or less often.
pub(crate) struct Program {
    pub(crate) bytes: Vec<u8>,
}

impl Program {
    pub(crate) fn new(random: &mut Random, tail_calls: bool) -> Self {
        if random.below(2) == 0 {
            let text = looping::program(random, tail_calls);
            let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
            return Self { bytes };
        }
        let config = wasm_smith::Config {
            // Supported proposals.
            bulk_memory_enabled: true,
            compact_imports_enabled: false,
            extended_const_enabled: true,
            multi_value_enabled: true,
            reference_types_enabled: true,
            saturating_float_to_int_enabled: true,
            sign_extension_ops_enabled: true,
            simd_enabled: random.below(3) > 0,
            relaxed_simd_enabled: random.below(2) == 0,
            tail_call_enabled: tail_calls,
            wide_arithmetic_enabled: random.below(2) == 0,
            memory64_enabled: random.below(2) == 0,
            custom_page_sizes_enabled: random.below(4) == 0,
            threads_enabled: random.below(3) == 0,
            exceptions_enabled: random.below(2) == 0,
            max_memories: 1 + random.below(3) as usize,
            // Unsupported proposals.
            gc_enabled: false,
            shared_everything_threads_enabled: false,
            // Programs with observable effects, of limited size.
            disallow_traps: random.below(3) > 0,
            export_everything: true,
            max_data_segments: 3,
            max_element_segments: 4,
            max_funcs: 10,
            max_globals: 8,
            max_imports: 8,
            max_instructions: [30, 100, 400][random.below(3) as usize],
            max_memory32_bytes: 10 << 16,
            max_memory64_bytes: 10 << 16,
            max_table_elements: 50,
            max_tables: 3,
            max_types: 20,
            memory_max_size_required: true,
            min_element_segments: random.below(3) as usize,
            min_funcs: 2 + random.below(6) as usize,
            min_globals: random.below(5) as usize,
            min_imports: random.below(4) as usize,
            min_memories: random.below(2) as u32,
            min_tables: random.below(2) as u32,
            min_types: 2 + random.below(6) as usize,
            table_max_size_required: true,
            ..wasm_smith::Config::default()
        };
        // Some bytes give no module that can be made to terminate.
        loop {
            let bytes = random.bytes(16 << 10);
            let module = wasm_smith::Module::new(config.clone(), &mut Unstructured::new(&bytes));
            let Ok(mut module) = module else { continue };
            if module.ensure_termination(200 + random.below(4000) as u32).is_err() {
                continue;
            }
            let bytes = module.to_bytes();
            // At a shared memory it could wait for ever.
            if !has_shared_memory(&bytes) {
                return Self { bytes };
            }
        }
    }
}

fn has_shared_memory(bytes: &[u8]) -> bool {
    Parser::new(0).parse_all(bytes).any(|payload| match payload {
        Ok(Payload::MemorySection(memories)) => memories.into_iter().flatten().any(|memory| memory.shared),
        Ok(Payload::ImportSection(imports)) => {
            imports.into_imports().flatten().any(|import| match import.ty {
                TypeRef::Memory(memory) => memory.shared,
                _ => false,
            })
        }
        _ => false,
    })
}
