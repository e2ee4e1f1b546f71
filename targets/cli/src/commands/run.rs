//! `dunlin run`

#[cfg_attr(not(feature = "snapshot"), path = "run/no_cloned.rs")]
mod cloned;
#[cfg(feature = "coredump")]
mod coredump;
mod entry;
#[cfg_attr(not(feature = "gdb"), path = "run/no_gdb.rs")]
mod gdb;
#[cfg_attr(not(feature = "snapshot"), path = "run/no_moving.rs")]
mod moving;
mod outcome;
mod profiles;
#[cfg_attr(not(feature = "record"), path = "run/no_recording.rs")]
mod recording;
mod session;
#[cfg(feature = "snapshot")]
mod stopping;
mod values;

#[cfg(feature = "record")]
use crate::args::ReplayOptions;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::tier::Tier;
use crate::guest::wasi::{self, Wasi};
use crate::guest::watchdog::{StopReason, Watchdog};
use crate::host::reserve;
use crate::modules::load::{Opened, display_name};
use crate::output::{complain, count, print};
use cloned::{Begins, Initialised};
#[cfg(feature = "record")]
use dunlin::Budget;
use dunlin::{
    Config, Engine, Error, ErrorKind, Instance, Kind, Linker, Module, ModuleOptions, Store, Trap, Val,
    WasmBacktrace,
};
use entry::EntryPoint;
use gdb::Debugger;
use moving::{Resumed, Snapshots};
use outcome::RunOutcome;
use recording::Tape;
use session::{OutputFiles, Session};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How many units of fuel lie between two samples of a profile, at most: some thousand samples a second.
const PROFILE_EVERY: u64 = 10_000;

/// The sizes of stack that the engine makes.
const STACK: RangeInclusive<u64> = 4 << 10..=1 << 30;

/// The options of a run that replays another one.
#[cfg(feature = "record")]
pub(crate) fn replayed(options: ReplayOptions) -> Result<RunOptions, Failure> {
    let record = recording::open(&options.replay.file, &Budget::unlimited())?;
    recording::options_of(options, record.embedder())
}

/// Runs a guest, reports its end, and gives the exit code.
pub(crate) fn run(options: &RunOptions) -> Result<u8, Failure> {
    let files = Arc::new(OutputFiles::default());
    let (engine, tier) = engine(options)?;
    let name = display_name(&options.module);
    let session = Arc::new(Session::start((engine.clone(), tier.clone()), name, options, files.clone()));
    let told = session.clone();
    let is_written = options.report.is_some()
        || options.profile.is_some()
        || options.coredump.is_some()
        || options.recording.file.is_some();
    let watchdog = Watchdog::start(session.started, options.limits.timeout, is_written, move |reason| {
        reserve::release();
        std::process::exit(told.finish(&stopped_for(reason, None)).into())
    })?;
    // The watchdog runs already: opening a FIFO waits until somebody reads from it.
    files.open(options)?;
    let result = attempt(options, &engine, &session, &watchdog, &tier);
    // From here on, only this thread reports the end.
    drop(watchdog);
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(failure) => RunOutcome::Failed(failure),
    };
    let code = session.finish(&outcome);
    std::mem::forget((session, engine, tier));
    Ok(code)
}

