//! Exceptions that pass through machine code: who catches them, and how control goes there.

use super::activation::{Activation, TrapSite, unwind};
use super::arch;
use super::call::on_trap;
use super::frames::NativeFrames;
use super::stack::CodeStack;
use crate::code::{Catches, FAILED, Handler, What};
use core::ops::ControlFlow;
use dunlin::tier::{Landing, Search};

/// The return address of the machine code whose frame pointer is `frame`, and its caller's frame pointer.
unsafe fn caller(frame: *const u8) -> (usize, usize) {
    // SAFETY: the callers have a frame pointer, which points to these two words.
    let [fp, pc] = unsafe { frame.cast::<[usize; 2]>().read() };
    (arch::without_signature(pc), fp)
}

/// Looks for who catches an exception: see [`dunlin::tier::Tier::handler`].
///
/// # Safety
/// As for that.
pub(crate) unsafe fn handler(frame: *const u8, search: &mut Search<'_>) -> Option<Landing> {
    // SAFETY: by this function's contract it is the frame of machine code that was called within the innermost call, so
    // there is an activation. Its frames exist until this thread returns to them or discards them.
    unsafe {
        let (pc, fp) = caller(frame);
        NativeFrames::new(&*Activation::current(), pc, fp, true).find_map(|frame| {
            let mut catches = |handler: &&Handler| match Catches::of(handler.catches).what {
                What::Tag(word) => (search.is_tag)(word),
                What::All | What::Leaves => true,
            };
            let found = frame.chunk.map().handlers_at(frame.offset).iter().find(&mut catches);
            if let Some(looks_at) = &mut search.looks_at {
                // The function of a loop alone is looked at by the interpreter.
                let mut left = found.map_or(u32::MAX, |handler| {
                    let Catches { what, scopes } = Catches::of(handler.catches);
                    scopes + u32::from(what != What::Leaves)
                });
                let _ = frame.functions(&mut |index, _| {
                    let Some(rest) = left.checked_sub(1) else { return ControlFlow::Break(()) };
                    left = rest;
                    looks_at(index);
                    ControlFlow::Continue(())
                });
            }
            let handler = found?;
            Some(Landing {
                pc: frame.chunk.address(handler.landing) as usize,
                sp: frame.fp - handler.frame as usize,
                fp: frame.fp,
                leaves: Catches::of(handler.catches).what == What::Leaves,
            })
        })
    }
}

/// Goes on at a landing: see [`dunlin::tier::Tier::land`].
///
/// # Safety
/// As for that.
pub(crate) unsafe fn land(Landing { pc, sp, fp, .. }: Landing) -> ! {
    // SAFETY: `handler` has found the landing in a frame that still exists, with its stack pointer and frame pointer; the
    // code there expects nothing of other registers.
    unsafe { arch::go_on(pc, sp, fp) }
}

/// Calls the trap hook, and unwinds or lands: see [`dunlin::tier::Tier::fail`].
///
/// # Safety
/// As for that.
pub(crate) unsafe fn fail(frame: *const u8, landing: Option<Landing>) -> ! {
    // SAFETY: as for `handler` and `land`; this is ordinary code, as the hook wants it.
    unsafe {
        let (pc, fp) = caller(frame);
        on_trap(Activation::current(), TrapSite { pc, fp, code: FAILED, called: true });
        match landing {
            Some(landing) => land(landing),
            None => unwind(),
        }
    }
}

/// Shows the words of a stack: see [`dunlin::tier::Tier::words`].
///
/// # Safety
/// As for that.
#[inline(never)]
pub(crate) unsafe fn words(stack: &CodeStack, look: &mut dyn FnMut(&[u64])) {
    look(&arch::preserved_registers());
    let here = arch::stack_pointer();
    let from = if stack.contains(here) { here.next_multiple_of(8) } else { stack.free() };
    // SAFETY: from there up to the top, the stack is accessible, and only frames of this thread are there.
    let words = unsafe { core::slice::from_raw_parts(from as *const u64, (stack.top() - from) / 8) };
    look(words);
}
