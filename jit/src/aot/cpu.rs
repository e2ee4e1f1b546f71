//! Features of processors that code may need, beyond what an architecture begins with.

/// A feature: its name in files, as Rust spells it, and Cranelift's.
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

/// Those of x86_64, in an order in which each level has those before it.
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

/// How many of them every processor has that a [`Jit`](crate::Jit) is made on: the level x86-64-v2.
#[cfg(feature = "compiler")]
pub(super) const BASELINE: usize = 5;
/// How many of them the level x86-64-v3 has.
#[cfg(feature = "compiler")]
pub(super) const V3: usize = 11;

/// The features of a kind of processor. On aarch64, nothing that WebAssembly can say gains by one.
pub(super) fn features(arch: &str) -> &'static [Feature] {
    if arch == "x86_64" { X86_64 } else { &[] }
}
