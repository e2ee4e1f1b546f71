//! The worker: a process with one engine in it, so that an engine's crash, hang or memory is its own. It answers
//! requests, one a line, with `ok` and numbers, or with `error` and a message:
//!
//! - `load EXPORT PATH`: loads the module; the CPU time in nanoseconds
//! - `run N`: calls the export; its result, and the CPU time
//! - `memory`: the peak so far in KiB, and what was resident before the engine began to load

use crate::engines::{Call, ENGINES};
use rustix::time::{ClockId, clock_gettime};
use std::io::{self, BufRead, Write};

pub(crate) fn work(name: &str) -> Result<(), String> {
    let engine = ENGINES.iter().find(|engine| engine.name == name);
    let load = engine.map(|engine| engine.load).ok_or_else(|| format!("no engine is called {name}"))?;
    let mut call: Option<Call> = None;
    let mut base = 0;
    let mut out = io::stdout();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let (request, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match request {
            "load" => rest.split_once(' ').ok_or("which module?".to_owned()).and_then(|(export, path)| {
                let wasm = std::fs::read(path).map_err(|error| error.to_string())?;
                base = status("VmRSS:");
                let start = cpu_time();
                call = Some(load(&wasm, export)?);
                Ok(format!("{}", cpu_time() - start))
            }),
            "run" => {
                let n = rest.parse().map_err(|_| "run takes a number".to_owned());
                call.as_mut().ok_or("nothing is loaded".to_owned()).and_then(|call| {
                    let start = cpu_time();
                    let result = call(n?)?;
                    Ok(format!("{result} {}", cpu_time() - start))
                })
            }
            "memory" => Ok(format!("{} {base}", status("VmHWM:"))),
            _ => Err("unknown request".to_owned()),
        };
        let answer = match answer {
            Ok(numbers) => format!("ok {numbers}"),
            Err(message) => format!("error {}", message.replace('\n', " ")),
        };
        writeln!(out, "{answer}").and_then(|()| out.flush()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The CPU time of the process's threads, in nanoseconds.
pub(crate) fn cpu_time() -> i64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// A field of the process's status, in KiB.
pub(crate) fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
