//! All of a module, compiled at once: for a tier that begins with it, and ahead of time.

use crate::compiler::{self, Batch, Compiled, Compiler, Decline, Options, Part};
use crate::jobs::{SCRATCH, SCRATCH_A_BYTE, room};
use crate::piece::Piece;
use crate::stats::Counters;
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::Kind;
use dunlin::tier::{Shape, View};
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
        let done: Mutex<(Vec<Compiled>, HashMap<u32, Shape>)> = Mutex::default();
        let defined = view.defined_funcs();
        let compile = || {
            let (pieces, shapes) = self.some(view, &next);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.0.extend(pieces);
            done.1.extend(shapes);
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
        let (mut pieces, shapes) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        pieces.sort_unstable_by_key(|piece| match piece.piece {
            Piece::Func(index) => index,
            _ => u32::MAX,
        });
        let mut compiler = Compiler::new(self.isa.clone());
        let rest = catch_unwind(AssertUnwindSafe(|| {
            for index in compiler::missing(&pieces) {
                pieces.push(compiler.detour(view, self.options, index)?);
            }
            pieces.push(compiler.bridge(self.options)?);
            // Where a type can't be, no function that needs it is among the pieces.
            for ty in 0..view.types().len() as u32 {
                pieces.extend(compiler.ty(view, self.options, ty).into_iter().flatten());
            }
            Batch::link(pieces)
        }));
        let batch = rest.map_err(|_| Decline::Panicked)??;
        Ok(Whole { batch, shapes })
    }

    /// Compiles functions until there are no more.
    fn some(&self, view: View<'_>, next: &AtomicU32) -> (Vec<Compiled>, HashMap<u32, Shape>) {
        let mut compiler = Compiler::new(self.isa.clone());
        let (mut pieces, mut shapes) = (Vec::new(), HashMap::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= view.defined_funcs() {
                return (pieces, shapes);
            }
            if !(self.wants)(index) {
                continue;
            }
            let size = view.body_size(index);
            match self.one(view, index, &mut compiler) {
                Ok((code, shape)) => {
                    self.counters.compiled(1, 0, size.into());
                    pieces.push(code);
                    shapes.insert(index, shape);
                }
                Err(why) => self.counters.declined(&why),
            }
        }
    }

    fn one(&self, view: View<'_>, index: u32, compiler: &mut Compiler) -> Result<(Compiled, Shape), Decline> {
        let size = view.body_size(index);
        if size > self.largest {
            return Err(Decline::TooLarge);
        }
        let scratch = SCRATCH + SCRATCH_A_BYTE * u64::from(size);
        let _scratch = view.cache().charge(Kind::CompilerScratch, scratch).map_err(|_| Decline::Budget)?;
        room(scratch)?;
        let shape = view.shape(index).map_err(|error| Decline::of(&error))?;
        let what = (index, &shape, Part::Whole);
        let compiled = catch_unwind(AssertUnwindSafe(|| compiler.func(view, self.options, what, &|_| true)));
        let (code, _) = compiled.unwrap_or_else(|_| {
            *compiler = Compiler::new(self.isa.clone());
            Err(Decline::Panicked)
        })?;
        Ok((code, shape))
    }
}
