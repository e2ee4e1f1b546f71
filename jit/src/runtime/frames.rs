//! The frames of machine code in an activation, by their frame pointers.
//!
//! On both processors a frame pointer leads to two words: the caller's frame pointer, and above it the return address,
//! which is plain (we don't have it signed).

use super::enter::Activation;
use super::{CodeChunk, registry};

/// A place in machine code that is being executed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) chunk: &'a CodeChunk,
    /// Of the instruction, or of a return address: or one more than what the map's sites are by.
    pub(crate) offset: u32,
    /// Whether `offset` is that of a return address. A call may be a function's last instruction, so the function is that
    /// of the byte before.
    pub(crate) called: bool,
}

impl Frame<'_> {
    /// The function's index; none for a trampoline.
    pub(crate) fn function(&self) -> Option<u32> {
        self.chunk.map().function_at(self.offset - u32::from(self.called))
    }

    /// The compiler's number for the position in the module, if it gave one.
    pub(crate) fn position(&self) -> Option<u32> {
        let map = self.chunk.map();
        let offset = self.offset - u32::from(self.called);
        map.site_at(offset).or_else(|| if self.called { None } else { map.site_from(offset) })
    }
}

/// The frames of an activation that lie in chunks, innermost first, up to where it was entered. Frames of other code in
/// between are left out.
#[derive(Debug)]
pub(crate) struct Frames<'a> {
    activation: &'a Activation,
    /// Where the next frame stands; `None` after the last.
    next: Option<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    pc: usize,
    fp: usize,
    called: bool,
}

impl<'a> Frames<'a> {
    /// Begins at `pc`, an instruction, or a return address if `called`, in the frame that `fp` points to.
    ///
    /// # Safety
    /// The activation must have been entered and not left. `pc` and `fp` must be what they say, of a frame in it that
    /// is still there for `'a`, and so must be all frames between. Chunks that they stand in must outlive `'a`.
    pub(crate) unsafe fn new(activation: &'a Activation, pc: usize, fp: usize, called: bool) -> Self {
        Self { activation, next: Some(Place { pc, fp, called }) }
    }

    /// The frame that `place` is in, if that is machine code's.
    fn frame(place: Place) -> Option<Frame<'a>> {
        let called = usize::from(place.called);
        // SAFETY: the place stands in a frame that is still there, so its chunk, if any, is too.
        let chunk = unsafe { registry::find::<'a>(place.pc.checked_sub(called)?) }?;
        Some(Frame { chunk, offset: (place.pc - chunk.base() as usize) as u32, called: place.called })
    }

    /// Where the frame was called from. What doesn't look like frames ends the walk: it is for reports.
    fn caller(&self, callee: Place) -> Option<Place> {
        let fp = callee.fp;
        // SAFETY: the activation is entered and not left.
        let stack = unsafe { self.activation.stack() };
        if fp == self.activation.base() || !fp.is_multiple_of(8) || !stack.contains(fp) || !stack.contains(fp + 15) {
            return None;
        }
        // SAFETY: it is a frame's pointer on the stack, which is accessible from the innermost frame upwards.
        let [caller, pc] = unsafe { (fp as *const [usize; 2]).read() };
        let upwards = caller > fp || caller == self.activation.base();
        upwards.then_some(Place { pc: without_signature(pc), fp: caller, called: true })
    }
}

/// A return address, which functions may have signed.
pub(super) fn without_signature(address: usize) -> usize {
    // Signatures are in bits that no address of a process's has.
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
