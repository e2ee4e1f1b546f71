use super::code::{self, DEEPER, RECURSE};
use super::*;
use crate::runtime::enter::STACK_OVERFLOW;
use crate::runtime::stack::STEP;

const STEP_BYTES: u64 = STEP as u64;

/// What a frame of `recurse` takes.
const FRAME: u64 = 112;

fn recurse(stack: &CodeStack, chunk: &crate::runtime::CodeChunk, depth: u64) -> (Exit, Seen) {
    // SAFETY: `recurse` counts a word down that is there.
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
    // Wherever in a frame the end comes to lie: at a call, at the frame's first instruction, or within.
    for shift in 0..FRAME as usize / 16 {
        let (at, shift) = (chunk.address(code::deeper()), core::ptr::without_provenance::<u8>(16 * shift));
        // SAFETY: `deeper` counts a word down that is there.
        let (exit, seen) = unsafe { run(&stack, at, shift, &mut u64::MAX.clone(), NOTHING) };
        assert_eq!((exit, seen.traps, seen.code), (Exit::Unwound, 1, STACK_OVERFLOW));
        let (last, recursion) = seen.frames.split_last().unwrap();
        assert!((recursion.len() as u64).abs_diff(50 * STEP_BYTES / FRAME) <= 2, "{} frames", recursion.len());
        // Whichever instruction it was, a frame's position is that of its call.
        assert!(recursion.iter().all(|frame| *frame == (Some(RECURSE), Some(5000))));
        assert_eq!(*last, (Some(DEEPER), Some(6000)));
        assert_eq!(stack.charged(), 51 * STEP_BYTES);
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

/// Touches so many bytes of the stack, lowest first, and says in `*sp` whether `ensure` allowed as many before and a step
/// after.
unsafe extern "C" fn uses(vm: *mut u8, sp: *mut u64) {
    // SAFETY: the test passes a stack, on which this runs.
    let (stack, bytes) = unsafe { (&*vm.cast::<CodeStack>(), *sp as usize) };
    let before = stack.ensure(bytes);
    #[inline(never)]
    fn large() {
        let mut room = [0_u8; STEP + STEP / 2];
        core::hint::black_box(&mut room)[0] = 1;
        assert!(stack_ends_below(&room));
    }
    #[inline(never)]
    fn small() {
        let mut room = [0_u8; STEP / 2];
        core::hint::black_box(&mut room)[0] = 1;
        assert!(stack_ends_below(&room));
    }
    if bytes > STEP { large() } else { small() }
    let after = stack.ensure(STEP / 2);
    // SAFETY: the word is the test's.
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
    // SAFETY: the host function gets what it expects.
    let (exit, _) = unsafe { run_host(&stack, &chunk, uses, &raw const stack, &mut answer) };
    assert_eq!((exit, answer), (Exit::Returned, 3));
    assert_eq!(stack.charged(), 3 * STEP_BYTES);
}

#[test]
fn rust_code_is_lent_a_step_and_it_comes_back() {
    let (purse, chunk) = (Purse::with(2 * STEP_BYTES), code::chunk());
    let stack = CodeStack::new(50 * STEP, Box::new(purse.clone())).unwrap();
    for _ in 0..10 {
        // Uses half a step in machine code, and then half a step and some more in the host function.
        let mut args = Lent { stack: &stack, answer: (STEP / 2) as u64 };
        // SAFETY: the host function gets what it expects.
        let (exit, _) = unsafe { run_host(&stack, &chunk, uses_after_half, &raw mut args, &mut 0) };
        assert_eq!(exit, Exit::Returned);
        // Neither before nor after was there so much; but it was there for Rust code.
        assert_eq!(args.answer, 0);
        assert_eq!(stack.charged(), 2 * STEP_BYTES);
        // Machine code has no use of it.
        assert_eq!(recurse(&stack, &chunk, STEP_BYTES / FRAME - 50).0, Exit::Returned);
        let (exit, seen) = recurse(&stack, &chunk, STEP_BYTES / FRAME + 10);
        assert_eq!((exit, seen.code), (Exit::Unwound, STACK_OVERFLOW));
    }
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

/// A signal stack that is made by us on threads that have none, and goes with them.
#[test]
fn threads_without_a_signal_stack_get_one() {
    extern "C" fn thread(result: *mut libc::c_void) -> *mut libc::c_void {
        let result = result.cast::<u64>();
        let (stack, chunk) = (stack(50 * STEP), code::chunk());
        let (exit, _) = recurse(&stack, &chunk, 20 * STEP_BYTES / FRAME);
        let (trap, _) = recurse(&stack, &chunk, u64::MAX);
        // SAFETY: the test waits for the thread, and looks at the word afterwards.
        unsafe { *result = u64::from(exit == Exit::Returned && trap == Exit::Unwound) };
        core::ptr::null_mut()
    }
    prepare_thread().unwrap();
    for _ in 0..20 {
        let (mut id, mut result) = (0, 0_u64);
        // SAFETY: the thread gets a word that outlives it.
        unsafe {
            let result = (&raw mut result).cast();
            assert_eq!(libc::pthread_create(&mut id, core::ptr::null(), thread, result), 0);
            assert_eq!(libc::pthread_join(id, core::ptr::null_mut()), 0);
        }
        assert_eq!(result, 1);
    }
}
