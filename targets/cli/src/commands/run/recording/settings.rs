//! What a record keeps of the options: what is called, and whatever changes what the program does.

use crate::args::{ReplayOptions, RunOptions};
use crate::failure::Failure;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// The options, each with its name; what follows `arg` are parameters.
pub(super) fn of(options: &RunOptions) -> Vec<u8> {
    // So that segments of two runs aren't taken for one record.
    let run = RandomState::new().build_hasher().finish();
    let mut kept = vec![format!("run={run:016x}")];
    let mut keep =
        |name: &str, value: Option<String>| kept.extend(value.map(|value| format!("{name}={value}")));
    keep("invoke", options.invoke.clone());
    keep("start", options.start.clone());
    keep("fuel", options.limits.fuel.map(|n| n.to_string()));
    keep("max-stack", options.max_stack.map(|n| n.to_string()));
    keep("max-memory-size", options.max_memory_size.map(|n| n.to_string()));
    for item in options.features.items() {
        keep("wasm", Some(item));
    }
    if options.invoke.is_some() {
        for arg in &options.args {
            keep("arg", Some(arg.to_string_lossy().into_owned()));
        }
    }
    kept.join("\0").into_bytes()
}

/// The options of a run that replays a record in which `kept` is kept.
pub(in super::super) fn options_of(replay: ReplayOptions, kept: &[u8]) -> Result<RunOptions, Failure> {
    let ReplayOptions { module, replay, limits, tiering, no_debug_info, registry } = replay;
    let damaged = || Failure::unusable("the record was made by another version of dunlin, or is damaged");
    let mut options =
        RunOptions { module, limits, tiering, no_debug_info, registry, ..RunOptions::default() };
    options.recording.replay = Some(replay);
    options.limits.fuel = None;
    let kept = std::str::from_utf8(kept).map_err(|_| damaged())?;
    for item in kept.split('\0') {
        let (name, value) = item.split_once('=').ok_or_else(damaged)?;
        let number = || value.parse::<u64>().map_err(|_| damaged());
        match name {
            "run" => {}
            "invoke" => options.invoke = Some(value.into()),
            "start" => options.start = Some(value.into()),
            "fuel" => options.limits.fuel = Some(number()?),
            "max-stack" => options.max_stack = Some(number()?),
            "max-memory-size" => options.max_memory_size = Some(number()?),
            "wasm" if options.features.take(value)? => {}
            "arg" => options.args.push(value.into()),
            _ => return Err(damaged()),
        }
    }
    Ok(options)
}
