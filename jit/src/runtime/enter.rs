//! Into machine code, and out of it.
//!
//! [`enter`] saves what the caller's caller relies on, goes to the code's stack, and calls. Out of it there are two ways:
//! the code returns, or [`unwind`] drops everything since. Each time around is an [`Activation`]; a thread's are linked,
//! for a host function that machine code called may enter again.

use core::arch::naked_asm;
use core::cell::Cell;
use core::ptr;

use super::stack::{CodeStack, here};

/// What is called by [`enter`]: machine code.
pub(crate) type Code = unsafe extern "C" fn(vm: *mut u8, sp: *mut u64, code: *const u8);

/// How machine code was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It returned.
    Returned,
    /// [`unwind`] was called: by a builtin, or by a trap.
    Unwound,
}

/// A fault in machine code that is a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trapped {
    /// The instruction that trapped; or, if `called`, the return address of a call.
    pub(crate) pc: usize,
    /// The frame pointer there.
    pub(crate) fp: usize,
    /// The raw trap code: that of the map for the instruction, or [`STACK_OVERFLOW`].
    pub(crate) code: u8,
    /// What was called had no room for its frame. It never began, so the trap belongs to the call.
    pub(crate) called: bool,
}

/// The raw trap code for a stack overflow that machine code has not checked for: Cranelift's own for that.
pub(crate) const STACK_OVERFLOW: u8 = 251;

/// What is told of a trap. It is called on the thread's own stack, where the activation's machine code doesn't stand, as
/// ordinary code that may allocate. The frames of machine code are still there to be looked at. It must not unwind
/// or enter the same code stack; when it returns, the activation is left.
pub(crate) type OnTrap = unsafe fn(*mut Activation, Trapped);

/// One time that machine code is entered: what is needed to get back.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Activation {
    /// The stack pointer within [`switch`], with all saved registers above.
    saved: usize,
    /// From where the thread's own stack is free. 0: from `saved`.
    home: usize,
    previous: *mut Activation,
    stack: *const CodeStack,
    on_trap: OnTrap,
    /// The embedder's.
    pub(crate) word: usize,
}

thread_local! {
    /// The thread's innermost activation. Read by signal handlers: it has no destructor and is no later than first
    /// use initialised, so that reading it is a load.
    static CURRENT: Cell<*mut Activation> = const { Cell::new(ptr::null_mut()) };
}

impl Activation {
    /// An activation that hasn't begun.
    pub(crate) fn new(on_trap: OnTrap, word: usize) -> Self {
        Self { saved: 0, home: 0, previous: ptr::null_mut(), stack: ptr::null(), on_trap, word }
    }

    /// The thread's innermost activation, or null.
    pub(crate) fn current() -> *mut Activation {
        CURRENT.get()
    }

    /// The stack its machine code runs on.
    ///
    /// # Safety
    /// It must have been entered and not left.
    pub(crate) unsafe fn stack(&self) -> &CodeStack {
        // SAFETY: `enter` put it there and borrows it until the activation is left.
        unsafe { &*self.stack }
    }

    /// The frame pointer of the frame that called the machine code.
    pub(super) fn base(&self) -> usize {
        self.saved + SAVED_BELOW_FP
    }

    /// Where, on the thread's own stack, a trap can land.
    pub(super) fn landing(&self) -> usize {
        if self.home == 0 { self.saved } else { self.home }
    }
}

/// Calls `code_at(vm, sp, code)` on the code stack: from here, if this thread is on it; otherwise from where it is free.
///
/// # Safety
/// [`prepare_thread`](super::prepare_thread) must have succeeded on this thread. `code_at` must be of the signature
/// that it says, keep frame pointers, and be good for these arguments. If the stack is in use, this thread must be on it,
/// or have left it by [`on_home`](super::on_home).
/// The activation must be fresh, and is not to be touched but through pointers from [`Activation::current`] meanwhile.
pub(crate) unsafe fn enter(
    stack: &CodeStack,
    activation: &mut Activation,
    code_at: Code,
    vm: *mut u8,
    sp: *mut u64,
    code: *const u8,
) -> Exit {
    debug_assert!(super::altstack::is_ensured(), "prepare_thread must come first");
    let here = here();
    let top = if stack.contains(here) { 0 } else { stack.free() };
    let activation = ptr::from_mut(activation);
    let previous = CURRENT.get();
    debug_assert!(!previous.is_null() || super::signals::are_unblocked(), "a thread must not block SIGSEGV, SIGBUS, SIGILL and SIGFPE");
    // SAFETY: whoever is current is in an `enter` further up, which holds on to its activation and its stack.
    let home = match unsafe { previous.as_ref() } {
        // SAFETY: as above.
        Some(previous) if unsafe { previous.stack() }.contains(here) => previous.landing(),
        _ => 0,
    };
    // SAFETY: the caller's reference became this pointer, and no other is left.
    unsafe {
        (*activation).home = home;
        (*activation).previous = previous;
        (*activation).stack = stack;
    }
    CURRENT.set(activation);
    // SAFETY: the caller vouches for the code and that the stack is free from `top`, or from this thread's stack pointer.
    // A signal handler may find the activation from here on; before `saved` is set, no machine code can fault.
    let unwound = unsafe { switch(code_at, vm, sp, code, &raw mut (*activation).saved, top) };
    CURRENT.set(previous);
    stack.settle(if top == 0 { here } else { top });
    if unwound == 0 { Exit::Returned } else { Exit::Unwound }
}

