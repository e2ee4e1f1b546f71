//! Every builtin is called by compiled code, counted from their table: a tier around the tier has contexts point to a
//! table whose functions count.

use crate::configurations::{module, values};
use dunlin::tier::{
    Account, BulkOp, Call, Guard, HostFn, Landing, Lease, Left, Search, Stays, Stop, Tier, layout,
    trap as numbered,
};
use dunlin::{Caller, Config, Engine, InterruptHandle, Linker, Module, ResumableCall, Store, Trap, Val};
use dunlin_jit::{Jit, Mode};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Entries of the table.
const COUNT: usize = layout::BUILTIN_CAUGHT as usize / 8 + 1;

/// What the table has, and how often each was called; the last two count calls by stubs and without a frame.
static ENGINES: [AtomicUsize; COUNT] = [const { AtomicUsize::new(0) }; COUNT];
static CALLS: [AtomicU64; COUNT + 2] = [const { AtomicU64::new(0) }; COUNT + 2];
const BY_STUB: usize = COUNT;
const WITHOUT_FRAME: usize = COUNT + 1;

type Builtin = unsafe extern "C" fn(usize, usize, usize) -> u32;

/// Counts, and does what the engine's does.
unsafe extern "C" fn counting<const N: usize>(a: usize, b: usize, c: usize) -> u32 {
    CALLS[N].fetch_add(1, Relaxed);
    if N == layout::BUILTIN_CALL as usize / 8 {
        CALLS[if c == 0 { WITHOUT_FRAME } else { BY_STUB }].fetch_add(1, Relaxed);
    }
    // SAFETY: the word is a builtin's address; all take up to three words, and give a number or nothing.
    unsafe { core::mem::transmute::<usize, Builtin>(ENGINES[N].load(Relaxed))(a, b, c) }
}

macro_rules! counting {
    ($($n:literal)*) => { [$(counting::<$n> as Builtin as usize),*] };
}

fn table() -> &'static [usize; COUNT] {
    static TABLE: OnceLock<[usize; COUNT]> = OnceLock::new();
    TABLE.get_or_init(|| counting!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27))
}

/// Whether code is entered by a trampoline or at a loop, and how it was left.
static TRAMPOLINES: AtomicU64 = AtomicU64::new(0);
static LOOPS: AtomicU64 = AtomicU64::new(0);
static UNWOUND: AtomicU64 = AtomicU64::new(0);

/// Does what the tier in it does; and has each context that is entered count.
#[derive(Debug)]
struct Watching(Arc<Jit>);

impl Tier for Watching {
    fn memory_guard(&self) -> Guard {
        self.0.memory_guard()
    }

    fn slice(&self) -> u64 {
        self.0.slice()
    }

    fn loaded(&self, module: &Module) {
        self.0.loaded(module);
    }

    fn called(&self, module: &Module, index: u32, stop: Option<Stop<'_>>) {
        self.0.called(module, index, stop);
    }

    fn sampled(
        &self,
        module: &Module,
        index: u32,
        header: Option<u32>,
        samples: u32,
        stop: Option<Stop<'_>>,
    ) -> bool {
        self.0.sampled(module, index, header, samples, stop)
    }

    fn watched(&self, module: &Module, index: u32, stays: Option<Stays>, stop: Option<Stop<'_>>) {
        self.0.watched(module, index, stays, stop);
    }

    fn dropped(&self, module: &Lease) {
        self.0.dropped(module);
    }

    fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    fn new_stack(&self, account: Account, max_wasm_stack: usize) -> Option<Box<dyn Any + Send>> {
        self.0.new_stack(account, max_wasm_stack)
    }

    unsafe fn enter(&self, stack: *const (dyn Any + Send), call: &Call) -> Left {
        // SAFETY: a context has the address of the table of builtins at this offset, and nothing else uses it while this
        // thread is here. The other table has as many words.
        unsafe {
            let word = call.vm.offset(layout::VMCTX_BUILTINS as isize).cast::<*const [usize; COUNT]>();
            if !std::ptr::eq(*word, table()) {
                for (ours, engines) in ENGINES.iter().zip(**word) {
                    ours.store(engines, Relaxed);
                }
                *word = table();
            }
        }
        if call.trampoline.is_null() { &LOOPS } else { &TRAMPOLINES }.fetch_add(1, Relaxed);
        // SAFETY: passed on.
        let left = unsafe { self.0.enter(stack, call) };
        UNWOUND.fetch_add((left == Left::Unwound) as u64, Relaxed);
        left
    }

