//! Tests with stacks that end because the budget refuses to let them grow.

use dunlin::{Budget, Config, Engine, Error, Instance, Kind, Module, Store, Trap, Val};
use dunlin_jit::{Jit, Mode};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Recursions with frames of several kinds; only `depths` ends by itself.
const RECURSIONS: &str = r#"(module $deep
    (table funcref (elem $indirect))
    (memory 1)
    (func $direct (export "direct") (param i64) (result i64)
        (i64.add (call $direct (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
    (func $indirect (export "indirect") (param i32) (result i32)
        (i32.add (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.const 1)))
    (func $wide (export "wide") (param i64) (result v128 v128 v128 v128 v128 i64 i64 i64 f64 f64 f64)
        (local v128 v128 v128 v128 v128 v128 v128 v128)
        (local.set 1 (i64x2.splat (local.get 0)))
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (call $wide (i64.add (local.get 0) (i64.const 1))))
    (func $few (export "few") (call $few))
    (func $ping (export "ping") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
        (i32.add (call $pong (i64.const 1) (i64.const 2)) (call $pong (i64.const 3) (i64.const 4))))
    (func $pong (param i64 i64) (result i32) (local f64 f64 f64 i32)
        (i32.sub
            (call $ping (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1)
                (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1))
            (local.get 5)))
    (func $loops (export "loops") (param $n i32) (result i32) (local $i i32)
        (i64.const 7) (f64.const 8)
        (loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 20)))
            (local.set $i (i32.add (local.get $i) (call $loops (i32.const 0)))))
        (drop) (drop)
        (local.get $i))
    (func $depths (export "depths") (param i32) (result i32) ;; padding
        (if (result i32) (local.get 0)
            (then (i32.add (call $depths (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
            (else (i32.const 0)))))"#;

const ENDLESS: [&str; 6] = ["direct", "indirect", "wide", "few", "ping", "loops"];

struct Guest {
    budget: Budget,
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(jit: Option<&Tier>, limit: u64) -> Self {
        let budget = Budget::new(limit);
        let mut config = Config::new();
        config.budget(budget.clone());
        if let Some(jit) = jit {
            config.tier(jit.clone());
        }
        let engine = Engine::new(&config).unwrap();
        // What is inlined into itself takes less of the native stack than of the value stack: this is too large for it.
        let text = RECURSIONS.replace(";; padding", &"(nop)".repeat(100));
        let module = Module::new(&engine, &text).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let mut guest = Self { budget, store, instance };
        guest.call("depths", &[Val::I32(1)]).unwrap();
        guest
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
        let func = self.instance.get_func(&self.store, name).unwrap();
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        func.call(&mut self.store, args, &mut results).map(|()| results)
    }

    /// Calls a recursion that never ends.
    fn exhausts(&mut self, name: &str) -> Error {
        let func = self.instance.get_func(&self.store, name).unwrap();
        let args: Vec<Val> = func.ty(&self.store).params().filter_map(Val::default_for_ty).collect();
        let error = self.call(name, &args).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::StackOverflow), "{name}: {error:?}");
        error
    }
}

type Tier = std::sync::Arc<Jit>;

fn bodies() -> HashMap<u32, Range<u64>> {
    let bytes = wat::parse_str(RECURSIONS).unwrap();
    let bodies = wasmparser::Parser::new(0).parse_all(&bytes).filter_map(|payload| match payload.unwrap() {
        wasmparser::Payload::CodeSectionEntry(body) => Some(body.range()),
        _ => None,
    });
    (0..).zip(bodies).collect()
}

/// Wherever the native stack ends, each frame of the backtrace has its position: that of its call, as when interpreted.
#[test]
fn frames_of_a_starved_stack_have_their_offsets() {
    let bodies = bodies();
    let mut interpreted = Guest::new(None, 64 << 20);
    let calls: HashSet<(u32, u64)> = ENDLESS
        .iter()
        .flat_map(|name| {
            let error = interpreted.exhausts(name);
            let frames = error.backtrace().unwrap().frames();
            frames[1..]
                .iter()
                .map(|frame| (frame.func_index(), frame.module_offset().unwrap()))
                .collect::<Vec<_>>()
        })
        .collect();
    for mode in [Mode::Eager, Mode::Sync] {
        let jit = Jit::new(Jit::options().mode(mode).threshold(0)).unwrap();
        let mut guest = Guest::new(Some(&jit), 8 << 20);
        for name in ENDLESS {
            guest.exhausts(name);
        }
        assert!(jit.stats().functions >= 7, "{:?}", jit.stats());
        // Stacks keep what they have grown to, so this takes a new guest each time.
        for left in (0..700 << 10).step_by(21_300) {
            for name in ENDLESS {
                let mut guest = Guest::new(Some(&jit), 8 << 20);
                let room = guest.budget.available().unwrap();
                let _taken = guest.budget.charge(Kind::Host, room - left.min(room)).unwrap();
                let error = guest.exhausts(name);
                let Some(backtrace) = error.backtrace() else { continue };
                for (depth, frame) in backtrace.frames().iter().enumerate() {
                    let index = frame.func_index();
                    let offset =
                        frame.module_offset().unwrap_or_else(|| panic!("{name}, {left}, {depth}: {error:?}"));
                    assert!(bodies[&index].contains(&offset), "{name}, {left}, {depth}: {error:?}");
                    assert!(
                        depth == 0 || calls.contains(&(index, offset)),
                        "{name}, {left}, {depth}: {error:?}"
                    );
                }
            }
        }
    }
}

/// Compiled and interpreted recursions reach the same depth, as long as the budget has the most that compiled frames
/// take: sixteen times the value stack, and 1 MiB. With less, a recursion may end earlier, but only by an exhausted
/// stack.
#[test]
fn depths_within_a_budget() {
    let jit = Jit::new(Jit::options().mode(Mode::Eager)).unwrap();
    let (mut same, mut earlier) = (0, 0);
    for left in [0_u64, 100 << 10, 200 << 10, 400 << 10, 1 << 20, 4 << 20, 20 << 20] {
        for depth in (500..20_000).step_by(1_500) {
            let call = |tier: Option<&Tier>| {
                let mut guest = Guest::new(tier, 32 << 20);
                let room = guest.budget.available().unwrap();
                let _taken = guest.budget.charge(Kind::Host, room - left).unwrap();
                guest.call("depths", &[Val::I32(depth)]).map(|results| results[0].unwrap_i32())
            };
            // Parameter, header and one operand.
            let value_stack = depth as u64 * 40;
            match (call(None), call(Some(&jit))) {
                (Ok(wanted), Ok(got)) => {
                    assert_eq!((wanted, got), (depth, depth));
                    same += 1;
                }
                (Err(wanted), Err(got)) => {
                    assert_eq!(
                        (wanted.trap(), got.trap()),
                        (Some(Trap::StackOverflow), Some(Trap::StackOverflow))
                    );
                    same += 1;
                }
                (Ok(_), Err(error)) => {
                    assert_eq!(error.trap(), Some(Trap::StackOverflow), "{error}");
                    assert!(left < 17 * value_stack + (1 << 20), "{left}, {depth}");
                    earlier += 1;
                }
                (Err(error), Ok(_)) => panic!("{left}, {depth}: only interpreted, {error}"),
            }
        }
    }
    println!("{same} times the same, {earlier} times earlier");
    assert!(same > 20 && earlier > 0);
}
