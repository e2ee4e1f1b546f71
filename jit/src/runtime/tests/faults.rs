use std::sync::atomic::{AtomicBool, Ordering};

use super::code::{self, BY_ZERO, INNER, LAST, LOAD, OUT_OF_BOUNDS, OUTER, UNREACHABLE};
use super::*;
use crate::code::{CodeMap, CodeMapBuilder};
use crate::runtime::{CodeChunk, registry, unwind};

#[test]
fn code_is_called_and_returns() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let mut word = 40;
    for expected in [42, 44] {
        // SAFETY: `add` accesses the word, which exists.
        let (exit, seen) =
            unsafe { run(&stack, chunk.address(code::add()), 2 as *const u8, &mut word, NOTHING) };
        assert_eq!((exit, seen, word), (Exit::Returned, Seen::default(), expected));
    }
}

#[test]
fn a_trap_tells_code_and_frames() {
    let (stack, chunk, trampolines) = (stack(1 << 20), code::chunk(), code::trampolines());
    let expected = Seen {
        traps: 1,
        code: UNREACHABLE,
        frames: vec![(Some(INNER), Some(3000)), (Some(OUTER), Some(2000))],
    };
    let mut word = 0;
    let outer = chunk.address(code::outer());
    // SAFETY: `outer` accesses no memory.
    let direct = unsafe { run(&stack, outer, NOTHING, &mut word, NOTHING) };
    assert_eq!(direct, (Exit::Unwound, expected));
    // The frames of trampolines are found, but belong to no function.
    // SAFETY: `call` calls `outer`, which accesses no memory.
    let (exit, seen) = unsafe { run(&stack, trampolines.address(code::call()), NOTHING, &mut word, outer) };
    assert_eq!((exit, seen.traps, seen.code), (Exit::Unwound, 1, UNREACHABLE));
    assert_eq!(seen.frames, [(Some(INNER), Some(3000)), (Some(OUTER), Some(2000)), (None, None)]);
}

/// What it returns to is another function's first byte.
#[test]
fn a_call_may_be_the_last_instruction() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    // SAFETY: `last` looks at nothing.
    let (exit, seen) = unsafe { run(&stack, chunk.address(code::last()), NOTHING, &mut 0, NOTHING) };
    assert_eq!((exit, seen.code), (Exit::Unwound, UNREACHABLE));
    assert_eq!(seen.frames, [(Some(INNER), Some(3000)), (Some(LAST), Some(10_000))]);
}

#[test]
fn memory_that_faults_is_a_trap() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let memory = region::alloc(4096, region::Protection::NONE).unwrap();
    let word = 0x1234_5678_u64;
    let mut out = 0;
    let load = chunk.address(code::load());
    // SAFETY: `load` reads a word that exists.
    let (exit, _) = unsafe { run(&stack, load, &raw const word, &mut out, NOTHING) };
    assert_eq!((exit, out), (Exit::Returned, word));
    // SAFETY: `load` reads an inaccessible page, and the map lists that as a trap.
    let (exit, seen) = unsafe { run(&stack, load, memory.as_ptr::<u8>(), &mut out, NOTHING) };
    assert_eq!((exit, out, seen.code), (Exit::Unwound, word, OUT_OF_BOUNDS));
    assert_eq!(seen.frames, [(Some(LOAD), Some(4000))]);
}

#[test]
fn every_kind_of_trap_instruction_is_caught() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    // SAFETY: `divide` accesses no memory.
    let (exit, seen) = unsafe { run(&stack, chunk.address(code::divide()), NOTHING, &mut 0, NOTHING) };
    assert_eq!((exit, seen.code), (Exit::Unwound, BY_ZERO));
}

#[test]
fn traps_leave_nothing_behind() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let before = stack.charged();
    for _ in 0..100_000 {
        // SAFETY: `outer` accesses no memory.
        let (exit, seen) = unsafe { run(&stack, chunk.address(code::outer()), NOTHING, &mut 0, NOTHING) };
        assert_eq!((exit, seen.traps, seen.frames.len()), (Exit::Unwound, 1, 2));
    }
    assert_eq!(stack.charged(), before);
}

unsafe extern "C" fn leaves(_: *mut u8, _: *mut u64) {
    // SAFETY: machine code called this, and nothing in between must be dropped.
    unsafe { unwind() }
}

#[test]
fn a_builtin_can_leave_and_registers_are_restored() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let floats: [f64; 8] = core::array::from_fn(|k| core::hint::black_box(k as f64));
    let words: [u64; 12] = core::array::from_fn(|k| core::hint::black_box(k as u64));
    for _ in 0..1000 {
        let clobber = chunk.address(code::clobber());
        // SAFETY: `clobber` calls the host function, which doesn't return.
        let (exit, seen) = unsafe { run(&stack, clobber, NOTHING, &mut 0, leaves as *const ()) };
        assert_eq!((exit, seen), (Exit::Unwound, Seen::default()));
    }
    assert_eq!(floats.iter().sum::<f64>(), 28.0);
    assert_eq!(words.iter().sum::<u64>(), 66);
}

/// The state of a host function that enters machine code again: its stacks, the code, and the outcomes.
struct Again<'a> {
    stack: &'a CodeStack,
    other: Option<&'a CodeStack>,
    at: *const u8,
    exits: Vec<(Exit, u32)>,
}

