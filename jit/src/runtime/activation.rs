//! Entry into machine code, and exit from it.
//!
//! [`enter`] saves the callee-saved registers, switches to the code stack and calls. There are two exits: the code
//! returns, or [`unwind`] discards all frames since. Each entry is an [`Activation`]. A thread's activations are
//! linked, because a host function that machine code called may enter again.

use core::cell::Cell;
use core::ptr;

use super::arch::{self, Code};
use super::stack::CodeStack;
use super::sys;

/// How machine code was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It returned.
    Returned,
    /// [`unwind`] was called: by a builtin, or by a trap.
    Unwound,
}

/// A fault in machine code that means a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrapSite {
    /// The instruction that trapped, or the return address of a call if `called`.
    pub(crate) pc: usize,
    /// The frame pointer there.
    pub(crate) fp: usize,
    /// The raw trap code: the map's for the instruction, or that of stack overflows.
    pub(crate) code: u8,
    /// The callee had no room for its frame. It never began, so the trap belongs to the call.
    pub(crate) called: bool,
}

/// The trap hook. It is called on the thread's own stack, not on the activation's code stack, as ordinary code that may
/// allocate. The frames of machine code still exist and can be walked. It must not unwind or enter the same code stack.
/// When it returns, the activation is left.
pub(crate) type OnTrap = unsafe fn(*mut Activation, TrapSite);

/// One entry into machine code: what is needed to return from it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Activation {
    /// The stack pointer within [`arch::switch`], with all callee-saved registers above.
    saved: usize,
    /// The address below which the thread's own stack is free. 0 stands for `saved`.
    home: usize,
    previous: *mut Activation,
    stack: *const CodeStack,
    on_trap: OnTrap,
    /// For the caller of [`enter`] and its trap hook.
    pub(crate) word: usize,
}

thread_local! {
    /// The thread's innermost activation. Signal handlers read it, so it is const-initialised and has no destructor:
    /// reading it is a plain load.
    static CURRENT: Cell<*mut Activation> = const { Cell::new(ptr::null_mut()) };
}

impl Activation {
    /// An activation that hasn't been entered.
    pub(crate) fn new(on_trap: OnTrap, word: usize) -> Self {
        Self { saved: 0, home: 0, previous: ptr::null_mut(), stack: ptr::null(), on_trap, word }
    }

    /// The thread's innermost activation, or null.
    pub(crate) fn current() -> *mut Activation {
        CURRENT.get()
    }

    /// The activation that a frame of machine code is in. On one stack, inner activations lie below outer ones, and
    /// the outermost was entered from another stack.
    ///
    /// # Safety
    /// There is such an activation on this thread, and it isn't left for `'a`.
    pub(super) unsafe fn around<'a>(fp: usize) -> &'a Activation {
        let mut activation = Activation::current();
        // SAFETY: a current activation is entered and not left, and so are those before it.
        unsafe {
            loop {
                let (base, stack) = ((*activation).base(), (*activation).stack());
                let is_it = stack.contains(fp) && (base > fp || !stack.contains(base));
                if is_it || (*activation).previous.is_null() {
                    return &*activation;
                }
                activation = (*activation).previous;
            }
        }
    }

    /// The stack its machine code runs on.
    ///
    /// # Safety
    /// The activation must have been entered and not left.
    pub(crate) unsafe fn stack(&self) -> &CodeStack {
        // SAFETY: `enter` stored the pointer, and borrows the stack until the activation is left.
        unsafe { &*self.stack }
    }

    /// The frame pointer of the frame that called the machine code.
    pub(super) fn base(&self) -> usize {
        self.saved + arch::SAVED_BELOW_FP
    }

    /// The stack pointer, on the thread's own stack, with which the trap hook may run.
    pub(super) fn landing(&self) -> usize {
        if self.home == 0 { self.saved } else { self.home }
    }
}

/// Calls `code_at(vm, sp, code)` on the code stack: from the current stack pointer if this thread is on it, and
/// otherwise from where it is free.
///
/// # Safety
/// [`prepare_thread`](super::prepare_thread) must have succeeded on this thread. `code_at` must have the signature
/// [`Code`], keep frame pointers, and be sound to call with these arguments. If the stack is in use, this thread must
/// be on it, or have left it by [`on_host_stack`](super::on_host_stack). The activation must be fresh. Meanwhile it may
/// only be accessed through pointers from [`Activation::current`].
pub(crate) unsafe fn enter(
    stack: &CodeStack,
    activation: &mut Activation,
    code_at: Code,
    vm: *mut u8,
    sp: *mut u64,
    code: *const u8,
) -> Exit {
    debug_assert!(sys::has_signal_stack(), "prepare_thread must come first");
    let here = arch::stack_pointer();
    let top = if stack.contains(here) { 0 } else { stack.free() };
    let activation = ptr::from_mut(activation);
    let previous = CURRENT.get();
    debug_assert!(
        !previous.is_null() || sys::are_unblocked(),
        "a thread must not block SIGSEGV, SIGBUS, SIGILL and SIGFPE"
    );
    // SAFETY: a current activation belongs to an `enter` further up the stack, which borrows it and its stack.
    let home = match unsafe { previous.as_ref() } {
        // SAFETY: it is current, so it is entered and not left, which is the contract of `Activation::stack`.
        Some(previous) if unsafe { previous.stack() }.contains(here) => previous.landing(),
        _ => 0,
    };
    // SAFETY: the pointer was made of the caller's exclusive reference, which isn't used any more.
    unsafe {
        (*activation).home = home;
        (*activation).previous = previous;
        (*activation).stack = stack;
    }
    CURRENT.set(activation);
    // SAFETY: by this function's contract, the code is sound to call, and the stack is free below `top`, or below this
    // thread's stack pointer. From here on a signal handler may find the activation; no machine code can fault before
    // `saved` is set.
    let unwound = unsafe { arch::switch(code_at, vm, sp, code, &raw mut (*activation).saved, top) };
    CURRENT.set(previous);
    stack.settle(if top == 0 { here } else { top });
    if unwound == 0 { Exit::Returned } else { Exit::Unwound }
}

/// Leaves the thread's innermost activation: its [`enter`] returns [`Exit::Unwound`].
///
/// # Safety
/// There must be an activation. All frames between it and the caller are discarded: none may hold a value that must be
/// dropped, and none may be of another language that can't bear that.
pub(crate) unsafe fn unwind() -> ! {
    let activation = CURRENT.get();
    debug_assert!(!activation.is_null(), "there must be an activation to leave");
    // SAFETY: by this function's contract there is an activation; its `switch` stored its stack pointer and hasn't
    // returned.
    unsafe { arch::leave((*activation).saved) }
}

/// Handles a trap once the signal handler has returned, on the thread's own stack, where the handler has the thread
/// resume ([`arch::resume_in`]).
pub(super) unsafe extern "C" fn landed(pc: usize, fp: usize, code: usize) -> ! {
    let activation = CURRENT.get();
    let site = TrapSite { pc, fp, code: code as u8, called: code & CALLED != 0 };
    // SAFETY: the signal handler found this activation current, and nothing has run on this thread since. The hook
    // belongs to the activation. Only machine code and this frame are unwound.
    unsafe {
        ((*activation).on_trap)(activation, site);
        unwind()
    }
}

/// A flag beside the trap code: `pc` is a return address.
pub(super) const CALLED: usize = 0x100;
