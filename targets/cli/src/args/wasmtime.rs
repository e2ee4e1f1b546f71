//! Options as wasmtime spells them, for scripts written for it: several in one, separated by commas.

use super::RunOptions;
use super::values::{Given, set, switch};
use crate::failure::Failure;

/// The options that wasmtime calls `-W`.
pub(super) fn wasm_options(options: &mut RunOptions, given: Given<'_>) -> Result<(), Failure> {
    for item in given.text()?.split(',') {
        if options.features.take(item)? {
            continue;
        }
        let (name, value) = item.split_once('=').unwrap_or_default();
        let given = |option| Given { option, value: value.as_ref() };
        match name {
            "fuel" => set(&mut options.limits.fuel, given("-W fuel").number())?,
            "timeout" => set(&mut options.limits.timeout, given("-W timeout").time())?,
            "max-wasm-stack" => set(&mut options.max_stack, given("-W max-wasm-stack").size())?,
            "max-memory-size" => set(&mut options.max_memory_size, given("-W max-memory-size").size())?,
            _ => {
                return Err(Failure::usage(format_args!(
                    "-W takes fuel=N, timeout=TIME, max-wasm-stack=SIZE, max-memory-size=SIZE and \
                     features such as wide-arithmetic, separated by commas, not '{item}'"
                )));
            }
        }
    }
    Ok(())
}

/// The options that wasmtime calls `-D`.
pub(super) fn debug_options(options: &mut RunOptions, given: Given<'_>) -> Result<(), Failure> {
    for item in given.text()?.split(',') {
        match item.split_once('=') {
            Some(("coredump", file)) => options.dump_core(file.into())?,
            _ => {
                return Err(Failure::usage(format_args!("-D takes coredump=FILE, not '{item}'")));
            }
        }
    }
    Ok(())
}

/// The options that wasmtime calls `-S`.
pub(super) fn wasi_options(options: &mut RunOptions, given: Given<'_>) -> Result<(), Failure> {
    for item in given.text()?.split(',') {
        let (name, value) = item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value)));
        match (name, value) {
            ("tcplisten", Some(address)) => options.tcplisten.push(address.to_owned()),
            ("inherit-env", value) => options.inherit_env = switch("-S inherit-env", value)?,
            _ => {
                return Err(Failure::usage(format_args!(
                    "-S takes tcplisten=ADDR and inherit-env, separated by commas, not '{item}'"
                )));
            }
        }
    }
    Ok(())
}
