//! How a guest's run can end, and the report about it.

use crate::args::RunOptions;
use crate::destination::Destination;
use crate::failure::{EXIT_FUEL, EXIT_SIGNAL, EXIT_TIMEOUT, EXIT_TRAP, Failure};
use crate::json::{Json, object};
use crate::output::complain;
use crate::tiering::Made;
use dunlin::{Engine, FrameInfo, Module, Profile, WasmBacktrace};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

/// How it ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The guest ended by itself, with this exit code.
    Exited(u32),
    /// The guest trapped, or a function that it called failed.
    Trapped(String, Option<WasmBacktrace>),
    /// The guest's time was up.
    Timeout(Option<WasmBacktrace>),
    /// The guest's fuel was used up.
    OutOfFuel(Option<WasmBacktrace>),
    /// The process got this signal.
    Signalled(u8),
    /// The guest never began.
    Failed(Failure),
}

impl Outcome {
    /// The process's exit code. Of the guest's own code, the system keeps the lowest eight bits.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Outcome::Exited(code) => *code as u8,
            Outcome::Trapped(..) => EXIT_TRAP,
            Outcome::Timeout(_) => EXIT_TIMEOUT,
            Outcome::OutOfFuel(_) => EXIT_FUEL,
            Outcome::Signalled(signal) => EXIT_SIGNAL + signal,
            Outcome::Failed(failure) => failure.code,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Outcome::Exited(_) => "exit",
            Outcome::Trapped(..) => "trap",
            Outcome::Timeout(_) => "timeout",
            Outcome::OutOfFuel(_) => "out of fuel",
            Outcome::Signalled(_) => "signal",
            Outcome::Failed(_) => "not run",
        }
    }

    fn backtrace(&self) -> Option<&WasmBacktrace> {
        match self {
            Outcome::Trapped(_, backtrace) | Outcome::Timeout(backtrace) | Outcome::OutOfFuel(backtrace) => {
                backtrace.as_ref()
            }
            Outcome::Exited(_) | Outcome::Signalled(_) | Outcome::Failed(_) => None,
        }
    }
}

/// A run: what is known of it so far. Whichever thread ends the process reports from it.
pub(crate) struct Session {
    /// When it began.
    pub(crate) started: Instant,
    engine: Engine,
    tier: Made,
    name: String,
    timeout: Option<Duration>,
    fuel: Option<u64>,
    files: Arc<Files>,
    progress: Mutex<Progress>,
}

/// The files that a run writes at its end.
#[derive(Default)]
pub(crate) struct Files {
    report: OnceLock<Destination>,
    profile: OnceLock<Destination>,
}

