//! Counts instructions of functions once they are compiled, as Cranelift represents them.

use crate::compiler::scratch::Scratch;
use crate::compiler::{CodeOptions, Compiler, Part, flags};
use cranelift_codegen::ir::Opcode;
use cranelift_codegen::settings::ProbestackStrategy;
use dunlin::tier::{RelaxedSimd, View};
use dunlin::{Engine, Module};

/// How many instructions of a kind each function of a module has.
pub(super) fn count(text: &str, opcode: Opcode, guarded: bool, spectre: bool) -> Vec<usize> {
    let module = Module::new(&Engine::default(), text).unwrap();
    count_in(&module, opcode, (guarded, spectre, false))
}

/// As [`count`], with or without inlining by profile.
pub(super) fn count_in(
    module: &Module,
    opcode: Opcode,
    (guarded, spectre, by_profile): (bool, bool, bool),
) -> Vec<usize> {
    let view = View::new(module);
    let flags = flags(false, spectre, true).unwrap();
    assert_eq!(flags.enable_heap_access_spectre_mitigation(), spectre);
    assert_eq!(flags.enable_table_access_spectre_mitigation(), spectre);
    // Where the native stack grows by faults, no frame may reach past the page that would fault.
    assert!(flags.enable_probestack());
    assert_eq!((flags.probestack_size_log2(), flags.probestack_strategy()), (12, ProbestackStrategy::Inline));
    let isa = cranelift_native::builder().unwrap().finish(flags).unwrap();
    let options = CodeOptions {
        guarded,
        spectre,
        fuel: false,
        relaxed_simd: RelaxedSimd::DETERMINISTIC,
        by_profile,
        suspends: false,
        portable: false,
        c_convention: isa.default_call_conv(),
        frontend: isa.frontend_config(),
    };
    let mut compiler = Compiler::new(isa);
    let count = (0..view.defined_funcs()).map(|index| {
        let shape = view.shape(index).unwrap();
        let scratch = Scratch::new(view, view.body_size(index), 64 << 20).unwrap();
        compiler.func(view, options, (index, &shape, Part::Whole), &|_| true, &scratch).unwrap();
        let func = compiler.last();
        let insts = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
        insts.filter(|inst| func.dfg.insts[*inst].opcode() == opcode).count()
    });
    count.collect()
}
