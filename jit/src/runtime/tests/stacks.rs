use super::code::{self, DEEPER, RECURSE};
use super::*;
use crate::code::STACK_OVERFLOW;
use crate::runtime::stack::STEP;

const STEP_BYTES: u64 = STEP as u64;

/// The size of a frame of `recurse`.
const FRAME: u64 = 112;

fn recurse(stack: &CodeStack, chunk: &crate::runtime::CodeChunk, depth: u64) -> (Exit, Seen) {
    // SAFETY: `recurse` counts down a word that exists.
    unsafe { run(stack, chunk.address(code::recurse()), NOTHING, &mut { depth }, NOTHING) }
}

#[test]
fn a_stack_grows_and_is_paid() {
    let (purse, chunk) = (Purse::with(100 * STEP_BYTES), code::chunk());
    let stack = CodeStack::new(50 * STEP, Box::new(purse.clone())).unwrap();
    assert_eq!((stack.charged(), purse.left()), (2 * STEP_BYTES, 98 * STEP_BYTES));
    assert_eq!(recurse(&stack, &chunk, 1).0, Exit::Returned);
    assert_eq!(stack.charged(), 2 * STEP_BYTES);
    assert_eq!(recurse(&stack, &chunk, 40 * STEP_BYTES / FRAME).0, Exit::Returned);
    let charged = stack.charged();
    assert!((40 * STEP_BYTES..=42 * STEP_BYTES).contains(&charged), "{charged}");
    assert_eq!(purse.left(), 100 * STEP_BYTES - charged);
    drop(stack);
    assert_eq!(purse.left(), 100 * STEP_BYTES);
}

#[test]
fn the_end_of_a_stack_is_a_trap() {
    let (stack, chunk) = (stack(50 * STEP), code::chunk());
    // The stack ends at every place of a frame: at the call, at the function's first instruction, or later.
    for shift in 0..FRAME as usize / 16 {
        let (at, shift) = (chunk.address(code::deeper()), core::ptr::without_provenance::<u8>(16 * shift));
        // SAFETY: `deeper` counts down a word that exists.
        let (exit, seen) = unsafe { run(&stack, at, shift, &mut u64::MAX.clone(), NOTHING) };
        assert_eq!((exit, seen.traps, seen.code), (Exit::Unwound, 1, STACK_OVERFLOW));
        let (last, recursion) = seen.frames.split_last().unwrap();
        assert!(
            (recursion.len() as u64).abs_diff(50 * STEP_BYTES / FRAME) <= 2,
            "{} frames",
            recursion.len()
        );
        // Whichever instruction overflowed, a frame's position is that of its call.
        assert!(recursion.iter().all(|frame| *frame == (Some(RECURSE), Some(5000))));
        assert_eq!(*last, (Some(DEEPER), Some(6000)));
        assert_eq!(stack.charged(), 51 * STEP_BYTES);
    }
}

/// A function that has no room for its frame never began: the overflow is its caller's.
#[test]
fn an_overflow_at_a_call_is_the_callers() {
    let chunk = code::chunk();
    let (callers, own) =
        ([(Some(DEEPER), Some(6000))], [(Some(RECURSE), Some(5000)), (Some(DEEPER), Some(6000))]);
    // What is left behind the frame of `deeper`; how deep `recurse` is then called; and whose the overflow is, if it is one. On
    // x86_64 the end may also lie between the return address and the rest, or in front of both.
    let cases: [(usize, u64, &[_]); 8] = [
        (16, 1, &[]),
        (8, 1, &callers),
        (0, 1, &callers),
        (128, 2, &[]),
        (120, 2, &own),
        (112, 2, &own),
        (104, 2, &own),
        (16, 2, &own),
    ];
    for (left, depth, frames) in cases {
        if cfg!(target_arch = "aarch64") && left % 16 != 0 {
            continue;
        }
        let stack = stack(50 * STEP);
        let below = core::ptr::without_provenance::<u8>(50 * STEP - 16 - left);
        // SAFETY: `deeper` counts a word down that is there.
        let (exit, seen) =
            unsafe { run(&stack, chunk.address(code::deeper()), below, &mut { depth }, NOTHING) };
        assert_eq!(seen.frames, frames, "{left} bytes");
        let expected = if frames.is_empty() { (Exit::Returned, 0) } else { (Exit::Unwound, STACK_OVERFLOW) };
        assert_eq!((exit, seen.code), expected, "{left} bytes");
    }
}