    unsafe fn unwind(&self) -> ! {
        // SAFETY: passed on.
        unsafe { self.0.unwind() }
    }

    unsafe fn is_outermost(&self, frame: *const u8) -> bool {
        // SAFETY: passed on.
        unsafe { self.0.is_outermost(frame) }
    }

    unsafe fn handler(&self, frame: *const u8, search: &mut Search<'_>) -> Option<Landing> {
        // SAFETY: passed on.
        unsafe { self.0.handler(frame, search) }
    }

    unsafe fn land(&self, landing: Landing) -> ! {
        // SAFETY: passed on.
        unsafe { self.0.land(landing) }
    }

    unsafe fn fail(&self, frame: *const u8, landing: Option<Landing>) -> ! {
        // SAFETY: passed on.
        unsafe { self.0.fail(frame, landing) }
    }

    unsafe fn words(&self, stack: &(dyn Any + Send), look: &mut dyn FnMut(&[u64])) {
        // SAFETY: passed on.
        unsafe { self.0.words(stack, look) }
    }

    fn ensures_stack(&self, stack: &(dyn Any + Send), bytes: usize) -> bool {
        self.0.ensures_stack(stack, bytes)
    }

    unsafe fn on_host_stack(
        &self,
        stack: *const (dyn Any + Send),
        bytes: usize,
        f: HostFn,
        data: *mut (),
    ) -> bool {
        // SAFETY: passed on.
        unsafe { self.0.on_host_stack(stack, bytes, f, data) }
    }
}

/// A function of `$x`, and how it is executed.
struct Program {
    body: &'static str,
    fuel: bool,
    /// With calls that may be suspended.
    resumable: bool,
    /// When functions are compiled: at once, or when they were found executing.
    later: bool,
}

const fn program(body: &'static str) -> Program {
    Program { body, fuel: false, resumable: false, later: false }
}

/// What has compiled code call the builtin of a bulk operation; none if it does the work itself.
fn bulk(op: BulkOp) -> Option<&'static str> {
    Some(match op {
        BulkOp::MemoryGrow => "(memory.grow (local.get $x))",
        // More bytes than it copies without the engine.
        BulkOp::MemoryFill => {
            "(memory.fill (i32.const 5) (local.get $x) (i32.const 100000)) (i32.load (i32.const 99999))"
        }
        BulkOp::MemoryCopy => {
            "(i32.store8 (i32.const 7) (local.get $x))
             (memory.copy (i32.const 10) (i32.const 3) (i32.const 100000)) (i32.load (i32.const 14))"
        }
        BulkOp::MemoryInit => {
            "(memory.init $data (local.get $x) (i32.const 1) (i32.const 2)) (i32.load (i32.const 4))"
        }
        BulkOp::DataDrop => {
            "(data.drop $data) (memory.init $data (i32.const 0) (i32.const 0) (local.get $x)) (i32.const 1)"
        }
        BulkOp::TableGrow => "(table.grow (ref.func $nothing) (local.get $x))",
        BulkOp::TableFill => "(table.fill (i32.const 0) (ref.func $nothing) (local.get $x)) (table.size)",
        BulkOp::TableCopy => "(table.copy (i32.const 0) (i32.const 1) (local.get $x)) (table.size)",
        BulkOp::TableInit => "(table.init $elem (i32.const 0) (i32.const 0) (local.get $x)) (table.size)",
        BulkOp::ElemDrop => {
            "(elem.drop $elem) (table.init $elem (i32.const 0) (i32.const 0) (local.get $x)) (table.size)"
        }
        BulkOp::RefFunc => "(ref.is_null (ref.func $nothing))",
        BulkOp::MemoryAtomicNotify => "(memory.atomic.notify (i32.const 8) (local.get $x))",
        // The memory isn't shared, so there is nothing to wait for.
        BulkOp::MemoryAtomicWait32 => "(memory.atomic.wait32 (i32.const 8) (local.get $x) (i64.const 0))",
        BulkOp::MemoryAtomicWait64 => "(memory.atomic.wait64 (i32.const 8) (i64.const 3) (i64.const 0))",
        BulkOp::TableGet | BulkOp::TableSet | BulkOp::TableSize | BulkOp::AtomicFence => return None,
    })
}

