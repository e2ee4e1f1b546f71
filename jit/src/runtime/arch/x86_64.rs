//! x86_64, with the System V calling convention.

use super::{Code, Landing};
use crate::runtime::sys::Context;
use core::arch::{asm, naked_asm};
use dunlin::tier::HostFn;

/// What machine code needs and this processor lacks, if anything.
pub(crate) fn missing_feature() -> Option<&'static str> {
    (!std::arch::is_x86_feature_detected!("sse4.2")).then_some("SSE4.2")
}

/// The stack pointer, approximately.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// What is in the registers that callees preserve, so that callers may have values there.
#[inline(always)]
pub(crate) fn preserved_registers() -> [u64; 6] {
    let mut words = [0; 6];
    // SAFETY: stores registers to the array.
    unsafe {
        asm!(
            "mov [{to}], rbx",
            "mov [{to} + 8], rbp",
            "mov [{to} + 16], r12",
            "mov [{to} + 24], r13",
            "mov [{to} + 32], r14",
            "mov [{to} + 40], r15",
            to = in(reg) words.as_mut_ptr(),
            options(nostack, preserves_flags)
        );
    }
    words
}

/// How far the frame pointer within [`switch`] is above the saved stack pointer.
pub(crate) const SAVED_BELOW_FP: usize = 40;

/// Pushes all callee-saved registers, stores the stack pointer to `saved`, switches to the stack that begins at `top`
/// unless that is 0, and calls. Returns 0 if the code returns, and 1 after [`leave`].
///
/// # Safety
/// `code_at` must be sound to call with these arguments. `saved` must be valid for a write, and the stack must be free
/// below `top`.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn switch(
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

/// Returns 1 from the [`switch`] that saved this stack pointer.
///
/// # Safety
/// That `switch` must not have returned; no frame since may hold a value that must be dropped.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn leave(saved: usize) -> ! {
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

/// Goes on at `pc`, with this stack pointer and frame pointer.
///
/// # Safety
/// It must be where an exception lands in a frame of machine code that exists, with these pointers. No frame below may
/// hold a value that must be dropped.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn go_on(pc: usize, sp: usize, fp: usize) -> ! {
    naked_asm!("mov rsp, rsi", "mov rbp, rdx", "jmp rdi")
}

/// Calls `f(data)` with the stack pointer at `top`, a multiple of 8, and first stores the current stack pointer, below
/// which the stack of the caller is free, to `left`. What callees preserve is on that stack then. Backtraces end here:
/// there is no unwind information.
///
/// # Safety
/// The stack below `top` must be free, and must exist until this returns. `f` must not unwind, and `data` must be what
/// it expects. `left` must be valid for a write.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn call_on(top: usize, f: HostFn, data: *mut (), left: *mut usize) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rcx], rsp",
        "and rdi, -16",
        "mov rsp, rdi",
        "mov rdi, rdx",
        "call rsi",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

/// The registers of the code that a signal has interrupted.
pub(crate) struct Registers {
    pub(crate) pc: usize,
    pub(crate) sp: usize,
    pub(crate) fp: usize,
}

impl Registers {
    pub(crate) fn of(context: &Context) -> Self {
        let register = |name: libc::c_int| context.uc_mcontext.gregs[name as usize] as usize;
        Self { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP) }
    }

    /// The return address of a function that hasn't set up its frame yet: the call has pushed it. `None` if it
    /// couldn't.
    ///
    /// # Safety
    /// A word that `is_accessible` must be readable, and the interrupted code must be stopped meanwhile.
    pub(crate) unsafe fn return_address(&self, is_accessible: impl FnOnce(usize) -> bool) -> Option<usize> {
        if !is_accessible(self.sp) || !self.sp.is_multiple_of(8) {
            return None;
        }
        // SAFETY: it is accessible and aligned; the rest is this function's contract.
        Some(unsafe { *(self.sp as *const usize) })
    }
}

/// Changes an interrupted context so that the thread resumes as if it had called `to` with these arguments, on the
/// stack below `sp`.
pub(crate) fn resume_in(context: &mut Context, to: Landing, sp: usize, arguments: [usize; 3]) {
    let mut set = |name: libc::c_int, value: usize| {
        context.uc_mcontext.gregs[name as usize] = value as libc::greg_t;
    };
    set(libc::REG_RIP, land as *const () as usize);
    set(libc::REG_RSP, sp);
    set(libc::REG_RAX, to as usize);
    set(libc::REG_RDI, arguments[0]);
    set(libc::REG_RSI, arguments[1]);
    set(libc::REG_RDX, arguments[2]);
}

/// Where the thread resumes: calls the [`Landing`] in `rax`, so that its frame is an ordinary one.
#[unsafe(naked)]
unsafe extern "C" fn land() -> ! {
    naked_asm!("and rsp, -16", "call rax", "ud2")
}

/// The length of the instruction in front of a frame's first that signs the return address. There is none.
pub(crate) const SIGNING: u32 = 0;

/// Strips what signs a return address: nothing does.
pub(crate) fn without_signature(address: usize) -> usize {
    address
}

/// Makes new code visible to this core's instruction fetches. The hardware does that.
pub(crate) fn synchronise_caches(_: &[u8]) {}

/// Whether another core may execute instructions that it fetched before new code took their place.
pub(crate) const CORES_PREFETCH: bool = false;
