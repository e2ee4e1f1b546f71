//! What the validator knows of a module, kept so that a body can be validated again up to an instruction: that tells the
//! types of operands there, for snapshots and core dumps.

use crate::memory::Charge;
use wasmparser::ValidatorResources;

#[derive(Debug)]
pub(crate) struct Validated {
    /// `None` if the module defines no function.
    pub(crate) resources: Option<ValidatorResources>,
    /// For what the validator has made of the module.
    pub(crate) charge: Charge,
}