unsafe extern "C" fn enters_again(vm: *mut u8, sp: *mut u64) {
    // SAFETY: the test passes these, and nothing else refers to them meanwhile.
    let (again, depth) = unsafe { (&mut *vm.cast::<Again<'_>>(), &mut *sp) };
    let stack = if *depth % 2 == 0 { again.other.unwrap_or(again.stack) } else { again.stack };
    let mut word = 1;
    // SAFETY: this runs on the stack, or the other is free.
    let (exit, seen) = unsafe { run(stack, again.at, 2 as *const u8, &mut word, NOTHING) };
    again.exits.push((exit, seen.frames.len() as u32));
    *depth -= 1;
    if *depth > 0 {
        let chunk = code::chunk();
        // SAFETY: this runs on `again.stack`, and the other stack is free again. The host function gets the argument
        // that it expects.
        let (exit, _) = unsafe { run_host(again.stack, &chunk, enters_again, vm, &mut *sp) };
        assert_eq!(exit, Exit::Returned);
    }
}

#[test]
fn a_host_function_can_enter_again() {
    let (main, other, chunk) = (stack(1 << 20), stack(1 << 20), code::chunk());
    for (function, expected) in [(code::add(), (Exit::Returned, 0)), (code::outer(), (Exit::Unwound, 2))] {
        for other in [None, Some(&other)] {
            let mut again = Again { stack: &main, other, at: chunk.address(function), exits: Vec::new() };
            let mut depth = 6;
            // SAFETY: the host function gets the argument that it expects.
            let (exit, seen) = unsafe { run_host(&main, &chunk, enters_again, &raw mut again, &mut depth) };
            assert_eq!((exit, seen.traps, depth), (Exit::Returned, 0, 0));
            assert_eq!(again.exits, [expected; 6]);
        }
    }
}

#[test]
fn a_trap_after_a_nested_one_belongs_to_the_outer_activation() {
    let (main, chunk) = (stack(1 << 20), code::chunk());
    let mut again = Again { stack: &main, other: None, at: chunk.address(code::outer()), exits: Vec::new() };
    // `clobber` ends in a trapping instruction after its call.
    let mut map = CodeMapBuilder::default();
    map.function(0, code::end(), 99).unwrap();
    map.trap(code::unlisted() - if cfg!(target_arch = "x86_64") { 2 } else { 4 }, UNREACHABLE).unwrap();
    let listed = CodeChunk::new(code::bytes(), map.build()).unwrap();
    let (at, host) = (listed.address(code::clobber()), enters_again as *const ());
    // SAFETY: the host function gets the argument that it expects.
    let (exit, seen) = unsafe { run(&main, at, &raw mut again, &mut 1, host) };
    assert_eq!(again.exits, [(Exit::Unwound, 2)]);
    assert_eq!((exit, seen.code, seen.frames), (Exit::Unwound, UNREACHABLE, vec![(Some(99), None)]));
}

#[test]
fn threads_trap_while_chunks_come_and_go() {
    let (stop, rounds) = (AtomicBool::new(false), if cfg!(target_arch = "aarch64") { 300 } else { 3000 });
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let (stack, mut chunk) = (stack(1 << 20), code::chunk());
                let mut count = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    // SAFETY: `outer` accesses no memory.
                    let (exit, seen) =
                        unsafe { run(&stack, chunk.address(code::outer()), NOTHING, &mut 0, NOTHING) };
                    assert_eq!((exit, seen.frames.len()), (Exit::Unwound, 2));
                    count += 1;
                    if count.is_multiple_of(64) {
                        chunk = code::chunk();
                    }
                }
                assert!(count > 0);
            });
        }
        let mut kept = std::collections::VecDeque::new();
        for round in 0..rounds {
            kept.push_back(code::chunk());
            if kept.len() > 20 {
                kept.pop_front();
            }
            if round % 100 == 0 {
                assert!(!maps().lines().any(|line| line.contains("rwx")), "{}", maps());
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn replaced_arrays_of_chunks_are_freed() {
    // At any single moment other tests may be searching an array, but not at all moments.
    let freed = (0..100_000).any(|_| {
        drop(code::chunk());
        registry::retired() == 0
    });
    assert!(freed);
}

#[test]
fn panics_and_backtraces_stay_on_the_code_stack() {
    unsafe extern "C" fn panics(_: *mut u8, sp: *mut u64) {
        let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(7_u64))).unwrap_err();
        let backtrace = std::backtrace::Backtrace::force_capture();
        assert!(backtrace.to_string().contains("panics"));
        // SAFETY: the test passes the word.
        unsafe { *sp = *caught.downcast::<u64>().unwrap() };
    }
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let mut word = 0;
    // SAFETY: the host function gets the argument that it expects.
    let (exit, _) = unsafe { run_host(&stack, &chunk, panics, NOTHING, &mut word) };
    assert_eq!((exit, word), (Exit::Returned, 7));
}

#[test]
fn what_may_go_to_another_thread() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<CodeStack>();
    send::<CodeChunk>();
    sync::<CodeChunk>();
}

pub(super) fn maps() -> String {
    std::fs::read_to_string("/proc/self/maps").unwrap()
}

#[test]
fn a_chunk_is_known_while_it_is_there() {
    let chunks: Vec<_> = (0..50).map(|_| code::chunk()).collect();
    for chunk in &chunks {
        assert!(chunk.base().addr().is_multiple_of(64));
        assert_eq!(chunk.len(), code::bytes().len());
        for offset in [0, chunk.len() - 1] {
            // SAFETY: the chunk outlives the use.
            let found = unsafe { registry::find(chunk.base() as usize + offset) }.unwrap();
            assert!(core::ptr::eq(found, &raw const **chunk));
        }
        // SAFETY: nothing lies there.
        assert!(unsafe { registry::find(chunk.base() as usize + chunk.len()) }.is_none());
    }
}

#[test]
fn a_map_must_fit_its_code() {
    let mut map = CodeMapBuilder::default();
    map.trap(4, 1).unwrap();
    assert!(CodeChunk::new(&[0; 4], map.build()).is_err());
    assert!(CodeChunk::new(&[], CodeMap::default()).is_ok());
}
