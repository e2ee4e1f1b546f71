//! The WebAssembly backtrace that an error may carry.

use crate::Module;
use crate::memory::Shared;
use crate::runtime::code::Executing;
#[cfg(feature = "coredump")]
use crate::runtime::coredump::CoreValue;
#[cfg(feature = "coredump")]
pub(crate) use crate::runtime::coredump::FrameValues;
use crate::runtime::store::StoreId;
use crate::words::Count;
use alloc::vec::Vec;
use core::fmt;

/// The WebAssembly functions that were executing when something stopped, innermost first.
///
/// Of a deep stack only the [innermost](WasmBacktrace::INNERMOST_FRAMES) and the outermost frames are kept;
/// [`WasmBacktrace::omitted`] counts those between.
#[derive(Clone)]
pub struct WasmBacktrace {
    frames: Vec<FrameInfo>,
    omitted: u64,
}

/// One function of a [`WasmBacktrace`].
#[derive(Clone)]
pub struct FrameInfo {
    module: Module,
    func_index: u32,
    place: CodePosition,
    pub(crate) instance: InstanceId,
    /// What it held, if a core dump is wanted.
    #[cfg_attr(not(feature = "coredump"), expect(dead_code, reason = "only core dumps show it"))]
    values: Option<Shared<FrameValues>>,
}

/// Without core dumps, no frame's values are kept.
#[cfg(not(feature = "coredump"))]
#[derive(Clone, Copy)]
pub(crate) enum FrameValues {}

/// An instance: its store, and its number there.
pub(crate) type InstanceId = (StoreId, u32);

/// Where in a function.
#[derive(Clone, Copy)]
enum CodePosition {
    /// At this cell, in words from the start of the function's.
    Cell(usize),
    /// At this offset in the module.
    Offset(u64),
}

impl WasmBacktrace {
    /// How many frames are kept at most.
    pub const MAX_FRAMES: usize = 50;

    /// How many of them are the innermost, if there were more frames.
    pub const INNERMOST_FRAMES: usize = 40;

    pub(crate) fn new() -> Self {
        Self { frames: Vec::new(), omitted: 0 }
    }

    /// Adds the next outer frame, which is at this cell.
    pub(crate) fn push(
        &mut self,
        (instance, module, func_index): (InstanceId, &Module, u32),
        cell: usize,
        values: Option<Shared<FrameValues>>,
    ) {
        let (module, place) = (module.clone(), CodePosition::Cell(cell));
        self.add(FrameInfo { module, func_index, place, instance, values });
    }

    /// Adds the next outer frame, which is of compiled code, and at this offset in the module.
    pub(crate) fn push_compiled(
        &mut self,
        (instance, module, func_index): (InstanceId, &Module, u32),
        offset: u64,
    ) {
        let (module, place) = (module.clone(), CodePosition::Offset(offset));
        self.add(FrameInfo { module, func_index, place, instance, values: None });
    }

    /// Whether the next frame is one of those that are kept, if so many frames follow it.
    pub(crate) fn keeps_next(&self, following: usize) -> bool {
        let is_first = self.omitted == 0 && self.frames.len() < Self::MAX_FRAMES;
        is_first || following < Self::MAX_FRAMES - Self::INNERMOST_FRAMES
    }

    fn add(&mut self, frame: FrameInfo) {
        let has_room = self.omitted == 0 && self.frames.len() < Self::MAX_FRAMES;
        if has_room && self.frames.try_reserve(1).is_ok() {
            return self.frames.push(frame);
        }
        self.omitted += 1;
        // If there is no memory for so many, it is the outermost that are left out.
        if self.frames.len() == Self::MAX_FRAMES {
            let outermost = &mut self.frames[Self::INNERMOST_FRAMES..];
            outermost.rotate_left(1);
            outermost[outermost.len() - 1] = frame;
        }
    }

