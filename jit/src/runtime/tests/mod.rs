//! Tests of the runtime with real machine code and real faults.

mod code;
mod faults;
mod processes;
mod stacks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::activation::{Activation, Exit, TrapSite, enter};
use super::frames::NativeFrames;
use super::prepare_thread;
use super::stack::{CodeStack, StackAccount};

/// An account with a balance in bytes.
struct Purse(AtomicU64);

impl Purse {
    fn with(bytes: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(bytes)))
    }

    fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl StackAccount for Arc<Purse> {
    fn charge(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn release(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn stack(len: usize) -> CodeStack {
    CodeStack::new(len, Box::new(Purse::with(u64::MAX / 2))).unwrap()
}

/// What the trap hook saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    traps: u32,
    code: u8,
    /// Function and position of each frame.
    frames: Vec<(Option<u32>, Option<u32>)>,
}

unsafe fn see(activation: *mut Activation, site: TrapSite) {
    // SAFETY: the hook's activation is entered and not left, and its frames still exist. `run` stored a pointer in its
    // word that outlives it.
    unsafe {
        let seen = &mut *((*activation).word as *mut Seen);
        seen.traps += 1;
        seen.code = site.code;
        let frames = NativeFrames::new(&*activation, site.pc, site.fp, site.called);
        seen.frames = frames.map(|frame| (frame.function(), frame.position())).collect();
    }
}

/// Enters machine code on the stack.
///
/// # Safety
/// As for [`enter`].
unsafe fn run<V, T>(
    stack: &CodeStack,
    at: *const u8,
    vm: *const V,
    sp: &mut u64,
    code: *const T,
) -> (Exit, Seen) {
    prepare_thread().unwrap();
    let mut seen = Seen::default();
    let mut activation = Activation::new(see, (&raw mut seen) as usize);
    let before = Activation::current();
    // SAFETY: `at` is the start of a function of this signature; the rest is this function's contract.
    let exit = unsafe {
        let at = core::mem::transmute::<*const u8, unsafe extern "C" fn(*mut u8, *mut u64, *const u8)>(at);
        enter(stack, &mut activation, at, vm.cast_mut().cast(), sp, code.cast())
    };
    assert_eq!(Activation::current(), before);
    (exit, seen)
}

/// A host function that machine code can call.
type Host = unsafe extern "C" fn(*mut u8, *mut u64);

/// Runs `host(vm, sp)` on the stack, called by machine code.
///
/// # Safety
/// As for [`enter`].
unsafe fn run_host<V>(
    stack: &CodeStack,
    chunk: &super::CodeChunk,
    host: Host,
    vm: *const V,
    sp: &mut u64,
) -> (Exit, Seen) {
    // SAFETY: `call` calls `code`, which is a function of this signature; the rest is this function's contract.
    unsafe { run(stack, chunk.address(code::call()), vm, sp, host as *const ()) }
}

const NOTHING: *const u8 = core::ptr::null();
