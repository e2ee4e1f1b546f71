//! A program: a module, and what it is granted.

use super::environment::{arguments, variables};
use super::output::Output;
use super::route::Route;
use crate::server::{Failure, Limits, Request, Responder};
use crate::services::log::{GuestLog, Log};
use dunlin::{Error, Instance, InstancePre, Linker, Module, SnapshotPre, Store, Val};
use dunlin_wasi_lite::{
    DirPerms, FilePerms, I32Exit, ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe, add_to_linker,
};
use std::fmt;
use std::io::{self, Cursor};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How long a program may take to name its routes, or to be initialised.
const PREPARING: Duration = Duration::from_secs(10);

/// What initialises modules once, before anything that differs from one request to the next is known: so Wizer calls it.
const INITIALIZERS: [&str; 2] = ["wizer.initialize", "wizer-initialize"];

/// A folder that a program may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// Where it is.
    pub host: PathBuf,
    /// The program's name for it.
    pub guest: String,
    /// Whether it may only be read.
    pub read_only: bool,
}

/// What a program is granted, and how it is called.
#[derive(Clone, Default, Debug)]
pub struct ProgramOptions {
    /// The function to call: `_start` if it isn't given.
    pub entrypoint: Option<String>,
    /// Its arguments, with `${SCRIPT_NAME}` and `${ARGS}` for what a request brings; both, if it isn't given.
    pub argv: Option<String>,
    /// Variables of its environment. Those that describe the request come before them.
    pub environment: Vec<(String, String)>,
    /// Folders.
    pub volumes: Vec<Volume>,
    /// What each request may take of memory, fuel, time and size of body, where that isn't what the server says.
    pub memory: Option<u64>,
    /// See `memory`.
    pub fuel: Option<u64>,
    /// See `memory`.
    pub time: Option<Duration>,
    /// See `memory`.
    pub body: Option<u64>,
}

/// A WASI command that answers requests. Clones share the module and its code.
#[derive(Clone)]
pub struct Program {
    pre: InstancePre<WasiCtx>,
    /// What requests begin as, if the module has something that initialises it.
    initialized: Option<SnapshotPre<WasiCtx>>,
    entrypoint: String,
    options: Arc<ProgramOptions>,
}

