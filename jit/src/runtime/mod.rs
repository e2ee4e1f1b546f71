//! What machine code needs while it runs: pages to lie in, a stack, a way in and out, and somebody who turns its
//! faults into traps. Nothing here knows how code is made.
//!
//! Faults are the processor's way to say "trap", and stacks grow by faults too, so this rests on signals; it is
//! written for Linux on x86_64 and aarch64. Elsewhere, [`AVAILABLE`] is false and only the [`code_map`] is there.
//!
//! This folder is the only one of the crate with `unsafe`.

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

/// Whether machine code can be run here. Where it can't, the modules below don't exist.
pub(crate) const AVAILABLE: bool = cfg!(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// What stands in for the rest where it can't be.
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
