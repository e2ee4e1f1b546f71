//! WASI's calls that wait, on one thread: if one blocked it, the test wouldn't end.

use crate::everywhere;
use dunlin::{Config, Engine, Linker, Module, Result, Store, Trap};
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder, WritePipe, p1};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Accepts a connection, and sends back what it receives.
const ECHO: &str = r#"(module
    (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\04\00\00\00")
    (func (export "_start")
        (if (call $accept (i32.const 3) (i32.const 0) (i32.const 8)) (then (unreachable)))
        (if (call $read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12)) (then (unreachable)))
        (if (call $write (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12))
            (then (unreachable)))))"#;

/// Sleeps for a millisecond, then writes "done\n".
const SLEEP: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\01")
    (data (i32.const 24) "\40\42\0f")
    (data (i32.const 100) "\6c\00\00\00\05\00\00\00done\n")
    (func (export "_start")
        (if (call $poll (i32.const 0) (i32.const 200) (i32.const 1) (i32.const 300)) (then (unreachable)))
        (if (i32.ne (i32.load (i32.const 300)) (i32.const 1)) (then (unreachable)))
        (if (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 400)) (then (unreachable)))))"#;

async fn run(engine: &Engine, module: &Module, ctx: WasiCtx) -> Result<Store<WasiCtx>> {
    let mut linker = Linker::new(engine);
    p1::add_to_linker_async(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(engine, ctx);
    let instance = linker.instantiate_async(&mut store, module).await?;
    instance.get_typed_func::<(), ()>(&store, "_start")?.call_async(&mut store, ()).await?;
    Ok(store)
}

#[test]
fn waiting_for_connections_lets_others_run() {
    let engine = Engine::default();
    let module = Module::new(&engine, ECHO).unwrap();
    everywhere(|| {
        let (engine, module) = (engine.clone(), module.clone());
        async move {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let ctx = WasiCtxBuilder::new().preopened_socket(listener).unwrap().build();
            let client = async {
                crate::later().await;
                let mut stream = TcpStream::connect(address).unwrap();
                crate::later().await;
                stream.write_all(b"ping").unwrap();
                stream
            };
            let (done, mut stream) = smol::future::zip(run(&engine, &module, ctx), client).await;
            done.unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"ping");
        }
    });
}

#[test]
fn sleepers_sleep_at_once() {
    // A deadline that is always reached has them yield, and not begin anew.
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let module = Module::new(&engine, SLEEP).unwrap();
    everywhere(|| {
        let (engine, module) = (engine.clone(), module.clone());
        async move {
            let sleep = || {
                let (engine, module) = (engine.clone(), module.clone());
                async move {
                    let output = WritePipe::in_memory(100);
                    let ctx = WasiCtxBuilder::new().stdout(output.clone()).build();
                    let mut linker = Linker::new(&engine);
                    p1::add_to_linker_async(&mut linker, |ctx| ctx).unwrap();
                    let mut store = Store::new(&engine, ctx);
                    store.set_fuel(10_000).unwrap();
                    let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
                    let start = instance.get_typed_func::<(), ()>(&store, "_start").unwrap();
                    start.call_async(&mut store, ()).await.unwrap();
                    assert_eq!(output.contents(), b"done\n");
                }
            };
            for sleeping in (0..20).map(|_| smol::spawn(sleep())).collect::<Vec<_>>() {
                sleeping.await;
            }
        }
    });
}

#[test]
fn an_interruption_ends_a_wait() {
    let engine = Engine::default();
    let module = Module::new(&engine, ECHO).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ctx = WasiCtxBuilder::new().preopened_socket(listener).unwrap().build();
    let mut linker = Linker::new(&engine);
    p1::add_to_linker_async(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&engine, ctx);
    let handle = store.interrupt_handle();
    let interrupt = async {
        crate::later().await;
        handle.interrupt();
    };
    let call = async {
        let instance = linker.instantiate_async(&mut store, &module).await?;
        instance.get_typed_func::<(), ()>(&store, "_start")?.call_async(&mut store, ()).await
    };
    let (result, ()) = smol::block_on(smol::future::zip(call, interrupt));
    assert_eq!(result.unwrap_err().trap(), Some(Trap::Interrupt));
}
