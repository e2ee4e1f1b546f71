//! Cranelift's settings.

use cranelift_codegen::{isa, settings};

/// Cranelift's settings.
///
/// # Errors
/// If Cranelift doesn't know one of the names.
pub(crate) fn flags(
    canonical_nans: bool,
    spectre: bool,
    verify: bool,
) -> Result<settings::Flags, settings::SetError> {
    use settings::Configurable;
    let mut flags = settings::builder();
    flags.set("opt_level", "speed")?;
    flags.set("preserve_frame_pointers", "true")?;
    // Stack probes: large frames touch each of their pages, since the stack grows by faults and ends in one.
    flags.set("enable_probestack", "true")?;
    flags.set("probestack_strategy", "inline")?;
    flags.set("probestack_size_log2", "12")?;
    flags.set("unwind_info", "false")?;
    flags.set("enable_verifier", if verify { "true" } else { "false" })?;
    flags.set("enable_nan_canonicalization", if canonical_nans { "true" } else { "false" })?;
    for name in ["enable_heap_access_spectre_mitigation", "enable_table_access_spectre_mitigation"] {
        flags.set(name, if spectre { "true" } else { "false" })?;
    }
    Ok(settings::Flags::new(flags))
}

/// Enables signing of return addresses in code for aarch64.
///
/// # Errors
/// If Cranelift doesn't know the name.
pub(crate) fn protect_branches(builder: &mut isa::Builder) -> Result<(), settings::SetError> {
    use settings::Configurable;
    if builder.triple().architecture.to_string().starts_with("aarch64") {
        builder.enable("sign_return_address")?;
    }
    Ok(())
}
