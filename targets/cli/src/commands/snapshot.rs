//! `dunlin snapshot`

use crate::args::SnapshotOptions;
use crate::failure::Failure;
use crate::guest::wasi::{self, Wasi};
use crate::modules::load::{Opened, display_name};
use crate::modules::snapshot_file::Written;
use dunlin::{
    Config, Engine, Error, ExternType, Instance, Linker, Module, ModuleOptions, ResumableCall, Store,
    SuspendedCall, Trap,
};
use std::cell::RefCell;
use std::path::PathBuf;

/// What initialises a library, first of all.
const INITIALIZE: &str = "_initialize";

/// What initialises modules for Wizer, and for wasmtime's command of that name.
const WIZER: [&str; 2] = ["wizer.initialize", "wizer-initialize"];

/// What a program begins with.
const START: &str = "_start";

/// Initialises a program, and writes what it then is.
pub(crate) fn snapshot(options: &SnapshotOptions) -> Result<(), Failure> {
    let name = display_name(&options.run.module);
    let failed = |error: Error| {
        let kind = error.kind();
        Failure::of(kind, error.context(&name))
    };
    let path = match &options.output {
        Some(path) => path.clone(),
        None if options.run.module == "-" => {
            return Err(Failure::usage("where a module from standard input goes, -o FILE has to say"));
        }
        None => PathBuf::from(&options.run.module).with_extension("snap"),
    };
    let file = Written::open("-o", &path)?;
    let mut config = Config::new();
    options.run.limits.configure(&mut config, false);
    options.run.features.configure(&mut config);
    config.snapshots(true);
    let engine = Engine::new(&config).map_err(failed)?;
    let context = wasi::builder(&options.run)?.stop_at_stdin().build();
    let linker = wasi::linker(&engine).map_err(failed)?;
    let mut store = Store::try_new(&engine, context).map_err(failed)?;
    let (module, _) =
        Opened::open(&options.run.module, &options.run.registry)?.load(&engine, &ModuleOptions::new())?;
    let what = Initialiser::of(&module, options.init_func.as_deref())?;
    // Where no fuel is counted, there is none to set.
    let _ = store.set_fuel(options.run.limits.fuel.unwrap_or(u64::MAX));
    let instance = linker.instantiate(&mut store, &module).map_err(failed)?;
    let call = what.run(&mut store, instance).map_err(|error| match wasi::exit_code(&error) {
        Some(code) => {
            Failure::unusable(format_args!("{name}: it exited with {code} before it was initialised"))
        }
        None => failed(error),
    })?;
    let state =
        store.data_mut().save().map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
    write(&file, &mut store, &linker, call.as_ref(), &state)
}

fn write(
    file: &Written,
    store: &mut Store<Wasi>,
    linker: &Linker<Wasi>,
    call: Option<&SuspendedCall>,
    state: &[u8],
) -> Result<(), Failure> {
    let store = RefCell::new(store);
    file.write(&|to| {
        let store = &mut **store.borrow_mut();
        match call {
            Some(call) => call.snapshot(store, linker, state, to),
            None => store.snapshot(linker, state, to),
        }
    })
}

/// What initialises a program.
enum Initialiser {
    /// These functions, in this order; the start function does the rest.
    Functions(Vec<String>),
    /// The program itself, until it reads its input.
    Program,
}

impl Initialiser {
    fn of(module: &Module, named: Option<&str>) -> Result<Self, Failure> {
        let is_there = |name: &&str| {
            let ty = module.get_export(name);
            ty.is_some_and(|ty: ExternType| {
                ty.func().is_some_and(|ty| ty.params().is_empty() && ty.results().is_empty())
            })
        };
        if let Some(name) = named.filter(|name| !is_there(name)) {
            return Err(Failure::usage(format_args!(
                "--init-func {}: the module exports no function of that name that takes and returns nothing",
                name.escape_debug()
            )));
        }
        let chosen = named.or_else(|| WIZER.into_iter().find(is_there));
        let functions: Vec<_> =
            Some(INITIALIZE).filter(is_there).into_iter().chain(chosen).map(str::to_owned).collect();
        Ok(match functions.is_empty() && is_there(&START) {
            true => Initialiser::Program,
            false => Initialiser::Functions(functions),
        })
    }

    /// Initialises it. Gives the call that goes on, if it is suspended in one.
    fn run(&self, store: &mut Store<Wasi>, instance: Instance) -> Result<Option<SuspendedCall>, Error> {
        let function = |store: &Store<Wasi>, name: &str| {
            instance
                .get_func(store, name)
                .ok_or_else(|| Error::msg(format_args!("there is no function {}", name.escape_debug())))
        };
        match self {
            Initialiser::Functions(names) => {
                for name in names {
                    let called = function(store, name)?.call(&mut *store, &[], &mut []);
                    called.map_err(|error| match error.trap() {
                        Some(Trap::Interrupt) => error.context(format_args!(
                            "the function {} reads standard input, which an initialisation hasn't",
                            name.escape_debug()
                        )),
                        _ => error,
                    })?;
                }
                Ok(None)
            }
            Initialiser::Program => {
                match function(store, START)?.call_resumable(&mut *store, &[], &mut [])? {
                    ResumableCall::Suspended(call) if call.reason().trap() == Some(Trap::Interrupt) => {
                        Ok(Some(call))
                    }
                    ResumableCall::Suspended(call) => Err(call.into_reason()),
                    ResumableCall::Finished => Err(Error::msg(
                        "the program ended before it read its standard input, where it would have stopped",
                    )),
                }
            }
        }
    }
}
