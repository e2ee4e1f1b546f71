//! Carries out compilation jobs: admission against the budget, compilation, placing in pages, publication to the
//! engine.

use super::isas::Isas;
use super::job::{Job, Unit};
use super::queue::Queue;
use super::round::{Round, RoundPlan};
use crate::compiler::{self, Batch, Compiler, Decline, LEAST_ADDRESS_SPACE, Part, Pieces, Scratch};
use crate::options::{CacheFull, Options};
use crate::runtime::{self, CodeChunk, has_address_space};
use crate::stats::Counters;
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::Kind;
use dunlin::tier::View;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::Instant;

thread_local! {
    /// Whether this is a compiler thread.
    static COMPILES: Cell<bool> = const { Cell::new(false) };
}

/// The compiler thread of a queue.
pub(super) struct CompilerThread {
    handle: JoinHandle<()>,
    /// The process that it is of.
    process: u32,
}

impl CompilerThread {
    /// Waits until it has ended, once its queue is closed: a job that it is at gives up soon if its module is gone.
    pub(super) fn wait(self) {
        // It can't wait for itself, if it held the last lease of a module. And a process that was forked doesn't have it.
        if !COMPILES.get() && self.process == std::process::id() {
            let _ = self.handle.join();
        }
    }
}

/// What it takes to compile.
pub(super) struct Worker {
    isas: Isas,
    pub(super) options: Options,
    pub(super) counters: Arc<Counters>,
}

impl Worker {
    pub(super) fn new(options: &Options, counters: &Arc<Counters>) -> Self {
        Self { isas: Isas::default(), options: options.clone(), counters: counters.clone() }
    }

    /// Starts the compiler thread, which serves the queue.
    pub(super) fn start(self: &Arc<Self>, queue: &Arc<Queue>) -> Result<CompilerThread, String> {
        // A thread that can't allocate what it needs to begin aborts the process. So address space is checked here, and
        // this thread waits until the other has begun, so as not to take it.
        if !has_address_space(LEAST_ADDRESS_SPACE) {
            return Err("the system has no memory for one".into());
        }
        let begun = Arc::new(Barrier::new(2));
        let (worker, queue, begins) = (self.clone(), queue.clone(), begun.clone());
        let handle = std::thread::Builder::new()
            .name("dunlin-jit".into())
            .spawn(move || {
                begins.wait();
                drop(begins);
                COMPILES.set(true);
                worker.serve(&queue);
            })
            .map_err(|error| error.to_string())?;
        begun.wait();
        Ok(CompilerThread { handle, process: std::process::id() })
    }

    fn serve(&self, queue: &Queue) {
        while let Some(Job { module, unit, .. }) = queue.next() {
            // A panic only loses the job; waiters are still notified.
            if catch_unwind(AssertUnwindSafe(|| self.run(module.view(), unit))).is_err() {
                self.counters.declined(&Decline::Panicked);
            }
            drop(module);
            queue.done();
        }
    }

    pub(super) fn run(&self, view: View<'_>, unit: Unit) {
        let start = Instant::now();
        let index = unit.index();
        let is_done = matches!(unit, Unit::Func(_)) && view.has_func(index);
        if !is_done {
            let result = self.compile_unit(view, unit);
            if let Err(why) = &result {
                let too_large = matches!(why, Decline::Scratch(_) | Decline::TooLarge);
                match unit {
                    Unit::Func(_) if too_large => view.find_too_large(index),
                    Unit::Func(_) => {}
                    Unit::Loop(_, header) if too_large => {
                        // Loops may be compiled alone then, this one too.
                        view.find_too_large(index);
                        view.leaves_loop(index, header);
                    }
                    Unit::Loop(_, header) | Unit::Island { header, .. } => view.declines_loop(index, header),
                }
            }
            self.count(result);
        }
        self.counters.spent(start.elapsed());
    }

    fn count(&self, result: Result<(), Decline>) {
        match result {
            Ok(()) | Err(Decline::Dropped) => {}
            Err(why) => self.counters.declined(&why),
        }
    }

    fn settings(&self, view: View<'_>) -> Result<(compiler::CodeOptions, &OwnedTargetIsa), Decline> {
        let isa = self.isas.get(view, &self.options)?;
        let options = compiler::CodeOptions {
            guarded: view.guards_memories(),
            spectre: self.options.spectre,
            fuel: view.consumes_fuel(),
            relaxed_simd: view.relaxed_simd(),
            by_profile: true,
            suspends: view.suspends(),
            portable: false,
            c_convention: isa.default_call_conv(),
            frontend: isa.frontend_config(),
        };
        Ok((options, isa))
    }

