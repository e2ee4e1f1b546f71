//! The options of `dunlin run`.

use super::environment::GrantsEnvironment;
use super::features::Features;
use super::grants::Grants;
use super::limits::{LimitsWork, WorkLimits};
use super::moving::Moving;
use super::recording::Recording;
#[cfg(feature = "hosts")]
use super::registry::AsksRegistries;
use super::registry::RegistryOptions;
use super::table::{BuildPart, CommandOptions, Opt, OptionGroup, Rest, need_module};
use super::tiering::Tiering;
use super::tracing::Tracing;
use super::values::{Dir, add, set};
use super::wasmtime;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin run`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RunOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// What comes after it.
    pub(crate) args: Vec<OsString>,
    /// What the guest is called, if it isn't by its file.
    pub(crate) argv0: Option<String>,
    /// The export to call.
    pub(crate) invoke: Option<String>,
    /// The export that is the program's start, if it isn't `_start`.
    pub(crate) start: Option<String>,
    /// The folders that the guest may use.
    pub(crate) dirs: Vec<Dir>,
    /// Addresses where the guest may accept connections.
    pub(crate) tcplisten: Vec<String>,
    /// What the module may import.
    pub(crate) grants: Grants,
    /// Whether a terminal is kept from the guest's control characters.
    pub(crate) filter_escapes: bool,
    /// The guest's environment.
    pub(crate) env: Vec<(String, String)>,
    /// Whether all of ours comes before that.
    pub(crate) inherit_env: bool,
    /// How much it may use.
    pub(crate) limits: WorkLimits,
    /// Bytes of stack.
    pub(crate) max_stack: Option<u64>,
    /// Bytes that each linear memory may have.
    pub(crate) max_memory_size: Option<u64>,
    /// Features of WebAssembly that are switched on or off.
    pub(crate) features: Features,
    /// What gets compiled.
    pub(crate) tiering: Tiering,
    /// Whether unknown imported functions trap when called.
    pub(crate) trap_unknown_imports: bool,
    /// Where the report goes.
    pub(crate) report: Option<PathBuf>,
    /// Where the profile goes.
    pub(crate) profile: Option<PathBuf>,
    /// Where a core dump goes.
    pub(crate) coredump: Option<PathBuf>,
    /// Whether backtraces are without what the module's debug information says.
    pub(crate) no_debug_info: bool,
    /// Where a debugger is waited for.
    pub(crate) gdb: Option<String>,
    /// What is shown of it while it runs.
    pub(crate) tracing: Tracing,
    /// Whether it is recorded, or replayed.
    pub(crate) recording: Recording,
    /// When it moves elsewhere, and from where it goes on.
    pub(crate) moving: Moving,
    /// How a registry is asked for the module.
    pub(crate) registry: RegistryOptions,
}

impl RunOptions {
    /// `--profile`
    fn write_profile(&mut self, file: PathBuf) -> Result<(), Failure> {
        if file.as_os_str() == "perfmap" {
            if !cfg!(feature = "precompiled") {
                return Err(Failure::usage(
                    "this build of dunlin has no machine code to list: build it with the feature 'precompiled', or write \
                     ./perfmap for a file of that name",
                ));
            }
            self.tiering.perf_map = true;
            return Ok(());
        }
        if cfg!(not(feature = "flamegraph")) && file.extension().is_some_and(|end| end == "svg") {
            return Err(Failure::usage(
                "this build of dunlin draws no flame graphs: build it with the feature 'flamegraph', or give a file that \
                 doesn't end in .svg to a maker of them",
            ));
        }
        if cfg!(not(feature = "debug-info")) && file.extension().is_some_and(|end| end == "json") {
            return Err(Failure::usage(
                "this build of dunlin writes no profiles for the Firefox Profiler: build it with the feature 'debug-info', or \
                 give a file that doesn't end in .json",
            ));
        }
        self.profile = Some(file);
        Ok(())
    }

    /// `--coredump`
    pub(super) fn dump_core(&mut self, file: PathBuf) -> Result<(), Failure> {
        if !cfg!(feature = "coredump") {
            return Err(Failure::usage(
                "this build of dunlin writes no core dumps: build it with the feature 'coredump'",
            ));
        }
        self.coredump = Some(file);
        Ok(())
    }
}

impl GrantsEnvironment for RunOptions {
    fn dirs(&mut self) -> &mut Vec<Dir> {
        &mut self.dirs
    }

    fn env(&mut self) -> &mut Vec<(String, String)> {
        &mut self.env
    }
}

#[cfg(feature = "hosts")]
impl AsksRegistries for RunOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl LimitsWork for RunOptions {
    fn limits(&mut self) -> &mut WorkLimits {
        &mut self.limits
    }
}

impl CommandOptions for RunOptions {
    const COMMAND: &'static str = "run";
    const HELP: &'static str = include_str!("../help/run.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "What it may use",
            options: &[
                Self::DIR,
                Self::DIR_RO,
                Self::ENV,
                Opt::value(
                    "--tcplisten ADDR",
                    |o, given| add(&mut o.tcplisten, given.string()),
                    "Let it accept connections there: 127.0.0.1:8080. It is the descriptor after the folders'; 3 if there \
                     are none. With port 0 the system chooses one, which is said on standard error. Repeatable.",
                ),
                Opt::value(
                    "-S, --wasi OPTION,...",
                    wasmtime::wasi_options,
                    "tcplisten=ADDR and inherit-env, as wasmtime spells them. With inherit-env, it gets all variables that \
                     there are here.",
                ),
                Opt::value(
                    "--allow CAPABILITY,...",
                    |o, given| o.grants.allow(given),
                    "Refuse the module if it imports a function of WASI for anything else.",
                ),
                Opt::value(
                    "--deny CAPABILITY,...",
                    |o, given| o.grants.deny(given),
                    "Refuse it if it imports one for that. The capabilities are arguments, io, open, list, change, clock, \
                     random, wait, exit and sockets, and files for open, list and change; dunlin inspect shows which of them \
                     a module imports.",
                ),
                Opt::flag(
                    "--filter-escapes",
                    |o| &mut o.filter_escapes,
                    "Take control characters from what it prints, where that goes to a terminal. Where neither that nor the \
                     locale says that text is UTF-8, bytes from 0x80 to 0x9f are such, too.",
                ),
            ],
        },
        OptionGroup {
            title: "How much it may use",
            options: &[
                Self::TIMEOUT,
                Self::FUEL,
                Opt::value(
                    "--max-stack SIZE",
                    |o, given| set(&mut o.max_stack, given.size()),
                    "How much stack its calls may use: 65536, 512KiB, 4MiB. The default is 1MiB.",
                ),
                Self::MEMORY_BUDGET,
                Opt::value(
                    "-W, --wasm OPTION,...",
                    wasmtime::wasm_options,
                    "fuel=N, timeout=TIME, max-wasm-stack=SIZE and max-memory-size=SIZE, as wasmtime spells them. The last is \
                     how large each of the program's memories may become. The name of a feature of WebAssembly switches it on, \
                     or off with =n: custom-page-sizes, wide-arithmetic, threads=n. shared-memory lets a module have one; \
                     relaxed-simd-deterministic=n lets relaxed vector instructions do what this machine does.",
                ),
            ],
        },
        OptionGroup {
            title: "How it is executed",
            options: &[
                Opt::value(
                    "--jit background|sync|eager|off",
                    |o: &mut Self, given| o.tiering.jit(given),
                    "When functions that are executed often become machine code: background, on a thread of its own while the \
                     interpreter goes on (the default); sync, at once, while the program waits; eager, all of them before the program \
                     begins; off, never. What the program does is the same. With --memory-budget, what it is refused is the \
                     same in each run, except with background.",
                )
                .part(BuildPart::Compiler),
                Opt::value(
                    "--jit-threshold N",
                    |o: &mut Self, given| o.tiering.threshold(given),
                    "How often a function must be found executing, some 30,000 instructions apart, before that; 0 is before \
                     its first call. By default the time that was spent in it is compared with what compiling it takes.",
                )
                .part(BuildPart::Compiler),
                Opt::value(
                    "--jit-cache-full evict|stop",
                    |o: &mut Self, given| o.tiering.cache_full(given),
                    "What happens when the part of the memory budget that is for machine code is full: evict throws it away \
                     and compiles anew what is executed often then, which is the default; stop compiles no more.",
                )
                .part(BuildPart::Compiler),
                Opt::value(
                    "--memory-guard on|off|auto",
                    |o: &mut Self, given| o.tiering.memory_guard(given),
                    "Whether faults of the processor replace bounds checks in machine code: on, off, or auto, the default: if \
                     there is enough address space, 4 GiB a memory.",
                )
                .part(BuildPart::Precompiled),
                Opt::checked_flag(
                    "--allow-precompiled",
                    |o: &mut Self| o.tiering.allow_precompiled(),
                    "Run the machine code in a file that dunlin compile made. Nothing confines machine code: use this only if \
                     you trust whoever made the file. Code that isn't for this machine, this version of Dunlin or these \
                     options is left aside, with a warning.",
                )
                .part(BuildPart::Precompiled),
                Opt::checked_flag(
                    "--require-precompiled",
                    |o: &mut Self| o.tiering.require_precompiled(),
                    "The same, but then refuse to run.",
                )
                .part(BuildPart::Precompiled),
            ],
        },
        OptionGroup {
            title: "How it starts and ends",
            options: &[
                Opt::value(
                    "--invoke NAME",
                    |o, given| set(&mut o.invoke, given.string()),
                    "Call this exported function instead of the program's start. ARGS are its parameters: 42, -7, 0xff, 1.5, \
                     0x1p-3, inf, nan; null for a reference. Its results are printed, one a line. If the module exports \
                     _initialize, that is called first.",
                ),
                Opt::value(
                    "--start NAME",
                    |o, given| set(&mut o.start, given.string()),
                    "Start the program at this exported function instead of _start; it takes and returns nothing, and ARGS \
                     are the program's. If the module exports _initialize, that is called first.",
                ),
                Opt::value(
                    "--argv0 NAME",
                    |o, given| set(&mut o.argv0, given.string()),
                    "What the program is called, its first argument. The default is its file's name.",
                ),
                Opt::value(
                    "--unknown-imports trap",
                    |o, given| match given.text()? {
                        "trap" => {
                            o.trap_unknown_imports = true;
                            Ok(())
                        }
                        _ => Err(given.refusal("'trap'")),
                    },
                    "Run even if functions are missing that the module imports: calling one traps, and names it.",
                ),
                Opt::value(
                    "--report FILE",
                    |o, given| set(&mut o.report, given.path()),
                    "At the end, write a report as JSON: outcome, exit code, times, functions translated and compiled, fuel \
                     used, peak memory. - is standard output.",
                ),
                Opt::value(
                    "--profile FILE",
                    |o: &mut Self, given| o.write_profile(given.path()?),
                    "At the end, write where the program spent its work, in units of fuel: as a flame graph, if FILE ends in \
                     .svg; for the Firefox Profiler, if it ends in .json; else as a line for each stack of functions that was seen, as makers of flame graphs read it. \
                     It is looked at every 10,000 units or more often, interpreted or compiled. - is standard output. \
                     perfmap, instead of a FILE, lists machine code as it is made in /tmp/perf-PID.map, where perf report \
                     looks for its names; it stays there.",
                ),
                Opt::value(
                    "--coredump FILE",
                    |o: &mut Self, given| o.dump_core(given.path()?),
                    "If the program traps or is stopped, write a core dump for debuggers: the functions that were executing \
                     with their locals and operands, its memories and globals. Of functions that became machine code, neither is \
                     known: --jit off has all of them. \
                     It may have as many bytes as its memories.",
                )
                .part(BuildPart::CoreDump),
                Opt::value(
                    "-D, --debug OPTION,...",
                    wasmtime::debug_options,
                    "coredump=FILE, as wasmtime spells it.",
                )
                .part(BuildPart::CoreDump),
                Opt::flag(
                    "--no-debug-info",
                    |o: &mut Self| &mut o.no_debug_info,
                    "In a backtrace, don't show source lines and inlined functions. They are in the module's DWARF sections, \
                     for which its file is read again, within 64 MiB of memory that the budget has left.",
                )
                .part(BuildPart::DebugInfo),
                Opt::value(
                    "-g, --gdb ADDR",
                    |o: &mut Self, given| set(&mut o.gdb, given.string()),
                    "Wait at this address, 127.0.0.1:1234, until LLDB connects, and run under its control: process connect \
                     --plugin wasm connect://127.0.0.1:1234. Whoever connects can do with the program what they like. With \
                     port 0 the system chooses one. Nothing is compiled then.",
                )
                .part(BuildPart::Debugger),
                Opt::value(
                    "--trace wasi[=FILE]",
                    |o: &mut Self, given| o.tracing.trace(given),
                    "Write a line for each function of WASI that the program calls, when it returns: its arguments and its \
                     result. They go to standard error, or to FILE; - is standard output.",
                )
                .part(BuildPart::Trace),
            ],
        },
        OptionGroup {
            title: "How it can be run again",
            options: &[
                Opt::value(
                    "--record FILE",
                    |o: &mut Self, given| o.recording.set_file(given.path()?),
                    "Write here what it is given from outside: what functions of WASI answer, and the bytes that it reads. From \
                     that, dunlin replay runs it again, on any machine, instruction by instruction. FILE has all of this in the clear.",
                )
                .part(BuildPart::Record),
                Opt::value(
                    "--black-box SIZE",
                    |o: &mut Self, given| set(&mut o.recording.black_box, given.size()),
                    "Of the record, keep the last part alone: between half and all of SIZE, in FILE and FILE.old, each \
                     beginning with a snapshot of the program, which comes on top.",
                )
                .part(BuildPart::Record),
            ],
        },
        OptionGroup {
            title: "How it goes on elsewhere, or later",
            options: &[
                Opt::value(
                    "-o, --snapshot FILE",
                    |o: &mut Self, given| o.moving.set_file(given.path()?),
                    "Write here, whenever --snapshot-on or --every asks for it, what the program is: its memories, where it stands, \
                     and what it has open. The last snapshot is replaced once the new one is on the disk. \
                     In a build with the feature zstd, it is compressed if FILE ends in .zst.",
                )
                .part(BuildPart::Snapshot),
                Opt::value(
                    "--snapshot-on EVENT,...",
                    |o: &mut Self, given| o.moving.on(given),
                    "SIGUSR1: when this signal comes, and the program goes on; timeout, fuel: when it ends for that reason.",
                )
                .part(BuildPart::Snapshot),
                Opt::value(
                    "--every TIME",
                    |o: &mut Self, given| set(&mut o.moving.every, given.time()),
                    "Make one after each such time, from which a long job goes on if the machine loses power.",
                )
                .part(BuildPart::Snapshot),
                Opt::value(
                    "--resume FILE",
                    |o: &mut Self, given| o.moving.set_resume(given.path()?),
                    "Go on from this snapshot, of the same module: see dunlin resume, which is the same for whoever doesn't \
                     repeat the program's whole command line. ARGS are ignored, since the program has them already.",
                )
                .part(BuildPart::Snapshot),
                Opt::value(
                    "--from FILE",
                    |o: &mut Self, given| o.moving.set_from(given.path()?),
                    "Begin as this snapshot, which dunlin snapshot has made of the same module once it was initialised: with the                      arguments, variables, folders and input that are given here.",
                )
                .part(BuildPart::Snapshot),
            ],
        },
        #[cfg(feature = "hosts")]
        Self::REGISTRY,
    ];

    fn operand(&mut self, module: OsString) -> Result<Rest, Failure> {
        #[cfg(feature = "snapshot")]
        if self.moving.by_resume {
            return self.operand_of_resume(module);
        }
        self.module = module;
        Ok(Rest::Foreign)
    }

    fn foreign(&mut self, args: Vec<OsString>) {
        self.args = args;
    }

    fn complete(&mut self) -> Result<(), Failure> {
        #[cfg(feature = "snapshot")]
        if self.moving.by_resume {
            self.complete_resume()?;
        }
        need_module(&self.module, Self::COMMAND)?;
        if self.invoke.is_some() && self.start.is_some() {
            return Err(Failure::usage(
                "--invoke calls a function and --start starts a program: give one of them",
            ));
        }
        if self.gdb.is_some() {
            if self.moving.resume.is_some() {
                return Err(Failure::usage(
                    "--gdb debugs programs from their beginning, and none that goes on",
                ));
            }
            self.tiering.debugging()?;
        }
        if self.recording.file.is_some() && (self.gdb.is_some() || self.moving.is_wanted()) {
            return Err(Failure::usage("--record doesn't go with --gdb, --snapshot and --resume"));
        }
        self.recording.complete()?;
        self.moving.complete()
    }
}
