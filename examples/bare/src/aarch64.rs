//! A 64-bit ARM at exception level 1, without address translation.

use core::arch::global_asm;

// Registers for floats and vectors are switched on; then a stack, and zeros where they are expected.
global_asm!(
    ".section .start, \"ax\"",
    ".global _start",
    "_start:",
    "mrs x0, cpacr_el1",
    "orr x0, x0, #(3 << 20)",
    "msr cpacr_el1, x0",
    "isb",
    "ldr x0, =stack_top",
    "mov sp, x0",
    "ldr x0, =bss_start",
    "ldr x1, =bss_end",
    "1: cmp x0, x1",
    "b.hs 2f",
    "stp xzr, xzr, [x0], #16",
    "b 1b",
    "2: bl begin",
);

#[unsafe(no_mangle)]
extern "C" fn begin() -> ! {
    crate::start()
}