#[test]
fn a_refused_charge_is_a_trap() {
    let (purse, chunk) = (Purse::with(10 * STEP_BYTES), code::chunk());
    let stack = CodeStack::new(1000 * STEP, Box::new(purse.clone())).unwrap();
    for _ in 0..100 {
        let (exit, seen) = recurse(&stack, &chunk, u64::MAX);
        assert_eq!((exit, seen.traps, seen.code), (Exit::Unwound, 1, STACK_OVERFLOW));
        assert_eq!((stack.charged(), purse.left()), (10 * STEP_BYTES, 0));
        assert_eq!(recurse(&stack, &chunk, 8 * STEP_BYTES / FRAME).0, Exit::Returned);
    }
    assert!(CodeStack::new(1, Box::new(purse.clone())).is_err());
    drop(stack);
    assert_eq!(purse.left(), 10 * STEP_BYTES);
    assert!(CodeStack::new(usize::MAX - 5, Box::new(purse.clone())).is_err());
    assert!(CodeStack::new(1 << 60, Box::new(purse.clone())).is_err());
    assert_eq!(purse.left(), 10 * STEP_BYTES);
}

/// Touches `*sp` bytes of the stack, the lowest first, and reports in `*sp` whether `ensure` allowed that many before,
/// and half a step after.
unsafe extern "C" fn uses(vm: *mut u8, sp: *mut u64) {
    // SAFETY: the test passes the stack on which this runs.
    let (stack, bytes) = unsafe { (&*vm.cast::<CodeStack>(), *sp as usize) };
    let before = stack.ensure(bytes);
    #[inline(never)]
    fn small() {
        let mut room = [0_u8; STEP / 2];
        core::hint::black_box(&mut room)[0] = 1;
        assert!(stack_ends_below(&room));
    }
    if bytes > STEP {
        uses_one_and_a_half()
    } else {
        small()
    }
    let after = stack.ensure(STEP / 2);
    // SAFETY: the word belongs to the test.
    unsafe { *sp = u64::from(before) | u64::from(after) << 1 };
}

fn stack_ends_below(room: &[u8]) -> bool {
    // SAFETY: this runs on a code stack, so there is an activation.
    let stack = unsafe { (*Activation::current()).stack() };
    stack.contains(room.as_ptr() as usize) && room.as_ptr() as usize > stack.limit()
}

#[test]
fn rust_code_makes_it_grow_too() {
    let (stack, chunk) = (stack(50 * STEP), code::chunk());
    let mut answer = (STEP + STEP / 2 + 8192) as u64;
    // SAFETY: the host function gets the argument that it expects.
    let (exit, _) = unsafe { run_host(&stack, &chunk, uses, &raw const stack, &mut answer) };
    assert_eq!((exit, answer), (Exit::Returned, 3));
    assert_eq!(stack.charged(), 3 * STEP_BYTES);
}

#[test]
fn rust_code_is_lent_a_step_and_it_comes_back() {
    let (purse, chunk) = (Purse::with(2 * STEP_BYTES), code::chunk());
    let stack = CodeStack::new(50 * STEP, Box::new(purse.clone())).unwrap();
    for _ in 0..10 {
        // Uses half a step, and then, in `uses`, half a step and some more.
        let mut args = Lent { stack: &stack, answer: (STEP / 2) as u64 };
        // SAFETY: the host function gets the argument that it expects.
        let (exit, _) = unsafe { run_host(&stack, &chunk, uses_after_half, &raw mut args, &mut 0) };
        assert_eq!(exit, Exit::Returned);
        // `ensure` refused before and after, but Rust code had that much nevertheless.
        assert_eq!(args.answer, 0);
        assert_eq!(stack.charged(), 2 * STEP_BYTES);
        // Machine code doesn't get the lent step.
        assert_eq!(recurse(&stack, &chunk, STEP_BYTES / FRAME - 50).0, Exit::Returned);
        let (exit, seen) = recurse(&stack, &chunk, STEP_BYTES / FRAME + 10);
        assert_eq!((exit, seen.code), (Exit::Unwound, STACK_OVERFLOW));
    }
}

/// Uses what is lent, and tells for several stack pointers whether it is still lent once the stack has been settled with that.
unsafe extern "C" fn settles(vm: *mut u8, still_lent: *mut u64) {
    // SAFETY: the test passes these; the stack is the one on which this runs.
    let (stack, still_lent) = unsafe { (&*vm.cast::<CodeStack>(), &mut *still_lent) };
    let low = stack.top() + STEP - stack.charged() as usize;
    // In use: what is settled goes on below its caller's stack pointer, so a part above counts as well.
    for (i, sp) in [low - STEP / 2, low, low + STEP / 4 - 1, low + STEP / 4, 8].into_iter().enumerate() {
        uses_one_and_a_half();
        assert!(!stack.ensure(0), "it is lent");
        stack.settle(sp);
        *still_lent |= u64::from(!stack.ensure(0)) << i;
    }
}

#[inline(never)]
fn uses_one_and_a_half() {
    let mut room = [0_u8; STEP + STEP / 2];
    core::hint::black_box(&mut room)[0] = 1;
    assert!(stack_ends_below(&room));
}

