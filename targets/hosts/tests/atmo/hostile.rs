//! Runnables that don't keep to the ABI, or ask for too much.

use super::guests::{echo, runnable, runnable_with};
use dunlin::{Budget, Config, Engine, Error, ErrorKind, Module, Trap};
use dunlin_hosts::atmo::{Cache, Capabilities, Files, Request, Response, RunError, Runnable, Task};
use dunlin_hosts::services::kv::MemoryStore;
use dunlin_hosts::services::log::KeptLog;
use std::sync::Arc;

const LIMIT: u64 = 4 << 20;

fn request() -> Request {
    let mut request = Request::of_body(r#"{"a":"text","b":1}"#);
    request.headers.insert("x".into(), "header".into());
    request
}

/// Calls a runnable that may take 4 MiB and some fuel, and sees that nothing of that is kept.
fn call(text: &str, request: Request) -> Result<Response, RunError> {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let store = Arc::new(MemoryStore::new(&Budget::new(1 << 20)));
    let capabilities = Capabilities {
        cache: Some(Arc::new(Cache::new(store))),
        files: Some(Arc::new(Files::from_iter([("file", "content")]))),
        ..Capabilities::default()
    };
    let module = Module::new(&engine, text).unwrap();
    let runnable = Runnable::new(&module, "hostile", &Arc::new(capabilities)).unwrap();
    let budget = Budget::new(LIMIT);
    let result = runnable.call(request, &Task::new(&budget).fuel(10_000_000));
    assert_eq!(budget.used(), 0);
    result
}

#[track_caller]
fn fails(text: &str) -> Error {
    match call(text, request()) {
        Err(RunError::Failed(error)) => error,
        Err(RunError::Returned(returned)) => panic!("it says {:.99}", returned.message),
        Ok(_) => panic!("it has a result"),
    }
}

/// What a host function gives back.
#[track_caller]
fn gives(data: &str, body: &str) -> i32 {
    let body = format!(
        "(local.set $n {body}) (i32.store (i32.const 32768) (local.get $n))
        (call $result (i32.const 32768) (i32.const 4) (local.get $ident))"
    );
    let response = call(&runnable(data, &body), request()).unwrap();
    i32::from_le_bytes(*response.output.first_chunk().unwrap())
}

const GET: &str = "(call $get (i32.const 2) (i32.const 16) (i32.const 1) (local.get $ident))";

#[test]
fn sizes_are_those_of_the_abi() {
    assert_eq!(gives("x", GET), 6);
    // While a result waits to be fetched, there is no other.
    assert_eq!(gives("x", &format!("(drop {GET}) {GET}")), -1);
    assert_eq!(
        gives("x", &format!("(drop {GET}) (drop (call $fetch (i32.const 0) (local.get $ident))) {GET}")),
        6
    );
    // But for an error, which the first libraries never fetch.
    let none = "(call $cached (i32.const 16) (i32.const 1) (local.get $ident))";
    assert_eq!(gives("x", &format!("(drop {none}) {GET}")), 6);
    // Nothing is there to be fetched, or it doesn't fit.
    assert_eq!(gives("x", "(call $fetch (i32.const 0) (local.get $ident))"), -1);
    assert_eq!(gives("x", &format!("(drop {GET}) (call $fetch (i32.const -3) (local.get $ident))")), -1);
    // Nobody else is called so.
    assert_eq!(gives("x", "(call $get (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 12345))"), -1);
    let of = |kind: i32, key: &str| {
        let len = key.len();
        gives(
            key,
            &format!("(call $get (i32.const {kind}) (i32.const 16) (i32.const {len}) (local.get $ident))"),
        )
    };
    // Of the body, only texts can be had; what is not there is empty elsewhere.
    assert_eq!((of(1, "a"), of(1, "b"), of(1, "c")), (4, -1, -1));
    assert_eq!(
        (of(0, "other"), of(2, "X"), of(2, "y"), of(3, "y"), of(4, "y"), of(5, "y")),
        (0, 6, 0, 0, 0, 0)
    );
    assert_eq!((of(6, "y"), of(-1, "y")), (-1, -1));
    // Addresses and lengths that lie, and names that aren't text.
    for span in [
        "(i32.const -1) (i32.const 1)",
        "(i32.const 16) (i32.const -1)",
        "(i32.const 65536) (i32.const 9999999)",
    ] {
        assert_eq!(gives("x", &format!("(call $get (i32.const 2) {span} (local.get $ident))")), -2);
        assert_eq!(gives("x", &format!("(call $cached {span} (local.get $ident))")), -2);
        assert_eq!(gives("x", &format!("(call $cache {span} {span} (i32.const 0) (local.get $ident))")), -2);
        assert_eq!(gives("x", &format!("(call $file {span} (local.get $ident))")), -2);
        assert_eq!(gives("x", &format!("(call $db (i32.const 0) {span} (local.get $ident))")), -2);
        assert_eq!(gives("x", &format!("(call $var {span} {span} (local.get $ident))")), -2);
        assert_eq!(gives("x", &format!("(call $url (i32.const 0) {span} {span} (local.get $ident))")), -2);
    }
    let one = "(i32.const 16) (i32.const 1)";
    let unreadable = "(block (result i32) (i32.store8 (i32.const 16) (i32.const 255))
        (call $cached (i32.const 16) (i32.const 1) (local.get $ident)))";
    assert_eq!(gives("x", unreadable), -2);
    assert_eq!(gives("x", &format!("(call $url (i32.const 7) {one} {one} (local.get $ident))")), -2);
    // Errors, by the lengths of their texts.
    let switched_off = -("capability is not enabled".len() as i32);
    assert_eq!(
        gives("x", &format!("(call $url (i32.const 0) {one} {one} (local.get $ident))")),
        switched_off
    );
    let unsupported = -("db_exec is unsupported: there is no database here".len() as i32);
    assert_eq!(gives("x", &format!("(call $db (i32.const 1) {one} (local.get $ident))")), unsupported);
    assert_eq!(gives("x", &format!("(call $db (i32.const 4) {one} (local.get $ident))")), -18);
    assert_eq!(gives("file", "(call $file (i32.const 16) (i32.const 4) (local.get $ident))"), 7);
    // Swift's variants have two words more.
    let swift =
        "(call $cached_swift (i32.const 16) (i32.const 1) (local.get $ident) (i32.const 7) (i32.const 8))";
    assert_eq!(gives("x", swift), -13);
    // Setting keeps an empty result.
    let set = |kind: i32, key: u32| {
        format!(
            "(call $set (i32.const {kind}) (i32.const 16) (i32.const {key}) (i32.const 16) (i32.const 1) (local.get $ident))"
        )
    };
    assert_eq!(gives("x", &format!("(drop {}) {GET}", set(2, 1))), -1);
    let fetch = "(drop (call $fetch (i32.const 0) (local.get $ident)))";
    assert_eq!(gives("x", &format!("(drop {}) {fetch} {GET}", set(2, 1))), 1);
    assert_eq!((gives("x", &set(5, 1)), gives("x", &set(0, 1))), (-18, -13));
}

