//! Hand-written machine code for the tests: functions with frames, as a compiler would generate them, each at a label.

use std::sync::Arc;

use crate::code::{CodeMap, CodeMapBuilder};
use crate::runtime::CodeChunk;

/// Declares labels of the assembly, and functions that give their offsets in it.
macro_rules! labels {
    ($($name:ident = $symbol:literal;)*) => {$(
        pub(super) fn $name() -> u32 {
            unsafe extern "C" {
                #[link_name = $symbol]
                static LABEL: u8;
            }
            (&raw const LABEL).addr() as u32 - start().addr() as u32
        }
    )*};
}

labels! {
    add = "dunlin_test_add";
    call = "dunlin_test_call";
    call_returns = "dunlin_test_call_returns";
    outer = "dunlin_test_outer";
    outer_returns = "dunlin_test_outer_returns";
    inner = "dunlin_test_inner";
    inner_traps = "dunlin_test_inner_traps";
    load = "dunlin_test_load";
    load_traps = "dunlin_test_load_traps";
    recurse = "dunlin_test_recurse";
    recurse_returns = "dunlin_test_recurse_returns";
    deeper = "dunlin_test_deeper";
    deeper_returns = "dunlin_test_deeper_returns";
    clobber = "dunlin_test_clobber";
    unlisted = "dunlin_test_unlisted";
    divide = "dunlin_test_divide";
    divide_traps = "dunlin_test_divide_traps";
    last = "dunlin_test_last";
    sends = "dunlin_test_sends";
    sends_traps = "dunlin_test_sends_traps";
    end = "dunlin_test_end";
}

fn start() -> *const u8 {
    unsafe extern "C" {
        #[link_name = "dunlin_test_start"]
        static LABEL: u8;
    }
    &raw const LABEL
}

pub(super) fn bytes() -> &'static [u8] {
    // SAFETY: these are the constant bytes of one section between two labels.
    unsafe { core::slice::from_raw_parts(start(), end() as usize) }
}

pub(super) const OUTER: u32 = 2;
pub(super) const INNER: u32 = 3;
pub(super) const LOAD: u32 = 4;
pub(super) const RECURSE: u32 = 5;
pub(super) const DEEPER: u32 = 6;
pub(super) const LAST: u32 = 10;
pub(super) const UNREACHABLE: u8 = 7;
pub(super) const OUT_OF_BOUNDS: u8 = 9;
pub(super) const BY_ZERO: u8 = 11;
pub(super) const SENT: u8 = 13;

/// All of the code in a chunk. Positions of sites are about 1000 times their function's index.
pub(super) fn chunk() -> Arc<CodeChunk> {
    let mut map = CodeMapBuilder::default();
    let starts = [
        add(),
        call(),
        outer(),
        inner(),
        load(),
        recurse(),
        deeper(),
        clobber(),
        unlisted(),
        divide(),
        last(),
        sends(),
        end(),
    ];
    for (index, range) in starts.windows(2).enumerate() {
        map.function(range[0], range[1], index as u32).unwrap();
    }
    map.trap(inner_traps(), UNREACHABLE).unwrap();
    map.trap(load_traps(), OUT_OF_BOUNDS).unwrap();
    map.trap(divide_traps(), BY_ZERO).unwrap();
    map.trap(sends_traps(), SENT).unwrap();
    map.site(call_returns() - 1, 1000).unwrap();
    map.site(outer_returns() - 1, 2000).unwrap();
    map.site(inner_traps(), 3000).unwrap();
    map.site(load_traps(), 4000).unwrap();
    map.site(recurse_returns() - 1, 5000).unwrap();
    map.site(deeper_returns() - 1, 6000).unwrap();
    // Its call is its last instruction.
    map.site(sends() - 1, 10_000).unwrap();
    CodeChunk::new(bytes(), map.build()).unwrap()
}

/// The same code as trampolines, which belong to no function.
pub(super) fn trampolines() -> Arc<CodeChunk> {
    CodeChunk::new(bytes(), CodeMap::default()).unwrap()
}

