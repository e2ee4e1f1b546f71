//! Runs compilation jobs: admission against the budget, compilation, placing in pages, publication to the engine.

use crate::compiler::{self, Batch, Compiler, Decline, Part, Pieces};
use crate::options::{CacheFull, Mode, Options};
use crate::queue::Queue;
use crate::runtime::{CodeChunk, has_address_space, on_new};
use crate::scratch::{LEAST, Scratch};
use crate::stats::Counters;
use crate::tier::Unavailable;
use crate::whole::{Plan, Round};
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::tier::{Lease, Stop, View};
use dunlin::{Kind, Module};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The stack on which the compiler works on an embedder's thread, which may have a small stack. It is as large as that
/// of Rust's threads.
pub(crate) const STACK: usize = 2 << 20;

/// The part of a module that a job compiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// A function, by its index among those that the module defines.
    Func(u32),
    /// The continuation of a function from the loop with this header on (OSR entry). The header is a word of the
    /// interpreter's code.
    Loop(u32, u32),
}

/// A compilation job.
pub(crate) struct Job {
    pub(crate) module: Lease,
    pub(crate) what: What,
}

/// Accepts jobs, and runs them or queues them for the compiler thread.
pub(crate) struct Jobs {
    worker: Arc<Worker>,
    /// Jobs for the compiler thread.
    queue: Arc<Queue>,
    /// Whether the compiler thread exists; set when it is first needed.
    has_thread: OnceLock<bool>,
}

/// What it takes to compile.
struct Worker {
    isas: Isas,
    options: Options,
    counters: Arc<Counters>,
}

/// Cranelift's targets, by whether NaNs are canonical and whether CLIF is verified. Made lazily: many programs end
/// before they need one.
#[derive(Default)]
struct Isas([[OnceLock<OwnedTargetIsa>; 2]; 2]);

type Kinds = (bool, bool);

fn kinds(view: View<'_>) -> Kinds {
    (view.canonical_nans(), view.checks_translation())
}

impl Isas {
    fn get(&self, (canonical_nans, verify): Kinds, options: &Options) -> Result<&OwnedTargetIsa, Decline> {
        let place = &self.0[usize::from(canonical_nans)][usize::from(verify)];
        if let Some(made) = place.get() {
            return Ok(made);
        }
        let failed = |why: &dyn ToString| Decline::Compiler(why.to_string());
        let flags = compiler::flags(canonical_nans, options.spectre, verify).map_err(|why| failed(&why))?;
        let mut builder = cranelift_native::builder().map_err(|why| failed(&why))?;
        if options.branch_protection {
            compiler::protect_branches(&mut builder).map_err(|why| failed(&why))?;
        }
        let made = builder.finish(flags).map_err(|why| failed(&why))?;
        Ok(place.get_or_init(|| made))
    }
}

impl Jobs {
    pub(crate) fn new(options: &Options, counters: &Arc<Counters>) -> Result<Self, Unavailable> {
        if !has_address_space(LEAST) {
            return Err(Unavailable("the system has no memory for the compiler".into()));
        }
        let worker = Worker { isas: Isas::default(), options: options.clone(), counters: counters.clone() };
        Ok(Self { worker: Arc::new(worker), queue: Arc::default(), has_thread: OnceLock::new() })
    }

    /// Submits a job. In [`Mode::Background`] it is queued. In other modes this waits for its code, unless `stop` says
    /// meanwhile that the guest is to be interrupted. The job then still completes, for later users: Cranelift can't be
    /// stopped within a pass.
    pub(crate) fn submit(&self, module: &Module, what: What, stop: Option<Stop<'_>>) {
        let view = View::new(module);
        let waits = self.worker.options.mode != Mode::Background;
        // If nothing can interrupt the guest, or there is no compiler thread, the job runs on this thread.
        if waits && stop.is_none() || !self.has_thread() {
            if !self.apart(|| self.worker.run(view, what)) {
                Self::leave(view, what);
            }
            return;
        }
        let module = Lease::new(module);
        let id = module.id();
        if !self.queue.push(Job { module, what }) {
            Self::leave(view, what);
        } else if let Some(stop) = stop.filter(|_| waits) {
            self.queue.wait_for(id, what, stop);
        }
    }

    /// Compiles all of a module now, as far as possible.
    pub(crate) fn compile(&self, view: View<'_>) {
        self.apart(|| self.worker.all(view));
    }

    /// Withdraws the claim, so that the code can be requested again.
    fn leave(view: View<'_>, what: What) {
        match what {
            What::Func(index) => view.leaves_func(index),
            What::Loop(index, header) => view.leaves_loop(index, header),
        }
    }

    /// Runs `compile` on this thread, on a stack of its own; false if there is no memory for one.
    fn apart(&self, compile: impl FnOnce()) -> bool {
        let done = on_new(STACK, compile);
        if let Err(error) = &done {
            self.worker.counters.declined(&Decline::System(error.to_string()));
        }
        done.is_ok()
    }

