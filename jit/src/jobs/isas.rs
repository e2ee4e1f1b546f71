//! What Cranelift generates code for: this machine, with the settings of a module's engine.

use crate::compiler::{self, Decline};
use crate::options::Options;
use cranelift_codegen::isa::OwnedTargetIsa;
use dunlin::tier::View;
use std::sync::OnceLock;

/// Cranelift's targets, by whether NaNs are canonical and whether CLIF is verified. Made lazily: many programs end
/// before they need one.
#[derive(Default)]
pub(super) struct Isas([[OnceLock<OwnedTargetIsa>; 2]; 2]);

impl Isas {
    pub(super) fn get(&self, view: View<'_>, options: &Options) -> Result<&OwnedTargetIsa, Decline> {
        let (canonical_nans, verify) = (view.canonical_nans(), view.checks_translation());
        let place = &self.0[usize::from(canonical_nans)][usize::from(verify)];
        if let Some(made) = place.get() {
            return Ok(made);
        }
        let failed = |why: &dyn ToString| Decline::Compiler(why.to_string());
        let flags = compiler::flags(canonical_nans, options.spectre, verify).map_err(|why| failed(&why))?;
        let mut builder = cranelift_native::builder().map_err(|why| failed(&why))?;
        if options.branch_protection {
            compiler::protect_branches(&mut builder).map_err(|why| failed(&why))?;
        }
        let made = builder.finish(flags).map_err(|why| failed(&why))?;
        Ok(place.get_or_init(|| made))
    }
}