/// What has compiled code call each other builtin.
fn others() -> Vec<(i32, Program)> {
    vec![
        (layout::BUILTIN_CALL, program("(call $host (local.get $x))")),
        // Deep enough for the stack to be extended.
        (layout::BUILTIN_STACK, program("(call $deep (i32.mul (local.get $x) (i32.const 2000)))")),
        (layout::BUILTIN_REFILL, Program { fuel: true, ..program(LOOP_THEN_Y) }),
        (layout::BUILTIN_POLL, Program { resumable: true, ..program(INTERRUPTED) }),
        (layout::BUILTIN_LEFT, Program { resumable: true, ..program(INTERRUPTED) }),
        (
            layout::BUILTIN_COPY,
            program("(memory.copy (i32.const 8) (local.get $x) (i32.const 9)) (i32.load (i32.const 9))"),
        ),
        (
            layout::BUILTIN_FILL,
            program("(memory.fill (i32.const 8) (local.get $x) (i32.const 9)) (i32.load (i32.const 9))"),
        ),
        (
            layout::BUILTIN_THROW,
            program(
                "(if (i32.eq (local.get $x) (i32.const 2)) (then (throw $tag (local.get $x)))) (local.get $x)",
            ),
        ),
        (layout::BUILTIN_THROW_REF, program(THROWN_AGAIN)),
        (layout::BUILTIN_CAUGHT, program(THROWN_AGAIN)),
        // A loop's continuation has no frame of its own for a tail call.
        (layout::BUILTIN_CALL, Program { later: true, ..program(TAIL_CALL) }),
    ]
}

const LOOP_THEN_Y: &str = "(loop $l (local.set $y (i32.add (local.get $y) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $y) (i32.const 90000)))) (local.get $y)";
/// The interpreter looks at the end of a slice alone, so the loop is longer than that.
const INTERRUPTED: &str = "(local.set $y (call $interrupt (local.get $x)))
    (loop $l (local.set $y (i32.add (local.get $y) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $y) (i32.const 2000000)))) (local.get $y)";
const THROWN_AGAIN: &str = "(block $h (result i32)
      (try_table (catch $tag $h)
        (block $again (result exnref)
          (try_table (catch_all_ref $again) (throw $tag (local.get $x))) unreachable)
        (throw_ref))
      unreachable)";
const TAIL_CALL: &str = "(loop $l (local.set $y (i32.add (local.get $y) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $y) (i32.const 9000)))
    (return_call $host (local.get $x)))
    unreachable";

/// Calls the program with several numbers, compiled or not, and tells what came of it.
fn run(program: &Program, tier: Option<Arc<dyn Tier>>) -> Vec<String> {
    let text = format!(
        r#"(module (import "" "host" (func $host (param i32) (result i32)))
            (import "" "interrupt" (func $interrupt (param i32) (result i32)))
            (memory 3) (table 4 funcref) (tag $tag (param i32)) (data $data "abc") (elem $elem func $nothing $nothing)
            (func $nothing) (elem declare func $nothing)
            (func $deep (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0))))
            (func (export "run") (param $x i32) (result i32) (local $y i32) {}))"#,
        program.body
    );
    let mut config = Config::new();
    config.consume_fuel(program.fuel).suspend_compiled(program.resumable).wasm_function_references(true);
    if let Some(tier) = tier {
        config.tier(tier);
    }
    let engine = Engine::new(&config).unwrap();
    let mut store = Store::new(&engine, None::<InterruptHandle>);
    let handle = store.interrupt_handle();
    *store.data_mut() = Some(handle);
    let _ = store.set_fuel(10_000_000);
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "host", |x: i32| x + 1).unwrap();
    linker
        .func_wrap("", "interrupt", |caller: Caller<'_, Option<InterruptHandle>>, x: i32| {
            caller.data().as_ref().expect("it is set").interrupt();
            x
        })
        .unwrap();
    let instance = linker.instantiate(&mut store, &module(&engine, &text)).unwrap();
    let run = instance.get_func(&store, "run").unwrap();
    let mut seen = Vec::new();
    for x in [1, 2, 3] {
        let mut results = [Val::I32(0)];
        let done = if program.resumable {
            let mut stops = 0;
            let mut call = run.call_resumable(&mut store, &[Val::I32(x)], &mut results);
            while let Ok(ResumableCall::Suspended(suspended)) = call {
                stops += 1;
                call = suspended.resume(&mut store, &mut results);
            }
            seen.push(format!("{stops} stops"));
            call.map(drop)
        } else {
            run.call(&mut store, &[Val::I32(x)], &mut results)
        };
        seen.push(format!("{:?} {}", done.map_err(|e| e.trap()), values(&results)));
    }
    seen
}