impl Program {
    /// Makes a program of a module. Functions that it imports and nobody provides trap when they are called. If it exports
    /// `wizer.initialize` or `wizer-initialize`, that is called now, once, with nothing granted: each request then begins behind it.
    ///
    /// # Errors
    ///
    /// If the module has no such entrypoint, its imports have other types, a folder can't be opened, or its initialisation fails.
    pub fn new(module: &Module, options: ProgramOptions) -> Result<Self, Error> {
        let entrypoint = options.entrypoint.clone().unwrap_or_else(|| "_start".into());
        check_entrypoint(module, &entrypoint)?;
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker, |wasi: &mut WasiCtx| wasi)?;
        linker.define_unknown_imports_as_traps(module)?;
        let pre = linker.instantiate_pre(module)?;
        let mut program = Self { pre, initialized: None, entrypoint, options: Arc::new(options) };
        program.initialized = program.initialize(&linker)?;
        program.preopen(&mut WasiCtxBuilder::new()).map_err(Error::host)?;
        Ok(program)
    }

    /// Initialises an instance, for requests to begin behind that.
    fn initialize(&self, linker: &Linker<WasiCtx>) -> Result<Option<SnapshotPre<WasiCtx>>, Error> {
        let is_there = |name: &&str| self.module().get_export(name).is_some_and(|ty| ty.func().is_some());
        let Some(name) = INITIALIZERS.into_iter().find(is_there) else { return Ok(None) };
        let mut store = Store::try_new(self.module().engine(), WasiCtxBuilder::new().build())?;
        let _ = store.set_fuel(u64::MAX);
        let called = within(PREPARING, &mut store, |store| {
            let instance = self.pre.instantiate(&mut *store)?;
            if let Ok(initialize) = instance.get_typed_func::<(), ()>(&*store, "_initialize") {
                initialize.call(&mut *store, ())?;
            }
            instance.get_typed_func::<(), ()>(&*store, name)?.call(store, ())
        });
        called.map_err(|error| error.context(name))?;
        store.snapshot_pre(linker).map(Some)
    }

    /// An instance, and whether it has been initialised.
    fn instance(&self, store: &mut Store<WasiCtx>) -> Result<(Instance, bool), Error> {
        let Some(initialized) = &self.initialized else {
            return Ok((self.pre.instantiate(store)?, false));
        };
        // What is left of the original's fuel is nobody's.
        let fuel = store.get_fuel();
        let restored = initialized.restore(&mut *store)?;
        if let Ok(fuel) = fuel {
            store.set_fuel(fuel)?;
        }
        Ok((restored.instances[0], true))
    }

    /// The module.
    pub fn module(&self) -> &Module {
        self.pre.module()
    }

    /// The same module with the same grants, at another entrypoint.
    ///
    /// # Errors
    ///
    /// If it has no such entrypoint.
    pub fn at_entrypoint(&self, name: &str) -> Result<Self, Error> {
        check_entrypoint(self.module(), name)?;
        Ok(Self { entrypoint: name.into(), ..self.clone() })
    }

    /// What a request may take, if the server gives it `default`.
    pub fn limits(&self, default: &Limits) -> Limits {
        Limits {
            memory: self.options.memory.unwrap_or(default.memory),
            fuel: self.options.fuel.or(default.fuel),
            time: self.options.time.unwrap_or(default.time),
            body: self.options.body.unwrap_or(default.body),
        }
    }

    /// Answers a request that came by this route, on the thread that calls it.
    ///
    /// # Errors
    ///
    /// If the program fails, or what it prints is no answer.
    pub fn answer(
        &self,
        route: &Route,
        request: Request,
        responder: Responder,
        log: Arc<dyn Log>,
    ) -> Result<(), Failure> {
        let output = Output::new(responder);
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.options.environment)
            .envs(&variables(&request, route))
            .args(&arguments(&request, self.options.argv.as_deref()))
            .stdin(ReadPipe::new(Cursor::new(request.body.clone())))
            .stdout(WritePipe::new(output.clone()))
            .stderr(WritePipe::new(GuestLog::new(log, route.to_string())));
        self.preopen(&mut wasi).map_err(|error| Failure::guest("no folder", error))?;
        let result = self.call(wasi.build(), &request);
        // A program that can't print its answer may give up for that.
        output.failed().map_or(result, Err)?;
        output.end()
    }

    /// Routes below its own that the program names by its function `_routes`, each with its entrypoint: lines of a path
    /// and a function's name.
    ///
    /// # Errors
    ///
    /// If it fails to, or names something else.
    pub(super) fn named_routes(&self) -> Result<Vec<(Route, String)>, Error> {
        const NAME: &str = "_routes";
        if self.module().get_export(NAME).is_none() {
            return Ok(Vec::new());
        }
        let stdout = WritePipe::in_memory(64 << 10);
        let mut store =
            Store::try_new(self.module().engine(), WasiCtxBuilder::new().stdout(stdout.clone()).build())?;
        let _ = store.set_fuel(u64::MAX);
        let names = self.at_entrypoint(NAME)?;
        within(PREPARING, &mut store, |store| names.run(store))?;
        let text = String::from_utf8_lossy(&stdout.contents()).into_owned();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
                [path, entrypoint] => Ok((Route::new(path), entrypoint.to_owned())),
                _ => Err(Error::msg(format_args!(
                    "_routes: '{}' isn't a path and a name",
                    line.escape_debug()
                ))),
            })
            .collect()
    }

    fn call(&self, wasi: WasiCtx, request: &Request) -> Result<(), Failure> {
        let engine = self.module().engine();
        let budget = engine.budget().sub_budget(request.limits.memory);
        let mut store = Store::with_budget(engine, &budget, wasi)?;
        let fuel = request.limits.fuel.unwrap_or(u64::MAX);
        let counts = store.set_fuel(fuel).is_ok();
        let _stop = request.interrupt(store.interrupt_handle());
        let result = self.run(&mut store);
        if counts {
            request.used_fuel(fuel - store.get_fuel().unwrap_or(0));
        }
        let Err(error) = result else { return Ok(()) };
        match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(0)) => Ok(()),
            Some(I32Exit(code)) => {
                Err(Failure::guest("exit code", format_args!("it ended with exit code {code}")))
            }
            None => Err(error.into()),
        }
    }

    fn run(&self, store: &mut Store<WasiCtx>) -> Result<(), Error> {
        let (instance, is_initialized) = self.instance(store)?;
        let function = |store: &Store<WasiCtx>, name: &str| {
            instance
                .get_func(store, name)
                .ok_or_else(|| Error::msg(format_args!("there is no function {name}")))
        };
        if !is_initialized
            && self.entrypoint != "_start"
            && instance.get_typed_func::<(), ()>(&*store, "_initialize").is_ok()
        {
            function(store, "_initialize")?.call(&mut *store, &[], &mut [])?;
        }
        let entrypoint = function(store, &self.entrypoint)?;
        let mut results = vec![Val::I32(0); entrypoint.ty(&*store).results().len()];
        entrypoint.call(store, &[], &mut results)
    }

    fn preopen(&self, wasi: &mut WasiCtxBuilder) -> io::Result<()> {
        for Volume { host, guest, read_only } in &self.options.volumes {
            let (dirs, files) = match read_only {
                true => (DirPerms::READ, FilePerms::READ),
                false => (DirPerms::all(), FilePerms::all()),
            };
            wasi.preopened_dir(host, guest, dirs, files)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", host.display())))?;
        }
        Ok(())
    }
}

fn check_entrypoint(module: &Module, name: &str) -> Result<(), Error> {
    let ty = module.get_export(name).and_then(|ty| ty.func().cloned());
    if ty.is_none_or(|ty| !ty.params().is_empty()) {
        let name = name.escape_debug();
        return Err(Error::msg(format_args!("the module has no function {name} without parameters to call")));
    }
    Ok(())
}

/// Does something in a store, which is interrupted after this time.
fn within<T>(
    time: Duration,
    store: &mut Store<WasiCtx>,
    work: impl FnOnce(&mut Store<WasiCtx>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (done, over) = mpsc::channel::<()>();
    let interrupt = store.interrupt_handle();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let result = work(store);
        drop(done);
        result
    })
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entrypoint, options, .. } = self;
        f.debug_struct("Program").field("entrypoint", entrypoint).field("options", options).finish()
    }
}
