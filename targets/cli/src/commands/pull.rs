//! `dunlin pull`

use crate::args::PullOptions;
use crate::failure::Failure;
use crate::modules::load::{Opened, program_name};
use crate::modules::registry::reference;
use crate::output::destination::Destination;
use crate::output::{complain, count, print};
use dunlin::{Engine, ModuleOptions};
use std::path::PathBuf;

/// Fetches a module, validates it while it arrives, and writes it to a file.
pub(crate) fn pull(options: &PullOptions) -> Result<(), Failure> {
    let path = format!("oci://{}", reference(&options.module)?);
    let output = options
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.wasm", program_name(path.as_ref()))));
    let destination = Destination::open("-o", &output)?;
    let opened = Opened::open(path.as_ref(), &options.registry)?;
    let pinned = opened.pinned.clone().unwrap_or(path);
    let whole = opened.load_whole(&Engine::default(), &ModuleOptions::new())?;
    destination.write(&|out| out.write_all(&whole.bytes))?;
    let summary = format!("{pinned}: {} in {}", count(whole.bytes.len() as u64, "byte"), output.display());
    // Where the module goes, nothing else does.
    if destination.is_stdout() {
        complain(summary);
        return Ok(());
    }
    print(&format!("{summary}\n"))
}