#[test]
fn a_changed_request_is_what_it_is_asked_for() {
    let set = |kind: i32, value: i32| {
        format!(
            "(drop (call $set (i32.const {kind}) (i32.const 16) (i32.const 1) (i32.const 20) (i32.const {value}) (local.get $ident)))
            (drop (call $fetch (i32.const 0) (local.get $ident)))"
        )
    };
    let body = "(call $get (i32.const 0) (i32.const 36) (i32.const 4) (local.get $ident))";
    let fetched = |setting: &str, getting: &str| {
        let body = format!(
            "{setting} (local.set $n {getting}) (drop (call $fetch (i32.const 32768) (local.get $ident)))
            (call $result (i32.const 32768) (local.get $n) (local.get $ident))"
        );
        let response = call(&runnable("a   new             body", &body), request()).unwrap();
        String::from_utf8(response.output.to_vec()).unwrap()
    };
    assert_eq!(fetched(&set(1, 3), body), r#"{"a":"new","b":1}"#);
    assert_eq!(
        fetched(&set(4, 3), "(call $get (i32.const 4) (i32.const 16) (i32.const 1) (local.get $ident))"),
        "new"
    );
}

#[test]
fn what_the_abi_forbids_is_a_failure() {
    let outside = "names bytes outside of its memory";
    for body in [
        "(call $result (i32.const -1) (i32.const 4) (local.get $ident))",
        "(call $result (i32.const 0) (i32.const -1) (local.get $ident))",
        "(call $error (i32.const 1) (i32.const 131072) (i32.const 65537) (local.get $ident))",
        "(call $log (i32.const 0) (i32.const 999999) (i32.const 1) (local.get $ident))",
        "(call $header (i32.const 0) (i32.const 1) (i32.const -9) (i32.const 10) (local.get $ident))",
        "(call $abort (i32.const 0) (i32.const 1) (i32.const -9) (i32.const 10) (i32.const 0) (i32.const 0) (local.get $ident))",
    ] {
        let error = fails(&runnable("", body)).to_string();
        assert!(error.contains(outside), "{body}: {error}");
    }
    for allocate in ["(i32.const -1)", "(i32.const 131071)", "(i32.const 0x7fffffff)"] {
        let text = format!(
            r#"(module (memory (export "memory") 2)
                (func (export "allocate") (param i32) (result i32) {allocate})
                (func (export "run_e") (param i32 i32 i32)))"#
        );
        assert!(fails(&text).to_string().contains("a place outside of its memory"));
    }
    // Who calls too early has no memory yet.
    let text = runnable_with(
        "",
        "",
        "(func $early (call $log (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 1))) (start $early)",
    );
    assert!(fails(&text).to_string().contains("before it has a memory"));
    // Whoever isn't known has nothing done.
    let response =
        call(&runnable("x", "(call $result (i32.const 16) (i32.const 1) (i32.const 99))"), request());
    assert_eq!(response.unwrap(), Response::default());
    for text in [
        "(module)",
        r#"(module (memory (export "memory") 1))"#,
        r#"(module (memory (export "memory") 1) (func (export "run_e") (param i32 i32 i32)))"#,
        r#"(module (memory (export "run_e") 1) (func (export "memory")) (func (export "allocate")))"#,
    ] {
        let module = Module::new(&Engine::default(), text).unwrap();
        assert!(Runnable::new(&module, "none", &Arc::new(Capabilities::default())).is_err(), "{text}");
    }
    // Exports of other types are found when they are called.
    let text = r#"(module (memory (export "memory") 1) (func (export "run_e")) (func (export "allocate") (param i64)))"#;
    fails(text);
}

