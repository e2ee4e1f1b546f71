//! All of a module, compiled at once: for a tier that begins with it, and ahead of time.

use crate::compiler::{self, Batch, Compiled, Compiler, Decline, Options, Part};
use crate::piece::Piece;
use crate::scratch::Scratch;
use crate::stats::Counters;
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::tier::{Shape, View};
use dunlin::{Charge, Kind};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// How.
pub(crate) struct Plan<'p> {
    pub(crate) isa: &'p OwnedTargetIsa,
    pub(crate) options: Options,
    /// The largest function body that is compiled.
    pub(crate) largest: u32,
    /// Which functions are wanted.
    pub(crate) wants: &'p (dyn Fn(u32) -> bool + Sync),
    pub(crate) counters: &'p Counters,
}

/// What came of it: the same for the same module and plan, whatever threads did what.
pub(crate) struct Whole {
    /// What the batch has on the heap, until it lies in pages.
    pub(crate) _held: Vec<Charge>,
    pub(crate) batch: Batch,
    /// Of each function that is compiled.
    pub(crate) shapes: HashMap<u32, Shape>,
}

impl Plan<'_> {
    /// Compiles all functions that are wanted, as far as they can be, and what all types need.
    ///
    /// # Errors
    /// If nothing can be made of it at all.
    pub(crate) fn compile(&self, view: View<'_>) -> Result<Whole, Decline> {
        let next = AtomicU32::new(0);
        let done: Mutex<Vec<Made>> = Mutex::default();
        let defined = view.defined_funcs();
        let compile = || {
            let some = self.some(view, &next);
            done.lock().unwrap_or_else(PoisonError::into_inner).extend(some);
        };
        let threads =
            std::thread::available_parallelism().map_or(1, usize::from).min(defined.div_ceil(16) as usize);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Without a thread, the others do its work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, compile);
            }
            compile();
        });
        let (mut pieces, mut shapes, mut held) = (Vec::new(), HashMap::new(), Vec::new());
        for Made { index, code, shape, charge } in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
            pieces.push(code);
            shapes.insert(index, shape);
            held.push(charge);
        }
        pieces.sort_unstable_by_key(|piece| match piece.piece {
            Piece::Func(index) => index,
            _ => u32::MAX,
        });
        // Trampolines, stubs and detours take no more than one of them at a time.
        let scratch = Scratch::new(view)?;
        let mut compiler = Compiler::new(self.isa.clone());
        let rest = catch_unwind(AssertUnwindSafe(|| {
            for index in compiler::missing(&pieces) {
                let ty = view.type_of(view.imported_funcs() + index);
                scratch.need_for_type(&view.types()[ty as usize])?;
                pieces.push(compiler.detour(view, self.options, index)?);
            }
            let functions = pieces.len();
            pieces.push(compiler.bridge(self.options)?);
            // Where a type can't be, no function that needs it is among the pieces.
            for ty in 0..view.types().len() as u32 {
                scratch.need_for_type(&view.types()[ty as usize])?;
                pieces.extend(compiler.ty(view, self.options, ty).into_iter().flatten());
            }
            held.push(hold(view, pieces[functions..].iter().map(Compiled::bytes).sum())?);
            Batch::link(pieces)
        }));
        let batch = rest.map_err(|_| Decline::Panicked)??;
        drop(scratch);
        // The pieces are gone.
        for charge in &mut held {
            charge.shrink(charge.bytes() / 2);
        }
        Ok(Whole { _held: held, batch, shapes })
    }

    /// Compiles functions until there are no more.
    fn some(&self, view: View<'_>, next: &AtomicU32) -> Vec<Made> {
        let mut made = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= view.defined_funcs() {
                return made;
            }
            if !(self.wants)(index) {
                continue;
            }
            match self.one(view, index) {
                Ok(one) => {
                    self.counters.compiled(1, 0, view.body_size(index).into());
                    made.push(one);
                }
                Err(why) => self.counters.declined(&why),
            }
        }
    }

    fn one(&self, view: View<'_>, index: u32) -> Result<Made, Decline> {
        if view.body_size(index) > self.largest {
            return Err(Decline::TooLarge);
        }
        let scratch = Scratch::new(view)?;
        let shape = view.shape(index).map_err(|error| Decline::of(&error))?;
        let what = (index, &shape, Part::Whole);
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            Compiler::new(self.isa.clone()).func(view, self.options, what, &|_| true, &scratch)
        }));
        let (code, _) = compiled.unwrap_or(Err(Decline::Panicked))?;
        let charge = hold(view, code.bytes())?;
        Ok(Made { index, code, shape, charge })
    }
}

/// A function that is compiled, and what is charged for that.
struct Made {
    index: u32,
    code: Compiled,
    shape: Shape,
    charge: Charge,
}

/// Charges for what pieces have on the heap, which is there twice while they are put together.
fn hold(view: View<'_>, bytes: u64) -> Result<Charge, Decline> {
    view.cache().charge(Kind::CompilerScratch, 2 * bytes).map_err(|_| Decline::Budget)
}
