//! Calls that stop for a debugger: where, what is seen there, and that they go on as if nothing had been.

use dunlin::{
    Breakpoint, Config, Dispatch, Engine, Error, Func, Instance, Linker, Module, ResumableCall, Store,
    SuspendedCall, Trap, Val,
};
use std::ops::ControlFlow;

const MODULE: &str = r#"(module
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (memory $m 1) (global $g (mut i64) (i64.const 5))
    (func (export "f") (param $n i32) (result i32) (local $sum i32) (local $x f64) (local $v v128)
        (local.set $x (f64.const 1.5))
        (local.set $v (v128.const i64x2 7 8))
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (call $square (local.get $n))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.store (i32.const 16) (local.get $sum))
        (global.set $g (i64.extend_i32_u (local.get $sum)))
        (call $twice (local.get $sum)))
    (func $square (param $a i32) (result i32)
        (i32.mul (local.get $a) (local.get $a)))
    (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func (export "dead") (param i32) (result i32)
        (block (result i32)
            (br_if 0 (i32.const 7) (local.get 0))
            (br 0)
            (drop) (i32.const 3) (i32.const 4) (drop))))"#;

struct Debugged {
    store: Store<()>,
    module: Module,
    instance: Instance,
    bytes: Vec<u8>,
}

impl Debugged {
    fn new(config: &mut Config) -> Self {
        let engine = Engine::new(config.check_translation(true)).unwrap();
        let bytes = wat::parse_str(MODULE).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "twice", |n: i32| 2 * n).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Self { store, module, instance, bytes }
    }

    fn func(&self, name: &str) -> Func {
        self.instance.get_func(&self.store, name).unwrap()
    }

    fn begin(&mut self, name: &str, n: i32) -> Result<Stopped, Error> {
        let mut results = [Val::I32(0)];
        let func = self.func(name);
        let call = func.call_resumable(&mut self.store, &[Val::I32(n)], &mut results)?;
        Ok(Stopped::of(call, &results))
    }

    fn resume(&mut self, call: SuspendedCall) -> Result<Stopped, Error> {
        let mut results = [Val::I32(0)];
        let call = call.resume(&mut self.store, &mut results)?;
        Ok(Stopped::of(call, &results))
    }

    fn step(&mut self, on: bool) {
        self.store.edit_breakpoints().unwrap().single_step(on);
    }

    /// The function's index, where it is, its locals and operands, of each frame.
    fn frames(&self, call: &SuspendedCall) -> Vec<(u32, u32, Vec<Val>, Vec<Val>)> {
        let mut frames = Vec::new();
        call.debug_frames(&self.store, |frame| {
            let (at, next) = (frame.offset().unwrap(), frame.next_offset().unwrap());
            // A call has two bytes here.
            assert_eq!(next, if frames.is_empty() { at } else { at + 2 });
            frames.push((frame.func_index(), at, frame.locals().unwrap(), frame.stack().unwrap()));
            assert_eq!(frame.instance(), self.instance);
            ControlFlow::Continue(())
        });
        frames
    }

    /// The offset of the first of these bytes.
    fn find(&self, bytes: &[u8]) -> u32 {
        self.bytes.windows(bytes.len()).position(|window| window == bytes).unwrap() as u32
    }
}

enum Stopped {
    Returned(i32),
    At(SuspendedCall),
}

impl Stopped {
    fn of(call: ResumableCall, results: &[Val]) -> Self {
        match call {
            ResumableCall::Finished => Stopped::Returned(results[0].unwrap_i32()),
            ResumableCall::Suspended(call) => Stopped::At(call),
        }
    }

    fn call(self) -> SuspendedCall {
        match self {
            Stopped::At(call) => call,
            Stopped::Returned(result) => panic!("it returned {result}"),
        }
    }
}

fn configurations() -> impl Iterator<Item = Config> {
    [(Dispatch::Tail, false), (Dispatch::Loop, true)].into_iter().map(|(dispatch, fuel)| {
        let mut config = Config::new();
        config.guest_debug(true).dispatch(dispatch).consume_fuel(fuel);
        config
    })
}

#[test]
fn every_instruction_is_a_step() {
    for mut config in configurations() {
        let mut debugged = Debugged::new(&mut config);
        let _ = debugged.store.set_fuel(1_000_000);
        debugged.step(true);
        let (mut stopped, mut offsets) = (debugged.begin("f", 3).unwrap(), Vec::new());
        let result = loop {
            match stopped {
                Stopped::Returned(result) => break result,
                Stopped::At(call) => {
                    assert_eq!(call.reason().downcast_ref(), Some(&Breakpoint));
                    offsets.push(debugged.frames(&call)[0].1);
                    stopped = debugged.resume(call).unwrap();
                }
            }
        };
        assert_eq!(result, 28);
        // Four and the loop's beginning; in each turn, ten and the four of the square; and ten, the end of the loop among them.
        assert_eq!(offsets.len(), 5 + 3 * (10 + 4) + 10, "{offsets:x?}");
        // What is executed in a row lies in a row, where nothing branches.
        assert!(offsets[..5].is_sorted());
    }
}

