//! The implementation of [`Tier`]: which functions and loops are compiled, when, and how the engine enters compiled
//! code.

use crate::aot;
use crate::code::STACK_RATIO;
#[cfg(feature = "compiler")]
use crate::jobs::{self, Account, Candidate, Jobs, Unit};
#[cfg(feature = "compiler")]
use crate::options::Mode;
use crate::options::{MemoryGuard, Options};
use crate::runtime::{self, CodeStack, StackAccount};
use crate::stats::{Counters, Stats};
use crate::unavailable::Unavailable;
#[cfg(feature = "compiler")]
use dunlin::tier::View;
use dunlin::tier::{
    Account as StackBudget, Call, Guard, HostFn, Landing, Lease, Left, Search, Stays, Stop, Tier, VisitFrame,
};
use dunlin::{Engine, Error, Module};
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::sync::Arc;

/// A compiling tier, for [`Config::tier`](dunlin::Config::tier).
///
/// It may serve several engines. Compiled code lives at most as long as its module.
///
/// # Signals
/// Traps of compiled code are faults, which arrive as SIGSEGV, SIGBUS, SIGILL and SIGFPE. The tier installs a handler
/// in front of the existing ones, and unblocks these signals on each thread that executes compiled code for the first
/// time. A thread must not block them again: a guest's trap would end the process. Debug builds check that.
///
/// # Stacks
/// Compiled code has a stack of its own. Host functions run on the stack that the embedder called from, and the
/// compiler runs on one of 2 MiB. So a thread needs no more stack than without the tier.
pub struct Jit {
    options: Options,
    counters: Arc<Counters>,
    /// `None` in [`Mode::Off`].
    #[cfg(feature = "compiler")]
    jobs: Option<Jobs>,
}

/// What the native stack is larger by than its proportion to the value stack.
const STACK_EXTRA: usize = 1 << 20;

/// Smaller functions are hardly ever too large to be compiled, so their loops have no cell to be entered by.
#[cfg(feature = "compiler")]
const ISLANDS_FROM: u32 = 16 << 10;

/// The part of the native stack that is charged when it is made: calls can be nested that far, whatever else the guest
/// takes of the budget.
const STACK_AT_FIRST: usize = 256 << 10;

impl Jit {
    /// The default options.
    pub fn options() -> Options {
        Options::default()
    }

    /// A tier with these options.
    ///
    /// In [`Mode::Background`], the compiler thread is created when there is something to compile; [`Stats::no_thread`]
    /// says whether that failed.
    ///
    /// # Errors
    /// If machine code can't be generated or run on this machine.
    pub fn new(options: &Options) -> Result<Arc<Self>, Unavailable> {
        runtime::prepare_process()?;
        let counters = Arc::new(Counters::default());
        Ok(Arc::new(Self {
            #[cfg(feature = "compiler")]
            jobs: match options.mode {
                Mode::Off => None,
                _ => Some(Jobs::new(options, &counters)?),
            },
            options: options.clone(),
            counters,
        }))
    }

    /// The statistics so far.
    pub fn stats(&self) -> Stats {
        self.counters.get()
    }

    /// Whether memories have guard regions. With [`MemoryGuard::Auto`]: whether a memory that is created now would have
    /// one.
    pub fn guards_memories(&self) -> bool {
        Tier::memory_guard(self).holds()
    }

    /// Compiles all functions that aren't compiled yet, of a module that was loaded with this tier, unless the mode is
    /// [`Mode::Off`].
    #[cfg(feature = "compiler")]
    pub fn compile(&self, module: &Module) {
        if let Some(jobs) = &self.jobs {
            jobs.compile(View::new(module));
        }
    }

    /// Whether a function, or a loop of it, should be compiled after so many samples, if that costs as much as a body of
    /// `bytes`.
    #[cfg(feature = "compiler")]
    fn is_worth_compiling(&self, view: View<'_>, index: u32, samples: u32, bytes: u32) -> bool {
        let (samples, thrown_away) = (u64::from(samples), view.thrown_away());
        // Each eviction doubles what is asked for, since there isn't room for everything that is hot.
        if let Some(threshold) = self.options.threshold {
            return samples >= u64::from(threshold.max(1)) << thrown_away.min(32);
        }
        let executed = samples.saturating_mul(self.options.sample_every);
        let candidate = Candidate { executed, bytes, pieces: view.pieces(index) };
        Account { undertaken: view.undertaken(), thrown_away }.pays(candidate)
    }

