//! Passes strings in and out of a guest's memory, from outside and from a host function.
//!
//!     cargo run --release -p dunlin --example memory

use dunlin::{Caller, Engine, Linker, Module, Store};
use std::error::Error;

// `shout` changes small letters to capitals, in place, and shows the string to the host. Here the host may use the memory
// from 16 on; a guest made by a compiler exports an allocator.
const TEXT: &str = r#"
    (module
        (import "host" "show" (func $show (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "shout") (param $at i32) (param $len i32) (local $i i32) (local $c i32)
            (block $done
                (loop $next
                    (br_if $done (i32.eq (local.get $i) (local.get $len)))
                    (local.set $c (i32.load8_u (i32.add (local.get $at) (local.get $i))))
                    (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))
                        (then (i32.store8 (i32.add (local.get $at) (local.get $i))
                            (i32.sub (local.get $c) (i32.const 32)))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br $next)))
            (call $show (local.get $at) (local.get $len))))
"#;

/// Offset and length come from the guest: the host checks both.
fn show(mut caller: Caller<'_, String>, at: u32, len: u32) -> Result<(), dunlin::Error> {
    let memory = caller.get_export("memory").and_then(|export| export.into_memory());
    let memory = memory.ok_or_else(|| dunlin::Error::msg("the guest exports no memory"))?;
    // Borrows the guest's bytes and the store's data at once.
    let (bytes, shown) = memory.data_and_store_mut(&mut caller);
    let bytes = bytes.get(at as usize..).and_then(|bytes| bytes.get(..len as usize));
    let bytes = bytes.ok_or_else(|| dunlin::Error::msg("a string beyond the memory's end"))?;
    shown.push_str(std::str::from_utf8(bytes).map_err(dunlin::Error::host)?);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;
    let mut linker = Linker::<String>::new(&engine);
    linker.func_wrap("host", "show", show)?;
    let mut store = Store::new(&engine, String::new());
    let instance = linker.instantiate(&mut store, &module)?;
    let memory = instance.get_memory(&store, "memory").expect("it exports its memory");
    let shout = instance.get_typed_func::<(u32, u32), ()>(&store, "shout")?;

    let text = "read me";
    memory.write(&mut store, 16, text.as_bytes())?;
    shout.call(&mut store, (16, text.len() as u32))?;
    println!("{}", store.data());
    assert_eq!(store.data(), "READ ME");
    assert_eq!(&memory.data(&store)[16..23], b"READ ME");
    assert!(shout.call(&mut store, (65_530, 6)).is_ok() && shout.call(&mut store, (65_530, 7)).is_err());
    Ok(())
}