    /// Compiles and publishes a function, or its continuation from a loop's header on, or a loop alone.
    fn compile_unit(&self, view: View<'_>, unit: Unit) -> Result<(), Decline> {
        let thrown_away = view.thrown_away();
        let (index, size) = (unit.index(), unit.bytes(view));
        let is_island = matches!(unit, Unit::Island { .. });
        if !is_island && size > self.options.largest {
            return Err(Decline::TooLarge);
        }
        if self.options.takes_too_much(size) {
            return Err(Decline::Scratch(self.options.scratch));
        }
        let short = |why| if why == Decline::Budget { self.no_room(view) } else { why };
        let scratch = Scratch::new(view, size, self.options.scratch).map_err(short)?;
        let (options, isa) = self.settings(view)?;
        let unknown = Decline::Unsupported("that loop");
        let unread = |error| Decline::of(&error);
        let (shape, island);
        let part = match unit {
            Unit::Func(_) => {
                shape = view.shape(index).map_err(unread)?;
                Part::Whole
            }
            Unit::Loop(_, header) => {
                shape = view.shape(index).map_err(unread)?;
                Part::From(*shape.loops.iter().find(|found| found.header == header).ok_or(unknown)?)
            }
            Unit::Island { header, .. } => {
                (shape, island) = view.island(index, header).map_err(unread)?.ok_or(unknown)?;
                Part::Island(&island)
            }
        };
        // A panic only loses what is being compiled. The compiler's memory is freed before its charge is released.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let mut compiler = Compiler::new(isa.clone());
            let own = |callee| part.is_whole() && callee == index;
            let mut code = compiler.func(view, options, (index, &shape, part), &own, &scratch)?;
            let types = std::mem::take(&mut code.types);
            let mut pieces = Pieces::new(view);
            pieces.push(code)?;
            if !view.has_bridge() {
                pieces.push(compiler.bridge(options)?)?;
            }
            for ty in types.into_iter().filter(|ty| !view.has_type(*ty)) {
                scratch.need_for_type(&view.types()[ty as usize])?;
                for piece in compiler.ty(view, options, ty)? {
                    pieces.push(piece)?;
                }
            }
            Ok(pieces)
        }));
        let pieces = compiled.unwrap_or(Err(Decline::Panicked)).map_err(short)?;
        if view.is_dropped() {
            return Err(Decline::Dropped);
        }
        let placed = view.hand_in(thrown_away, || self.place(view, pieces.link()?));
        // If code was evicted meanwhile, the new code may refer to it and is discarded. What is hot will be submitted
        // again.
        placed.unwrap_or(Ok(())).map_err(short)?;
        self.counters.compiled(u64::from(part.is_whole()), u64::from(!part.is_whole()), size.into());
        Ok(())
    }

    /// Called when the budget has no room. Asks for an eviction if the options allow that and there is code to evict.
    fn no_room(&self, view: View<'_>) -> Decline {
        if self.options.cache_full == CacheFull::Evict && view.cache().used_for(Kind::MachineCode) > 0 {
            view.is_short_of_room();
        }
        Decline::Budget
    }

    /// Places code in pages of its own and publishes it.
    fn place(&self, view: View<'_>, batch: Batch) -> Result<(), Decline> {
        let Batch { code, map, pieces, charge } = batch;
        let bytes = CodeChunk::bytes(code.len(), &map);
        if view.room() < bytes {
            return Err(Decline::Budget);
        }
        let pages = view.cache().charge(Kind::MachineCode, bytes).map_err(|_| Decline::Budget)?;
        let chunk = CodeChunk::new(&code, map).map_err(|error| Decline::System(error.to_string()))?;
        drop(code);
        self.counters.placed(bytes);
        view.keep(Box::new(chunk.clone()), pages).map_err(|_| Decline::Budget)?;
        let published = runtime::publish(view, &chunk, &pieces, self.options.perf_map.as_deref());
        drop((pieces, charge));
        published.map_err(|_| Decline::Budget)
    }

    /// Compiles all functions of a module that aren't compiled yet, as far as possible: in rounds, each of as many as
    /// there is room for.
    pub(super) fn compile_module(&self, view: View<'_>) {
        let start = Instant::now();
        let mut next = 0;
        while next < view.defined_funcs() {
            match self.compile_round(view, next) {
                Ok(then) => next = then,
                Err(why) => {
                    for index in (next..view.defined_funcs()).filter(|index| !view.has_func(*index)) {
                        self.counters.declined(&why);
                        // There may be room when it becomes hot.
                        view.leaves_func(index);
                    }
                    break;
                }
            }
        }
        self.counters.spent(start.elapsed());
    }

    /// Compiles functions from `from` on. Returns the first that this round had no room for.
    ///
    /// # Errors
    /// If further rounds would be futile.
    fn compile_round(&self, view: View<'_>, from: u32) -> Result<u32, Decline> {
        // Read before the settings, which are only valid until the next eviction.
        let thrown_away = view.thrown_away();
        let (options, isa) = self.settings(view)?;
        let plan = RoundPlan {
            isa,
            options,
            largest: self.options.largest,
            scratch: self.options.scratch,
            wants: &|index| {
                // The claim keeps others from submitting it.
                view.claims_func(index);
                !view.has_func(index)
            },
            counters: &self.counters,
            parallel: self.options.parallel,
        };
        let Round { batch, functions, wasm_bytes, next } = plan.compile(view, from)?;
        if let Some(batch) = batch {
            let placed = view.hand_in(thrown_away, || self.place(view, batch));
            // `None` means that code was evicted meanwhile, for want of room.
            placed.unwrap_or(Err(Decline::Budget))?;
            self.counters.compiled(functions, 0, wasm_bytes);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_thread_does_not_wait_for_itself() {
        let (worker, queue) = (Arc::new(Worker::new(&Options::default(), &Arc::default())), Arc::default());
        let thread = worker.start(&queue).unwrap();
        COMPILES.set(true);
        thread.wait();
        COMPILES.set(false);
        // It is still there.
        assert!(Arc::strong_count(&worker) > 1);
        queue.close();
    }
}