/// Leaves the thread's innermost activation at once: its [`enter`] gives [`Exit::Unwound`].
///
/// # Safety
/// There must be one. Everything between it and here is forgotten: there must be nothing that waits to be dropped, and
/// no other language's frames that mind.
pub(crate) unsafe fn unwind() -> ! {
    let activation = CURRENT.get();
    debug_assert!(!activation.is_null(), "there must be an activation to leave");
    // SAFETY: the caller vouches that there is one; `switch` has saved its stack pointer there, and hasn't returned.
    unsafe { leave((*activation).saved) }
}

/// Where a trap goes on, on the thread's own stack: the signal handler made the thread believe that this was called,
/// by nobody.
pub(super) unsafe extern "C" fn landed(pc: usize, fp: usize, code: usize) -> ! {
    let activation = CURRENT.get();
    let trapped = Trapped { pc, fp, code: code as u8, called: code & CALLED != 0 };
    // SAFETY: the signal handler found the activation current, and nothing has run on this thread since. The
    // hook is the activation's own. What is unwound is machine code, and this frame.
    unsafe {
        ((*activation).on_trap)(activation, trapped);
        unwind()
    }
}

/// Beside the trap code: `pc` is a return address.
pub(super) const CALLED: usize = 0x100;

/// How far the frame pointer within [`switch`] is above the saved stack pointer.
#[cfg(target_arch = "x86_64")]
const SAVED_BELOW_FP: usize = 40;

/// Saves all that a call must preserve and the stack pointer, goes to the stack that begins at `top`, unless that is 0,
/// and calls. 0 if the code returns, 1 after [`leave`].
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn switch(
    code_at: Code,
    vm: *mut u8,
    sp: *mut u64,
    code: *const u8,
    saved: *mut usize,
    top: usize,
) -> usize {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [r8], rsp",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "test r9, r9",
        "cmovz r9, rsp",
        "and r9, -16",
        "mov rsp, r9",
        "call rax",
        "lea rsp, [rbp - {below}]",
        "xor eax, eax",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        below = const SAVED_BELOW_FP,
    )
}

/// Returns from the [`switch`] that saved this stack pointer, with 1.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn leave(saved: usize) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "mov eax, 1",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Where the signal handler sends a trap: makes a call of it, with what the handler put into the registers.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn land() -> ! {
    naked_asm!("and rsp, -16", "call {landed}", "ud2", landed = sym landed)
}

/// How far the frame pointer within [`switch`] is above the saved stack pointer.
#[cfg(target_arch = "aarch64")]
const SAVED_BELOW_FP: usize = 0;

/// Saves all that a call must preserve and the stack pointer, goes to the stack that begins at `top`, unless that is 0,
/// and calls. 0 if the code returns, 1 after [`leave`].
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn switch(
    code_at: Code,
    vm: *mut u8,
    sp: *mut u64,
    code: *const u8,
    saved: *mut usize,
    top: usize,
) -> usize {
    naked_asm!(
        "stp x29, x30, [sp, #-160]!",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "str x29, [x4]",
        "mov x9, x0",
        "mov x0, x1",
        "mov x1, x2",
        "mov x2, x3",
        "cbz x5, 2f",
        "mov sp, x5",
        "2:",
        "blr x9",
        "mov x0, x29",
        "mov x1, #0",
        "b {leave}",
        leave = sym leave_with,
    )
}

/// Returns from the [`switch`] that saved this stack pointer, with 1.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn leave(saved: usize) -> ! {
    naked_asm!("mov x1, #1", "b {leave}", leave = sym leave_with)
}

/// Returns `result` from the [`switch`] that saved this stack pointer.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn leave_with(saved: usize, result: usize) -> ! {
    naked_asm!(
        "mov sp, x0",
        "mov x0, x1",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #160",
        "ret",
    )
}

/// Where the signal handler sends a trap: makes a call of it, with what the handler put into the registers.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn land() -> ! {
    naked_asm!("bl {landed}", "udf #0", landed = sym landed)
}
