//! `dunlin pull`

use crate::args::PullOptions;
use crate::failure::Failure;
use crate::modules::load::{Opened, Tap, pinned, program_name};
use crate::modules::policy::load_bundle;
use crate::modules::registry::{open_artifact, reference};
use crate::output::destination::Destination;
use crate::output::{Progress, complain, count, print, readable};
use dunlin::{Engine, ModuleOptions};
use dunlin_hosts::oci::PulledModule;
use dunlin_hosts::opa::BundleOptions;
use std::io::{self, Read};
use std::path::PathBuf;

/// Fetches a module, or a bundle of policies, validates it while it arrives, and writes it to a file.
pub(crate) fn pull(options: &PullOptions) -> Result<(), Failure> {
    let reference = reference(&options.module)?;
    let path = format!("oci://{reference}");
    // Before the registry is asked, if it is known.
    let given = options.output.as_deref().map(|output| Destination::open("-o", output)).transpose()?;
    let pulled = open_artifact(&reference, &options.registry)?;
    let extension = if pulled.is_bundle() { "tar.gz" } else { "wasm" };
    let named = || PathBuf::from(format!("{}.{extension}", program_name(path.as_ref())));
    let output = options.output.clone().unwrap_or_else(named);
    let destination = match given {
        Some(destination) => destination,
        None => Destination::open("-o", &output)?,
    };
    let pinned = pinned(&reference, &pulled);
    let bytes = validated(path, pulled, pinned.clone())?;
    destination.write(&|out| out.write_all(&bytes))?;
    let summary = format!("{pinned}: {} in {}", count(bytes.len() as u64, "byte"), output.display());
    // Where the module goes, nothing else does.
    if destination.is_stdout() {
        complain(summary);
        return Ok(());
    }
    print(&format!("{summary}\n"))
}

/// Reads it to its end. Of a bundle the policy is validated, and not who has signed it: that is for who uses it.
fn validated(name: String, pulled: PulledModule, pinned: String) -> Result<Vec<u8>, Failure> {
    let engine = Engine::default();
    let is_bundle = pulled.is_bundle();
    let pulled = Arriving { source: pulled, bytes: 0, progress: Progress::on_stderr(), name: pinned.clone() };
    if !is_bundle {
        let opened = Opened::of(name, Box::new(pulled), Some(pinned))?;
        return Ok(opened.load_whole(&engine, &ModuleOptions::new())?.bytes);
    }
    let mut tap = Tap::new(pulled, Some(Vec::new()));
    load_bundle(&engine, &name, &mut tap, &BundleOptions::default().skip_verification())?;
    Ok(tap.kept.unwrap_or_default())
}

/// What is pulled, and how much of it has come.
struct Arriving {
    source: PulledModule,
    bytes: u64,
    progress: Progress,
    name: String,
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.progress
            .show(|| format!("{}: {} of {}", self.name, readable(self.bytes), readable(self.source.size())));
        let count = self.source.read(into)?;
        self.bytes += count as u64;
        Ok(count)
    }
}
