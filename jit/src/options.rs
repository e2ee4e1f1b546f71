//! The tier's options.

use std::fs::File;
use std::sync::Arc;

/// When functions are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// On a thread of its own, while the interpreter goes on. If the system gives no thread, as in [`Mode::Sync`].
    #[default]
    Background,
    /// As soon as they are found to be hot. The guest waits for a compiler thread, and can be interrupted meanwhile.
    Sync,
    /// All of them, before the first instruction.
    Eager,
    /// Never: only code that was compiled ahead of time is used. Without the crate's feature `compiler`, this is the
    /// only mode.
    Off,
}

/// Whether linear memories have guard regions, in which every access faults, so that code needs no bounds checks. A
/// memory then takes 4 GiB and 32 MiB of address space, however small it is.
///
/// All instances of a module share its code, which is compiled with or without bounds checks. Code with checks is
/// correct for every memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MemoryGuard {
    /// All have. A memory that can't get its address space is an error.
    On,
    /// None has. Code checks each access.
    Off,
    /// All have, as long as that leaves address space for four more. If there is less when a module is loaded, its code
    /// has checks. If there is less when an instance is made, it gets a memory without a guard region, and the module's
    /// code is compiled again, with checks, as it becomes hot; code that was compiled ahead of time for guarded
    /// memories is no longer used. An instance is never refused for want of a guard region.
    #[default]
    Auto,
}

/// What happens when there is no room for more machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CacheFull {
    /// All of the module's code is evicted as soon as nothing executes it, and what is hot then is compiled again. With
    /// each eviction, the threshold for hotness doubles.
    #[default]
    Evict,
    /// Nothing more is compiled.
    Stop,
}

/// The default bound on the compiler's memory for one function.
pub(crate) const MOST_SCRATCH: u64 = 128 << 20;

/// How a [`Jit`](crate::Jit) behaves: everything has a default, methods change one thing each.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) mode: Mode,
    pub(crate) memory_guard: MemoryGuard,
    pub(crate) threshold: Option<u32>,
    pub(crate) sample_every: u64,
    pub(crate) largest: u32,
    pub(crate) scratch: u64,
    pub(crate) spectre: bool,
    pub(crate) branch_protection: bool,
    pub(crate) cache_full: CacheFull,
    pub(crate) parallel: bool,
    pub(crate) perf_map: Option<Arc<File>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            memory_guard: MemoryGuard::default(),
            threshold: None,
            sample_every: 30_000,
            largest: u32::MAX,
            scratch: MOST_SCRATCH,
            spectre: false,
            branch_protection: false,
            cache_full: CacheFull::default(),
            parallel: true,
            perf_map: None,
        }
    }
}

/// The compiler takes at least so much memory for each byte of a body: the estimates of it do.
#[cfg(feature = "compiler")]
const LEAST_SCRATCH: u64 = 500;

impl Options {
    /// Whether a function of this size can't be compiled as a whole.
    #[cfg(feature = "compiler")]
    pub(crate) fn is_too_large(&self, bytes: u32) -> bool {
        bytes > self.largest || self.takes_too_much(bytes)
    }

    /// Whether code of this size would certainly take more of the compiler's memory than it may.
    #[cfg(feature = "compiler")]
    pub(crate) fn takes_too_much(&self, bytes: u32) -> bool {
        u64::from(bytes) * LEAST_SCRATCH > self.scratch
    }

    /// When functions are compiled; by default [`Mode::Background`].
    pub fn mode(&mut self, mode: Mode) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Whether memories have guard regions; by default [`MemoryGuard::Auto`].
    pub fn memory_guard(&mut self, guard: MemoryGuard) -> &mut Self {
        self.memory_guard = guard;
        self
    }

    /// How often a function must be found executing, at intervals of [`sample_every`](Options::sample_every), before it
    /// is compiled; 0 is before its first call. By default there is an account of what was interpreted in each function
    /// and what compiling it takes, by its size. In [`Mode::Background`], samples that come sooner than time passes don't
    /// count for it; in the other modes it is the same in each run.
    pub fn threshold(&mut self, samples: u32) -> &mut Self {
        self.threshold = Some(samples);
        self
    }

    /// How many instructions the interpreter executes between two samples of what is executing; by default 30,000, at
    /// most 100,000. Smaller intervals find hot code sooner, and cost time.
    pub fn sample_every(&mut self, instructions: u64) -> &mut Self {
        self.sample_every = instructions;
        self
    }

    /// The largest function body, in bytes, that is compiled as a whole. By default there is no such bound:
    /// [`compiler_memory`](Options::compiler_memory) says what is too large. Hot loops of larger ones are compiled alone.
    pub fn largest_function(&mut self, bytes: u32) -> &mut Self {
        self.largest = bytes;
        self
    }

    /// The most memory, in bytes, that the compiler may take for one function, whether or not there is a budget; by
    /// default 128 MiB. It is compared with estimated upper bounds, which are a few times the actual use: for the main loop
    /// of QuickJS, one function of 47 KB, the bound is 84 MiB, and what is taken 20. A function that might take more stays
    /// interpreted, but for its hot loops, which are compiled alone if they may.
    pub fn compiler_memory(&mut self, bytes: u64) -> &mut Self {
        self.scratch = bytes;
        self
    }

    /// Whether code keeps the processor from speculating past a failed bounds check of a memory or table (Spectre). It
    /// costs time. Off by default: it matters where a guest shares a process with secrets that it must not learn.
    pub fn spectre_mitigations(&mut self, enable: bool) -> &mut Self {
        self.spectre = enable;
        self
    }

    /// On aarch64, whether functions sign their return addresses where processor and system support that (pointer
    /// authentication). Nothing that a guest can do requires it: it is a second line of defence against faults in the
    /// compiler or elsewhere in the process. It costs two instructions a call. Off by default; without effect on
    /// x86_64.
    pub fn branch_protection(&mut self, enable: bool) -> &mut Self {
        self.branch_protection = enable;
        self
    }

    /// Whether several threads compile a module that is compiled as a whole ([`Mode::Eager`], or
    /// [`Jit::compile`](crate::Jit)): one for each processor. On by default.
    pub fn parallel_compilation(&mut self, enable: bool) -> &mut Self {
        self.parallel = enable;
        self
    }

    /// Appends the address, size and name of everything that is compiled to this file, in the format in which `perf report`
    /// and its kin look for them in `/tmp/perf-PID.map`. Code that is thrown away stays listed.
    pub fn perf_map(&mut self, file: File) -> &mut Self {
        self.perf_map = Some(Arc::new(file));
        self
    }

    /// What happens when the part of the memory budget that is for code is full; by default [`CacheFull::Evict`].
    pub fn cache_full(&mut self, then: CacheFull) -> &mut Self {
        self.cache_full = then;
        self
    }
}