#[test]
fn what_is_lent_is_taken_back_when_nothing_is_in_it() {
    let stack = CodeStack::new(50 * STEP, Box::new(Purse::with(2 * STEP_BYTES))).unwrap();
    let (chunk, mut still_lent) = (code::chunk(), 0);
    // SAFETY: the host function gets what it expects.
    let (exit, _) = unsafe { run_host(&stack, &chunk, settles, &raw const stack, &mut still_lent) };
    assert_eq!((exit, still_lent), (Exit::Returned, 0b111));
}

/// Machine code that is entered from within what is lent, and left: whoever entered it is still there.
#[test]
fn what_is_lent_stays_while_somebody_is_in_it() {
    unsafe extern "C" fn enters(vm: *mut u8, sum: *mut u64) {
        // SAFETY: the test passes these, and the stack is the one on which this runs.
        let (stack, sum) = unsafe { (&*vm.cast::<CodeStack>(), &mut *sum) };
        let mut canary = [0xa5_u8; STEP + STEP / 4];
        let canary = core::hint::black_box(&mut canary);
        let chunk = code::chunk();
        for _ in 0..3 {
            // SAFETY: `add` adds to a word that is there.
            let (exit, _) = unsafe { run(stack, chunk.address(code::add()), 2 as *const u8, sum, NOTHING) };
            assert_eq!(exit, Exit::Returned);
            assert!(canary.iter().all(|byte| *byte == 0xa5));
            assert!(!stack.ensure(0), "it is still lent");
        }
    }
    let stack = CodeStack::new(50 * STEP, Box::new(Purse::with(2 * STEP_BYTES))).unwrap();
    let (chunk, mut sum) = (code::chunk(), 0);
    for _ in 0..3 {
        // SAFETY: the host function gets what it expects.
        let (exit, _) = unsafe { run_host(&stack, &chunk, enters, &raw const stack, &mut sum) };
        assert_eq!(exit, Exit::Returned);
        assert_eq!(stack.charged(), 2 * STEP_BYTES);
    }
    assert_eq!(sum, 18);
}

struct Lent<'a> {
    stack: &'a CodeStack,
    answer: u64,
}

unsafe extern "C" fn uses_after_half(vm: *mut u8, _: *mut u64) {
    // SAFETY: the test passes this, and nothing else refers to it meanwhile.
    let args = unsafe { &mut *vm.cast::<Lent<'_>>() };
    let mut room = [0_u8; STEP / 2];
    core::hint::black_box(&mut room)[0] = 1;
    // SAFETY: it is the stack on which this runs.
    unsafe { uses(core::ptr::from_ref(args.stack).cast_mut().cast(), &mut args.answer) };
    core::hint::black_box(&mut room);
}

/// Threads without a signal stack get one of ours, which is unmapped when they end.
#[test]
fn threads_without_a_signal_stack_get_one() {
    extern "C" fn thread(result: *mut libc::c_void) -> *mut libc::c_void {
        let result = result.cast::<u64>();
        let (stack, chunk) = (stack(50 * STEP), code::chunk());
        let (exit, _) = recurse(&stack, &chunk, 20 * STEP_BYTES / FRAME);
        let (trap, _) = recurse(&stack, &chunk, u64::MAX);
        // SAFETY: the test joins the thread before it reads the word.
        unsafe { *result = u64::from(exit == Exit::Returned && trap == Exit::Unwound) };
        core::ptr::null_mut()
    }
    prepare_thread().unwrap();
    for _ in 0..20 {
        let (mut id, mut result) = (0, 0_u64);
        // SAFETY: the word outlives the thread.
        unsafe {
            let result = (&raw mut result).cast();
            assert_eq!(libc::pthread_create(&mut id, core::ptr::null(), thread, result), 0);
            assert_eq!(libc::pthread_join(id, core::ptr::null_mut()), 0);
        }
        assert_eq!(result, 1);
    }
}

/// The state of a host function that runs on the thread's own stack and enters machine code again from there, `left`
/// times.
struct Home<'a> {
    stack: &'a CodeStack,
    chunk: &'a crate::runtime::CodeChunk,
    left: u32,
    /// The address of each call, and the outcome of what it entered.
    seen: Vec<(usize, Exit)>,
    /// The stack pointer on the code stack each time.
    on_code: Vec<usize>,
}

unsafe extern "C" fn goes_home(vm: *mut u8, sp: *mut u64) {
    // SAFETY: the test passes this, and nothing else refers to it meanwhile; the stack is this one.
    unsafe {
        let home = &mut *vm.cast::<Home<'_>>();
        home.on_code.push(crate::runtime::arch::stack_pointer());
        let stack: &(dyn core::any::Any + Send) = &*core::ptr::from_ref(home.stack).cast::<CodeStack>();
        assert!(crate::runtime::on_host_stack(stack, 1000, at_home, vm.cast()));
        *sp += 1;
    }
}

