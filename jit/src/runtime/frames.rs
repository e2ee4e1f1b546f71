//! Walks the frames of machine code in an activation along the chain of frame pointers.
//!
//! A frame pointer points to two words: the caller's frame pointer, and above it the return address, which may be
//! signed ([`Options::branch_protection`](crate::Options::branch_protection)).

use super::activation::Activation;
use super::chunk::CodeChunk;
use super::{arch, registry};
use crate::code::{ENTRY, INLINED};
use core::ops::ControlFlow;

/// A frame of machine code: where it is executing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeFrame<'a> {
    pub(crate) chunk: &'a CodeChunk,
    /// The offset of the instruction, or of a return address. The map records a call's site at the return address minus
    /// one.
    pub(crate) offset: u32,
    /// Whether `offset` is a return address. A call may be a function's last instruction, so the function is looked up
    /// by the byte before.
    pub(crate) called: bool,
    /// Its frame pointer.
    pub(crate) fp: usize,
}

impl NativeFrame<'_> {
    /// The function's index; `None` for a trampoline.
    pub(crate) fn function(&self) -> Option<u32> {
        self.chunk.map().function_at(self.offset - u32::from(self.called))
    }

    /// Calls `visit` with the function that it executes, and with those that this is inlined in, innermost first: each
    /// one's index and the offset in the module. A function's prologue belongs to none.
    pub(crate) fn functions(&self, visit: &mut dyn FnMut(u32, u64) -> ControlFlow<()>) -> ControlFlow<()> {
        let Some(function) = self.function() else { return ControlFlow::Continue(()) };
        let mut position = self.position().unwrap_or(0);
        if position == ENTRY {
            return ControlFlow::Continue(());
        }
        while position & INLINED != 0 {
            let Some(inlined) = self.chunk.map().inlined(position & !INLINED) else { break };
            visit(inlined.index, inlined.offset.into())?;
            position = inlined.at;
        }
        visit(function, position.into())
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
pub(crate) struct NativeFrames<'a> {
    activation: &'a Activation,
    /// The next frame; `None` after the last.
    next: Option<Cursor>,
}

/// Where the walk is.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    pc: usize,
    fp: usize,
    called: bool,
}

impl<'a> NativeFrames<'a> {
    /// Starts at `pc` (an instruction, or a return address if `called`) in the frame that `fp` points to.
    ///
    /// # Safety
    /// The activation must have been entered and not left. `pc` and `fp` must be as described, of a frame in it. That
    /// frame and all frames above it must exist for `'a`, and the chunks that they execute must outlive `'a`.
    pub(crate) unsafe fn new(activation: &'a Activation, pc: usize, fp: usize, called: bool) -> Self {
        Self { activation, next: Some(Cursor { pc, fp, called }) }
    }

    /// The frame at `cursor`, if it is one of machine code.
    fn frame(cursor: Cursor) -> Option<NativeFrame<'a>> {
        let called = usize::from(cursor.called);
        // SAFETY: by the contract of [`NativeFrames::new`], the frame exists for `'a`, so its chunk, if any, does too.
        let chunk = unsafe { registry::find::<'a>(cursor.pc.checked_sub(called)?) }?;
        let offset = (cursor.pc - chunk.base() as usize) as u32;
        Some(NativeFrame { chunk, offset, called: cursor.called, fp: cursor.fp })
    }

    /// The caller's frame. The walk ends at anything that doesn't look like a frame: it only serves reports.
    fn caller(&self, callee: Cursor) -> Option<Cursor> {
        let fp = callee.fp;
        // SAFETY: by the contract of [`NativeFrames::new`], the activation is entered and not left.
        let stack = unsafe { self.activation.stack() };
        if fp == self.activation.base()
            || !fp.is_multiple_of(8)
            || !stack.contains(fp)
            || !stack.contains(fp + 15)
        {
            return None;
        }
        // SAFETY: it is an aligned address of a frame on the stack, which is accessible from the innermost frame
        // upwards.
        let [caller, pc] = unsafe { (fp as *const [usize; 2]).read() };
        let upwards = caller > fp || caller == self.activation.base();
        upwards.then_some(Cursor { pc: arch::without_signature(pc), fp: caller, called: true })
    }
}

impl<'a> Iterator for NativeFrames<'a> {
    type Item = NativeFrame<'a>;

    fn next(&mut self) -> Option<NativeFrame<'a>> {
        while let Some(cursor) = self.next {
            self.next = self.caller(cursor);
            if let Some(frame) = Self::frame(cursor) {
                return Some(frame);
            }
        }
        None
    }
}