    /// Loads a precompiled file with its code.
    fn open_precompiled(&self, engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
        let aot::Opened::Precompiled(mut reader) = aot::open(bytes)? else {
            return Module::from_binary(engine, bytes);
        };
        let module = Module::from_reader(engine, &mut reader)?;
        self.attach(&module, &reader.code(engine.budget())?)?;
        Ok(module)
    }

    pub(crate) fn wants_spectre_mitigations(&self) -> bool {
        self.options.spectre
    }

    pub(crate) fn perf_map(&self) -> Option<&File> {
        self.options.perf_map.as_deref()
    }

    /// Counts functions that were compiled ahead of time and are now attached.
    pub(crate) fn attached(&self, functions: u64, code_bytes: u64) {
        self.counters.attached(functions, code_bytes);
    }
}

impl fmt::Debug for Jit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jit").field("options", &self.options).finish_non_exhaustive()
    }
}

impl StackAccount for StackBudget {
    fn charge(&self, bytes: u64) -> bool {
        StackBudget::charge(self, bytes)
    }

    fn release(&self, bytes: u64) {
        StackBudget::release(self, bytes);
    }
}

impl Tier for Jit {
    fn memory_guard(&self) -> Guard {
        match self.options.memory_guard {
            MemoryGuard::On => Guard::Always,
            MemoryGuard::Off => Guard::Never,
            MemoryGuard::Auto => Guard::WhereRoom,
        }
    }

    fn slice(&self) -> u64 {
        self.options.sample_every
    }

    #[cfg(feature = "compiler")]
    fn islands_from(&self) -> u32 {
        match self.options.mode {
            Mode::Off => u32::MAX,
            _ => self.options.largest.saturating_add(1).min(ISLANDS_FROM),
        }
    }

    fn loaded(&self, module: &Module) {
        #[cfg(feature = "compiler")]
        if self.options.mode == Mode::Eager {
            self.compile(module);
        }
        #[cfg(not(feature = "compiler"))]
        let _ = module;
    }

    #[cfg(feature = "compiler")]
    fn precompile(&self, module: &Module, bytes: &[u8]) -> Option<Result<Vec<u8>, String>> {
        let mut how = aot::Compile::new(aot::Target::here()?);
        how.cpu = aot::CpuFeatures::Native;
        how.spectre = self.options.spectre;
        how.branch_protection = self.options.branch_protection;
        Some(aot::compile(module, bytes, &how).map(|compiled| compiled.bytes))
    }

    fn open(&self, engine: &Engine, bytes: &[u8]) -> Option<Result<Module, Error>> {
        if !bytes.starts_with(&aot::MAGIC) {
            return None;
        }
        Some(self.open_precompiled(engine, bytes))
    }

    fn called(&self, module: &Module, index: u32, stop: Option<Stop<'_>>) {
        #[cfg(feature = "compiler")]
        if self.options.threshold == Some(0)
            && let Some(jobs) = &self.jobs
        {
            jobs.submit_func(module, index, stop);
        }
        #[cfg(not(feature = "compiler"))]
        let _ = (module, index, stop);
    }

    fn takes_sample(&self) -> bool {
        #[cfg(feature = "compiler")]
        if self.options.mode == Mode::Background && self.options.threshold.is_none() {
            return jobs::pace::is_due(self.options.sample_every);
        }
        true
    }

    fn sampled(
        &self,
        module: &Module,
        index: u32,
        header: Option<u32>,
        samples: u32,
        stop: Option<Stop<'_>>,
    ) -> bool {
        #[cfg(feature = "compiler")]
        if let Some(jobs) = &self.jobs {
            let view = View::new(module);
            let size = view.body_size(index);
            if self.options.is_too_large(size) || view.is_too_large(index) {
                let wants = header.is_some_and(|header| view.may_want_loop(index, header));
                return wants && self.is_worth_compiling(view, index, samples, jobs::island_bytes(size, 0));
            }
            if !self.is_worth_compiling(view, index, samples, size) {
                return false;
            }
            // If this activation stays in its loop, the loop is what to compile; if it doesn't, the function.
            let comes = view.pieces(index) > 0 && !view.has_func(index);
            if !comes && header.is_some_and(|header| view.may_want_loop(index, header)) {
                return true;
            }
            jobs.submit_func(module, index, stop);
        }
        #[cfg(not(feature = "compiler"))]
        let _ = (module, index, header, samples, stop);
        false
    }