#[test]
fn starts_are_called_once_and_exits_are_obeyed() {
    let text = |start: &str, code: u32| {
        format!(
            r#"(module
                (import "env" "return_result" (func $result (param i32 i32 i32)))
                (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1) (data (i32.const 16) "0")
                (func $count (i32.store8 (i32.const 16) (i32.add (i32.load8_u (i32.const 16)) (i32.const 1))))
                (func (export "{start}") (call $count) (call $exit (i32.const {code})))
                (func (export "allocate") (param i32) (result i32) (i32.const 1024))
                (func (export "run_e") (param i32 i32 i32)
                    (call $result (i32.const 16) (i32.const 1) (local.get 2)) (call $exit (i32.const 0))))"#
        )
    };
    for start in ["_initialize", "_start", "init"] {
        assert_eq!(&call(&text(start, 0), request()).unwrap().output[..], b"1");
    }
    assert_eq!(&call(&text("start", 0), request()).unwrap().output[..], b"0");
    fails(&text("_start", 3));
}

/// Everything that a runnable can have its host keep is paid for.
#[test]
fn nothing_grows_without_bound() {
    let loops = |what: &str| runnable("key", &format!("(loop {what} (br 0))"));
    let page = "(i32.const 0) (i32.const 65536)";
    let one = "(i32.const 16) (i32.const 1)";
    for what in [
        format!("(drop (call $var {one} {page} (local.get $ident)))"),
        format!("(drop (call $var {one} (i32.const 0) (i32.const 0) (local.get $ident)))"),
        format!("(call $header {one} {page} (local.get $ident))"),
        format!(
            "(drop (call $set (i32.const 4) {one} {page} (local.get $ident))) (drop (call $fetch (i32.const 65536) (local.get $ident)))"
        ),
        format!("(call $error (i32.const 1) {page} (local.get $ident))"),
    ] {
        let error = fails(&loops(&what));
        let is_over =
            matches!(error.kind(), ErrorKind::OutOfBudget) || error.trap() == Some(Trap::OutOfBudget);
        assert!(is_over, "{what}: {error:?}");
    }
    // These keep the last alone, or a bounded part.
    for what in [
        format!("(call $result {page} (local.get $ident))"),
        format!("(call $log {page} (i32.const 1) (local.get $ident))"),
        format!("(drop (call $cache {one} {page} (i32.const 1) (local.get $ident)))"),
    ] {
        assert_eq!(fails(&loops(&what)).trap(), Some(Trap::OutOfFuel), "{what}");
    }
    assert_eq!(fails(&runnable("", "(loop (br 0))")).trap(), Some(Trap::OutOfFuel));
    let larger = Request::of_body(vec![7; LIMIT as usize]);
    assert!(matches!(call(&echo(), larger), Err(RunError::Failed(_))));
}

#[test]
fn messages_have_levels_and_are_bounded() {
    let (engine, log) = (Engine::default(), KeptLog::default());
    let capabilities = Capabilities { log: Arc::new(log.clone()), ..Capabilities::default() };
    let said = "(loop (call $log (i32.const 16) (i32.const 16) (local.get $n) (local.get $ident))
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $n) (i32.const 100000))))";
    let module = Module::new(&engine, runnable("0123456789abcdef", said)).unwrap();
    let runnable = Runnable::new(&module, "loud", &Arc::new(capabilities)).unwrap();
    runnable.call(Request::default(), &Task::new(engine.budget())).unwrap();
    let lines = log.lines();
    let levels: Vec<_> = lines.iter().take(6).map(|(level, ..)| level.to_string()).collect();
    assert_eq!(levels, ["info", "error", "warn", "info", "debug", "info"]);
    assert!(lines.len() < 5000 && lines.last().unwrap().2.contains("isn't logged"), "{}", lines.len());
}
