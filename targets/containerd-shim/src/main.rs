//! containerd's shim for WebAssembly containers on Dunlin: `containerd-shim-dunlin-v1`.
//!
//! containerd starts it for each container, or each pod of Kubernetes. The crate `containerd-shim-wasm` speaks to
//! containerd and makes the container: namespaces, control group, mounts, standard streams. In it, `sandbox` runs the
//! guest as the command `dunlin` does, by its library.
#![forbid(unsafe_code)]

mod command;
mod compiler;
mod limit;
mod module;
mod orphan;
mod sandbox;

use containerd_shim_wasm::shim::{Cli, Shim, Version, version};

/// The shim, as containerd's crate sees it.
struct Dunlin;

impl Shim for Dunlin {
    type Sandbox = sandbox::Container;

    fn name() -> &'static str {
        "dunlin"
    }

    fn version() -> Version {
        version!()
    }

    #[allow(refining_impl_trait, reason = "the trait's own type can't be named")]
    async fn compiler() -> Option<compiler::AheadOfTime> {
        compiler::AheadOfTime::if_wanted()
    }
}

fn main() {
    // Both before there are threads and other processes: `run` begins with a fork.
    limit::keep_hierarchy();
    orphan::remove_if_asked(std::env::args_os().skip(1));
    Dunlin::run(None);
}
