//! All of a module, compiled at once: for a tier that begins with it, and ahead of time.

use crate::compiler::{Batch, Compiler, Decline, Options, Part, Pieces};
use crate::list::List;
use crate::piece::Piece;
use crate::scratch::Scratch;
use crate::stats::Counters;
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::Kind;
use dunlin::tier::View;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};

/// How.
pub(crate) struct Plan<'p> {
    pub(crate) isa: &'p OwnedTargetIsa,
    pub(crate) options: Options,
    /// The largest function body that is compiled.
    pub(crate) largest: u32,
    /// The most memory that one may take while it is compiled.
    pub(crate) scratch: u64,
    /// Which functions are wanted.
    pub(crate) wants: &'p (dyn Fn(u32) -> bool + Sync),
    pub(crate) counters: &'p Counters,
    /// Whether several threads compile.
    pub(crate) parallel: bool,
}

/// What came of it. With enough room, it is the same for the same module and plan, whatever threads did what.
pub(crate) struct Round {
    /// None if no function was compiled, unless the code is for other processes.
    pub(crate) batch: Option<Batch>,
    /// How many functions are in it, and their bytes of WebAssembly.
    pub(crate) functions: u64,
    pub(crate) wasm_bytes: u64,
    /// The first function that there was no room for, or how many there are.
    pub(crate) next: u32,
}

/// What the threads have in common.
struct Progress<'v> {
    /// The function whose turn it is.
    next: AtomicU32,
    /// The first function that there was no room for.
    short: AtomicU32,
    pieces: Mutex<Pieces<'v>>,
}

impl Plan<'_> {
    /// Compiles the functions that are wanted, from this one on, until there is no room for one; and what the types that they
    /// need take.
    ///
    /// # Errors
    /// If nothing can be made of them.
    pub(crate) fn compile(&self, view: View<'_>, from: u32) -> Result<Round, Decline> {
        // For trampolines, stubs and detours, which come last.
        let aside = Scratch::new(view, 0, self.scratch)?;
        let progress = Progress {
            next: AtomicU32::new(from),
            short: AtomicU32::new(view.defined_funcs()),
            pieces: Mutex::new(Pieces::new(view)),
        };
        let processors =
            if self.parallel { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
        let threads = processors.min((view.defined_funcs() - from).div_ceil(16) as usize);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let (begun, has_begun) = channel::<()>();
                let progress = &progress;
                // Without a thread, the others do its work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, move || {
                    drop(begun);
                    self.functions(view, progress);
                });
                // Until it has begun, nobody takes what it needs for that.
                let _: Result<(), _> = has_begun.recv();
            }
            self.functions(view, &progress);
        });
        drop(aside);
        let mut pieces = progress.pieces.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut next = progress.short.into_inner();
        if pieces.is_empty() && !self.options.portable {
            if next < view.defined_funcs() {
                self.counters.declined(&Decline::Budget);
                view.leaves_func(next);
            }
            return Ok(Round { batch: None, functions: 0, wasm_bytes: 0, next: next.saturating_add(1) });
        }
        pieces.sort();
        let mut count = pieces.len();
        while let Err(why) = self.rest(view, &mut pieces) {
            // With fewer functions there is less to add.
            let fewer = count / 2;
            if why != Decline::Budget || fewer == 0 {
                return Err(why);
            }
            if let Piece::Func(index) = pieces[fewer].piece {
                next = next.min(index);
            }
            pieces.truncate(fewer);
            count = fewer;
        }
        let indices = pieces[..count].iter().filter_map(|piece| match piece.piece {
            Piece::Func(index) => Some(index),
            _ => None,
        });
        let wasm_bytes = indices.map(|index| u64::from(view.body_size(index))).sum();
        Ok(Round { batch: Some(pieces.link()?), functions: count as u64, wasm_bytes, next })
    }

    /// Compiles functions until there are no more, or there is no room for one.
    fn functions(&self, view: View<'_>, progress: &Progress<'_>) {
        loop {
            let index = progress.next.fetch_add(1, Ordering::Relaxed);
            if index >= progress.short.load(Ordering::Relaxed) {
                return;
            }
            if !(self.wants)(index) {
                continue;
            }
            match self.function(view, index, &progress.pieces) {
                Ok(()) => {}
                Err(Decline::Budget) => _ = progress.short.fetch_min(index, Ordering::Relaxed),
                Err(why) => self.counters.declined(&why),
            }
        }
    }

    fn function(&self, view: View<'_>, index: u32, pieces: &Mutex<Pieces<'_>>) -> Result<(), Decline> {
        if view.body_size(index) > self.largest {
            return Err(Decline::TooLarge);
        }
        let scratch = Scratch::new(view, view.body_size(index), self.scratch)?;
        let shape = view.shape(index).map_err(|error| Decline::of(&error))?;
        let what = (index, &shape, Part::Whole);
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            Compiler::new(self.isa.clone()).func(view, self.options, what, &|_| true, &scratch)
        }));
        let code = compiled.unwrap_or(Err(Decline::Panicked))?;
        // What it was charged for until now goes after that.
        pieces.lock().unwrap_or_else(PoisonError::into_inner).push(code)
    }

    /// Adds what the functions among the pieces need: the bridge, detours for functions that they call and that aren't there, and
    /// trampolines and stubs of types.
    fn rest(&self, view: View<'_>, pieces: &mut Pieces<'_>) -> Result<(), Decline> {
        let (budget, kind) = (view.cache(), Kind::CompilerScratch);
        let mut is_there = List::filled(budget, kind, false, view.defined_funcs() as usize)?;
        let mut needs_type = List::filled(budget, kind, false, view.types().len())?;
        let mut detours = List::new(budget, kind);
        for piece in pieces.iter() {
            if let Piece::Func(index) = piece.piece {
                is_there[index as usize] = true;
            }
            piece.types.iter().for_each(|ty| needs_type[*ty as usize] = true);
        }
        for index in pieces.iter().flat_map(|piece| piece.callees()) {
            if !std::mem::replace(&mut is_there[index as usize], true) {
                detours.push(index)?;
                needs_type[view.type_of(view.imported_funcs() + index) as usize] = true;
            }
        }
        detours.sort_unstable();
        // One at a time.
        let scratch = Scratch::new(view, 0, self.scratch)?;
        let made = catch_unwind(AssertUnwindSafe(|| {
            let mut compiler = Compiler::new(self.isa.clone());
            let anew = self.options.portable;
            if anew || !view.has_bridge() {
                pieces.push(compiler.bridge(self.options)?)?;
            }
            for &index in &*detours {
                let ty = view.type_of(view.imported_funcs() + index);
                scratch.need_for_type(&view.types()[ty as usize])?;
                pieces.push(compiler.detour(view, self.options, index)?)?;
            }
            for (ty, _) in (0..).zip(&*needs_type).filter(|(_, needed)| **needed) {
                if anew || !view.has_type(ty) {
                    scratch.need_for_type(&view.types()[ty as usize])?;
                    for piece in compiler.ty(view, self.options, ty)? {
                        pieces.push(piece)?;
                    }
                }
            }
            Ok(())
        }));
        made.unwrap_or(Err(Decline::Panicked))
    }
}
