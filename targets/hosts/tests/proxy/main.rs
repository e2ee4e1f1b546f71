//! A proxy with filters, on sockets.
#![cfg(feature = "proxy")]

#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod passing;

use common::Running;
use common::origin::Origin;
use dunlin::{Engine, Module};
use dunlin_hosts::proxy::{Proxy, ProxyOptions};
use dunlin_hosts::proxy_wasm::{Plugin, PluginOptions};
use dunlin_hosts::server::ServerOptions;
use std::time::Duration;

/// Our filter, in a mode.
pub(crate) fn ours(mode: &str) -> Plugin {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hosts/filter.wasm");
    let module = Module::from_file(&Engine::default(), file).unwrap();
    Plugin::new(&module, PluginOptions::default().configuration(mode)).unwrap()
}

/// A filter that has these functions, with what an allocator gives at 4096.
pub(crate) fn text(functions: &str, options: PluginOptions) -> Plugin {
    let text = format!(
        r#"(module {functions} (func (export "proxy_abi_version_0_2_1"))
            (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096)))"#
    );
    Plugin::new(&Module::new(&Engine::default(), text).unwrap(), options).unwrap()
}

/// A proxy of these, with two workers.
pub(crate) fn start(
    plugins: &[Plugin],
    to: &Origin,
    change: impl FnOnce(ProxyOptions) -> ProxyOptions,
) -> Running {
    let options = ProxyOptions::to(&format!("http://{}", to.address)).unwrap();
    let proxy = Proxy::new(plugins, change(options.workers(2))).unwrap();
    Running::start(proxy, |options: &mut ServerOptions| options.limits.time = Duration::from_secs(20))
}
