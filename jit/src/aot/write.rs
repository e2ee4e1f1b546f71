//! Writes precompiled files.

use super::bytes::put_block;
use super::cpu;
use super::format::{Checksum, FORMAT, MAGIC};
use super::read::tag;
use super::settings::Settings;
use crate::code::{Piece, Placed};
use crate::compiler::{self, Batch, Decline};
use crate::jobs::{Round, RoundPlan, on_compiler_stack};
use crate::options::MOST_SCRATCH;
use crate::stats::{Counters, Stats};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::Configurable;
use dunlin::tier::{Entry, RelaxedSimd, View};
use dunlin::{Kind, Module};
use std::fmt;
use std::num::TryFromIntError;
use std::sync::atomic::{AtomicU32, Ordering};

/// The target machine. One that isn't this one takes the feature `cross`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Linux on x86_64.
    X86_64,
    /// Linux on aarch64.
    Aarch64,
}

impl Target {
    /// All targets.
    pub const ALL: [Target; 2] = [Target::X86_64, Target::Aarch64];

    /// This machine, if it is a target.
    pub fn here() -> Option<Target> {
        Target::ALL
            .into_iter()
            .find(|target| cfg!(target_os = "linux") && target.arch() == std::env::consts::ARCH)
    }

    /// The target of this name: `aarch64-linux`, or a full Rust target triple for Linux.
    pub fn named(name: &str) -> Option<Target> {
        let (arch, system) = name.split_once('-')?;
        let is_linux = system.split('-').any(|part| part == "linux");
        Target::ALL.into_iter().find(|target| is_linux && target.arch() == arch)
    }

    /// Its architecture, as Rust calls it.
    pub fn arch(self) -> &'static str {
        match self {
            Target::X86_64 => "x86_64",
            Target::Aarch64 => "aarch64",
        }
    }

    fn triple(self) -> &'static str {
        match self {
            Target::X86_64 => "x86_64-unknown-linux-gnu",
            Target::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-linux", self.arch())
    }
}

/// Which processors of the architecture code is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CpuFeatures {
    /// All on which a [`Jit`](crate::Jit) can be created: on x86_64, those with SSE4.2, as nearly all have since 2009.
    #[default]
    Baseline,
    /// Those of the level x86-64-v3: with AVX2, as many have since 2013.
    V3,
    /// Those with all the features of this machine's.
    Native,
}

/// How a module is compiled ahead of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compile {
    /// The target machine.
    pub target: Target,
    /// The processors that code is for.
    pub cpu: CpuFeatures,
    /// Whether code relies on the guard regions of memories. If not, it runs wherever there is a tier.
    pub guarded: bool,
    /// Whether code keeps the processor from speculating past failed checks.
    pub spectre: bool,
    /// Whether return addresses are signed: see
    /// [`Options::branch_protection`](crate::Options::branch_protection).
    pub branch_protection: bool,
    /// The largest function body, in bytes, that is compiled.
    pub largest_function: u32,
    /// Whether several threads compile: see
    /// [`Options::parallel_compilation`](crate::Options::parallel_compilation).
    pub parallel: bool,
    /// The most memory that compiling one function may take: see
    /// [`Options::compiler_memory`](crate::Options::compiler_memory).
    pub compiler_memory: u64,
}

impl Compile {
    /// Defaults that suit every machine of this target.
    pub fn new(target: Target) -> Self {
        let (cpu, largest_function, parallel) = (CpuFeatures::Baseline, u32::MAX, true);
        Self {
            target,
            cpu,
            guarded: false,
            spectre: false,
            branch_protection: false,
            largest_function,
            parallel,
            compiler_memory: MOST_SCRATCH,
        }
    }

