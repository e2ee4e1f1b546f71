//! The settings for which code was compiled.

use super::bytes::{Malformed, Take};
use super::cpu;
use super::format::{Checksum, FORMAT};
use dunlin::tier::{BulkOp, RelaxedSimd, layout};
use std::fmt;

/// The settings for which code was compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The version of the engine.
    pub engine: String,
    /// A hash of what code relies on in the engine.
    pub(super) interface: [u8; 16],
    /// The architecture, as Rust calls it: `x86_64` or `aarch64`.
    pub arch: String,
    /// The processor features that it requires beyond that, as Rust calls them.
    pub features: Vec<String>,
    /// Whether memories must have guard regions.
    pub guarded: bool,
    /// Whether fuel is counted.
    pub fuel: bool,
    /// Whether NaNs are canonical.
    pub canonical_nans: bool,
    /// What the results of relaxed vector instructions are.
    pub relaxed_simd: RelaxedSimd,
    /// Whether code keeps the processor from speculating past failed checks.
    pub spectre: bool,
    /// Whether return addresses are signed, on aarch64.
    pub branch_protection: bool,
}

impl Settings {
    /// Settings of this engine for an architecture, with every choice at its default.
    #[cfg(feature = "compiler")]
    pub(super) fn new(arch: &str) -> Self {
        Self {
            engine: env!("CARGO_PKG_VERSION").into(),
            interface: interface(),
            arch: arch.into(),
            features: Vec::new(),
            guarded: false,
            fuel: false,
            canonical_nans: false,
            relaxed_simd: RelaxedSimd::DETERMINISTIC,
            spectre: false,
            branch_protection: false,
        }
    }

    /// What the target's processors do in one instruction, by these features.
    #[cfg(feature = "compiler")]
    pub(super) fn machines_relaxed_simd(&self) -> RelaxedSimd {
        let has = |name: &str| self.features.iter().any(|feature| feature == name);
        RelaxedSimd { fused: self.arch == "aarch64" || has("fma"), x86: has("sse4.1") }
    }

    pub(super) fn is_of_this_engine(&self) -> bool {
        self.engine == env!("CARGO_PKG_VERSION") && self.interface == interface()
    }

    /// The first of [`features`](Self::features) that this machine's processor lacks.
    pub fn missing_feature(&self) -> Option<&str> {
        let here = |name: &str| {
            cpu::features(std::env::consts::ARCH)
                .iter()
                .any(|feature| feature.name == name && (feature.is_here)())
        };
        self.features.iter().map(String::as_str).find(|name| !here(name))
    }

    fn switches(&self) -> [bool; 7] {
        let RelaxedSimd { fused, x86 } = self.relaxed_simd;
        [self.guarded, self.fuel, self.canonical_nans, self.spectre, self.branch_protection, fused, x86]
    }

    #[cfg(feature = "compiler")]
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), std::num::TryFromIntError> {
        use super::bytes::put_block;
        put_block(out, self.engine.as_bytes())?;
        out.extend_from_slice(&self.interface);
        put_block(out, self.arch.as_bytes())?;
        put_block(out, self.features.join(" ").as_bytes())?;
        let bits = self.switches().into_iter().enumerate().map(|(i, on)| u8::from(on) << i);
        out.push(bits.sum());
        Ok(())
    }

    pub(super) fn read(from: &mut Take<'_>) -> Result<Self, Malformed> {
        let engine = from.text()?;
        let interface = from.array()?;
        let arch = from.text()?;
        let features = from.text()?.split_whitespace().map(str::to_owned).collect();
        let bits = from.u8()?;
        let [guarded, fuel, canonical_nans, spectre, branch_protection, fused, x86] =
            [0, 1, 2, 3, 4, 5, 6].map(|i| bits >> i & 1 != 0);
        let settings = Self {
            engine,
            interface,
            arch,
            features,
            guarded,
            fuel,
            canonical_nans,
            relaxed_simd: RelaxedSimd { fused, x86 },
            spectre,
            branch_protection,
        };
        if bits >> settings.switches().len() == 0 { Ok(settings) } else { Err(Malformed) }
    }
}

impl fmt::Display for Settings {
    /// As in "for `x86_64 with sse3 and more`".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arch)?;
        if !self.features.is_empty() {
            write!(f, " with {}", self.features.join(", "))?;
        }
        Ok(())
    }
}

/// The identity of this build's precompiled files: the version of the engine, and a hash of what code relies on in it.
/// A file of another identity runs without its code.
pub fn identity() -> String {
    let number: String = interface().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{FORMAT}-{number}", env!("CARGO_PKG_VERSION"))
}

/// A hash of what code relies on in the engine, such as the offsets of fields. While the engine is developed, its
/// version stays the same.
fn interface() -> [u8; 16] {
    let mut sum = Checksum::new();
    for offset in [
        layout::VMCTX_STORE,
        layout::VMCTX_MEM0,
        layout::VMCTX_BASE0,
        layout::VMCTX_NATIVES,
        layout::VMCTX_STUBS,
        layout::VMCTX_LIMIT,
        layout::VMCTX_POLL,
        layout::POLL_BYTES,
        layout::VMCTX_SIGNATURES,
        layout::VMCTX_BUILTINS,
        layout::BUILTIN_CALL,
        layout::BUILTIN_STACK,
        layout::BUILTIN_POLL,
        layout::BUILTIN_REFILL,
        layout::BUILTIN_COPY,
        layout::BUILTIN_FILL,
        layout::BUILTIN_BULK,
        layout::BUILTIN_THROW,
        layout::BUILTIN_THROW_REF,
        layout::BUILTIN_CAUGHT,
        layout::STORE_SLICE,
        layout::STORE_CALLEE,
        layout::STORE_BRIDGED,
        layout::STORE_THROWN,
        layout::MEMORY_BASE,
        layout::MEMORY_LEN,
        layout::TABLE_BASE,
        layout::TABLE_LEN,
        layout::GLOBAL_VALUE,
        layout::FUNC_SIG,
        layout::FUNC_VM,
        layout::FUNC_INDEX,
        layout::FUNC_CODE,
    ] {
        sum.add(&offset.to_le_bytes());
    }
    sum.add(&layout::GUARD.to_le_bytes());
    sum.add(&layout::FUEL_RULE.to_le_bytes());
    for op in BulkOp::ALL {
        sum.add(format!("{op:?} ").as_bytes());
    }
    for trap in (0..=u8::MAX).filter_map(dunlin::tier::trap) {
        sum.add(format!("{trap:?} ").as_bytes());
    }
    sum.finish()
}
