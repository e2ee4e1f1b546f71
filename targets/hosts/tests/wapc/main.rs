//! waPC's guests: one of ours, which tries what a host has to bear, and public ones, if `WAPC_MODULES` names a folder.

use dunlin::{Budget, Config, Engine, Module, Trap};
use dunlin_hosts::services::log::KeptLog;
use dunlin_hosts::wapc::{CallError, Guest, Host, HostCall, Instance, Task};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const GUEST: &str = include_str!("guest.wat");

/// Says back what it was asked, or refuses to.
#[derive(Debug)]
struct Parrot;

impl Host for Parrot {
    fn call(&self, call: HostCall<'_>, task: &mut Task) -> Result<Vec<u8>, String> {
        let HostCall { binding, namespace, operation, payload } = call;
        match payload {
            b"no" => Err(format!("{operation} is refused")),
            b"spend" => {
                task.fuel = task.fuel.map(|left| left / 2);
                Ok(Vec::new())
            }
            b"flood" => Ok(vec![0; 8 << 20]),
            _ => Ok([binding.as_bytes(), namespace.as_bytes(), operation.as_bytes(), payload].join(&b'/')),
        }
    }
}

fn engine() -> Engine {
    let mut config = Config::new();
    config.consume_fuel(true);
    Engine::new(&config).unwrap()
}

fn guest(engine: &Engine) -> Guest {
    Guest::new(&Module::new(engine, GUEST).unwrap(), Arc::new(Parrot)).unwrap()
}

fn instance(engine: &Engine, budget: &Budget) -> Instance {
    guest(engine).instantiate(&mut Task::new(Some(1_000_000)), budget).unwrap()
}

/// Calls with fuel for some loops.
fn call(instance: &mut Instance, operation: &str, message: &[u8]) -> Result<Vec<u8>, CallError> {
    instance.call(operation, message, &mut Task::new(Some(100_000)))
}

#[track_caller]
fn fails(result: Result<Vec<u8>, CallError>, why: &str) {
    match result.unwrap_err() {
        CallError::Failed(error) => assert!(error.to_string().contains(why), "{error}"),
        CallError::Guest(text) => panic!("the guest says {text}"),
    }
}

#[track_caller]
fn refuses(result: Result<Vec<u8>, CallError>, why: &str) {
    assert!(matches!(&result, Err(CallError::Guest(text)) if text == why), "{result:?}");
}

#[test]
fn calls_go_both_ways() {
    let engine = engine();
    let mut instance = instance(&engine, engine.budget());
    assert_eq!(call(&mut instance, "count", b"").unwrap(), b"21");
    assert_eq!(call(&mut instance, "echo", b"hello").unwrap(), b"hello");
    assert_eq!(call(&mut instance, "ask", b"payload").unwrap(), b"binding/space/do/payload");
    refuses(call(&mut instance, "ask", b"no"), "do is refused");
    refuses(call(&mut instance, "fail", b"sorry"), "sorry");
    // Nothing is left of the last call.
    assert_eq!(call(&mut instance, "nothing", b"").unwrap(), b"");
    assert_eq!(call(&mut instance, "count", b"").unwrap(), b"27");
}

#[test]
fn what_a_guest_prints_is_logged() {
    let (engine, log) = (engine(), KeptLog::default());
    let guest = guest(&engine).logged(Arc::new(log.clone()), "parrot");
    let mut instance = guest.instantiate(&mut Task::new(Some(1_000_000)), engine.budget()).unwrap();
    call(&mut instance, "print", b"one").unwrap();
    call(&mut instance, "print", b"two\nthree").unwrap();
    let lines: Vec<_> = log.lines().into_iter().map(|(_, source, line)| (source, line)).collect();
    let expected = ["one", "two", "three"].map(|line| ("parrot".to_owned(), line.to_owned()));
    assert_eq!(lines, expected);
}

#[test]
fn what_the_abi_forbids_is_a_failure() {
    let engine = engine();
    for (operation, why) in [
        ("wild", "outside of its memory"),
        ("unreadable", "aren't UTF-8"),
        ("later", "__of_a_later_version"),
        ("trap", "unreachable"),
        ("spin", "fuel"),
    ] {
        fails(call(&mut instance(&engine, engine.budget()), operation, b""), why);
    }
    // A message for which the guest has no room.
    fails(call(&mut instance(&engine, engine.budget()), "echo", &[1; 200_000]), "outside of its memory");
    for text in [r#"(module (memory (export "memory") 1))"#, r#"(module (func (export "__guest_call")))"#] {
        let module = Module::new(&engine, text).unwrap();
        assert!(Guest::new(&module, Arc::new(Parrot)).is_err());
    }
}

#[test]
fn a_task_pays_for_all_that_is_done_for_it() {
    let engine = engine();
    let mut instance = instance(&engine, engine.budget());
    let mut task = Task::new(Some(100_000));
    instance.call("echo", b"x", &mut task).unwrap();
    let left = task.fuel.unwrap();
    assert!(left < 100_000);
    // The host halves what is left.
    instance.call("ask", b"spend", &mut task).unwrap();
    assert!(task.fuel.unwrap() <= left / 2);
}

#[test]
fn messages_are_charged_to_the_instance() {
    let engine = engine();
    let budget = Budget::new(2 << 20);
    let mut instance = instance(&engine, &budget);
    let used = budget.used();
    call(&mut instance, "echo", &[7; 50_000]).unwrap();
    assert_eq!(budget.used(), used);
    fails(call(&mut instance, "ask", b"flood"), "budget");
    drop(instance);
    assert_eq!(budget.used(), 0);
}

#[test]
fn whoever_watches_a_task_ends_it() {
    let engine = engine();
    let mut instance = instance(&engine, engine.budget());
    let mut task = Task::new(None).interrupted_by(|store| {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            store.interrupt();
        })
    });
    match instance.call("spin", b"", &mut task).unwrap_err() {
        CallError::Failed(error) => assert_eq!(error.trap(), Some(Trap::Interrupt)),
        CallError::Guest(text) => panic!("{text}"),
    }
}

/// Public guests in Rust, AssemblyScript, TinyGo and Zig, with what their own tests expect: the repository wapc/wapc-rs.
#[test]
fn public_guests_answer() {
    let Some(folder) = std::env::var_os("WAPC_MODULES") else {
        eprintln!("SKIPPED: WAPC_MODULES doesn't name a folder with the modules of wapc/wapc-rs");
        return;
    };
    let engine = engine();
    let start = |name: &str| {
        let module = Module::from_file(&engine, Path::new(&folder).join(name)).unwrap();
        let guest = Guest::new(&module, Arc::new(Parrot)).unwrap();
        guest.instantiate(&mut Task::default(), engine.budget()).unwrap()
    };
    let ask = |name: &str, operation: &str, message: &[u8]| {
        start(name)
            .call(operation, message, &mut Task::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    // "hello world" as MessagePack.
    let text = b"\xabhello world";
    assert_eq!(ask("wapc_guest_test.wasm", "echo", text), text);
    for name in ["wasm_basic.wasm", "wasi_basic.wasm"] {
        assert_eq!(ask(name, "ping", b"this is a test"), b"this is a test", "{name}");
    }
    for (name, answer) in [
        ("hello_as.wasm", "Hello"),
        ("hello_tinygo.wasm", "Hello"),
        ("hello_zig.wasm", "Hello, this is a testmyBinding/sample/hello/Simon!"),
    ] {
        assert_eq!(String::from_utf8(ask(name, "hello", b"this is a test")).unwrap(), answer, "{name}");
    }
}
