//! How a guest's run can end, and the report about it.

use crate::args::RunOptions;
use crate::failure::{EXIT_FUEL, EXIT_SIGNAL, EXIT_TIMEOUT, EXIT_TRAP, Failure, io_reason};
use crate::json::{Json, object};
use crate::output::complain;
use crate::tiering::Made;
use dunlin::{Engine, FrameInfo, Module, Profile, WasmBacktrace};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
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
    /// It never began.
    Failed(Failure),
}

impl Outcome {
    /// The process's exit code. Of the guest's own, the system keeps the lowest eight bits.
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

/// A run: what is known of it so far, for whoever has to tell of its end.
pub(crate) struct Session {
    /// When it began.
    pub(crate) started: Instant,
    engine: Engine,
    tier: Made,
    name: String,
    timeout: Option<Duration>,
    fuel: Option<u64>,
    report: Option<(PathBuf, File)>,
    profile: Option<(PathBuf, File)>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    loaded: Option<(Module, Duration)>,
    fuel_used: Option<u64>,
    profile: Option<Profile>,
}

impl Session {
    /// Begins one. Files are created at once: better to fail now than after an hour.
    pub(crate) fn start(
        (engine, tier): (Engine, Made),
        name: String,
        options: &RunOptions,
    ) -> Result<Self, Failure> {
        Ok(Self {
            started: Instant::now(),
            engine,
            tier,
            name,
            timeout: options.timeout,
            fuel: options.fuel,
            report: created("--report", options.report.as_deref())?,
            profile: created("--profile", options.profile.as_deref())?,
            progress: Mutex::default(),
        })
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

    /// Tells of the end, and gives the exit code.
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
        if let Some((path, file)) = &self.report {
            let text = format!("{}\n", self.report(outcome, sentence));
            if let Err(error) = { file }.write_all(text.as_bytes()) {
                complain(unwritable("--report", path, &error));
            }
        }
        if let Some((path, file)) = &self.profile {
            self.write_profile(path, file, outcome);
        }
        outcome.exit_code()
    }

    fn write_profile(&self, path: &Path, file: &File, outcome: &Outcome) {
        let progress = self.progress();
        let Some(profile) = &progress.profile else {
            if progress.loaded.is_some() && !matches!(outcome, Outcome::Failed(_)) {
                let path = path.display();
                complain(format_args!("--profile {path}: there is none, for the program wouldn't stop"));
            }
            return;
        };
        let mut file = BufWriter::new(file);
        let written = profile.folded().try_for_each(|line| writeln!(file, "{line}"));
        if let Err(error) = written.and_then(|()| file.flush()) {
            complain(unwritable("--profile", path, &error));
        }
    }

    fn sentence(&self, outcome: &Outcome) -> Option<String> {
        Some(match outcome {
            // Whoever sent the signal knows.
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

    fn report(&self, outcome: &Outcome, sentence: Option<String>) -> Json {
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
            ("exit_code", u32::from(outcome.exit_code()).into()),
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

/// The file that an option names, if it was given.
fn created(option: &str, path: Option<&Path>) -> Result<Option<(PathBuf, File)>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).map_err(|error| unwritable(option, path, &error))?;
    Ok(Some((path.to_owned(), file)))
}

fn unwritable(option: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::unusable(format_args!("{option} {}: {}", path.display(), io_reason(error)))
}

fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// How many functions the module brings itself.
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

/// The most memory that the process ever had, where the system tells.
fn peak_process_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