/// What of `CALLS` grew while the program was executed as the interpreter executes it.
fn called(program: &Program) -> BTreeSet<usize> {
    let before: Vec<u64> = CALLS.iter().map(|calls| calls.load(Relaxed)).collect();
    let mut options = Jit::options();
    options.mode(Mode::Sync);
    if program.later {
        options.threshold(4).sample_every(7);
    } else {
        options.threshold(0);
    }
    let jit = Jit::new(&options).unwrap();
    let compiled = run(program, Some(Arc::new(Watching(jit.clone()))));
    assert!(jit.stats().functions > 0, "{}: {:?}", program.body, jit.stats());
    assert_eq!(compiled, run(program, None), "{}", program.body);
    (0..CALLS.len()).filter(|&n| CALLS[n].load(Relaxed) > before[n]).collect()
}

#[test]
fn compiled_code_calls_every_builtin() {
    let mut all = BTreeSet::new();
    for (offset, program) in others() {
        let found = called(&program);
        assert!(found.contains(&(offset as usize / 8)), "{}: {found:?}", program.body);
        all.extend(found);
    }
    let mut never = BTreeSet::new();
    for op in BulkOp::ALL {
        let n = layout::BUILTIN_BULK as usize / 8 + op as usize;
        match bulk(op) {
            Some(body) => {
                let found = called(&program(body));
                assert!(found.contains(&n), "{op:?}: {found:?}");
                all.extend(found);
            }
            None => {
                never.insert(n);
            }
        }
    }
    let everything: BTreeSet<_> = (0..CALLS.len()).collect();
    assert_eq!(&everything - &all, never, "builtins that aren't called");
    for (name, count) in [("trampolines", &TRAMPOLINES), ("loops", &LOOPS), ("unwound", &UNWOUND)] {
        assert!(count.load(Relaxed) > 0, "{name}");
    }
}

/// What traps for each reason that code has; none for those that only the engine has.
fn trapping(reason: Trap) -> Option<Program> {
    Some(program(match reason {
        Trap::StackOverflow => "(call $deep (i32.const -1))",
        Trap::MemoryOutOfBounds => "(i32.load offset=0xffffffff (local.get $x))",
        Trap::TableOutOfBounds => "(ref.is_null (table.get (i32.sub (i32.const 0) (local.get $x))))",
        Trap::UndefinedElement => "(call_indirect (i32.sub (i32.const 0) (local.get $x))) (i32.const 0)",
        Trap::IndirectCallToNull => "(call_indirect (local.get $x)) (i32.const 0)",
        Trap::BadSignature => {
            "(table.set (local.get $x) (ref.func $nothing)) (call_indirect (result i32) (local.get $x))"
        }
        Trap::IntegerOverflow => {
            "(i32.trunc_f64_s (f64.mul (f64.const 1e19) (f64.convert_i32_s (local.get $x))))"
        }
        Trap::IntegerDivisionByZero => "(i32.div_u (i32.const 5) (i32.sub (local.get $x) (local.get $x)))",
        Trap::BadConversionToInteger => "(i32.trunc_f64_s (f64.div (f64.const 0) (f64.const 0)))",
        Trap::UnreachableCodeReached => "unreachable",
        Trap::HeapMisaligned => "(i32.atomic.load offset=4 (i32.or (local.get $x) (i32.const 3)))",
        Trap::AtomicWaitNonSharedMemory => {
            "(memory.atomic.wait32 (i32.const 8) (local.get $x) (i64.const 0))"
        }
        Trap::Interrupt => INTERRUPTED,
        Trap::OutOfFuel => return Some(Program { fuel: true, ..program("(loop $l (br $l)) (i32.const 0)") }),
        Trap::NullReference => "(drop (ref.as_non_null (table.get (local.get $x)))) (i32.const 0)",
        Trap::NullExceptionReference => "(throw_ref (ref.null exn))",
        // While it translates for a call.
        Trap::OutOfBudget | Trap::ModuleChanged => return None,
        other => panic!("no program for {other:?}"),
    }))
}

#[test]
fn compiled_code_traps_for_every_reason() {
    for reason in (0..=u8::MAX).map_while(numbered) {
        if let Some(program) = trapping(reason) {
            let before = UNWOUND.load(Relaxed);
            called(&program);
            assert!(UNWOUND.load(Relaxed) > before, "{reason:?}");
            let seen = run(&program, None);
            assert!(seen.iter().all(|seen| seen.contains(&format!("{reason:?}"))), "{reason:?}: {seen:?}");
        }
    }
}
