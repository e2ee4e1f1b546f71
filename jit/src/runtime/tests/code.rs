//! Hand-written machine code for the tests: functions with frames, as a compiler would generate them, each at a label.
//!
//! `add` adds `vm` to the word at `sp`. `call` calls `code(vm, sp)`. `outer` calls `inner`, which traps. `load` reads
//! the word at `vm` and stores it at `sp`. `recurse` calls itself as many times as the word at `sp` says; `deeper` calls
//! it with `vm` more bytes on the stack. `clobber` overwrites all callee-saved registers and then calls `code`.
//! `unlisted` has a trap that isn't in the map.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

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