fn engine(options: &RunOptions) -> Result<(Engine, Tier), Failure> {
    let mut config = Config::new();
    // A report contains the fuel that was used, even if fuel isn't limited; and a profile is sampled by it.
    options.limits.configure(&mut config, options.report.is_some() || options.profile.is_some());
    if let Some(bytes) = options.max_memory_size {
        config.max_memory_size(bytes);
    }
    options.features.configure(&mut config);
    config.guest_debug(options.gdb.is_some());
    #[cfg(feature = "snapshot")]
    if options.moving.is_wanted() {
        config.snapshots(true).suspend_compiled(true);
    }
    #[cfg(feature = "record")]
    if options.recording.is_wanted() {
        // Only these stop and go on.
        config.recordable().suspend_compiled(options.recording.stops());
    }
    #[cfg(feature = "coredump")]
    config.coredump_on_trap(options.coredump.is_some());
    if let Some(bytes) = options.max_stack {
        let had = bytes.clamp(*STACK.start(), *STACK.end());
        if had != bytes {
            complain(format_args!("warning: a stack of {bytes} bytes can't be had, so it has {had}"));
        }
        config.max_wasm_stack(had as usize);
    }
    let tier = Tier::configure(&options.tiering, &mut config);
    let engine = Engine::new(&config).map_err(|error| unusable(&display_name(&options.module), error))?;
    Ok((engine, tier))
}

/// Why a guest can't begin.
fn unusable(name: &str, error: Error) -> Failure {
    let kind = error.kind();
    Failure::of(kind, error.context(name))
}

/// Refuses a module that can't start within the budget, and says which budget would suffice. The host's functions used
/// `host` bytes before the module was loaded, and everything `loaded` bytes after.
fn check_budget(engine: &Engine, name: &str, module: &Module, host: u64, loaded: u64) -> Result<(), Failure> {
    let (Some(limit), Some(available)) = (engine.budget().limit(), engine.budget().available()) else {
        return Ok(());
    };
    let plan = module.plan();
    // Its memory may have been made while it was loaded.
    let there = module.budget().used_for(Kind::Memory);
    if plan.instance() <= available + there {
        return Ok(());
    }
    // Since then, functions have been defined that trap. Loading left a quarter of what there was for them to code.
    let later = engine.budget().used().saturating_sub(loaded);
    let (least, most) = plan
        .items()
        .iter()
        .find(|item| item.kind == Kind::Cells)
        .map_or((0, 0), |cells| (cells.bytes, cells.most.unwrap_or(cells.bytes)));
    let reserved = module.budget().used_for(Kind::Cells);
    let without = (loaded + plan.instance() + least).saturating_sub(there + reserved);
    let enough = |left: u64| left - (left / 4).min(most - least) >= later;
    let left = (later..).find(|left| enough(*left)).unwrap_or(later);
    let (needed, host) = (without + left, host + later);
    let largest: Vec<_> = plan.items().iter().take(3).map(ToString::to_string).collect();
    Err(Failure::over_budget(format_args!(
        "{name}: a memory budget of {} is too small: {needed} are needed, {host} of them for the host's \
         functions; the module takes {plan} ({})",
        count(limit, "byte"),
        largest.join(", ")
    )))
}

/// How a program starts.
enum Start {
    Called(EntryPoint),
    GoesOn(Resumed),
    Begins(Initialised),
}

