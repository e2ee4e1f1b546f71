//! How the tier behaves.

/// When functions are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// On a thread of its own, while the interpreter goes on. If the system gives no thread, as in [`Mode::Sync`].
    #[default]
    Background,
    /// At once, when they are found to be executed often. Who executes waits for a thread that compiles, and can be
    /// interrupted meanwhile.
    Sync,
    /// All of them, before the first instruction.
    Eager,
    /// Never: only what was compiled ahead of time is machine code. Without the crate's feature `compiler`, it is
    /// always so.
    Off,
}

/// Whether linear memories have guard regions, in which every access faults, so that code needs no bounds checks. A
/// memory then takes 4 GiB and 32 MiB of address space, however small it is.
///
/// All instances of a module share its code, which is compiled with bounds checks or without. Code with checks is right for every
/// memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MemoryGuard {
    /// They have. A memory that can't get its address space is an error.
    On,
    /// Code checks each access.
    Off,
    /// They have, as long as that leaves address space for four more. If there is less when a module is loaded, its code has
    /// checks. If there is less when an instance is made, it gets a memory without a guard, and the module's code is compiled once
    /// more, with checks, as it becomes hot; what was compiled ahead of time for guarded memories is no longer used. An
    /// instance is never refused for want of a guard.
    #[default]
    Auto,
}

/// What happens when there is no room for more machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CacheFull {
    /// All of the module's code is thrown away, as soon as nobody is in it, and what is hot then is compiled again; each time, it takes
    /// more to be called hot.
    #[default]
    Evict,
    /// Nothing more is compiled.
    Stop,
}

/// What the compiler may take for one function.
pub(crate) const MOST_SCRATCH: u64 = 64 << 20;

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            memory_guard: MemoryGuard::default(),
            threshold: None,
            sample_every: 30_000,
            largest: 256 << 10,
            scratch: MOST_SCRATCH,
            spectre: false,
            branch_protection: false,
            cache_full: CacheFull::default(),
            parallel: true,
        }
    }
}

impl Options {
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

    /// How often a function must be found executing, at [`sample_every`](Options::sample_every), before it is compiled; 0 is before
    /// its first call. By default it depends on its size.
    pub fn threshold(&mut self, samples: u32) -> &mut Self {
        self.threshold = Some(samples);
        self
    }

    /// How many instructions the interpreter executes between two looks at what executes; by default 30,000, at most
    /// 100,000. Fewer find out sooner what executes often, and cost time.
    pub fn sample_every(&mut self, instructions: u64) -> &mut Self {
        self.sample_every = instructions;
        self
    }

    /// The largest function body, in bytes, that is compiled; by default 256 KiB.
    pub fn largest_function(&mut self, bytes: u32) -> &mut Self {
        self.largest = bytes;
        self
    }

    /// The most memory, in bytes, that the compiler may take while it works on one function, whether or not there is a budget; by
    /// default 64 MiB, some times as much as the largest functions of real programs take. It is compared with bounds, which are
    /// a few times what is taken in the end. A function that might take more stays interpreted, and isn't tried again.
    pub fn compiler_memory(&mut self, bytes: u64) -> &mut Self {
        self.scratch = bytes;
        self
    }

    /// Whether the processor is kept from speculating about memory and table accesses that are out of bounds, where
    /// code checks them. It costs time. Off by default: it matters where a guest shares a process with secrets that it may not
    /// learn.
    pub fn spectre_mitigations(&mut self, enable: bool) -> &mut Self {
        self.spectre = enable;
        self
    }

    /// On aarch64, whether functions sign their return addresses, where the processor and the system know of that (pointer
    /// authentication). Nothing that a guest can do needs it: it is a second line of defence, against faults in the compiler
    /// or elsewhere in the process. It costs two instructions a call. Off by default; without effect on x86_64.
    pub fn branch_protection(&mut self, enable: bool) -> &mut Self {
        self.branch_protection = enable;
        self
    }

    /// Whether several threads compile a module that is compiled as a whole ([`Mode::Eager`], or [`Jit::compile`](crate::Jit)): as many as
    /// the machine has processors for. On by default.
    pub fn parallel_compilation(&mut self, enable: bool) -> &mut Self {
        self.parallel = enable;
        self
    }

    /// What happens when the part of the memory budget that is for code is full; by default [`CacheFull::Evict`].
    pub fn cache_full(&mut self, then: CacheFull) -> &mut Self {
        self.cache_full = then;
        self
    }
}
