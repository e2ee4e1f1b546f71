//! Compiles the layers of images ahead of time, as `dunlin compile` does.
//!
//! containerd's crate calls it once for each image, in the shim's own process, and keeps the result beside the image.

use anyhow::{Result, anyhow};
use containerd_shim_wasm::sandbox::context::WasmLayer;
use containerd_shim_wasm::shim::Compiler;
use dunlin::{Engine, Module};
use dunlin_jit::aot::{self, Compile, Target};
use std::hash::Hash;

/// The variable of containerd's own environment that asks for it. It isn't the container's: what is compiled takes
/// memory and time of the node, and its machine code is trusted by everything that runs the image.
const WANTED: &str = "DUNLIN_PRECOMPILE";

/// The largest layer that is compiled, in bytes. What it takes to compile one is in proportion, beside the compiler's own
/// bound for each function. There is no budget, since of a budget's memory compiling may only use what is for code.
const LARGEST: usize = 64 << 20;

/// Compiles for any processor of this node's kind.
pub(crate) struct AheadOfTime(Target);

impl AheadOfTime {
    /// A compiler, if the node's administrator wants that, and there can be one.
    pub(crate) fn if_wanted() -> Option<Self> {
        let wanted = std::env::var_os(WANTED).is_some_and(|value| value == "1");
        Target::here().filter(|_| wanted).map(Self)
    }

    fn compile_layer(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        if bytes.len() > LARGEST {
            return Err(anyhow!("it has {} bytes, more than {LARGEST}", bytes.len()));
        }
        let module = Module::new(&Engine::default(), bytes)?;
        let compiled = aot::compile(&module, bytes, &Compile::new(self.0)).map_err(|why| anyhow!(why))?;
        Ok(compiled.bytes)
    }
}

impl Compiler for AheadOfTime {
    fn cache_key(&self) -> impl Hash {
        (aot::identity(), self.0.to_string())
    }

    async fn compile(&self, layers: &[WasmLayer]) -> Result<Vec<Option<Vec<u8>>>> {
        let compile = |layer: &WasmLayer| {
            let compiled = self.compile_layer(&layer.layer);
            // What can't be compiled is still a module, or says why it isn't where it is run.
            compiled.inspect_err(|error| log::warn!("a layer stays as it is: {error}")).ok()
        };
        Ok(layers.iter().map(compile).collect())
    }
}
