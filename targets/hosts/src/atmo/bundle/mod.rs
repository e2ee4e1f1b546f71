//! Bundles: a ZIP archive with a Directive, the modules that it names, and files.

mod archive;
mod error;

pub use error::BundleError;

use super::capabilities::Files;
use super::database::Query;
use super::directive::Directive;
use super::plan::Plan;
use archive::Packed;
use dunlin::{Charge, Engine, Kind, Module};
use std::fmt;

/// How large a bundle may be, unpacked, if nothing else is said.
const MOST_BYTES: u64 = 128 << 20;

const DIRECTIVE: &str = "Directive.yaml";
const STATIC: &str = "static/";

/// An application that is ready to run.
pub struct Bundle {
    pub(super) plan: Plan,
    /// By the numbers of functions.
    pub(super) modules: Vec<Module>,
    pub(super) files: Files,
    /// For the files.
    pub(super) charge: Charge,
}

impl Bundle {
    /// How large an archive is that may be read, in bytes.
    pub const MOST_PACKED: u64 = 128 << 20;

    /// Reads a bundle of at most 128 MiB, unpacked. Modules and files are charged to the engine's budget. Its Directive is
    /// checked: what is wrong with it is said here, and not when somebody asks.
    ///
    /// # Errors
    ///
    /// If it can't be read, something in it is wrong, or there is no room.
    pub fn read(engine: &Engine, archive: &[u8]) -> Result<Self, BundleError> {
        let packed = archive::files(archive, MOST_BYTES)?;
        let mut charge = engine.budget().charge(Kind::Host, 0)?;
        let mut unpacked = |file: &Packed<'_>| {
            charge.grow(file.size())?;
            file.content()
        };
        let directive =
            packed.get(DIRECTIVE).ok_or_else(|| BundleError::invalid("it has no Directive.yaml"))?;
        let directive = Directive::parse(&unpacked(directive)?).map_err(BundleError::Directive)?;
        let plan = Plan::new(&directive).map_err(BundleError::Directive)?;
        let mut modules: Vec<Option<Module>> = plan.functions.names().map(|_| None).collect();
        let mut files = Vec::new();
        let mut kept = 0;
        for (name, file) in &packed {
            if let Some(name) = name.strip_prefix(STATIC) {
                files.push((name, unpacked(file)?));
                kept += file.size();
            } else if let Some(function) = name.strip_suffix(".wasm") {
                let unknown =
                    || BundleError::invalid(format_args!("its Directive doesn't list {function:?}"));
                let number = plan.functions.of_file(function).ok_or_else(unknown)?;
                let module = Module::new(engine, unpacked(file)?);
                let module = module.map_err(|error| BundleError::Module((*name).to_owned(), error))?;
                if modules[number].replace(module).is_some() {
                    return Err(BundleError::invalid(format_args!("two modules are {function:?}")));
                }
            }
        }
        let files = files.into_iter().collect();
        // Modules are charged by the engine.
        charge.shrink(charge.bytes() - kept);
        let names: Vec<_> = plan.functions.names().collect();
        let modules = modules.into_iter().zip(names).map(|(module, name)| {
            module.ok_or_else(|| BundleError::invalid(format_args!("it has no module for {name:?}")))
        });
        Ok(Self { modules: modules.collect::<Result<_, _>>()?, plan, files, charge })
    }

    /// The queries that its functions ask a database for.
    pub fn queries(&self) -> &[Query] {
        &self.plan.queries
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("plan", &self.plan).field("files", &self.files).finish_non_exhaustive()
    }
}
