//! What is known of a run, and the report of its end.

use super::outcome::RunOutcome;
use super::profiles;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::tier::Tier;
use crate::host::status::peak_process_bytes;
use crate::modules::debug_info::{DebugSource, Shown, Symbol};
use crate::modules::load::defined_functions;
use crate::output::complain;
use crate::output::destination::Destination;
use crate::output::json::{Json, object};
use dunlin::{Engine, FrameInfo, Module, Profile, WasmBacktrace};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

/// A run: what is known of it so far. Whichever thread ends the process reports from it.
pub(crate) struct Session {
    /// When it began.
    pub(crate) started: Instant,
    engine: Engine,
    tier: Tier,
    name: String,
    timeout: Option<Duration>,
    fuel: Option<u64>,
    debug: DebugSource,
    files: Arc<OutputFiles>,
    progress: Mutex<Progress>,
}

/// The files that a run writes at its end.
#[derive(Default)]
pub(crate) struct OutputFiles {
    report: OnceLock<Destination>,
    profile: OnceLock<Destination>,
    coredump: OnceLock<Destination>,
}

impl OutputFiles {
    /// Opens those that the options name: better to fail now than after an hour.
    pub(crate) fn open(&self, options: &RunOptions) -> Result<(), Failure> {
        let files = [
            ("--report", &options.report, &self.report),
            ("--profile", &options.profile, &self.profile),
            ("--coredump", &options.coredump, &self.coredump),
        ];
        for (option, path, file) in files {
            if let (Some(path), None) = (path, file.get()) {
                let destination = Destination::open(option, path)?;
                destination.clear()?;
                file.get_or_init(|| destination);
            }
        }
        Ok(())
    }

    /// Where a core dump goes, if one is wanted.
    #[cfg(feature = "coredump")]
    pub(crate) fn coredump(&self) -> Option<&Destination> {
        self.coredump.get()
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
        (engine, tier): (Engine, Tier),
        name: String,
        options: &RunOptions,
        files: Arc<OutputFiles>,
    ) -> Self {
        Self {
            started: Instant::now(),
            engine,
            tier,
            name,
            timeout: options.limits.timeout,
            fuel: options.limits.fuel,
            debug: DebugSource::new(&options.module, !options.no_debug_info),
            files,
            progress: Mutex::default(),
        }
    }

    /// The files that are written.
    #[cfg(feature = "coredump")]
    pub(crate) fn files(&self) -> &OutputFiles {
        &self.files
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
    pub(crate) fn finish(&self, outcome: &RunOutcome) -> u8 {
        let sentence = self.sentence(outcome);
        let backtrace = outcome.backtrace().filter(|backtrace| !backtrace.frames().is_empty());
        let shown = backtrace.map(|backtrace| self.debug.show(backtrace));
        match (&sentence, &shown) {
            (Some(sentence), Some(shown)) => complain(format_args!("{sentence}\n{}", shown.text)),
            (Some(sentence), None) => complain(sentence),
            (None, _) => {}
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
            let report = self.report(outcome, written(Ok(())), sentence, shown);
            written(file.write(&|out| writeln!(out, "{report}")));
        }
        code
    }

    fn write_profile(&self, file: &Destination, outcome: &RunOutcome) -> Result<(), Failure> {
        let progress = self.progress();
        let Some(profile) = &progress.profile else {
            if progress.loaded.is_some() && !matches!(outcome, RunOutcome::Failed(_)) {
                complain("--profile: there is none, for the program wouldn't stop");
            }
            return Ok(());
        };
        profiles::write(profile, &self.name, file)
    }

    fn sentence(&self, outcome: &RunOutcome) -> Option<String> {
        Some(match outcome {
            // The sender of the signal knows, so there is no message.
            RunOutcome::Exited(_) | RunOutcome::Signalled(_) => return None,
            RunOutcome::Trapped(message, _) => message.clone(),
            RunOutcome::Timeout(_) => match (self.timeout, self.progress().loaded.is_some()) {
                (Some(timeout), true) => format!("timed out after {timeout:?}"),
                (Some(timeout), false) => {
                    format!("timed out after {timeout:?}, before the module was loaded")
                }
                (None, _) => "interrupted".into(),
            },
            RunOutcome::OutOfFuel(_) => match self.fuel {
                Some(1) => "out of fuel: the only unit is used up".into(),
                Some(fuel) => format!("out of fuel: all {fuel} units are used up"),
                None => "out of fuel".into(),
            },
            RunOutcome::Replayed { sentence, .. } => sentence.clone(),
            RunOutcome::Failed(failure) => failure.message.clone(),
        })
    }

    fn report(
        &self,
        outcome: &RunOutcome,
        exit_code: u8,
        sentence: Option<String>,
        shown: Option<Shown>,
    ) -> Json {
        let progress = self.progress();
        let module = progress.loaded.as_ref().map(|(module, _)| module);
        let guest_code = match outcome {
            RunOutcome::Exited(code) => Some(*code),
            _ => None,
        };
        let symbols = shown.into_iter().flat_map(|shown| shown.symbols);
        let frames = outcome
            .backtrace()
            .map(|backtrace| backtrace.frames().iter().zip(symbols).map(frame).collect::<Json>());
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

fn frame((frame, symbols): (&FrameInfo, Vec<Symbol>)) -> Json {
    let symbols = symbols.into_iter().map(|Symbol { name, file, line, column }| {
        object([
            ("name", name.into()),
            ("file", file.into()),
            ("line", line.into()),
            ("column", column.into()),
        ])
    });
    object([
        ("function", frame.func_index().into()),
        ("name", frame.func_name().into()),
        ("offset", frame.module_offset().into()),
        ("symbols", symbols.collect()),
    ])
}