unsafe extern "C" fn at_home(home: *mut ()) {
    // SAFETY: `goes_home` passes what the test passed, and nothing else refers to it meanwhile.
    unsafe {
        let Home { stack, chunk, left, .. } = &mut *home.cast::<Home<'_>>();
        let (stack, chunk) = (*stack, *chunk);
        // More than the code stack has: this is the thread's own stack.
        let mut room = [1_u8; 200 << 10];
        core::hint::black_box(&mut room);
        assert!(!stack.contains(room.as_ptr().addr()));
        let exit = if *left == 0 {
            // The innermost activation traps: the trap hook runs below this frame.
            run(stack, chunk.address(code::outer()), NOTHING, &mut 0, NOTHING).0
        } else {
            *left -= 1;
            let mut word = 0;
            let (exit, _) = run_host(stack, chunk, goes_home, home.cast::<u8>(), &mut word);
            assert_eq!(word, 1);
            // The code stack that is free again can be used again.
            assert_eq!(recurse(stack, chunk, 100).0, Exit::Returned);
            exit
        };
        assert!(room.iter().all(|byte| *byte == 1));
        (*home.cast::<Home<'_>>()).seen.push((room.as_ptr().addr(), exit));
    }
}

#[test]
fn from_the_threads_own_stack_back_to_the_code_stack() {
    let (stack, chunk) = (stack(2 * STEP), code::chunk());
    for _ in 0..3 {
        let mut home = Home { stack: &stack, chunk: &chunk, left: 4, seen: Vec::new(), on_code: Vec::new() };
        let mut word = 0;
        // SAFETY: the host function gets the argument that it expects.
        let (exit, _) = unsafe { run_host(&stack, &chunk, goes_home, &raw mut home, &mut word) };
        assert_eq!((exit, word), (Exit::Returned, 1));
        let Home { seen, on_code, .. } = &mut home;
        assert_eq!((seen.len(), on_code.len()), (5, 5));
        assert_eq!(seen[0].1, Exit::Unwound);
        assert!(seen[1..].iter().all(|(_, exit)| *exit == Exit::Returned));
        // Each activation continued below the one before, on both stacks.
        assert!(seen.is_sorted_by(|inner, outer| inner.0 < outer.0));
        assert!(on_code.is_sorted_by(|outer, inner| outer > inner));
        assert!(on_code.iter().all(|place| stack.contains(*place)));
        assert_eq!(stack.free(), stack.top());
    }
}

/// A lent step isn't used by machine code that is entered from the thread's own stack.
#[test]
fn nothing_goes_home_from_what_is_lent() {
    unsafe extern "C" fn deep(vm: *mut u8, sp: *mut u64) {
        // SAFETY: the test passes the stack, on which this runs, and a word.
        unsafe {
            let mut room = [0_u8; STEP / 2];
            core::hint::black_box(&mut room)[0] = 1;
            let stack: &(dyn core::any::Any + Send) = &*vm.cast::<CodeStack>();
            *sp = u64::from(crate::runtime::on_host_stack(stack, 0, nothing, core::ptr::null_mut()));
            core::hint::black_box(&mut room);
        }
    }
    unsafe extern "C" fn nothing(_: *mut ()) {}
    unsafe extern "C" fn half(vm: *mut u8, sp: *mut u64) {
        let mut room = [0_u8; STEP / 2];
        core::hint::black_box(&mut room)[0] = 1;
        // SAFETY: the arguments are passed on unchanged.
        unsafe { deep(vm, sp) };
        core::hint::black_box(&mut room);
    }
    let stack = CodeStack::new(50 * STEP, Box::new(Purse::with(2 * STEP_BYTES))).unwrap();
    let chunk = code::chunk();
    for (host, expected) in [(deep as Host, 1), (half, 0), (deep, 1)] {
        let mut answer = 7;
        // SAFETY: the host function gets the argument that it expects.
        let (exit, _) = unsafe { run_host(&stack, &chunk, host, &raw const stack, &mut answer) };
        assert_eq!((exit, answer), (Exit::Returned, expected));
    }
}

#[test]
#[cfg(feature = "compiler")]
fn a_new_stack_and_a_panic_on_it() {
    let here = crate::runtime::arch::stack_pointer();
    let on_it = crate::runtime::on_temporary_stack(STEP, crate::runtime::arch::stack_pointer).unwrap();
    assert!(on_it.abs_diff(here) > STEP);
    let caught = std::panic::catch_unwind(|| {
        crate::runtime::on_temporary_stack(STEP, || std::panic::resume_unwind(Box::new(8_u8)))
    });
    assert_eq!(*caught.unwrap_err().downcast::<u8>().unwrap(), 8);
    assert!(crate::runtime::on_temporary_stack(1 << 60, || ()).is_err());
}