    /// The settings, except for those that come from the module's engine.
    fn settings(&self) -> Result<Settings, String> {
        let mut settings = Settings::new(self.target.arch());
        (settings.guarded, settings.spectre) = (self.guarded, self.spectre);
        settings.branch_protection = self.branch_protection;
        let known = cpu::features(self.target.arch());
        let some: Vec<_> = match (self.cpu, self.target) {
            (CpuFeatures::Baseline, _) => known.iter().take(cpu::BASELINE).collect(),
            (CpuFeatures::V3, Target::X86_64) => known.iter().take(cpu::V3).collect(),
            (CpuFeatures::V3, _) => return Err("levels of processors are x86_64's only".into()),
            (CpuFeatures::Native, target) if Target::here() == Some(target) => {
                known.iter().filter(|feature| (feature.is_here)()).collect()
            }
            (CpuFeatures::Native, target) => {
                return Err(format!("this machine is no {target}, so its processor is no example for one"));
            }
        };
        settings.features = some.into_iter().map(|feature| feature.name.to_owned()).collect();
        Ok(settings)
    }
}

/// A precompiled file.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The settings of its code.
    pub settings: Settings,
    /// What was compiled and what wasn't; `code_bytes` is the size in the file.
    pub stats: Stats,
}

/// Compiles a module ahead of time. `bytes` must be those that it was loaded from, in the binary format. Fuel and
/// canonical NaNs are as in its engine.
///
/// The same module and options give the same bytes.
///
/// # Errors
/// A sentence that says why it can't be compiled.
pub fn compile(module: &Module, bytes: &[u8], how: &Compile) -> Result<Compiled, String> {
    compile_with_progress(module, bytes, how, &|_, _| {})
}

/// As [`compile`]. Whenever compiling one of the module's functions begins, `progress` is called, on any thread, with how
/// many have begun, and how many there are.
///
/// # Errors
/// As [`compile`].
pub fn compile_with_progress(
    module: &Module,
    bytes: &[u8],
    how: &Compile,
    progress: &(dyn Fn(u32, u32) + Sync),
) -> Result<Compiled, String> {
    on_compiler_stack(|| compile_here(module, bytes, how, progress))
        .map_err(|error| format!("no stack for the compiler: {error}"))?
}

/// Machine code of a whole module.
pub(super) struct Whole {
    pub(super) settings: Settings,
    pub(super) batch: Batch,
    stats: Stats,
}

/// Compiles all functions, as [`compile_with_progress`] says. Call it on a stack that is large enough.
pub(super) fn compile_all(
    view: View<'_>,
    how: &Compile,
    progress: &(dyn Fn(u32, u32) + Sync),
) -> Result<Whole, String> {
    let begun = AtomicU32::new(0);
    let mut settings = how.settings()?;
    (settings.fuel, settings.canonical_nans) = (view.consumes_fuel(), view.canonical_nans());
    if view.relaxed_simd() != RelaxedSimd::DETERMINISTIC {
        settings.relaxed_simd = settings.machines_relaxed_simd();
    }
    let isa = isa(how.target, &settings)?;
    let counters = Counters::default();
    let start = std::time::Instant::now();
    let options = compiler::CodeOptions {
        guarded: settings.guarded,
        spectre: settings.spectre,
        fuel: settings.fuel,
        relaxed_simd: settings.relaxed_simd,
        by_profile: true,
        suspends: false,
        portable: true,
        c_convention: isa.default_call_conv(),
        frontend: isa.frontend_config(),
    };
    let plan = RoundPlan {
        isa: &isa,
        options,
        largest: how.largest_function,
        scratch: how.compiler_memory,
        wants: &|_| {
            progress(begun.fetch_add(1, Ordering::Relaxed) + 1, view.defined_funcs());
            true
        },
        counters: &counters,
        parallel: how.parallel,
    };
    let Round { batch, functions, wasm_bytes, .. } = plan.compile(view, 0).map_err(|why| why.to_string())?;
    let batch = batch.ok_or_else(|| Decline::Budget.to_string())?;
    counters.compiled(functions, 0, wasm_bytes);
    counters.placed(batch.code.len() as u64);
    counters.spent(start.elapsed());
    let mut stats = counters.get();
    let left_out = u64::from(view.defined_funcs()) - functions - stats.declined.values().sum::<u64>();
    if left_out > 0 {
        *stats.declined.entry(Decline::Budget.to_string()).or_default() += left_out;
    }
    Ok(Whole { settings, batch, stats })
}

