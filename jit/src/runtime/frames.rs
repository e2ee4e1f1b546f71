//! Walks the frames of machine code in an activation along the chain of frame pointers.
//!
//! On both processors a frame pointer points to two words: the caller's frame pointer, and above it the return address.
//! On aarch64 the return address may carry a pointer authentication code
//! ([`Options::branch_protection`](crate::Options::branch_protection)), which is stripped.

use super::enter::Activation;
use super::{CodeChunk, registry};

/// A frame of machine code: where it is executing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) chunk: &'a CodeChunk,
    /// The offset of the instruction, or of a return address. The map records a call's site at the return address minus
    /// one.
    pub(crate) offset: u32,
    /// Whether `offset` is a return address. A call may be a function's last instruction, so the function is looked up
    /// by the byte before.
    pub(crate) called: bool,
}

impl Frame<'_> {
    /// The function's index; `None` for a trampoline.
    pub(crate) fn function(&self) -> Option<u32> {
        self.chunk.map().function_at(self.offset - u32::from(self.called))
    }

    /// The compiler's number for the position in the module, if the map has one.
    pub(crate) fn position(&self) -> Option<u32> {
        let map = self.chunk.map();
        let offset = self.offset - u32::from(self.called);
        map.site_at(offset).or_else(|| if self.called { None } else { map.site_from(offset) })
    }
}

/// The frames of an activation that lie in chunks, innermost first, up to where the activation was entered. Frames of
/// other code between them are skipped.
#[derive(Debug)]
pub(crate) struct Frames<'a> {
    activation: &'a Activation,
    /// The next frame; `None` after the last.
    next: Option<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    pc: usize,
    fp: usize,
    called: bool,
}

impl<'a> Frames<'a> {
    /// Starts at `pc` (an instruction, or a return address if `called`) in the frame that `fp` points to.
    ///
    /// # Safety
    /// The activation must have been entered and not left. `pc` and `fp` must be as described, of a frame in it. That
    /// frame and all frames above it must exist for `'a`, and the chunks that they execute must outlive `'a`.
    pub(crate) unsafe fn new(activation: &'a Activation, pc: usize, fp: usize, called: bool) -> Self {
        Self { activation, next: Some(Place { pc, fp, called }) }
    }

    /// The frame at `place`, if it is one of machine code.
    fn frame(place: Place) -> Option<Frame<'a>> {
        let called = usize::from(place.called);
        // SAFETY: by the contract of [`Frames::new`], the frame exists for `'a`, so its chunk, if any, does too.
        let chunk = unsafe { registry::find::<'a>(place.pc.checked_sub(called)?) }?;
        Some(Frame { chunk, offset: (place.pc - chunk.base() as usize) as u32, called: place.called })
    }

    /// The caller's frame. The walk ends at anything that doesn't look like a frame: it only serves reports.
    fn caller(&self, callee: Place) -> Option<Place> {
        let fp = callee.fp;
        // SAFETY: by the contract of [`Frames::new`], the activation is entered and not left.
        let stack = unsafe { self.activation.stack() };
        if fp == self.activation.base() || !fp.is_multiple_of(8) || !stack.contains(fp) || !stack.contains(fp + 15) {
            return None;
        }
        // SAFETY: it is an aligned address of a frame on the stack, which is accessible from the innermost frame
        // upwards.
        let [caller, pc] = unsafe { (fp as *const [usize; 2]).read() };
        let upwards = caller > fp || caller == self.activation.base();
        upwards.then_some(Place { pc: without_signature(pc), fp: caller, called: true })
    }
}

/// Strips the pointer authentication code that aarch64 functions may have put into a return address.
pub(super) fn without_signature(address: usize) -> usize {
    // The code occupies bits that no user-space address uses.
    if cfg!(target_arch = "aarch64") { address & ((1 << 48) - 1) } else { address }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        while let Some(place) = self.next {
            self.next = self.caller(place);
            if let Some(frame) = Self::frame(place) {
                return Some(frame);
            }
        }
        None
    }
}
