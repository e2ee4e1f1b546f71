//! Runs a guest in the container's first process.

use crate::command::Command;
use crate::limit::{self, MemoryLimit};
use crate::module::Module;
use anyhow::Result;
use containerd_shim_wasm::sandbox::Sandbox;
use containerd_shim_wasm::sandbox::context::RuntimeContext;
use std::panic::catch_unwind;

/// What a Rust program exits with after a panic.
const PANICKED: i32 = 101;

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
    let command = Command::new(context);
    let module = Module::find(context)?.open(command.serves())?;
    let limit = limit::of_memory();
    let budget = limit.map(|limit| limit.budget(module.held()));
    let line = command.line(&module, budget);
    log::info!("dunlin {line:?}");
    // An unwinding thread would leave the container's first process for the code that made it.
    let Ok(code) = catch_unwind(|| dunlin_cli::main(line)) else { return Ok(PANICKED) };
    if let (OVER_BUDGET, Some(limit), Some(budget)) = (code, limit, budget) {
        explain(limit, budget);
    }
    Ok(code.into())
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