// `add` adds `vm` to the word at `sp`. `call` calls `code(vm, sp)`. `outer` calls `inner`, which traps. `load` reads
// the word at `vm` and stores it at `sp`. `recurse` calls itself as many times as the word at `sp` says; `deeper` calls
// it with `vm` more bytes on the stack. `clobber` overwrites all callee-saved registers and then calls `code`.
// `unlisted` has a trap that isn't in the map.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .rodata",
    "dunlin_test_start:",
    "dunlin_test_add:",
    "push rbp",
    "mov rbp, rsp",
    "add [rsi], rdi",
    "pop rbp",
    "ret",
    "dunlin_test_call:",
    "push rbp",
    "mov rbp, rsp",
    "call rdx",
    "dunlin_test_call_returns:",
    "pop rbp",
    "ret",
    "dunlin_test_outer:",
    "push rbp",
    "mov rbp, rsp",
    "call dunlin_test_inner",
    "dunlin_test_outer_returns:",
    "pop rbp",
    "ret",
    "dunlin_test_inner:",
    "push rbp",
    "mov rbp, rsp",
    "dunlin_test_inner_traps:",
    "ud2",
    "dunlin_test_load:",
    "push rbp",
    "mov rbp, rsp",
    "dunlin_test_load_traps:",
    "mov rax, [rdi]",
    "mov [rsi], rax",
    "pop rbp",
    "ret",
    "dunlin_test_recurse:",
    "push rbp",
    "mov rbp, rsp",
    "sub rsp, 96",
    "dec qword ptr [rsi]",
    "jz 2f",
    "call dunlin_test_recurse",
    "dunlin_test_recurse_returns:",
    "2:",
    "mov rsp, rbp",
    "pop rbp",
    "ret",
    "dunlin_test_deeper:",
    "push rbp",
    "mov rbp, rsp",
    "sub rsp, rdi",
    "call dunlin_test_recurse",
    "dunlin_test_deeper_returns:",
    "mov rsp, rbp",
    "pop rbp",
    "ret",
    "dunlin_test_clobber:",
    "push rbp",
    "mov rbp, rsp",
    "mov rbx, -1",
    "mov r12, -1",
    "mov r13, -1",
    "mov r14, -1",
    "mov r15, -1",
    "call rdx",
    "ud2",
    "dunlin_test_unlisted:",
    "ud2",
    "dunlin_test_divide:",
    "push rbp",
    "mov rbp, rsp",
    "mov eax, 1",
    "cdq",
    "xor ecx, ecx",
    "dunlin_test_divide_traps:",
    "idiv ecx",
    "ud2",
    "dunlin_test_last:",
    "push rbp",
    "mov rbp, rsp",
    "call dunlin_test_inner",
    "dunlin_test_sends:",
    "push rbp",
    "mov rbp, rsp",
    "mov r8, rdi",
    "mov rax, [r8]",
    "mov rdi, [r8 + 8]",
    "mov rsi, [r8 + 16]",
    "mov rdx, [r8 + 24]",
    "mov r10, [r8 + 32]",
    "syscall",
    "dunlin_test_sends_traps:",
    "pop rbp",
    "ret",
    "dunlin_test_end:",
    ".popsection",
);

// On aarch64 divisions don't fault, so `divide` is another undefined instruction.
#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .rodata",
    ".p2align 2",
    "dunlin_test_start:",
    "dunlin_test_add:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "ldr x9, [x1]",
    "add x9, x9, x0",
    "str x9, [x1]",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_call:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "blr x2",
    "dunlin_test_call_returns:",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_outer:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "bl dunlin_test_inner",
    "dunlin_test_outer_returns:",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_inner:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "dunlin_test_inner_traps:",
    "udf #0xc11f",
    "dunlin_test_load:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "dunlin_test_load_traps:",
    "ldr x9, [x0]",
    "str x9, [x1]",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_recurse:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "sub sp, sp, #96",
    "ldr x9, [x1]",
    "subs x9, x9, #1",
    "str x9, [x1]",
    "b.eq 2f",
    "bl dunlin_test_recurse",
    "dunlin_test_recurse_returns:",
    "2:",
    "mov sp, x29",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_deeper:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "sub sp, sp, x0",
    "bl dunlin_test_recurse",
    "dunlin_test_deeper_returns:",
    "mov sp, x29",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_clobber:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "mov x19, #-1",
    "mov x20, #-1",
    "mov x21, #-1",
    "mov x22, #-1",
    "mov x23, #-1",
    "mov x24, #-1",
    "mov x25, #-1",
    "mov x26, #-1",
    "mov x27, #-1",
    "mov x28, #-1",
    "fmov d8, x19",
    "fmov d9, x19",
    "fmov d10, x19",
    "fmov d11, x19",
    "fmov d12, x19",
    "fmov d13, x19",
    "fmov d14, x19",
    "fmov d15, x19",
    "blr x2",
    "udf #0xc11f",
    "dunlin_test_unlisted:",
    "udf #0xc11f",
    "dunlin_test_divide:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "dunlin_test_divide_traps:",
    "udf #0xc11f",
    "dunlin_test_last:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "bl dunlin_test_inner",
    "dunlin_test_sends:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "mov x9, x0",
    "ldr x8, [x9]",
    "ldp x0, x1, [x9, #8]",
    "ldp x2, x3, [x9, #24]",
    "svc #0",
    "dunlin_test_sends_traps:",
    "ldp x29, x30, [sp], #16",
    "ret",
    "dunlin_test_end:",
    ".popsection",
);