/// What a call stops for, and goes on.
enum Stops<'s> {
    Debugger(Debugger),
    Snapshots(&'s Snapshots),
    Tape(&'s Tape),
}

fn attempt(
    options: &RunOptions,
    engine: &Engine,
    session: &Session,
    watchdog: &Watchdog,
    tier: &Tier,
) -> Result<RunOutcome, Failure> {
    // Before the module, which may arrive slowly: invalid options needn't wait for it.
    let mut wasi = wasi::context(options)?;
    let snapshots = Snapshots::of(options)?;
    let mut tape = Tape::of(options, engine)?;
    let resumed = match &options.moving.resume {
        Some(path) => Some(Resumed::open(path, engine, &mut wasi)?),
        None => None,
    };
    let initialised = match &options.moving.from {
        Some(path) => Some(Initialised::open(path, engine, &mut wasi)?),
        None => None,
    };
    let name = display_name(&options.module);
    let opened = Opened::open(&options.module, &options.registry)?;
    options.tiering.admit(&name, opened.is_precompiled())?;
    let unusable = |error: Error| unusable(&name, error);
    // Before the module too, because loading sets aside a part of the remaining budget for code.
    let host = reserve::during(|| Ok((wasi::linker(engine)?, Store::try_new(engine, wasi)?)))?;
    // Never dropped: the process ends soon, and the system then takes everything back at once.
    let (linker, store) = Box::leak(Box::new(host.map_err(unusable)?));
    let host = engine.budget().used();
    let debugs = options.gdb.is_some();
    // Of memories whose data isn't held twice, snapshots would have all of it.
    let mut how = ModuleOptions::new();
    how.one_instance(!options.moving.is_wanted());
    let (module, code, bytes) = gdb::load(opened, engine, &how, debugs)?;
    let loaded = engine.budget().used();
    session.loaded(&module);
    reserve::during(|| tier.prepare(&name, &module, code))??;
    if let Some(refusal) = options.grants.refusal(&module) {
        return Err(Failure::unusable(format_args!("{name}: {refusal}")));
    }
    // What goes on has been called already.
    let start = match (resumed, initialised) {
        (Some(resumed), _) => Start::GoesOn(resumed),
        (None, Some(initialised)) => Start::Begins(initialised),
        (None, None) => Start::Called(entry::find(&module, options)?),
    };
    if options.trap_unknown_imports {
        reserve::during(|| linker.define_unknown_imports_as_traps(&module))?.map_err(unusable)?;
    }
    if let Some(tape) = &tape {
        reserve::during(|| tape.link(linker, &module))?.map_err(unusable)?;
    }
    check_budget(engine, &name, &module, host, loaded)?;
    let fuel = options.limits.fuel.unwrap_or(u64::MAX);
    // Where no fuel is counted, there is none to set, and none to read afterwards.
    let _ = store.set_fuel(fuel);
    let taken_up = match &mut tape {
        Some(tape) => reserve::during(|| tape.begin((&mut *store, &*linker), &module))??,
        None => None,
    };
    watchdog.running(store.interrupt_handle());
    if options.profile.is_some() {
        store.profile(PROFILE_EVERY);
    }
    let debugger = match &options.gdb {
        Some(address) => Some(Debugger::wait(address, name.clone(), bytes)?),
        None => None,
    };
    let (result, never_began) = reserve::during(|| {
        let entry = match start {
            Start::Called(entry) => entry,
            Start::GoesOn(resumed) => {
                let guest = (&mut *store, &*linker);
                let ended = resumed.go_on(guest, &module, options.limits.fuel, snapshots.as_ref(), watchdog);
                return ended.map(|ended| (ended, false));
            }
            Start::Begins(initialised) => {
                return Ok(match initialised.begin((&mut *store, &*linker), &module, options)? {
                    Begins::Call(suspended) => (cloned::go_on(store, suspended), false),
                    Begins::Function(instance, entry) => (
                        call(
                            store,
                            instance,
                            &entry,
                            debugger.map(|debugger| (Stops::Debugger(debugger), &*linker, watchdog)),
                        ),
                        false,
                    ),
                });
            }
        };
        if let (Some(tape), Some(call)) = (&tape, taken_up) {
            let mut results = vec![Val::I32(0); call.func().ty(&*store).results().len()];
            let ended = call
                .resume(&mut *store, &mut results)
                .and_then(|call| tape.go_on((&mut *store, &*linker), watchdog, call, &mut results));
            return Ok((ended.map(|()| results), false));
        }
        let result = linker.instantiate(&mut *store, &module);
        let never_began = result.as_ref().is_err_and(|error| is_about_the_module(error.kind()));
        let stops = match (debugger, &snapshots, &tape) {
            (Some(debugger), ..) => Some(Stops::Debugger(debugger)),
            (_, Some(snapshots), _) => Some(Stops::Snapshots(snapshots)),
            (.., tape) => tape.as_ref().map(Stops::Tape),
        };
        let stops = stops.map(|stops| (stops, &*linker, watchdog));
        Ok((result.and_then(|instance| call(store, instance, &entry, stops)), never_began))
    })??;
    let left = store.get_fuel();
    let replayed = tape.and_then(|tape| tape.end(store, result.as_ref().map(|_| ())));
    if let Ok(left) = left {
        session.fuel_used(fuel - left);
    }
    if let Some(profile) = store.take_profile() {
        session.profiled(profile);
    }
    #[cfg(feature = "coredump")]
    if let (Some(file), Err(error), false) = (session.files().coredump(), &result, never_began) {
        watchdog.over();
        coredump::write(file, store, error, &name);
    }
    if let Some(outcome) = replayed {
        return Ok(outcome);
    }
    match result {
        Ok(results) => {
            results.iter().try_for_each(|value| print(&format!("{}\n", values::show(value))))?;
            Ok(RunOutcome::Exited(0))
        }
        Err(error) if never_began => {
            let hint = error.kind() == ErrorKind::Link && !options.trap_unknown_imports;
            let mut failure = unusable(error);
            if hint {
                failure.message.push_str(
                    "\nwith --unknown-imports trap, functions may be missing until they are called",
                );
            }
            Err(failure)
        }
        Err(error) => Ok(stopped(error, watchdog.reason())),
    }
}

/// Whether an instantiation failed before the guest's start function could do anything.
fn is_about_the_module(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Link
            | ErrorKind::Limit
            | ErrorKind::OutOfBudget
            | ErrorKind::OutOfMemory
            | ErrorKind::Invalid
            | ErrorKind::Io
    )
}

