//! Runtime support for machine code: executable pages, a native stack, entry and exit, and the signal handler that
//! turns faults into traps. Nothing here depends on how code is generated.
//!
//! Traps are hardware faults, and stacks grow by faults too, so this rests on signal handlers. It is written for Linux
//! on x86_64 and aarch64. Elsewhere [`AVAILABLE`] is false, `elsewhere` has stand-ins that are never reached, and only
//! [`code_map`] and [`traps`] are the same.
//!
//! The crate's `unsafe` is here, apart from `tier.rs`, which passes the contract of [`Tier`](dunlin::tier::Tier)'s
//! methods on to this module, and the harness of `compiler/ops_tests`.

#![cfg_attr(
    not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
    allow(dead_code, reason = "there, nothing looks at what is known of code")
)]

mod code_map;
mod traps;

#[cfg(any(test, feature = "compiler"))]
pub(crate) use code_map::CodeMapBuilder;
pub(crate) use code_map::{CodeMap, MapError};
#[cfg(feature = "compiler")]
pub(crate) use code_map::{Inlined, MapRoom};
#[cfg(all(test, feature = "compiler"))]
pub(crate) use traps::trap_of;
#[cfg(feature = "compiler")]
pub(crate) use traps::{ENTRY, FAILED, INLINED};

/// Whether machine code can be run on this target. If not, the platform modules below aren't compiled.
pub(crate) const AVAILABLE: bool = cfg!(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// Stand-ins for the platform modules on other targets.
#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod elsewhere;
#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(crate) use elsewhere::{
    Account, CodeChunk, CodeStack, call, has_address_space, install, is_outermost, leaves_address_space,
    on_home, on_new, prepare_thread, probe_code, publish, unwind,
};

macro_rules! where_available {
    ($($item:item)*) => {$(
        #[cfg(all(
            target_os = "linux",
            target_pointer_width = "64",
            target_endian = "little",
            any(target_arch = "x86_64", target_arch = "aarch64")
        ))]
        $item
    )*};
}

where_available! {
    mod altstack;
    mod away;
    mod enter;
    mod call;
    mod frames;
    #[cfg(feature = "compiler")]
    mod fresh;
    mod memory;
    mod publish;
    mod registry;
    mod signals;
    mod stack;

    pub(crate) use away::on_home;
    #[cfg(feature = "compiler")]
    pub(crate) use fresh::on_new;
    pub(crate) use call::{call, is_outermost, unwind};
    pub(crate) use memory::{CodeChunk, probe_code};
    pub(crate) use publish::publish;
    pub(crate) use signals::{install, prepare_thread};
    #[cfg(feature = "compiler")]
    pub(crate) use stack::has_address_space;
    pub(crate) use stack::{Account, CodeStack, leaves_address_space};

    #[cfg(test)]
    mod tests;
}
