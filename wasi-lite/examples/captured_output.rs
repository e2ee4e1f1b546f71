//! Runs a WASI program with given arguments and input, and captures what it prints and its exit code.
//!
//!     cargo run --release -p dunlin-wasi-lite --example captured_output

use dunlin::{Engine, Linker, Module, Store};
use dunlin_wasi_lite::{I32Exit, ReadPipe, WasiCtx, WritePipe};
use std::error::Error;

// Copies its standard input to its standard output, once, and exits with 3. Usually a compiler makes such a program, from C
// or Rust.
const TEXT: &str = r#"
    (module
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 100))    ;; where the buffer is,
            (i32.store (i32.const 4) (i32.const 1000))   ;; and how long
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (call $exit (i32.const 3))))
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::default();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;

    // The program gets what is granted here and nothing else: no directory, no variable, no socket.
    let stdout = WritePipe::in_memory(64 << 10);
    let ctx = WasiCtx::builder()
        .args(&["program", "argument"])
        .stdin(ReadPipe::from("Hello, world!\n"))
        .stdout(stdout.clone())
        .build();
    let mut store = Store::new(&engine, ctx);
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&store, "_start")?;

    // A program ends by returning, or by an exit, which arrives as an error. Anything else is a trap.
    let code = match start.call(&mut store, ()) {
        Ok(()) => 0,
        Err(error) => error.downcast::<I32Exit>()?.0,
    };
    let output = String::from_utf8(stdout.contents())?;
    println!("it exited with {code} and printed {output:?}");
    assert_eq!((code, output.as_str()), (3, "Hello, world!\n"));
    Ok(())
}