    /// Finds offsets for which there may be no memory later: those of frames whose modules have little left of their
    /// budgets. Code that isn't in use any more is dropped for that.
    pub(crate) fn locate(&mut self, executing: &dyn Executing) {
        let mut last: Option<(Module, u32, usize, u64)> = None;
        for FrameInfo { module, func_index, place, .. } in &mut self.frames {
            let CodePosition::Cell(cell) = *place else { continue };
            let offset = match &last {
                Some((of, func, at, offset))
                    if (*func, *at) == (*func_index, cell)
                        && Shared::ptr_eq(of.shared(), module.shared()) =>
                {
                    Some(*offset)
                }
                _ => {
                    let shared = module.shared();
                    if shared.has_room_to_locate() {
                        continue;
                    }
                    shared.locate(*func_index - shared.data.imported_funcs, cell, executing)
                }
            };
            if let Some(offset) = offset {
                last = Some((module.clone(), *func_index, cell, offset));
                *place = CodePosition::Offset(offset);
            }
        }
    }

    /// The kept frames, innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// How many frames were left out. They are between the first [`INNERMOST_FRAMES`](Self::INNERMOST_FRAMES) of
    /// [`frames`](Self::frames) and the rest; or behind all, if there was no memory to keep so many.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// Writes what `Display` does, but with what `show` writes of each frame behind its number. It is also given the frame's index
    /// in [`frames`](Self::frames). For those who know more of a frame than the engine does, such as its source line.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn fmt_with(
        &self,
        f: &mut fmt::Formatter<'_>,
        show: &mut dyn FnMut(&FrameInfo, usize, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        f.write_str("wasm backtrace:")?;
        let mut number = 0;
        for (index, frame) in self.frames.iter().enumerate() {
            if index == Self::INNERMOST_FRAMES && self.omitted > 0 && self.frames.len() == Self::MAX_FRAMES {
                write!(f, "\n       ... {} between ...", Count(self.omitted, "frames"))?;
                number += self.omitted;
            }
            write!(f, "\n  {number:>3}: ")?;
            show(frame, index, f)?;
            number += 1;
        }
        if self.omitted > 0 && self.frames.len() < Self::MAX_FRAMES {
            write!(f, "\n       ... and {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_with(f, &mut |frame, _, f| fmt::Display::fmt(frame, f))
    }
}

impl fmt::Debug for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FrameInfo {
    /// The function's index in its module's index space (imports first).
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// The function's name, if the module's name section gives one.
    pub fn func_name(&self) -> Option<&str> {
        self.module.func_name(self.func_index)
    }

    /// Offset of the instruction from the start of the module's bytes, where known.
    ///
    /// In interpreted code it is found by translating the function once more, since nothing is kept for it.
    pub fn module_offset(&self) -> Option<u64> {
        let module = self.module.shared();
        match self.place {
            CodePosition::Cell(word) => module.offset_of(self.func_index - module.data.imported_funcs, word),
            CodePosition::Offset(offset) => Some(offset),
        }
    }

    /// Offset of the instruction from the start of the function's body (the count of its declarations of locals), where
    /// known.
    pub fn func_offset(&self) -> Option<u64> {
        let data = &self.module.shared().data;
        let start = data.bodies.file_offset(self.func_index - data.imported_funcs);
        self.module_offset()?.checked_sub(start)
    }

    /// The function's parameters and other locals as they were, if
    /// [`Config::coredump_on_trap`](crate::Config::coredump_on_trap) is on and the function was interpreted.
    #[cfg(feature = "coredump")]
    pub fn locals(&self) -> Option<&[CoreValue]> {
        self.values.as_deref().map(|values| &values.locals[..])
    }

    /// The function's operands as they were, from the bottom of the stack, without those that the instruction at
    /// [`module_offset`](Self::module_offset) takes: where that is a call, its arguments. They are known where
    /// [`locals`](Self::locals) are, unless there was no memory to find them out.
    #[cfg(feature = "coredump")]
    pub fn operands(&self) -> Option<&[CoreValue]> {
        self.values.as_deref().and_then(|values| values.operands.as_deref())
    }

    /// The module that the function belongs to.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The module's name, if its name section gives one.
    pub fn module_name(&self) -> Option<&str> {
        self.module.name()
    }
}

impl fmt::Display for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(offset) = self.module_offset() {
            write!(f, "{offset:#8x} - ")?;
        }
        write!(f, "{}!", self.module_name().unwrap_or("<unnamed>").escape_debug())?;
        match self.func_name() {
            Some(name) => write!(f, "{}", name.escape_debug()),
            None => write!(f, "<wasm function {}>", self.func_index),
        }
    }
}

impl fmt::Debug for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
