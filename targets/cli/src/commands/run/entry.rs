//! Which of a module's functions to call, and with what.

use super::values;
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

/// Finds what `dunlin run` shall call; `ARGS` are parameters only if a function is named.
pub(crate) fn find(module: &Module, invoke: Option<&str>, args: &[OsString]) -> Result<EntryPoint, Failure> {
    let Some(name) = invoke else {
        return match module.get_export("_start") {
            Some(ExternType::Func(ty)) if ty.params().is_empty() && ty.results().is_empty() => {
                Ok(EntryPoint { name: "_start".into(), params: vec![], results: 0, initialize: false })
            }
            Some(ty) => Err(Failure::usage(format_args!(
                "the module's _start is a {ty} and no program's start; name a function with --invoke NAME{}",
                callable(module)
            ))),
            None => Err(Failure::usage(format_args!(
                "the module has no _start, so it is no program; name a function to call with --invoke NAME{}",
                callable(module)
            ))),
        };
    };
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
    let initialize = name != "_initialize" && has_initialize(module);
    Ok(EntryPoint { name: name.into(), params, results: ty.results().len(), initialize })
}

fn has_initialize(module: &Module) -> bool {
    let ty = module.get_export("_initialize");
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
