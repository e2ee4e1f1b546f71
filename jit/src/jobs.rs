//! What is to be compiled: admitted against the budget, compiled, put into pages, handed to the engine.

use crate::compiler::{self, Batch, Compiler, Decline, Part};
use crate::options::{CacheFull, Mode, Options};
use crate::queue::Queue;
use crate::runtime::{CodeChunk, has_address_space};
use crate::scratch::{LEAST, Scratch};
use crate::stats::Counters;
use crate::tier::Unavailable;
use crate::whole::{Plan, Whole};
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::tier::{Shape, View};
use dunlin::{Kind, Module};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Something to be compiled.
pub(crate) enum Job {
    Func(Module, u32),
    /// What follows an arrival at the loop with this header, in the interpreter's code.
    Loop(Module, u32, u32),
    All(Module),
}

/// Whoever compiles.
pub(crate) struct Jobs {
    worker: Arc<Worker>,
    queue: Option<Arc<Queue>>,
}

/// What compiling takes.
struct Worker {
    isas: Isas,
    options: Options,
    guarded: bool,
    counters: Arc<Counters>,
}

/// The target, by whether NaNs are canonical and whether what is compiled is verified. Made when it is needed: many programs
/// end before.
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
    pub(crate) fn new(
        options: &Options,
        guarded: bool,
        counters: &Arc<Counters>,
    ) -> Result<Self, Unavailable> {
        if !has_address_space(LEAST) {
            return Err(Unavailable("the system has no memory for the compiler".into()));
        }
        let worker = Arc::new(Worker {
            isas: Isas::default(),
            options: options.clone(),
            guarded,
            counters: counters.clone(),
        });
        let mut queue = None;
        if options.mode == Mode::Background {
            let jobs = Arc::new(Queue::default());
            let (begun, has_begun) = channel();
            let (worker, waiting) = (worker.clone(), jobs.clone());
            let thread = std::thread::Builder::new().name("dunlin-jit".into());
            thread
                .spawn(move || {
                    drop(begun);
                    worker.serve(&waiting);
                })
                .map_err(|error| Unavailable(format!("no thread for the compiler: {error}")))?;
            // A thread that can't have what it takes to begin ends the process: so nobody takes it from here.
            let _: Result<(), _> = has_begun.recv();
            queue = Some(jobs);
        }
        Ok(Self { worker, queue })
    }

    /// Has a job done: at once, or soon.
    pub(crate) fn submit(&self, job: Job) {
        match &self.queue {
            Some(queue) => queue.push(job),
            None => self.worker.run(&job),
        }
    }

    /// Has a job done at once.
    pub(crate) fn run(&self, job: &Job) {
        self.worker.run(job);
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.close();
        }
    }
}

impl Worker {
    fn serve(&self, queue: &Queue) {
        while let Some(job) = queue.next() {
            self.run(&job);
        }
    }

    fn run(&self, job: &Job) {
        let start = Instant::now();
        match job {
            Job::Func(module, index) => {
                let view = View::new(module);
                if !view.has_func(*index) {
                    self.note(self.one(view, *index, None));
                }
            }
            Job::Loop(module, index, header) => {
                let view = View::new(module);
                let result = self.one(view, *index, Some(*header));
                if result.is_err() {
                    view.declines_loop(*index, *header);
                }
                self.note(result);
            }
            Job::All(module) => self.note(self.all(View::new(module))),
        }
        self.counters.spent(start.elapsed());
    }

    fn note(&self, result: Result<(), Decline>) {
        if let Err(why) = result {
            self.counters.declined(&why);
        }
    }

    fn settings(&self, view: View<'_>) -> Result<(compiler::Options, &OwnedTargetIsa), Decline> {
        let isa = self.isas.get(kinds(view), &self.options)?;
        let options = compiler::Options {
            guarded: self.guarded,
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

    /// Compiles a function, or what follows an arrival at a loop, and hands it in.
    fn one(&self, view: View<'_>, index: u32, header: Option<u32>) -> Result<(), Decline> {
        let thrown_away = view.thrown_away();
        let size = view.body_size(index);
        if size > self.options.largest {
            return Err(Decline::TooLarge);
        }
        let short = |why| if why == Decline::Budget { self.no_room(view) } else { why };
        let scratch = Scratch::new(view).map_err(short)?;
        let (options, isa) = self.settings(view)?;
        let shape = view.shape(index).map_err(|error| Decline::of(&error))?;
        let part = match header {
            None => Part::Whole,
            Some(header) => {
                let found = shape.loops.iter().find(|found| found.header == header);
                Part::From(*found.ok_or(Decline::Unsupported("that loop"))?)
            }
        };
        // A panic costs what is being compiled. What the compiler holds goes when what is charged for it does.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let mut compiler = Compiler::new(isa.clone());
            let own = |callee| part == Part::Whole && callee == index;
            let (code, types) = compiler.func(view, options, (index, &shape, part), &own, &scratch)?;
            let mut pieces = vec![code];
            if !view.has_bridge() {
                pieces.push(compiler.bridge(options)?);
            }
            for ty in types.into_iter().filter(|ty| !view.has_type(*ty)) {
                scratch.need_for_type(&view.types()[ty as usize])?;
                pieces.extend(compiler.ty(view, options, ty)?);
            }
            Ok(pieces)
        }));
        let compiled = compiled.unwrap_or(Err(Decline::Panicked)).map_err(short)?;
        let shapes = HashMap::from([(index, shape)]);
        let placed = view.hand_in(thrown_away, || self.place(view, Batch::link(compiled)?, &shapes));
        // If code was thrown away meanwhile, this relies on some of that; what is hot comes again.
        placed.unwrap_or(Ok(()))?;
        self.counters.compiled(u64::from(header.is_none()), u64::from(header.is_some()), size.into());
        Ok(())
    }

    /// The budget has no room: perhaps without the code that there is.
    fn no_room(&self, view: View<'_>) -> Decline {
        if self.options.cache_full == CacheFull::Evict && view.cache().used_for(Kind::MachineCode) > 0 {
            view.is_short_of_room();
        }
        Decline::Budget
    }

    /// Puts code into pages of its own, and hands it in.
    fn place(&self, view: View<'_>, batch: Batch, shapes: &HashMap<u32, Shape>) -> Result<(), Decline> {
        let bytes = CodeChunk::bytes(batch.code.len(), &batch.map);
        if view.room() < bytes {
            return Err(self.no_room(view));
        }
        let charge = view.cache().charge(Kind::MachineCode, bytes).map_err(|_| self.no_room(view))?;
        let chunk =
            CodeChunk::new(&batch.code, batch.map).map_err(|error| Decline::System(error.to_string()))?;
        self.counters.placed(bytes);
        view.keep(Box::new(chunk.clone()), charge).map_err(|_| Decline::Budget)?;
        crate::runtime::publish(view, &chunk, &batch.pieces, shapes).map_err(|_| Decline::Budget)
    }

    /// Compiles what isn't compiled yet of a module, as far as it can be.
    fn all(&self, view: View<'_>) -> Result<(), Decline> {
        if (0..view.defined_funcs()).all(|index| view.has_func(index)) {
            return Ok(());
        }
        let (options, isa) = self.settings(view)?;
        let plan = Plan {
            isa,
            options,
            largest: self.options.largest,
            wants: &|index| !view.has_func(index),
            counters: &self.counters,
        };
        let thrown_away = view.thrown_away();
        let Whole { batch, shapes, _held } = plan.compile(view)?;
        view.hand_in(thrown_away, || self.place(view, batch, &shapes)).unwrap_or(Ok(()))
    }
}