/// As [`compile`], on a stack that is large enough.
fn compile_here(
    module: &Module,
    bytes: &[u8],
    how: &Compile,
    progress: &(dyn Fn(u32, u32) + Sync),
) -> Result<Compiled, String> {
    let view = View::new(module);
    let Whole { settings, batch, stats } = compile_all(view, how, progress)?;
    let no_room = |_| "the memory budget has no room for the file".to_owned();
    // The map's bytes are appended one by one to a growing buffer.
    let mut held =
        view.cache().charge(Kind::CompilerScratch, 4 * batch.map.heap_bytes() as u64).map_err(no_room)?;
    let map = batch.map.to_bytes().map_err(|why| why.to_string())?;
    let room = HEADER + batch.pieces.len() * MOST_PLACED + map.len() + batch.code.len();
    held.grow((2 * room + bytes.len()) as u64).map_err(no_room)?;
    let mut tail = Vec::new();
    tail.try_reserve_exact(room).map_err(|error| error.to_string())?;
    put_tail(&mut tail, &settings, &batch, &map)
        .map_err(|_| "there is more code than a file may have".to_owned())?;
    let len = (bytes.len() as u64).to_le_bytes();
    let module_sum = Checksum::of(&[&len, bytes]);
    let version = FORMAT.to_le_bytes();
    let sum = Checksum::of(&[&MAGIC, &len, &module_sum, &version, &tail]);
    let bytes = [&MAGIC[..], &len, &module_sum, bytes, &version, &sum, &tail].concat();
    Ok(Compiled { bytes, settings, stats })
}

/// A bound on what precedes the pieces, and on the fields between the parts behind them.
const HEADER: usize = 4 << 10;

/// The most bytes of a piece's entry.
const MOST_PLACED: usize = 17;

fn isa(target: Target, settings: &Settings) -> Result<OwnedTargetIsa, String> {
    if cfg!(not(feature = "cross")) && Target::here() != Some(target) {
        return Err(format!("this build compiles for its own processor only, not for {target}"));
    }
    let mut builder = isa::lookup_by_name(target.triple()).map_err(|why| why.to_string())?;
    for feature in cpu::features(target.arch()) {
        if settings.features.iter().any(|name| name == feature.name) {
            builder.enable(feature.setting).map_err(|why| why.to_string())?;
        }
    }
    if settings.branch_protection {
        compiler::protect_branches(&mut builder).map_err(|why| why.to_string())?;
    }
    let flags = compiler::flags(settings.canonical_nans, settings.spectre, cfg!(debug_assertions))
        .map_err(|why| why.to_string())?;
    builder.finish(flags).map_err(|why| why.to_string())
}

/// Appends what follows the checksum.
fn put_tail(
    out: &mut Vec<u8>,
    settings: &Settings,
    batch: &Batch,
    map: &[u8],
) -> Result<(), TryFromIntError> {
    settings.write(out)?;
    out.extend_from_slice(&u32::try_from(batch.pieces.len())?.to_le_bytes());
    for &Placed { piece, at, entry } in &batch.pieces {
        let (tag, index) = match piece {
            Piece::Func(index) => (tag::FUNC, index),
            Piece::Trampoline(ty) => (tag::TRAMPOLINE, ty),
            Piece::Stub(ty) => (tag::STUB, ty),
            Piece::Detour(index) => (tag::DETOUR, index),
            Piece::Bridge => (tag::BRIDGE, 0),
            Piece::Loop(..) | Piece::Island(..) => unreachable!("no loop was asked for"),
        };
        out.push(tag);
        out.extend_from_slice(&index.to_le_bytes());
        out.extend_from_slice(&at.to_le_bytes());
        if let Some(Entry { frame, header }) = entry {
            out.extend_from_slice(&frame.to_le_bytes());
            out.extend_from_slice(&header.to_le_bytes());
        }
    }
    put_block(out, map)?;
    put_block(out, &batch.code)
}
