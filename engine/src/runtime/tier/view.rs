//! A module as a tier sees it.

use super::shape::{Arm, Arms, Around, Island, Loop, Loops, Outer, Shape};
use super::tiered::FLAGS;
use crate::memory::{Buf, Kind, Shared};
use crate::module::types::{FuncType, GlobalType, MemoryType, TableType};
use crate::module::{ElemItems, ModuleInner};
use crate::ops::cells::Prologue;
use crate::runtime::loaded::ModuleShared;
use crate::translate::{Charged, Label, Translated, Wanted};
use crate::value::relaxed::RelaxedSimd;
use crate::{Error, Module, Trap};
use core::ops::Range;
use core::sync::atomic::Ordering;

/// How many entries of element segments are examined for a likely callee.
const MOST_ELEMENTS: usize = 4096;

/// A module, as a tier sees it. Function indices count only the functions that the module defines, unless stated
/// otherwise.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "a view of a module")]
pub struct View<'m> {
    pub(super) module: &'m ModuleShared,
}

impl<'m> View<'m> {
    /// Of this module.
    pub fn new(module: &'m Module) -> Self {
        View::shared(module.shared())
    }

    pub(super) fn shared(module: &'m ModuleShared) -> Self {
        View { module }
    }

    pub(super) fn data(self) -> &'m ModuleInner {
        &self.module.data
    }

    /// Whether code may rely on the guard regions of memories: an access beyond a memory's end, by a 32-bit address and
    /// an offset below [`layout::GUARD`](super::layout::GUARD), faults. When that ceases to hold, all code is [thrown
    /// away](View::thrown_away).
    pub fn guards_memories(self) -> bool {
        self.module.tiered.is_guarded()
    }

    /// Whether fuel is counted.
    pub fn consumes_fuel(self) -> bool {
        self.module.engine.consumes_fuel()
    }

    /// Whether compiled code must support deoptimisation: see [`STORE_LEAVING`](super::layout::STORE_LEAVING).
    pub fn suspends(self) -> bool {
        self.module.engine.config().suspend_compiled
    }

    /// Whether NaNs are canonicalised.
    pub fn canonical_nans(self) -> bool {
        self.module.engine.canonical_nans()
    }

    /// What the results of relaxed vector instructions are.
    pub fn relaxed_simd(self) -> RelaxedSimd {
        self.module.engine.config().relaxed_simd
    }

    /// Whether generated code is to be verified.
    pub fn checks_translation(self) -> bool {
        self.module.engine.translation_check().is_some()
    }

    /// The features that its bytes may use.
    pub fn features(self) -> wasmparser::WasmFeatures {
        self.data().features.of_bodies()
    }

    /// The module's types.
    pub fn types(self) -> &'m [FuncType] {
        &self.data().types
    }

    /// The engine-wide number of a type of the module, which indirect calls compare.
    pub fn signature(self, ty: u32) -> u32 {
        self.module.sigs[ty as usize]
    }

    /// How many functions it imports.
    pub fn imported_funcs(self) -> u32 {
        self.data().imported_funcs
    }

    /// How many functions it defines.
    pub fn defined_funcs(self) -> u32 {
        self.data().bodies.records.len() as u32
    }

    /// A function's name, imports counted, if the module names it.
    pub fn func_name(self, func: u32) -> Option<&'m str> {
        self.data().names.func(func)
    }

    /// The type index of a function, imports counted.
    pub fn type_of(self, func: u32) -> u32 {
        self.data().funcs[func as usize]
    }

    /// The module's memories, imports counted.
    pub fn memories(self) -> &'m [MemoryType] {
        &self.data().memories
    }

    /// The type of a table, imports counted.
    pub fn table(self, index: u32) -> TableType {
        self.data().tables[index as usize].ty
    }

    /// How many globals it imports.
    pub fn imported_globals(self) -> u32 {
        self.data().imported_globals
    }

    /// The type of a global, imports counted.
    pub fn global(self, index: u32) -> GlobalType {
        self.data().globals[index as usize].ty
    }

    /// The word of a context that points to an imported function's object.
    pub fn import_word(self, func: u32) -> u32 {
        self.module.layout.funcs + func
    }

    /// The word of a context that points to a table.
    pub fn table_word(self, index: u32) -> u32 {
        self.module.layout.tables + index
    }

    /// The word of a context that points to a memory.
    pub fn memory_word(self, index: u32) -> u32 {
        self.module.layout.memories + index
    }

    /// The word of a context that points to a global.
    pub fn global_word(self, index: u32) -> u32 {
        self.module.layout.globals + index
    }

    /// The size of a function's body in bytes.
    pub fn body_size(self, index: u32) -> u32 {
        self.data().bodies.records[index as usize].len
    }

    /// The hotness samples of a function; 0 if the engine has no tier.
    pub fn samples(self, index: u32) -> u32 {
        let samples = self.module.tiered.samples.get(index as usize);
        samples.map_or(0, |samples| samples.load(Ordering::Relaxed) & !FLAGS)
    }

    /// What compiling the module has cost so far, as the tier [counts](View::undertake) it.
    pub fn undertaken(self) -> u64 {
        self.module.tiered.undertaken.load(Ordering::Relaxed)
    }

    /// Adds to the module's account the cost of something that the tier will compile, in a unit of the tier's own.
    pub fn undertake(self, cost: u64) {
        self.module.tiered.undertaken.fetch_add(cost, Ordering::Relaxed);
    }

    /// Takes such a cost back, of something that the tier won't compile after all.
    pub fn gives_up(self, cost: u64) {
        self.module.tiered.undertaken.fetch_sub(cost, Ordering::Relaxed);
    }

    /// Whether the module's last owner is gone, so that its code isn't wanted.
    pub fn is_dropped(self) -> bool {
        self.module.tiered.dropped.load(Ordering::Relaxed)
    }

    /// Whether a function is known to have been called.
    pub fn was_called(self, index: u32) -> bool {
        self.samples(index) > 0 || self.module.code.has_entry(index)
    }

    /// Whether a type has no subtypes, so that functions of it have its number.
    pub fn is_final(self, ty: u32) -> bool {
        self.data().is_final(ty)
    }

    /// The likely callee of indirect calls of this type, of the functions that the module's element segments name: the
    /// one with more than four fifths of all their samples, or the only one.
    pub fn likely_element(self, ty: u32) -> Option<u32> {
        let data = self.data();
        let wanted = self.signature(ty);
        let named = data.elems.iter().flat_map(|segment| match &segment.items {
            ElemItems::Funcs(funcs) => &funcs[..],
            ElemItems::Exprs(_) => &[],
        });
        let (mut best, mut most, mut all, mut count) = (None, 0, 0u64, 0);
        for &func in named.take(MOST_ELEMENTS) {
            if self.module.func_sig(func) != wanted {
                continue;
            }
            count += 1;
            let Some(index) = func.checked_sub(data.imported_funcs) else { continue };
            if best == Some(index) {
                count -= 1;
                continue;
            }
            let samples = u64::from(self.samples(index));
            all += samples;
            if best.is_none() || samples > most {
                (best, most) = (Some(index), samples);
            }
        }
        best.filter(|_| count == 1 || (most > 0 && most * 5 > all * 4))
    }

    /// Calls `f` with a function's body and its offset in the module.
    ///
    /// # Errors
    /// If the body was left in a file that can't be read any more, or there is no memory for reading it.
    pub fn with_body<R>(self, index: u32, f: impl FnOnce(&[u8], u64) -> R) -> Result<R, Error> {
        let offset = self.data().bodies.file_offset(index);
        self.data().bodies.with_body(index, self.cache(), |body| f(body, offset)).map_err(|e| match e {
            crate::module::bodies::BodyError::Memory(e) => e.into(),
            _ => Trap::ModuleChanged.into(),
        })
    }

    /// What the module says of the branch at this offset in the module, if it does: whether it is likely to be taken.
    pub fn branch_hint(self, index: u32, offset: u64) -> Option<bool> {
        let hints = &self.data().branch_hints;
        if hints.is_empty() {
            return None;
        }
        let func = self.imported_funcs() + index;
        let offset = u32::try_from(offset.checked_sub(self.data().bodies.file_offset(index))?).ok()?;
        let found = hints.binary_search_by_key(&(func, offset), |hint| (hint.func, hint.offset)).ok()?;
        Some(hints[found].likely)
    }

    /// The type of a tag: what its exceptions carry are the parameters.
    pub fn tag_type(self, index: u32) -> &'m FuncType {
        self.data().tag_type(index)
    }

    /// The word of the context that leads to a tag.
    pub fn tag_word(self, index: u32) -> u32 {
        self.module.layout.tags + index
    }

    /// The properties of a function's interpreted code.
    ///
    /// # Errors
    /// As for [`View::with_body`].
    pub fn shape(self, index: u32) -> Result<Shape, Error> {
        let translated = self.module.translate(index, Wanted::Charges, self.cache())?;
        self.shape_of(&translated, 0..u64::MAX)
    }

    /// The loop with this header, to be compiled alone, and the properties of the function, with what is in the loop only.
    /// `None` if there is no such loop.
    ///
    /// # Errors
    /// As for [`View::with_body`].
    pub fn island(self, index: u32, header: u32) -> Result<Option<(Shape, Island)>, Error> {
        let translated = self.module.translate(index, Wanted::Loop(header as usize), self.cache())?;
        let Some(found) = &translated.enclosed else { return Ok(None) };
        let shape = self.shape_of(&translated, found.offset..found.end)?;
        let mut around = Buf::with_capacity(self.cache(), Kind::CompilerScratch, found.labels.len())?;
        let charges = translated.charges.as_deref().unwrap_or_default();
        for &Label { ty, is_loop, base, word } in found.labels.iter() {
            let charged = charges.iter().find(|charged| is_loop && charged.is_loop && charged.word == word);
            let enters = charged.map(Charged::as_loop);
            around.try_push(Outer { ty, enters, base: base.into(), word: word as u32 })?;
        }
        let Some(enters) = shape.loops.first().copied() else { return Ok(None) };
        let (end, base, behind) = (found.end, found.base.into(), found.behind as u32);
        let around = Around(Shared::try_new(Kind::CompilerScratch, around.into_boxed()?)?);
        let protected = found.protected;
        Ok(Some((shape, Island { enters, end, base, behind, protected, around })))
    }

    /// Properties of a function, with those loops and arms that begin in a range of offsets.
    fn shape_of(self, translated: &Translated, range: Range<u64>) -> Result<Shape, Error> {
        let Prologue { frame, cost, header, zeros } = Prologue::of(&translated.words);
        let found = translated.charges.as_deref().unwrap_or_default();
        let found = || found.iter().filter(|charged| range.contains(&charged.offset));
        let (all, n) = (found().count(), found().filter(|charged| charged.is_loop).count());
        let mut loops = Buf::with_capacity(self.cache(), Kind::CompilerScratch, n)?;
        let mut arms = Buf::with_capacity(self.cache(), Kind::CompilerScratch, all - n)?;
        for charged in found() {
            if charged.is_loop {
                loops.try_push(charged.as_loop())?;
            } else {
                arms.try_push(Arm { offset: charged.offset, cost: charged.cost })?;
            }
        }
        let loops = Loops(Shared::try_new(Kind::CompilerScratch, loops.into_boxed()?)?);
        let arms = Arms(Shared::try_new(Kind::CompilerScratch, arms.into_boxed()?)?);
        let operands = header + crate::ops::frame::HEADER + zeros;
        Ok(Shape { frame, cost, header, operands, loops, arms })
    }
}

impl Charged {
    fn as_loop(&self) -> Loop {
        Loop { offset: self.offset, header: self.word as u32, cost: self.cost }
    }
}