#[test]
fn breakpoints_show_locals_operands_and_callers() {
    for mut config in configurations() {
        let mut debugged = Debugged::new(&mut config);
        let _ = debugged.store.set_fuel(1_000_000);
        // `local.get 0, local.get 0, i32.mul`
        let square = debugged.find(&[0x20, 0, 0x20, 0, 0x6c]);
        let multiply = square + 4;
        let module = debugged.module.clone();
        let mut breakpoints = debugged.store.edit_breakpoints().unwrap();
        assert_eq!(breakpoints.add_breakpoint(&module, multiply).unwrap(), Some(multiply));
        let mut call = debugged.begin("f", 3).unwrap().call();
        for (n, sum) in [(3, 0), (2, 9), (1, 13)] {
            let frames = debugged.frames(&call);
            let [(inner, at, locals, stack), (outer, from, their, below)] = &frames[..] else {
                panic!("{frames:?}")
            };
            assert_eq!((*inner, *outer, *at), (2, 1, multiply));
            assert_eq!(locals.iter().map(Val::unwrap_i32).collect::<Vec<_>>(), [n]);
            assert_eq!(stack.iter().map(Val::unwrap_i64).collect::<Vec<_>>(), [n.into(), n.into()]);
            assert_eq!(debugged.bytes[*from as usize], 0x10, "a call");
            assert_eq!((their[0].unwrap_i32(), their[1].unwrap_i32()), (n, sum));
            assert_eq!((their[2].unwrap_f64(), u128::from(their[3].unwrap_v128())), (1.5, 8 << 64 | 7));
            assert_eq!(below[0].unwrap_i64(), i64::from(sum));
            if n > 1 {
                call = debugged.resume(call).unwrap().call();
            }
        }
        debugged.store.edit_breakpoints().unwrap().remove_breakpoint(&module, multiply).unwrap();
        let Stopped::Returned(28) = debugged.resume(call).unwrap() else { panic!() };
        // Nothing stops any more.
        let Stopped::Returned(28) = debugged.begin("f", 3).unwrap() else { panic!() };
        let instance = debugged.instance;
        let memory = instance.debug_memory(&debugged.store, 0).unwrap();
        assert_eq!(memory.data(&debugged.store)[16], 14);
        assert!(instance.debug_memory(&debugged.store, 1).is_none());
        let global = instance.debug_global(&debugged.store, 0).unwrap();
        assert_eq!(global.get(&mut debugged.store).unwrap_i64(), 14);
    }
}

#[test]
fn a_breakpoint_between_instructions_is_at_the_next() {
    let mut debugged = Debugged::new(Config::new().guest_debug(true));
    let square = debugged.find(&[0x20, 0, 0x20, 0, 0x6c]);
    let dead = debugged.find(&[0x0c, 0, 0x1a, 0x41, 3]);
    let (module, end) = (debugged.module.clone(), debugged.bytes.len() as u32);
    let mut breakpoints = debugged.store.edit_breakpoints().unwrap();
    assert_eq!(breakpoints.add_breakpoint(&module, square + 1).unwrap(), Some(square + 2));
    // Behind a branch, what can be reached next is behind the block.
    assert_eq!(breakpoints.add_breakpoint(&module, dead + 2).unwrap(), Some(dead + 9));
    for outside in [0, 8, end - 1, end, u32::MAX] {
        assert_eq!(breakpoints.add_breakpoint(&module, outside).unwrap(), None, "{outside}");
    }
    let call = debugged.begin("f", 1).unwrap().call();
    assert_eq!(debugged.frames(&call)[0].1, square + 2);
    // Others may be called meanwhile, and stop there too.
    let other = debugged.begin("f", 1).unwrap().call();
    let Stopped::Returned(2) = debugged.resume(call).unwrap() else { panic!() };
    let Stopped::Returned(2) = debugged.resume(other).unwrap() else { panic!() };
    // A call that can't go on doesn't stop.
    let (f, mut results) = (debugged.func("f"), [Val::I32(0)]);
    f.call(&mut debugged.store, &[Val::I32(1)], &mut results).unwrap();
    assert_eq!(results[0].unwrap_i32(), 2);
}

#[test]
fn traps_can_be_looked_at() {
    let mut debugged = Debugged::new(Config::new().guest_debug(true));
    assert!(debugged.store.edit_breakpoints().is_some());
    let call = debugged.begin("divide", 0).unwrap().call();
    assert_eq!(call.reason().trap(), Some(Trap::IntegerDivisionByZero));
    let (func, at, locals, stack) = debugged.frames(&call).remove(0);
    assert_eq!((func, debugged.bytes[at as usize], locals[0].unwrap_i32()), (3, 0x6e, 0));
    assert_eq!(stack.iter().map(Val::unwrap_i64).collect::<Vec<_>>(), [1, 0]);
    // It can't go on.
    let Err(error) = debugged.resume(call) else { panic!() };
    assert_eq!(error.trap(), Some(Trap::IntegerDivisionByZero));
    let reason = debugged.begin("divide", 0).unwrap().call().into_reason();
    assert_eq!(reason.trap(), Some(Trap::IntegerDivisionByZero));
    assert_eq!(reason.backtrace().unwrap().frames()[0].module_offset(), Some(at.into()));
}

#[test]
fn other_engines_have_none_of_it() {
    let mut debugged = Debugged::new(&mut Config::new());
    assert!(debugged.store.edit_breakpoints().is_none());
    assert!(debugged.instance.debug_memory(&debugged.store, 0).is_none());
    assert!(debugged.begin("divide", 0).is_err());
}
