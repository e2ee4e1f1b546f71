//! Plugins that share a kernel, as Extism has them: they own no memory that the host knows, but allocate blocks with the host,
//! and read their input and set their output there, by offsets.
//!
//!     cargo run --release -p dunlin --example kernel_plugin

use dunlin::error::Context;
use dunlin::{Caller, Engine, Linker, Module, Result, Store, StoreLimits, StoreLimitsBuilder};

/// The blocks of one plugin, one after the other.
struct Kernel {
    bytes: Vec<u8>,
    input: u64,
    output: (u64, u64),
    limits: StoreLimits,
}

/// As many bytes as a plugin may allocate.
const MOST: u64 = 1 << 20;

type Host<'a> = Caller<'a, Kernel>;

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::<Kernel>::new(&engine);
    let alloc = |mut caller: Host<'_>, len: u64| {
        let bytes = &mut caller.data_mut().bytes;
        let at = bytes.len() as u64;
        dunlin::ensure!(len <= MOST - at, "a plugin may allocate {MOST} bytes");
        bytes.resize((at + len) as usize, 0);
        Ok(at)
    };
    let load = |caller: Host<'_>, at: u64| {
        let byte = usize::try_from(at).ok().and_then(|at| caller.data().bytes.get(at));
        byte.map(|byte| u32::from(*byte)).context("no block is there")
    };
    let store = |mut caller: Host<'_>, at: u64, byte: u32| {
        let to = usize::try_from(at).ok().and_then(|at| caller.data_mut().bytes.get_mut(at));
        to.map(|to| *to = byte as u8).context("no block is there")
    };
    linker
        .func_wrap("extism:host/env", "alloc", alloc)?
        .func_wrap("extism:host/env", "load_u8", load)?
        .func_wrap("extism:host/env", "store_u8", store)?
        .func_wrap("extism:host/env", "input_length", |caller: Host<'_>| caller.data().input)?
        .func_wrap("extism:host/env", "input_load_u8", load)?
        .func_wrap("extism:host/env", "output_set", |mut caller: Host<'_>, at: u64, len: u64| {
            caller.data_mut().output = (at, len);
        })?;
    let plugin = Module::new(&engine, wat::parse_str(include_str!("kernel_plugin.wat"))?)?;
    let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
    let (input, bytes) = (8, b"extended".to_vec());
    let mut store = Store::new(&engine, Kernel { input, bytes, output: (0, 0), limits });
    store.limiter(|kernel| &mut kernel.limits);
    let instance = linker.instantiate(&mut store, &plugin)?;
    assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "shout")?.call(&mut store, ())?, 0);
    let Kernel { bytes, output: (at, len), .. } = store.data();
    assert_eq!(bytes[*at as usize..][..*len as usize], *b"EXTENDED");
    Ok(())
}
