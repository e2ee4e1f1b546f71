//! Compiles a whole module, eagerly in a tier or ahead of time, in rounds: each compiles as many functions as there is
//! room for, and links them as one batch.

use crate::charged_vec::ChargedVec;
use crate::code::Piece;
use crate::compiler::{Batch, CodeOptions, Compiler, Decline, Part, Pieces, Scratch};
use crate::stats::Counters;
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::Kind;
use dunlin::tier::View;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};

/// What to compile, and how.
pub(crate) struct RoundPlan<'p> {
    pub(crate) isa: &'p OwnedTargetIsa,
    pub(crate) options: CodeOptions,
    /// The largest function body that is compiled.
    pub(crate) largest: u32,
    /// The most memory that compiling one function may take.
    pub(crate) scratch: u64,
    /// Which functions are wanted.
    pub(crate) wants: &'p (dyn Fn(u32) -> bool + Sync),
    pub(crate) counters: &'p Counters,
    /// Whether several threads compile.
    pub(crate) parallel: bool,
}

/// The result of a round. With enough room, it is the same for the same module and plan, however the threads share the
/// work.
pub(crate) struct Round {
    /// `None` if no function was compiled, unless the code is portable.
    pub(crate) batch: Option<Batch>,
    /// The number of functions in the batch, and the bytes of their bodies.
    pub(crate) functions: u64,
    pub(crate) wasm_bytes: u64,
    /// The first function that there was no room for, or the number of functions.
    pub(crate) next: u32,
}

/// The shared state of the threads.
struct Progress<'v> {
    /// The next function to compile.
    next: AtomicU32,
    /// The first function that there was no room for.
    short: AtomicU32,
    pieces: Mutex<Pieces<'v>>,
}

impl RoundPlan<'_> {
    /// Compiles the wanted functions from `from` on, until there is no room for one; and the trampolines, stubs,
    /// detours and bridge that they need.
    ///
    /// # Errors
    /// If no batch can be made.
    pub(crate) fn compile(&self, view: View<'_>, from: u32) -> Result<Round, Decline> {
        // Reserves room for trampolines, stubs and detours, which are compiled last.
        let aside = Scratch::new(view, 0, self.scratch)?;
        let progress = Progress {
            next: AtomicU32::new(from),
            short: AtomicU32::new(view.defined_funcs()),
            pieces: Mutex::new(Pieces::new(view)),
        };
        let processors =
            if self.parallel { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
        let threads = processors.min((view.defined_funcs() - from).div_ceil(16) as usize);
        if threads > 1 {
            self.with_threads(threads, view, &progress);
        } else {
            // Rust notes on each thread that it waits on who that is, until the thread ends. An embedder's thread may
            // never end, and is spared that.
            self.functions(view, &progress);
        }
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
            // Fewer functions need fewer pieces besides.
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

    /// Compiles functions on so many threads, of which this is one.
    fn with_threads(&self, threads: usize, view: View<'_>, progress: &Progress<'_>) {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let (begun, has_begun) = channel::<()>();
                // If a thread can't be had, the others do its work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, move || {
                    drop(begun);
                    self.functions(view, progress);
                });
                // This thread waits until the other has begun, so as not to take the memory that it needs for that.
                let _: Result<(), _> = has_begun.recv();
            }
            self.functions(view, progress);
        });
    }

    /// Compiles functions until none is left, or there is no room for one.
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
        // `push` charges for the code before `scratch`, which covered it until now, is released.
        pieces.lock().unwrap_or_else(PoisonError::into_inner).push(code)
    }

    /// Adds what the functions among the pieces need: the bridge, detours for functions that they call but that aren't
    /// among them, and the trampolines and stubs of types.
    fn rest(&self, view: View<'_>, pieces: &mut Pieces<'_>) -> Result<(), Decline> {
        let (budget, kind) = (view.cache(), Kind::CompilerScratch);
        let mut is_there = ChargedVec::filled(budget, kind, false, view.defined_funcs() as usize)?;
        let mut needs_type = ChargedVec::filled(budget, kind, false, view.types().len())?;
        let mut detours = ChargedVec::new(budget, kind);
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
        // One charge suffices, since the pieces are compiled one at a time.
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
