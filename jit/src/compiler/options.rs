//! How code is generated.

use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use dunlin::tier::RelaxedSimd;

/// How code is generated.
#[derive(Clone, Copy)]
pub(crate) struct CodeOptions {
    /// Whether memories have guard regions.
    pub(crate) guarded: bool,
    /// Whether accesses after a failed bounds check must not happen speculatively either.
    pub(crate) spectre: bool,
    /// Whether fuel is counted.
    pub(crate) fuel: bool,
    /// What the results of relaxed vector instructions are.
    pub(crate) relaxed_simd: RelaxedSimd,
    /// Whether the profile decides what is inlined. Otherwise only size does, which keeps native frames small.
    pub(crate) by_profile: bool,
    /// Whether code has deoptimisation exits, for suspension.
    pub(crate) suspends: bool,
    /// Whether the code must work in other processes: it then embeds no addresses and no engine-wide type numbers.
    pub(crate) portable: bool,
    pub(crate) c_convention: CallConv,
    pub(crate) frontend: TargetFrontendConfig,
}
