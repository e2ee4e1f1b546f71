//! A typesetter's plugins, as Typst has them: functions of bytes. A function is given the lengths of its arguments; it asks
//! for the bytes, and gives the result back, by two functions of the host. Plugins have no state between calls, so each call
//! is made in an instance of its own, within bounds.
//!
//!     cargo run --release -p dunlin --example document_plugin

use dunlin::{Caller, Config, Engine, Extern, Linker, Memory, Module, Result, Store, Val, error::Context};

/// What the plugin is given, and what it gives.
#[derive(Default)]
struct Call {
    arguments: Vec<u8>,
    result: Vec<u8>,
}

fn memory(caller: &Caller<'_, Call>) -> Result<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory).context("the plugin exports no memory")
}

fn call(linker: &Linker<Call>, plugin: &Module, name: &str, arguments: &[&[u8]]) -> Result<Vec<u8>> {
    let mut store = Store::new(linker.engine(), Call { arguments: arguments.concat(), result: Vec::new() });
    store.set_fuel(1_000_000)?;
    let instance = linker.instantiate(&mut store, plugin)?;
    let func = instance.get_func(&mut store, name).with_context(|| format!("no function `{name}`"))?;
    let lengths: Vec<Val> = arguments.iter().map(|bytes| Val::I32(bytes.len() as i32)).collect();
    let mut code = [Val::I32(0)];
    func.call(&mut store, &lengths, &mut code)?;
    let result = store.into_data().result;
    dunlin::ensure!(code[0].i32() == Some(0), "the plugin says: {}", String::from_utf8_lossy(&result));
    Ok(result)
}

fn main() -> Result<()> {
    let engine = Engine::new(Config::new().consume_fuel(true).max_memory_size(1 << 20))?;
    let mut linker = Linker::<Call>::new(&engine);
    let give = |mut caller: Caller<'_, Call>, to: u32| {
        let (memory, call) = memory(&caller)?.data_and_store_mut(&mut caller);
        let to = memory.get_mut(to as usize..).and_then(|to| to.get_mut(..call.arguments.len()));
        to.context("out of bounds").map(|to| to.copy_from_slice(&call.arguments))
    };
    let take = |mut caller: Caller<'_, Call>, from: u32, len: u32| {
        let (memory, call) = memory(&caller)?.data_and_store_mut(&mut caller);
        let from = memory.get(from as usize..).and_then(|from| from.get(..len as usize));
        from.context("out of bounds").map(|from| call.result = from.to_vec())
    };
    linker.func_wrap("typst_env", "wasm_minimal_protocol_write_args_to_buffer", give)?.func_wrap(
        "typst_env",
        "wasm_minimal_protocol_send_result_to_host",
        take,
    )?;
    let plugin = Module::new(&engine, wat::parse_str(include_str!("document_plugin.wat"))?)?;
    let joined = call(&linker, &plugin, "join", &[b"type", b"set"])?;
    println!("{}", String::from_utf8_lossy(&joined));
    assert_eq!(joined, b"type*set");
    let error = call(&linker, &plugin, "join", &[b"", b"set"]).unwrap_err();
    assert_eq!(error.to_string(), "the plugin says: nothing to join");
    Ok(())
}
