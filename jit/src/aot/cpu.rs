//! Processor features that code may need, beyond an architecture's base.

/// A feature: its name in files (Rust's), and Cranelift's setting.
pub(super) struct Feature {
    pub(super) name: &'static str,
    #[cfg_attr(not(feature = "compiler"), expect(dead_code, reason = "for the compiler"))]
    pub(super) setting: &'static str,
    /// Whether this processor has it.
    pub(super) is_here: fn() -> bool,
}

macro_rules! features {
    ($($name:tt $setting:literal)*) => {
        &[$(Feature { name: $name, setting: $setting, is_here: {
            #[cfg(target_arch = "x86_64")]
            { || std::is_x86_feature_detected!($name) }
            #[cfg(not(target_arch = "x86_64"))]
            { || false }
        } }),*]
    };
}

/// x86_64's, ordered so that each level is a prefix.
const X86_64: &[Feature] = features! {
    "sse3" "has_sse3"
    "ssse3" "has_ssse3"
    "sse4.1" "has_sse41"
    "sse4.2" "has_sse42"
    "popcnt" "has_popcnt"
    "avx" "has_avx"
    "avx2" "has_avx2"
    "bmi1" "has_bmi1"
    "bmi2" "has_bmi2"
    "fma" "has_fma"
    "lzcnt" "has_lzcnt"
};

/// The length of the prefix that a [`Jit`](crate::Jit) requires: the level x86-64-v2.
#[cfg(feature = "compiler")]
pub(super) const BASELINE: usize = 5;
/// The length of the prefix for the level x86-64-v3.
#[cfg(feature = "compiler")]
pub(super) const V3: usize = 11;

/// The features of an architecture. On aarch64, no WebAssembly instruction gains from any.
pub(super) fn features(arch: &str) -> &'static [Feature] {
    if arch == "x86_64" { X86_64 } else { &[] }
}
