//! `--allow` and `--deny`: which of WASI's capabilities a module may import.

use super::values::Given;
use crate::failure::Failure;
use dunlin::Module;
use dunlin_wasi_lite::{Capability, capability};

/// What the options say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Grants {
    /// If there are any, nothing else is allowed.
    allowed: Vec<Capability>,
    denied: Vec<Capability>,
}

/// A word for several.
const FILES: [Capability; 3] = [Capability::OpensFiles, Capability::ReadsFiles, Capability::WritesFiles];

impl Grants {
    /// `--allow NAMES`
    pub(super) fn allow(&mut self, given: Given<'_>) -> Result<(), Failure> {
        self.allowed.extend(parse(given)?);
        Ok(())
    }

    /// `--deny NAMES`
    pub(super) fn deny(&mut self, given: Given<'_>) -> Result<(), Failure> {
        self.denied.extend(parse(given)?);
        Ok(())
    }

    /// Why the module is refused, if it is.
    pub(crate) fn refusal(&self, module: &Module) -> Option<String> {
        module.imports().find_map(|import| {
            let capability = capability(import.name()).filter(|_| import.module().starts_with("wasi_"))?;
            let name = capability.name();
            let reason = if self.denied.contains(&capability) {
                format!("--deny {name} refuses")
            } else if !self.allowed.is_empty() && !self.allowed.contains(&capability) {
                format!("without --allow {name} is refused")
            } else {
                return None;
            };
            Some(format!("it imports {}, for a program that {capability}, which {reason}", import.name()))
        })
    }
}

fn parse(given: Given<'_>) -> Result<Vec<Capability>, Failure> {
    let mut capabilities = Vec::new();
    for name in given.text()?.split(',') {
        if name == "files" {
            capabilities.extend(FILES);
            continue;
        }
        let Some(capability) = Capability::ALL.iter().find(|capability| capability.name() == name) else {
            let known: Vec<_> = Capability::ALL.iter().map(|capability| capability.name()).collect();
            return Err(Failure::usage(format_args!(
                "{} takes {} or files, separated by commas, not '{name}'",
                given.option,
                known.join(", ")
            )));
        };
        capabilities.push(*capability);
    }
    Ok(capabilities)
}
