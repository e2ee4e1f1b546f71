//! Runs a guest in the container's first process.

use crate::command::Command;
use crate::limit::{self, MemoryLimit};
use crate::module::Module;
use anyhow::{Context, Result};
use containerd_shim_wasm::sandbox::Sandbox;
use containerd_shim_wasm::sandbox::context::RuntimeContext;
use rustix::fs::{FileType, fstat};
use rustix::stdio::{dup2_stdin, stdin};
use std::fs::File;
use std::thread;

/// What a Rust program exits with after a panic.
const PANICKED: i32 = 101;

/// How much stack its thread has, in bytes: as much as a process's first.
const STACK: usize = 8 << 20;

/// What `dunlin` exits with if the program doesn't fit its memory budget.
const OVER_BUDGET: u8 = 126;

/// The inside of a container.
#[derive(Default)]
pub(crate) struct Container;

impl Sandbox for Container {
    async fn can_handle(&self, context: &impl RuntimeContext) -> Result<()> {
        Module::find(context).map(drop)
    }

    async fn run_wasi(&self, context: &impl RuntimeContext) -> Result<i32> {
        Ok(run(context).unwrap_or_else(|error| {
            // The container's log is where its owner looks; containerd's has it too.
            eprintln!("dunlin: {error:#}");
            log::error!("the container can't begin: {error:#}");
            1
        }))
    }
}

fn run(context: &impl RuntimeContext) -> Result<i32> {
    let_input_end();
    let command = Command::new(context);
    let module = Module::find(context)?.open(command.serves())?;
    let limit = limit::of_memory();
    let budget = limit.map(|limit| limit.budget(module.held()));
    let line = command.line(&module, budget);
    log::info!("dunlin {line:?}");
    let code = on_its_own_thread(move || dunlin_cli::main(line))?;
    let Some(code) = code else { return Ok(PANICKED) };
    if let (OVER_BUDGET, Some(limit), Some(budget)) = (code, limit, budget) {
        explain(limit, budget);
    }
    Ok(code.into())
}

/// Does the command's work on another thread, whose panic doesn't unwind into the code that made the container: this
/// thread drives the runtime of that code, within which no server can have its own. None means a panic.
fn on_its_own_thread(work: impl FnOnce() -> u8 + Send + 'static) -> Result<Option<u8>> {
    let thread = thread::Builder::new().name("dunlin".into()).stack_size(STACK).spawn(work);
    Ok(thread.context("there can be no thread")?.join().ok())
}

/// Opens standard input anew if it is a FIFO. What makes containers has opened it for writing as well, so its end would
/// never be seen.
fn let_input_end() {
    let is_fifo = |mode| FileType::from_raw_mode(mode) == FileType::Fifo;
    if fstat(stdin()).is_ok_and(|stat| is_fifo(stat.st_mode))
        && let Ok(input) = File::open("/proc/self/fd/0")
    {
        let _ = dup2_stdin(input);
    }
}

/// Says where the budget came from that a program doesn't fit.
fn explain(limit: MemoryLimit, budget: u64) {
    let MemoryLimit(bytes) = limit;
    eprintln!(
        "dunlin: the container's memory limit is {bytes} bytes, which leaves a budget of {budget} for its program"
    );
    log::error!(
        "the program doesn't fit the container's memory limit of {bytes} bytes (a budget of {budget})"
    );
}
