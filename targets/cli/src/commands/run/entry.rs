//! Which of a module's functions to call, and with what.

use super::values;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::output::{count, shown};
use dunlin::{ExternType, FuncType, Module, Val, ValType};
use std::ffi::OsString;

/// What to call.
#[derive(Debug)]
pub(crate) struct EntryPoint {
    /// The function's name.
    pub(crate) name: String,
    /// Its parameters.
    pub(crate) params: Vec<Val>,
    /// How many results it has.
    pub(crate) results: usize,
    /// Whether `_initialize` is to be called before.
    pub(crate) initialize: bool,
}

/// What a program's start is called.
const START: &str = "_start";

/// Finds what `dunlin run` shall call; `ARGS` are parameters only if a function is named.
pub(crate) fn find(module: &Module, options: &RunOptions) -> Result<EntryPoint, Failure> {
    match options.invoke.as_deref() {
        Some(name) => function(module, name, &options.args),
        None => start(module, options.start.as_deref().unwrap_or(START)),
    }
}

/// A program's start of this name.
fn start(module: &Module, name: &str) -> Result<EntryPoint, Failure> {
    match module.get_export(name) {
        Some(ExternType::Func(ty)) if ty.params().is_empty() && ty.results().is_empty() => {
            let initialize = name != START && name != INITIALIZE && has_initialize(module);
            Ok(EntryPoint { name: name.into(), params: vec![], results: 0, initialize })
        }
        Some(ty) => Err(Failure::usage(format_args!(
            "the module's {} is a {ty} and no program's start; name a function with --invoke NAME{}",
            shown(name),
            callable(module)
        ))),
        None => Err(Failure::usage(format_args!(
            "the module has no {}, so it is no program; name a function to call with --invoke NAME{}",
            shown(name),
            callable(module)
        ))),
    }
}

/// A function and its parameters.
fn function(module: &Module, name: &str, args: &[OsString]) -> Result<EntryPoint, Failure> {
    let ty = match module.get_export(name) {
        Some(ExternType::Func(ty)) => ty,
        Some(other) => {
            return Err(Failure::usage(format_args!(
                "--invoke {}: that is a {other}{}",
                shown(name),
                callable(module)
            )));
        }
        None => {
            return Err(Failure::usage(format_args!(
                "--invoke {}: the module has no such export{}",
                shown(name),
                callable(module)
            )));
        }
    };
    let params = params(name, &ty, args)?;
    let initialize = name != INITIALIZE && has_initialize(module);
    Ok(EntryPoint { name: name.into(), params, results: ty.results().len(), initialize })
}

/// What is called before any other function of a module that is no program.
pub(super) const INITIALIZE: &str = "_initialize";

fn has_initialize(module: &Module) -> bool {
    let ty = module.get_export(INITIALIZE);
    ty.is_some_and(|ty| ty.func().is_some_and(|ty| ty.params().is_empty() && ty.results().is_empty()))
}

fn params(name: &str, ty: &FuncType, args: &[OsString]) -> Result<Vec<Val>, Failure> {
    if ty.params().len() != args.len() {
        return Err(Failure::usage(format_args!(
            "--invoke {}: the function takes {}, not {}; it is {ty}",
            shown(name),
            count(ty.params().len() as u64, "parameter"),
            args.len()
        )));
    }
    let value = |(i, (ty, arg)): (usize, (ValType, &OsString))| {
        arg.to_str().and_then(|text| values::parse(ty, text)).ok_or_else(|| {
            Failure::usage(format_args!(
                "--invoke {}: parameter {} has type {ty}, so '{}' should be {}",
                shown(name),
                i + 1,
                arg.to_string_lossy().escape_debug(),
                values::expected(ty)
            ))
        })
    };
    ty.params().zip(args).enumerate().map(value).collect()
}

/// What could be called, for a message.
fn callable(module: &Module) -> String {
    const SHOWN: usize = 12;
    let functions: Vec<_> = module
        .exports()
        .filter_map(|export| export.ty().func().map(|ty| format!("{} {ty}", shown(export.name()))))
        .collect();
    match functions.len() {
        0 => "; it exports no function".into(),
        count if count > SHOWN => {
            format!("; it exports {}, and {} more", functions[..SHOWN].join(", "), count - SHOWN)
        }
        _ => format!("; it exports {}", functions.join(", ")),
    }
}
