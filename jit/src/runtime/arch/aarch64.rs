//! aarch64, with its procedure call standard.

use super::{Code, Landing};
use crate::runtime::sys::Context;
use core::arch::{asm, naked_asm};
use dunlin::tier::HostFn;

/// What machine code needs and this processor lacks, if anything.
pub(crate) fn missing_feature() -> Option<&'static str> {
    None
}

/// The stack pointer, approximately.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// What is in the registers that callees preserve, so that callers may have values there.
#[inline(always)]
pub(crate) fn preserved_registers() -> [u64; 12] {
    let mut words = [0; 12];
    // SAFETY: stores registers to the array.
    unsafe {
        asm!(
            "stp x19, x20, [{to}]",
            "stp x21, x22, [{to}, #16]",
            "stp x23, x24, [{to}, #32]",
            "stp x25, x26, [{to}, #48]",
            "stp x27, x28, [{to}, #64]",
            "str x29, [{to}, #80]",
            to = in(reg) words.as_mut_ptr(),
            options(nostack, preserves_flags)
        );
    }
    words
}

/// How far the frame pointer within [`switch`] is above the saved stack pointer.
pub(crate) const SAVED_BELOW_FP: usize = 0;

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

/// Returns 1 from the [`switch`] that saved this stack pointer.
///
/// # Safety
/// That `switch` must not have returned; no frame since may hold a value that must be dropped.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn leave(saved: usize) -> ! {
    naked_asm!("mov x1, #1", "b {leave}", leave = sym leave_with)
}

/// Returns `result` from the [`switch`] that saved this stack pointer.
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

/// Goes on at `pc`, with this stack pointer and frame pointer.
///
/// # Safety
/// It must be where an exception lands in a frame of machine code that exists, with these pointers. No frame below may
/// hold a value that must be dropped.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn go_on(pc: usize, sp: usize, fp: usize) -> ! {
    naked_asm!("mov sp, x1", "mov x29, x2", "br x0")
}

/// Calls `f(data)` with the stack pointer at `top`, a multiple of 16, and first stores the current stack pointer, below
/// which the stack of the caller is free, to `left`. What callees preserve is on that stack then. Backtraces end here:
/// there is no unwind information.
///
/// # Safety
/// The stack below `top` must be free, and must exist until this returns. `f` must not unwind, and `data` must be what
/// it expects. `left` must be valid for a write.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn call_on(top: usize, f: HostFn, data: *mut (), left: *mut usize) {
    naked_asm!(
        "stp x29, x30, [sp, #-96]!",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "str x29, [x3]",
        "mov sp, x0",
        "mov x0, x2",
        "blr x1",
        "mov sp, x29",
        "ldp x29, x30, [sp], #96",
        "ret",
    )
}

/// The registers of the code that a signal has interrupted.
pub(crate) struct Registers {
    pub(crate) pc: usize,
    pub(crate) sp: usize,
    pub(crate) fp: usize,
    /// The link register, which holds the return address at a function's first instruction.
    lr: usize,
}

impl Registers {
    pub(crate) fn of(context: &Context) -> Self {
        let machine = &context.uc_mcontext;
        let [fp, lr] = [29, 30].map(|register| machine.regs[register] as usize);
        Self { pc: machine.pc as usize, sp: machine.sp as usize, fp, lr }
    }

    /// The return address of a function that hasn't set up its frame yet.
    ///
    /// # Safety
    /// It has no requirement here.
    pub(crate) unsafe fn return_address(&self, _: impl FnOnce(usize) -> bool) -> Option<usize> {
        Some(without_signature(self.lr))
    }
}

/// Changes an interrupted context so that the thread resumes as if it had called `to` with these arguments, on the
/// stack below `sp`.
pub(crate) fn resume_in(context: &mut Context, to: Landing, sp: usize, arguments: [usize; 3]) {
    let machine = &mut context.uc_mcontext;
    machine.pc = land as *const () as u64;
    machine.sp = sp as u64;
    let [first, second, third] = arguments.map(|argument| argument as u64);
    machine.regs[..4].copy_from_slice(&[first, second, third, to as usize as u64]);
}

/// Where the thread resumes: calls the [`Landing`] in `x3`, so that its frame is an ordinary one.
#[unsafe(naked)]
unsafe extern "C" fn land() -> ! {
    naked_asm!("blr x3", "udf #0")
}

/// The length of the instruction in front of a frame's first that signs the return address
/// ([`Options::branch_protection`](crate::Options::branch_protection)).
pub(crate) const SIGNING: u32 = 4;

/// Strips the pointer authentication code that a function may have put into a return address.
pub(crate) fn without_signature(address: usize) -> usize {
    // The code occupies bits that no user-space address uses.
    address & ((1 << 48) - 1)
}

/// Makes new code visible to this core's instruction fetches: cleans the data cache to the point of unification, then
/// invalidates the instruction cache.
pub(crate) fn synchronise_caches(code: &[u8]) {
    let sizes: u64;
    // SAFETY: reads CTR_EL0, which Linux makes readable in user mode.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack, preserves_flags)) };
    let data_line = 4usize << ((sizes >> 16) & 0xf);
    let code_line = 4usize << (sizes & 0xf);
    let range = code.as_ptr_range();
    // Data must be cleaned, line by line, before instruction lines are invalidated.
    for line in (range.start as usize & !(data_line - 1)..range.end as usize).step_by(data_line) {
        // SAFETY: cleaning a line of mapped memory changes no readable value.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier has no effect on memory contents.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in (range.start as usize & !(code_line - 1)..range.end as usize).step_by(code_line) {
        // SAFETY: an invalidated instruction line is only fetched again.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers have no effect on memory contents.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
}

/// Whether another core may execute instructions that it fetched before new code took their place.
pub(crate) const CORES_PREFETCH: bool = true;