    /// Cancels a module's jobs, since it has no owner any more. Where memory is bounded, everything that compiling
    /// holds of the budget has been released when this returns, so that later grants don't depend on the compiler's
    /// progress.
    pub(crate) fn forget(&self, module: &Lease) {
        self.queue.forget(module.id());
        if module.view().cache().limit().is_some() {
            self.queue.wait(module.id());
        }
    }

    /// Whether there is a compiler thread. The first call starts it.
    fn has_thread(&self) -> bool {
        *self.has_thread.get_or_init(|| match self.worker.start(&self.queue) {
            Ok(()) => true,
            Err(why) => {
                self.worker.counters.has_no_thread(why);
                false
            }
        })
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Worker {
    /// Starts the compiler thread, which serves the queue.
    fn start(self: &Arc<Self>, queue: &Arc<Queue>) -> Result<(), String> {
        // A thread that can't allocate what it needs to begin aborts the process. So address space is checked here, and
        // this thread waits until the other has begun, so as not to take it.
        if !has_address_space(LEAST) {
            return Err("the system has no memory for one".into());
        }
        let (begun, has_begun) = channel();
        let (worker, queue) = (self.clone(), queue.clone());
        std::thread::Builder::new()
            .name("dunlin-jit".into())
            .spawn(move || {
                drop(begun);
                worker.serve(&queue);
            })
            .map_err(|error| error.to_string())?;
        let _: Result<(), _> = has_begun.recv();
        Ok(())
    }

    fn serve(&self, queue: &Queue) {
        while let Some(Job { module, what }) = queue.next() {
            // A panic only loses the job; waiters are still notified.
            if catch_unwind(AssertUnwindSafe(|| self.run(module.view(), what))).is_err() {
                self.counters.declined(&Decline::Panicked);
            }
            drop(module);
            queue.done();
        }
    }

    fn run(&self, view: View<'_>, what: What) {
        let start = Instant::now();
        match what {
            What::Func(index) => {
                if !view.has_func(index) {
                    self.note(self.one(view, index, None));
                }
            }
            What::Loop(index, header) => {
                let result = self.one(view, index, Some(header));
                if result.is_err() {
                    view.declines_loop(index, header);
                }
                self.note(result);
            }
        }
        self.counters.spent(start.elapsed());
    }

    fn note(&self, result: Result<(), Decline>) {
        match result {
            Ok(()) | Err(Decline::Dropped) => {}
            Err(why) => self.counters.declined(&why),
        }
    }

    fn settings(&self, view: View<'_>) -> Result<(compiler::Options, &OwnedTargetIsa), Decline> {
        let isa = self.isas.get(kinds(view), &self.options)?;
        let options = compiler::Options {
            guarded: view.guards_memories(),
            spectre: self.options.spectre,
            fuel: view.consumes_fuel(),
            by_profile: true,
            suspends: view.suspends(),
            portable: false,
            c_convention: isa.default_call_conv(),
            frontend: isa.frontend_config(),
        };
        Ok((options, isa))
    }

    /// Compiles and publishes a function, or its continuation from a loop's header on.
    fn one(&self, view: View<'_>, index: u32, header: Option<u32>) -> Result<(), Decline> {
        let thrown_away = view.thrown_away();
        let size = view.body_size(index);
        if size > self.options.largest {
            return Err(Decline::TooLarge);
        }
        let short = |why| if why == Decline::Budget { self.no_room(view) } else { why };
        let scratch = Scratch::new(view, size, self.options.scratch).map_err(short)?;
        let (options, isa) = self.settings(view)?;
        let shape = view.shape(index).map_err(|error| Decline::of(&error))?;
        let part = match header {
            None => Part::Whole,
            Some(header) => {
                let found = shape.loops.iter().find(|found| found.header == header);
                Part::From(*found.ok_or(Decline::Unsupported("that loop"))?)
            }
        };
        // A panic only loses what is being compiled. The compiler's memory is freed before its charge is released.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let mut compiler = Compiler::new(isa.clone());
            let own = |callee| part == Part::Whole && callee == index;
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
        self.counters.compiled(u64::from(header.is_none()), u64::from(header.is_some()), size.into());
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
        let published = crate::runtime::publish(view, &chunk, &pieces);
        drop((pieces, charge));
        published.map_err(|_| Decline::Budget)
    }

    /// Compiles all functions of a module that aren't compiled yet, as far as possible: in rounds, each of as many as
    /// there is room for.
    fn all(&self, view: View<'_>) {
        let start = Instant::now();
        let mut next = 0;
        while next < view.defined_funcs() {
            match self.round(view, next) {
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
    fn round(&self, view: View<'_>, from: u32) -> Result<u32, Decline> {
        // Read before the settings, which are only valid until the next eviction.
        let thrown_away = view.thrown_away();
        let (options, isa) = self.settings(view)?;
        let plan = Plan {
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
