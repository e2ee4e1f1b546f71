//! What is inlined: by size, by samples, and up to which bounds.

use super::counts::count_in;
use crate::{Jit, Mode};
use cranelift_codegen::ir::Opcode;
use dunlin::{Config, Engine, Instance, Module, Store};

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
