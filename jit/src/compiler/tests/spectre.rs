//! Spectre mitigations in CLIF.

use crate::compiler::scratch::Scratch;
use crate::compiler::{CodeOptions, Compiler, Part, flags};
use crate::{Jit, Mode};
use cranelift_codegen::ir::Opcode;
use cranelift_codegen::settings::ProbestackStrategy;
use dunlin::tier::View;
use dunlin::{Config, Engine, Instance, Module, Store};

/// How many instructions of a kind each function of a module has.
fn count(text: &str, opcode: Opcode, guarded: bool, spectre: bool) -> Vec<usize> {
    let module = Module::new(&Engine::default(), text).unwrap();
    count_in(&module, opcode, (guarded, spectre, false))
}

fn count_in(
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

/// So many accesses, all of which may be out of bounds, and each of which looks for itself.
const ACCESSES: &[(usize, &str)] = &[
    (1, "(drop (i32.load (local.get 0)))"),
    (1, "(drop (i64.load16_s offset=70000 (local.get 0)))"),
    (1, "(drop (f64.load (i32.const 65529)))"),
    (1, "(i32.store8 (local.get 0) (local.get 1))"),
    (1, "(v128.store offset=3 (local.get 0) (v128.const i64x2 1 2))"),
    (1, "(drop (v128.load32_splat (local.get 0)))"),
    (1, "(drop (v128.load16_lane 1 (local.get 0) (v128.const i64x2 1 2)))"),
    (1, "(v128.store64_lane 1 (local.get 0) (v128.const i64x2 1 2))"),
    (1, "(drop (i32.load8_u $second (local.get 0)))"),
    // One reaches as far as the other: without mitigations it is not checked again.
    (2, "(i32.store offset=8 (local.get 0) (i32.const 1)) (i32.store offset=4 (local.get 0) (i32.const 1))"),
    (
        2,
        "(if (local.get 1) (then (i32.store (local.get 0) (i32.const 1)))) (i32.store offset=4 (local.get 0) (i32.const 1))",
    ),
    // Never out of bounds.
    (0, "(drop (i32.load (i32.const 65532)))"),
    (0, "(i64.store (i32.const 8) (i64.const 1))"),
    (0, "(drop (memory.size))"),
];

const TABLES: &[(usize, &str)] = &[
    (1, "(drop (table.get $grows (local.get 0)))"),
    (1, "(drop (table.get $fixed (local.get 0)))"),
    (1, "(table.set $grows (local.get 0) (ref.null func))"),
    (1, "(call_indirect $grows (local.get 0))"),
    (1, "(call_indirect $fixed (local.get 0))"),
    (0, "(drop (table.size $grows))"),
];

/// With mitigations, the processor has no address to speculate with where a check fails: it is selected.
#[test]
fn failed_checks_select_no_address_against_speculation() {
    let bodies = |all: &[(usize, &str)]| {
        let functions: String =
            all.iter().map(|(_, body)| format!("(func (param i32 i32) {body})")).collect();
        format!(
            "(module (memory 1 9) (memory $second 1 9) (table $grows 3 funcref) (table $fixed 3 3 funcref) {functions})"
        )
    };
    for (all, guards_do) in [(ACCESSES, true), (TABLES, false)] {
        let (text, expected) = (bodies(all), all.iter().map(|(count, _)| *count).collect::<Vec<_>>());
        let none = vec![0; all.len()];
        let selects = |guarded, spectre| count(&text, Opcode::SelectSpectreGuard, guarded, spectre);
        assert_eq!(selects(false, true), expected);
        assert_eq!(selects(false, false), none);
        assert_eq!(selects(true, false), none);
        // What lies beyond a memory with a guard is nobody's.
        assert_eq!(selects(true, true), if guards_do { none } else { expected });
    }
}

/// The calls that are left in each function once others are inlined in it.
fn calls_left(module: &Module, by_profile: bool) -> Vec<usize> {
    count_in(module, Opcode::Call, (true, false, by_profile))
}

/// A function whose body has so many bytes, those for locals and `end` among them.
fn sized(name: &str, bytes: usize) -> String {
    format!("(func ${name} {})", "nop ".repeat(bytes - 2))
}

/// A module in which everything that `run` calls has samples.
fn sampled(text: &str) -> Module {
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(u32::MAX).sample_every(1)).unwrap();
    let engine = Engine::new(Config::new().tier(jit)).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<(), ()>(&store, "run").unwrap().call(&mut store, ()).unwrap();
    module
}

#[test]
fn functions_are_inlined_by_size_and_samples() {
    let some = [("tiny", 2), ("small", 32), ("more", 33), ("medium", 200), ("large", 201)];
    let functions: String = some.iter().map(|(name, bytes)| sized(name, *bytes)).collect();
    let calls: String = some.iter().map(|(name, _)| format!("(call ${name})")).collect();
    let text = format!(
        r#"(module
            {functions}
            (func $caller {calls})
            (func $rarely (param i32) (if (local.get 0) (then {calls})))
            (func (export "run") (call $caller) (call $rarely (i32.const 0))))"#
    );
    let caller = some.len();
    let never = Module::new(&Engine::default(), &text).unwrap();
    assert_eq!(calls_left(&never, false)[caller..caller + 2], [3, 3]);
    assert_eq!(calls_left(&never, true)[caller..caller + 2], [3, 3]);
    let hot = sampled(&text);
    assert_eq!(calls_left(&hot, false)[caller..caller + 2], [3, 3]);
    assert_eq!(calls_left(&hot, true)[caller..caller + 2], [1, 1]);
    // What was never called isn't worth its place.
    let cold =
        sampled(&text.replace("(call $caller) (call $rarely (i32.const 0))", "(call $rarely (i32.const 0))"));
    assert_eq!(calls_left(&cold, true)[caller..caller + 2], [3, 5]);
}

#[test]
fn what_is_inlined_has_a_bound() {
    // 1,000 bytes and twice the 122 of the caller; each call costs 32, and 4.
    let calls = "(call $small)".repeat(60);
    let text = format!("(module {} (func {calls}))", sized("small", 32));
    assert_eq!(calls_left(&Module::new(&Engine::default(), text).unwrap(), false)[1], 60 - 1244 / 36);
    // And twice the 82: each call costs 4, and 4; and what it calls 32, and 8. Of 25 that have room, one calls.
    let calls = "(call $middle)".repeat(40);
    let text = format!("(module {} (func $middle (call $small)) (func {calls}))", sized("small", 32));
    assert_eq!(calls_left(&Module::new(&Engine::default(), text).unwrap(), false)[2], 40 - 25 + 1);
    // Up to four levels.
    let chain: String = (1..8).map(|n| format!("(func $f{n} (call $f{}))", n - 1)).collect();
    let text = format!("(module (func $f0) {chain})");
    assert_eq!(calls_left(&Module::new(&Engine::default(), text).unwrap(), false), [0, 0, 0, 0, 0, 1, 1, 1]);
    // Not in itself.
    let text = "(module (func $even (call $odd)) (func $odd (call $even)) (func $self (call $self)))";
    assert_eq!(calls_left(&Module::new(&Engine::default(), text).unwrap(), false), [1, 1, 1]);
}
