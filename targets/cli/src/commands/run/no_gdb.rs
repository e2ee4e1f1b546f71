//! A build without `--gdb`, which the command line then refuses.

use crate::failure::Failure;
use crate::guest::wasi::Wasi;
use crate::modules::load::Opened;
use crate::modules::precompiled::PrecompiledCode;
use dunlin::{Engine, Error, Func, Instance, Module, ModuleOptions, Store, Val};

/// A debugger, of which there is none.
pub(super) enum Debugger {}

/// Loads a module; no debugger asks for its bytes.
pub(super) fn load(
    opened: Opened,
    engine: &Engine,
    options: &ModuleOptions,
    _: bool,
) -> Result<(Module, Option<PrecompiledCode>, Vec<u8>), Failure> {
    let (module, code) = opened.load(engine, options)?;
    Ok((module, code, Vec::new()))
}

impl Debugger {
    pub(super) fn wait(_: &str, _: String, _: Vec<u8>) -> Result<Self, Failure> {
        Err(Failure::usage("this build of dunlin serves no debugger"))
    }

    pub(super) fn call(
        self,
        _: &mut Store<Wasi>,
        _: (Instance, Func),
        _: &[Val],
        _: &mut [Val],
    ) -> Result<(), Error> {
        match self {}
    }
}
