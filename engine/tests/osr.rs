//! What a tier is told of loops that an execution stays in, and that nothing else changes by that.

use dunlin::tier::{Account, Call, Guard, HostFn, Landing, Left, Search, Stays, Stop, Tier, View};
use dunlin::{Config, Engine, Error, Instance, Module, Store, Trap};
use std::any::Any;
use std::sync::{Arc, Mutex};

/// A tier that has every loop watched, and compiles nothing.
#[derive(Default, Debug)]
struct Watcher {
    slice: u64,
    /// Function, outermost and sampled loop.
    told: Mutex<Vec<(u32, u32, u32)>>,
    /// How many activations returned while they were watched.
    returned: Mutex<usize>,
}

impl Tier for Watcher {
    fn memory_guard(&self) -> Guard {
        Guard::Never
    }

    fn slice(&self) -> u64 {
        self.slice
    }

    fn loaded(&self, _: &Module) {}

    fn called(&self, _: &Module, _: u32, _: Option<Stop<'_>>) {}

    fn sampled(&self, _: &Module, _: u32, header: Option<u32>, _: u32, _: Option<Stop<'_>>) -> bool {
        header.is_some()
    }

    fn watched(&self, _: &Module, index: u32, stays: Option<Stays>, _: Option<Stop<'_>>) {
        match stays {
            Some(Stays { outermost, sampled }) => {
                self.told.lock().unwrap().push((index, outermost.header, sampled.header));
            }
            None => *self.returned.lock().unwrap() += 1,
        }
    }

    fn is_ready(&self) -> bool {
        false
    }

    fn new_stack(&self, _: Account, _: usize) -> Option<Box<dyn Any + Send>> {
        Some(Box::new(()))
    }

    unsafe fn enter(&self, _: *const (dyn Any + Send), _: &Call) -> Left {
        unreachable!("nothing is compiled")
    }

    unsafe fn unwind(&self) -> ! {
        unreachable!("nothing is compiled")
    }

    unsafe fn handler(&self, _: *const u8, _: &mut Search<'_>) -> Option<Landing> {
        unreachable!("nothing is compiled")
    }

    unsafe fn land(&self, _: Landing) -> ! {
        unreachable!("nothing is compiled")
    }

    unsafe fn fail(&self, _: *const u8, _: Option<Landing>) -> ! {
        unreachable!("nothing is compiled")
    }

    unsafe fn words(&self, _: &(dyn Any + Send), _: &mut dyn FnMut(&[u64])) {}

    unsafe fn is_outermost(&self, _: *const u8) -> bool {
        false
    }

    fn ensures_stack(&self, _: &(dyn Any + Send), _: usize) -> bool {
        true
    }

    unsafe fn on_host_stack(&self, _: *const (dyn Any + Send), _: usize, _: HostFn, _: *mut ()) -> bool {
        unreachable!("nothing is compiled")
    }
}

/// In `run`, loops 0 and 3 are next to each other; 1 and 2 are in 0. `run` calls a function with a loop from there.
const LOOPS: &str = r#"(module
    (func $called (param i32) (result i32)
        (loop $l
            (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (local.get 0))
    (func (export "run") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $sum i32)
        (loop $outer
            (local.set $j (i32.const 0))
            (loop $first
                (local.set $sum (i32.add (local.get $sum) (call $called (i32.const 3))))
                (br_if $first (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 9))))
            (loop $second
                (local.set $sum (i32.xor (local.get $sum) (i32.mul (local.get $j) (local.get $i))))
                (br_if $second (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
            (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (loop $last
            (local.set $sum (i32.add (local.get $sum) (local.get $i)))
            (br_if $last (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (local.get $sum)))"#;

/// What came of a call with some fuel, what is left of it, and what the tier was told.
fn run(tier: Option<Arc<Watcher>>, fuel: u64) -> (Result<i32, Option<Trap>>, u64, Option<Module>) {
    let mut config = Config::new();
    config.consume_fuel(true);
    if let Some(tier) = &tier {
        config.tier(tier.clone());
    }
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, wat::parse_str(LOOPS).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(fuel).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
    let result = run.call(&mut store, 300).map_err(|error: Error| error.trap());
    (result, store.get_fuel().unwrap(), tier.map(|_| module))
}

#[test]
fn the_outermost_loop_that_goes_round_is_found() {
    let (expected, left, _) = run(None, 1_000_000);
    assert!(expected.is_ok());
    // A turn of the outer loop takes some 500 units.
    for slice in [1, 7, 100, 1500, 10_000] {
        let tier = Arc::new(Watcher { slice, ..Watcher::default() });
        let (result, fuel, module) = run(Some(tier.clone()), 1_000_000);
        assert_eq!((result, fuel), (expected, left), "slices of {slice}");
        let module = module.unwrap();
        let loops: Vec<u32> =
            View::new(&module).shape(1).unwrap().loops.iter().map(|found| found.header).collect();
        let told = tier.told.lock().unwrap();
        assert!(told.iter().all(|(_, outermost, sampled)| outermost <= sampled));
        let seen: Vec<_> = told.iter().filter(|told| told.0 == 1).collect();
        assert!(!seen.is_empty(), "slices of {slice}");
        // Nothing is around the last loop.
        assert!(seen.iter().all(|told| told.1 == loops[3] || told.2 < loops[3]), "{seen:?}");
        if slice >= 1500 {
            assert!(seen.iter().all(|told| told.1 == loops[0] || told.2 == loops[3]), "{seen:?}");
        }
    }
}

#[test]
fn fuel_ends_where_it_would() {
    let (_, left, _) = run(None, 1_000_000);
    let all = 1_000_000 - left;
    for fuel in [0, 1, 500, 1234, all / 2, all - 1, all] {
        let (result, left, _) = run(None, fuel);
        for slice in [1, 50, 2000] {
            let tier = Arc::new(Watcher { slice, ..Watcher::default() });
            let (same, same_left, _) = run(Some(tier), fuel);
            assert_eq!((same, same_left), (result, left), "{fuel} in slices of {slice}");
        }
    }
}

/// What is to be compiled is claimed by the first who asks, until that one leaves it to others.
#[test]
fn a_function_is_claimed_once() {
    let tier = Arc::new(Watcher { slice: 1 << 30, ..Watcher::default() });
    let engine = Engine::new(Config::new().tier(tier)).unwrap();
    let module = Module::new(&engine, wat::parse_str(LOOPS).unwrap()).unwrap();
    let view = View::new(&module);
    for index in [0, 1] {
        for _ in 0..2 {
            assert!(view.claims_func(index));
            assert!(!view.claims_func(index) && !view.claims_func(index));
            // A claim is no sample.
            assert_eq!((view.samples(index), view.was_called(index)), (0, false));
            view.leaves_func(index);
        }
    }
    assert!(!view.claims_func(2));
    view.leaves_func(2);
    let plain = Module::new(&Engine::default(), wat::parse_str(LOOPS).unwrap()).unwrap();
    assert!(!View::new(&plain).claims_func(0));
}

#[test]
fn one_loop_of_a_function_is_claimed_at_a_time() {
    let tier = Arc::new(Watcher { slice: 1 << 30, ..Watcher::default() });
    let engine = Engine::new(Config::new().tier(tier)).unwrap();
    let module = Module::new(&engine, wat::parse_str(LOOPS).unwrap()).unwrap();
    let view = View::new(&module);
    let wanted = |index, headers: [u32; 2]| headers.map(|header| view.may_want_loop(index, header));
    assert!(view.wants_loop(1, 10) && view.wants_loop(0, 20));
    assert_eq!((wanted(1, [10, 20]), wanted(0, [10, 20])), ([false; 2], [false; 2]));
    assert!(!view.wants_loop(1, 10) && !view.wants_loop(1, 20));
    // Who gives it up leaves those of other functions alone.
    view.leaves_loop(1, 10);
    assert_eq!((wanted(1, [10, 20]), wanted(0, [10, 20])), ([true; 2], [false; 2]));
    assert!(view.wants_loop(1, 20));
    view.declines_loop(1, 20);
    assert_eq!((wanted(1, [10, 20]), wanted(0, [10, 20])), ([true, false], [false; 2]));
    view.declines_loop(1, 30);
    view.leaves_loop(1, 30);
    assert!(view.wants_loop(1, 10));
    assert_eq!((wanted(1, [20, 30]), wanted(0, [10, 20])), ([false; 2], [false; 2]));
}

#[test]
fn a_function_that_was_called_is_known() {
    let tier = Arc::new(Watcher { slice: 1 << 30, ..Watcher::default() });
    let engine = Engine::new(Config::new().tier(tier)).unwrap();
    let text = r#"(module (func (export "called") (call 1)) (func) (func (export "other")))"#;
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let called = || [0, 1, 2, 3].map(|index| View::new(&module).was_called(index));
    assert_eq!(called(), [false; 4]);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<(), ()>(&store, "called").unwrap().call(&mut store, ()).unwrap();
    assert_eq!(called(), [true, true, false, false]);
    // That was known without a sample.
    assert_eq!(View::new(&module).samples(1), 0);
}

/// `called` is sampled at its back edge too, but returns after three turns.
#[test]
fn an_activation_that_returns_does_not_stay() {
    let tier = Arc::new(Watcher { slice: 100, ..Watcher::default() });
    run(Some(tier.clone()), 1_000_000).0.unwrap();
    assert!(tier.told.lock().unwrap().iter().all(|(index, ..)| *index == 1));
    assert!(*tier.returned.lock().unwrap() > 0);
}

#[test]
fn a_bridge_is_there_when_it_is_published() {
    let tier = Arc::new(Watcher { slice: 1 << 30, ..Watcher::default() });
    let engine = Engine::new(Config::new().tier(tier)).unwrap();
    for text in ["(module)", "(module (type (func)) (type (func (param i32))))"] {
        let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let view = View::new(&module);
        assert!(!view.has_bridge());
        // SAFETY: nothing of this module is compiled, so nobody goes there.
        unsafe { view.publish_bridge(std::ptr::dangling()) };
        assert!(view.has_bridge());
        let types = text.matches("(type").count() as u32;
        assert!((0..types).all(|ty| !view.has_type(ty)));
    }
    let plain = Module::new(&Engine::default(), wat::parse_str("(module)").unwrap()).unwrap();
    assert!(!View::new(&plain).has_bridge());
}
