//! `--profile`: what the guest spent its work on, as its file's name asks for it.

use crate::failure::Failure;
use crate::output::destination::Destination;
use dunlin::Profile;

/// Writes a profile of the module that messages call so.
pub(super) fn write(profile: &Profile, name: &str, file: &Destination) -> Result<(), Failure> {
    #[cfg(feature = "flamegraph")]
    if file.ends_in("svg") {
        return file.write(&|out| dunlin_debug::flame_graph(profile, name, out));
    }
    #[cfg(feature = "debug-info")]
    if file.ends_in("json") {
        return file.write(&|out| dunlin_debug::firefox_profile(profile, name, out));
    }
    let _ = name;
    file.write(&|out| lines(profile).try_for_each(|line| writeln!(out, "{line}")))
}

#[cfg(feature = "debug-info")]
fn lines(profile: &Profile) -> impl Iterator<Item = String> {
    profile.folded_with(|name| dunlin_debug::demangle(name).into())
}

#[cfg(not(feature = "debug-info"))]
fn lines(profile: &Profile) -> impl Iterator<Item = String> {
    profile.folded()
}