impl Files {
    /// Opens those that the options name: better to fail now than after an hour.
    pub(crate) fn open(&self, options: &RunOptions) -> Result<(), Failure> {
        let files =
            [("--report", &options.report, &self.report), ("--profile", &options.profile, &self.profile)];
        for (option, path, file) in files {
            if let (Some(path), None) = (path, file.get()) {
                let destination = Destination::open(option, path)?;
                destination.clear()?;
                file.get_or_init(|| destination);
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Progress {
    loaded: Option<(Module, Duration)>,
    fuel_used: Option<u64>,
    profile: Option<Profile>,
}

impl Session {
    /// Begins a run.
    pub(crate) fn start(
        (engine, tier): (Engine, Made),
        name: String,
        options: &RunOptions,
        files: Arc<Files>,
    ) -> Self {
        Self {
            started: Instant::now(),
            engine,
            tier,
            name,
            timeout: options.timeout,
            fuel: options.fuel,
            files,
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The module has been loaded.
    pub(crate) fn loaded(&self, module: &Module) {
        self.progress().loaded = Some((module.clone(), self.started.elapsed()));
    }

    /// The guest has used this much.
    pub(crate) fn fuel_used(&self, units: u64) {
        self.progress().fuel_used = Some(units);
    }

    /// This is what the guest did.
    pub(crate) fn profiled(&self, profile: Profile) {
        self.progress().profile = Some(profile);
    }

    /// Reports the end, and gives the exit code.
    pub(crate) fn finish(&self, outcome: &Outcome) -> u8 {
        let sentence = self.sentence(outcome);
        if let Some(sentence) = &sentence {
            match outcome.backtrace() {
                Some(backtrace) if !backtrace.frames().is_empty() => {
                    complain(format_args!("{sentence}\n{backtrace}"))
                }
                _ => complain(sentence),
            }
        }
        let mut code = outcome.exit_code();
        // The report contains the exit code, so it is written last.
        let mut written = |result: Result<(), Failure>| {
            if let Err(failure) = result {
                complain(&failure);
                // A nonzero code of the program takes precedence.
                code = if code == 0 { failure.code } else { code };
            }
            code
        };
        if let Some(file) = self.files.profile.get() {
            written(self.write_profile(file, outcome));
        }
        if let Some(file) = self.files.report.get() {
            let report = self.report(outcome, written(Ok(())), sentence);
            written(file.write(&|out| writeln!(out, "{report}")));
        }
        code
    }

    fn write_profile(&self, file: &Destination, outcome: &Outcome) -> Result<(), Failure> {
        let progress = self.progress();
        let Some(profile) = &progress.profile else {
            if progress.loaded.is_some() && !matches!(outcome, Outcome::Failed(_)) {
                complain("--profile: there is none, for the program wouldn't stop");
            }
            return Ok(());
        };
        file.write(&|out| profile.folded().try_for_each(|line| writeln!(out, "{line}")))
    }

    fn sentence(&self, outcome: &Outcome) -> Option<String> {
        Some(match outcome {
            // The sender of the signal knows, so there is no message.
            Outcome::Exited(_) | Outcome::Signalled(_) => return None,
            Outcome::Trapped(message, _) => message.clone(),
            Outcome::Timeout(_) => match (self.timeout, self.progress().loaded.is_some()) {
                (Some(timeout), true) => format!("timed out after {timeout:?}"),
                (Some(timeout), false) => {
                    format!("timed out after {timeout:?}, before the module was loaded")
                }
                (None, _) => "interrupted".into(),
            },
            Outcome::OutOfFuel(_) => match self.fuel {
                Some(1) => "out of fuel: the only unit is used up".into(),
                Some(fuel) => format!("out of fuel: all {fuel} units are used up"),
                None => "out of fuel".into(),
            },
            Outcome::Failed(failure) => failure.message.clone(),
        })
    }

    fn report(&self, outcome: &Outcome, exit_code: u8, sentence: Option<String>) -> Json {
        let progress = self.progress();
        let module = progress.loaded.as_ref().map(|(module, _)| module);
        let guest_code = match outcome {
            Outcome::Exited(code) => Some(*code),
            _ => None,
        };
        let frames =
            outcome.backtrace().map(|backtrace| backtrace.frames().iter().map(frame).collect::<Json>());
        object([
            ("dunlin", env!("CARGO_PKG_VERSION").into()),
            ("module", self.name.clone().into()),
            ("outcome", outcome.name().into()),
            ("exit_code", u32::from(exit_code).into()),
            ("guest_exit_code", guest_code.into()),
            ("message", sentence.into()),
            ("backtrace", frames.into()),
            ("backtrace_omitted", outcome.backtrace().map(WasmBacktrace::omitted).into()),
            ("wall_seconds", seconds(self.started.elapsed()).into()),
            ("load_seconds", progress.loaded.as_ref().map(|(_, time)| seconds(*time)).into()),
            ("module_bytes", module.map(Module::size).into()),
            ("functions", module.map(defined_functions).into()),
            ("functions_translated", module.map(Module::translated_functions).into()),
            ("jit", self.tier.report()),
            ("fuel_used", progress.fuel_used.into()),
            ("peak_memory_bytes", self.engine.budget().peak().into()),
            ("peak_process_bytes", peak_process_bytes().into()),
        ])
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// How many functions the module defines.
pub(crate) fn defined_functions(module: &Module) -> u32 {
    let imported = module.imports().filter(|import| import.ty().func().is_some()).count();
    module.func_count() - imported as u32
}

fn frame(frame: &FrameInfo) -> Json {
    object([
        ("function", frame.func_index().into()),
        ("name", frame.func_name().into()),
        ("offset", frame.module_offset().into()),
    ])
}

/// The peak of the process's memory, if the system provides it.
fn peak_process_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
