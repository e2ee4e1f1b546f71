//! A program: a module, and what it is granted.
//!
//! `answer` has it answer a request, `resume` has it go on with one that was drained; `execute` is what both do.

mod answer;
mod execute;
mod options;
mod resume;

pub use options::{ProgramOptions, Volume};

use super::route::Route;
use crate::prepared::{Prepared, before_requests};
use crate::server::Limits;
use dunlin::{Error, Linker, Module, Store};
use dunlin_wasi_lite::{DirPerms, FilePerms, WasiCtx, WasiCtxBuilder, WritePipe, add_to_linker};
use std::fmt;
use std::io;
use std::sync::Arc;

/// A WASI command that answers requests. Clones share the module and its code.
#[derive(Clone)]
pub struct Program {
    prepared: Prepared<WasiCtx>,
    /// What the module imports.
    linker: Linker<WasiCtx>,
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
        let prepared = Prepared::new(&linker, module, || Ok(WasiCtxBuilder::new().build()))?;
        let program = Self { prepared, linker, entrypoint, options: Arc::new(options) };
        program.preopen(&mut WasiCtxBuilder::new()).map_err(Error::host)?;
        Ok(program)
    }

    /// The module.
    pub fn module(&self) -> &Module {
        self.prepared.module()
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
        before_requests(&mut store, |store| names.execute(store, None))?;
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

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entrypoint, options, .. } = self;
        f.debug_struct("Program").field("entrypoint", entrypoint).field("options", options).finish()
    }
}