    fn watched(&self, module: &Module, index: u32, stays: Option<Stays>, stop: Option<Stop<'_>>) {
        #[cfg(feature = "compiler")]
        if let Some(jobs) = &self.jobs {
            let view = View::new(module);
            let size = view.body_size(index);
            let alone = self.options.is_too_large(size) || view.is_too_large(index);
            match stays {
                Some(Stays { outermost, sampled }) if alone => {
                    let samples = view.samples(index);
                    let wanted = [outermost, sampled].into_iter().find_map(|found| {
                        let bytes = jobs::loop_bytes(found);
                        let fits = !self.options.takes_too_much(bytes);
                        let bytes = jobs::island_bytes(size, bytes);
                        let wants = fits
                            && self.is_worth_compiling(view, index, samples, bytes)
                            && view.wants_loop(index, found.header);
                        wants.then_some(Unit::Island { index, header: found.header, bytes })
                    });
                    if let Some(unit) = wanted {
                        jobs.submit(module, unit, stop);
                    }
                }
                None if alone => {}
                // If the outermost loop is compiled already, its header isn't reached any more: then the sampled one is
                // compiled.
                Some(Stays { outermost, sampled }) => {
                    let headers = [outermost.header, sampled.header];
                    let wanted = headers.into_iter().find(|header| view.wants_loop(index, *header));
                    if let Some(header) = wanted {
                        jobs.submit(module, Unit::Loop(index, header), stop);
                    }
                }
                None => jobs.submit_func(module, index, stop),
            }
        }
        #[cfg(not(feature = "compiler"))]
        let _ = (module, index, stays, stop);
    }

    fn dropped(&self, module: &Lease) {
        #[cfg(feature = "compiler")]
        if let Some(jobs) = &self.jobs {
            jobs.forget(module);
        }
        #[cfg(not(feature = "compiler"))]
        let _ = module;
    }

    fn is_ready(&self) -> bool {
        runtime::prepare_thread().is_ok()
    }

    fn new_stack(&self, account: StackBudget, max_wasm_stack: usize) -> Option<Box<dyn Any + Send>> {
        // The initial charge must be a small part of the available budget.
        if account.available().is_some_and(|available| available < STACK_AT_FIRST as u64 * 8) {
            return None;
        }
        // A smaller one could overflow before the value stack does.
        let len = max_wasm_stack * STACK_RATIO + STACK_EXTRA;
        if !runtime::leaves_address_space(len as u64) {
            return None;
        }
        let stack = CodeStack::new(len, Box::new(account)).ok()?;
        stack.begin_with(STACK_AT_FIRST).then(|| Box::new(stack) as _)
    }

    fn has_room(&self, stack: &(dyn Any + Send), wasm_stack: usize) -> bool {
        let wanted = wasm_stack * STACK_RATIO + STACK_EXTRA / 2;
        stack.downcast_ref::<CodeStack>().is_some_and(|stack| stack.left() >= wanted)
    }

    unsafe fn enter(&self, stack: *const (dyn Any + Send), call: &Call) -> Left {
        if call.trampoline.is_null() {
            self.counters.entered_loop();
        }
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::call(stack, call) }
    }

    unsafe fn unwind(&self) -> ! {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::unwind() }
    }

    unsafe fn is_outermost(&self, frame: *const u8) -> bool {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::is_outermost(frame) }
    }

    unsafe fn frames(&self, frame: *const u8, visit: VisitFrame<'_>) {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::frames(frame, visit) }
    }

    unsafe fn handler(&self, frame: *const u8, search: &mut Search<'_>) -> Option<Landing> {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::handler(frame, search) }
    }

    unsafe fn land(&self, landing: Landing) -> ! {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::land(landing) }
    }

    unsafe fn fail(&self, frame: *const u8, landing: Option<Landing>) -> ! {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::fail(frame, landing) }
    }

    unsafe fn words(&self, stack: &(dyn Any + Send), look: &mut dyn FnMut(&[u64])) {
        let Some(stack) = stack.downcast_ref::<CodeStack>() else { return };
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::words(stack, look) }
    }

    fn ensures_stack(&self, stack: &(dyn Any + Send), bytes: usize) -> bool {
        stack.downcast_ref::<CodeStack>().is_some_and(|stack| stack.ensure(bytes))
    }

    unsafe fn on_host_stack(
        &self,
        stack: *const (dyn Any + Send),
        bytes: usize,
        f: HostFn,
        data: *mut (),
    ) -> bool {
        // SAFETY: the contract of this method, which `Tier` documents, is that of the function that it calls.
        unsafe { runtime::on_host_stack(stack, bytes, f, data) }
    }
}