fn call(
    store: &mut Store<Wasi>,
    instance: Instance,
    entry: &EntryPoint,
    stops: Option<(Stops<'_>, &Linker<Wasi>, &Watchdog)>,
) -> Result<Vec<Val>, Error> {
    let function = |store: &Store<Wasi>, name: &str| {
        instance.get_func(store, name).ok_or_else(|| Error::msg(format_args!("there is no function {name}")))
    };
    if entry.initialize {
        function(store, entry::INITIALIZE)?.call(&mut *store, &[], &mut [])?;
    }
    let mut results = vec![Val::I32(0); entry.results];
    let func = function(store, &entry.name)?;
    match stops {
        Some((Stops::Debugger(debugger), ..)) => {
            debugger.call(store, (instance, func), &entry.params, &mut results)?;
        }
        Some((Stops::Snapshots(snapshots), linker, watchdog)) => {
            snapshots.call((&mut *store, linker), watchdog, func, &entry.params, &mut results)?;
        }
        Some((Stops::Tape(tape), linker, watchdog)) => {
            tape.call((&mut *store, linker), watchdog, func, &entry.params, &mut results)?;
        }
        None => func.call(&mut *store, &entry.params, &mut results)?,
    }
    Ok(results)
}

fn stopped_for(reason: StopReason, backtrace: Option<WasmBacktrace>) -> RunOutcome {
    match reason {
        StopReason::Timeout => RunOutcome::Timeout(backtrace),
        StopReason::Signal(signal) => RunOutcome::Signalled(signal),
    }
}

/// Why the guest didn't return; `reason` is why it was stopped, if it was.
fn stopped(error: Error, reason: Option<StopReason>) -> RunOutcome {
    if let Some(code) = wasi::exit_code(&error) {
        return RunOutcome::Exited(code);
    }
    let backtrace = error.backtrace().cloned();
    match error.trap() {
        Some(Trap::Interrupt) => stopped_for(reason.unwrap_or(StopReason::Timeout), backtrace),
        Some(Trap::OutOfFuel) => RunOutcome::OutOfFuel(backtrace),
        Some(Trap::StackOverflow) => RunOutcome::Trapped(
            format!("the program trapped: {error} (--max-stack gives it more)"),
            backtrace,
        ),
        _ => RunOutcome::Trapped(format!("the program trapped: {error}"), backtrace),
    }
}
