//! Lambda's API on loopback (`api.rs`), and a function that does what its event says.
#![cfg(feature = "lambda")]

mod api;

use api::{Api, Posted, id};
use dunlin::{Budget, Config, Engine, Module};
use dunlin_hosts::lambda::{Failure, Function, FunctionOptions, LambdaError, Runtime};
use serde_json::json;
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Prints its event. But one that begins with t traps, with s spins, with x exits with 3, with p prints and then traps, and
/// with e prints its environment; g prints how much memory there is, and grows it.
const FUNCTION: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (func $print (param $from i32) (param $len i32)
        (i32.store (i32.const 0) (local.get $from))
        (i32.store (i32.const 4) (local.get $len))
        (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
            (then (call $exit (i32.const 9)))))
    (func $get (result i32)
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 65536))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (i32.load (i32.const 8)))
    (func (export "_start") (local $len i32) (local $what i32)
        (local.set $len (call $get))
        (local.set $what (i32.load8_u (i32.const 1024)))
        (if (i32.eq (local.get $what) (i32.const 116)) (then unreachable))
        (if (i32.eq (local.get $what) (i32.const 115)) (then (loop (br 0))))
        (if (i32.eq (local.get $what) (i32.const 120)) (then (call $exit (i32.const 3))))
        (if (i32.eq (local.get $what) (i32.const 112))
            (then (call $print (i32.const 1024) (local.get $len)) unreachable))
        (if (i32.eq (local.get $what) (i32.const 103))
            (then
                (i32.store8 (i32.const 16) (i32.add (i32.const 48) (memory.grow (i32.const 1))))
                (call $print (i32.const 16) (i32.const 1))
                (return)))
        (if (i32.eq (local.get $what) (i32.const 101))
            (then
                (drop (call $sizes (i32.const 16) (i32.const 20)))
                (drop (call $environ (i32.const 65536) (i32.const 70000)))
                (call $print (i32.const 70000) (i32.load (i32.const 20)))
                (return)))
        (loop $more
            (call $print (i32.const 1024) (local.get $len))
            (br_if $more (local.tee $len (call $get))))))"#;

/// Answers all events, and gives what was posted.
fn answered(api: &Api, function: &Function) -> Vec<Posted> {
    let ended = runtime(api).serve(function).unwrap_err();
    assert!(matches!(ended, LambdaError::Status("the next event", 500)), "{ended}");
    api.posted.lock().unwrap().drain(..).collect()
}

fn runtime(api: &Api) -> Runtime {
    Runtime::new(&api.root())
}

fn function(config: &mut Config, options: FunctionOptions) -> Function {
    let engine = Engine::new(config).unwrap();
    Function::new(&Module::new(&engine, FUNCTION).unwrap(), options).unwrap()
}

#[test]
fn events_are_answered_one_after_the_other() {
    let large = vec![b'z'; 300_000];
    let api =
        Api::with(&[(&id("1"), br#"{"a": 1}"#), (&id("b-2"), &large), (&id("3"), b"g"), (&id("4"), b"g")]);
    let posted = answered(&api, &function(&mut Config::new(), FunctionOptions::default()));
    let paths: Vec<_> = posted.iter().map(|posted| &*posted.path).collect();
    let response = |id: &str| format!("invocation/{id}/response");
    assert_eq!(paths, [response("1"), response("b-2"), response("3"), response("4")]);
    assert_eq!((posted[0].text(), posted[1].body == large), (r#"{"a": 1}"#.into(), true));
    // An instance for each: the memory of the second hasn't grown before.
    assert_eq!((posted[2].text(), posted[3].text()), ("2".into(), "2".into()));
}

#[test]
fn failures_are_told_and_the_next_event_is_answered() {
    let api = Api::with(&[
        (&id("1"), b"t"),
        (&id("2"), b"x"),
        (&id("3"), b"p"),
        (&id("4"), b"s"),
        (&id("5"), b"ok"),
    ]);
    let mut options = FunctionOptions::default();
    options.fuel = Some(100_000);
    let posted = answered(&api, &function(Config::new().consume_fuel(true), options));
    for (posted, (id, kind, message)) in posted.iter().zip([
        ("1", "Runtime.Trap", "the function trapped: unreachable"),
        ("2", "Runtime.ExitError", "the function ended with exit code 3"),
        ("3", "Runtime.Trap", "the function trapped: unreachable"),
        ("4", "Runtime.OutOfFuel", "the function ran out of fuel"),
    ]) {
        assert_eq!(posted.path, format!("invocation/{id}/error"));
        assert!(
            posted.headers.contains(&format!("lambda-runtime-function-error-type: {kind}\r\n")),
            "{posted:?}"
        );
        let error = posted.error();
        assert!(error["errorMessage"].as_str().unwrap().starts_with(message), "{error}");
        assert_eq!((&error["errorType"], &error["stackTrace"]), (&json!(kind), &json!([])));
    }
    assert_eq!((posted.len(), posted[4].text()), (5, "ok".into()));
}

#[test]
fn deadlines_interrupt() {
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(300);
    let with_deadline = id("1").replace("600000", &soon.as_millis().to_string());
    let api = Api::with(&[(&with_deadline, b"s"), (&id("2"), b"ok")]);
    let posted = answered(&api, &function(&mut Config::new(), FunctionOptions::default()));
    assert_eq!(posted[0].error()["errorType"], "Runtime.Timeout");
    assert_eq!(posted[1].text(), "ok");
    // One of our own, for each event.
    let api = Api::with(&[(&id("1"), b"s"), (&id("2"), b"s"), (&id("3"), b"ok")]);
    let mut options = FunctionOptions::default();
    options.timeout = Some(Duration::from_millis(100));
    let posted = answered(&api, &function(&mut Config::new(), options));
    let kinds: Vec<_> = posted[..2].iter().map(|posted| posted.error()["errorType"].clone()).collect();
    assert_eq!((kinds, posted[2].text()), (vec![json!("Runtime.Timeout"); 2], "ok".into()));
}

#[test]
fn a_budget_bounds_event_and_instance() {
    let budget = Budget::new(1 << 20);
    let large = vec![b'z'; 2 << 20];
    let api =
        Api::with(&[(&id("1"), &large), (&id("2"), b"ok"), (&id("3"), &large[..900_000]), (&id("4"), b"ok")]);
    let function = function(Config::new().budget(budget.clone()), FunctionOptions::default());
    let used = budget.used();
    let posted = answered(&api, &function);
    for failed in [0, 2] {
        assert_eq!(posted[failed].error()["errorType"], "Runtime.OutOfMemory", "{posted:?}");
    }
    assert_eq!((posted[1].text(), posted[3].text()), ("ok".into(), "ok".into()));
    // What is translated stays, the rest is given back.
    assert!(budget.used() < used + (64 << 10), "{used} {}", budget.used());
}

#[test]
fn responses_and_events_are_bounded() {
    let api = Api::with(&[(&id("1"), b"123456"), (&id("2"), b"12345"), (&id("3"), b"12345678901")]);
    let mut options = FunctionOptions::default();
    (options.most_response, options.most_event) = (5, 10);
    let posted = answered(&api, &function(&mut Config::new(), options));
    assert_eq!(posted[0].error()["errorType"], "Runtime.ResponseTooLarge");
    assert_eq!(posted[1].text(), "12345");
    assert_eq!(posted[2].error()["errorType"], "Runtime.EventTooLarge");
}

#[test]
fn responses_may_be_streamed() {
    let large: Vec<u8> = (0..400_000).map(|n| b'a' + (n % 13) as u8 + 7).collect();
    let api = Api::with(&[
        (&id("1"), &large),
        (&id("2"), b"t"),
        (&id("3"), b"p and more"),
        (&id("4"), b"ok"),
        (&id("5"), b""),
    ]);
    let mut options = FunctionOptions::default();
    options.streams = true;
    let posted = answered(&api, &function(&mut Config::new(), options));
    assert!(posted[0].headers.contains("lambda-runtime-function-response-mode: streaming\r\n"));
    assert!(posted[0].body == large, "{:?}", &posted[0].headers);
    assert_eq!(
        (&*posted[1].path, &posted[1].error()["errorType"]),
        ("invocation/2/error", &json!("Runtime.Trap"))
    );
    // It had begun, so it is broken off.
    assert!(posted[2].headers.ends_with("broken off") && posted[2].text() == "p and more", "{posted:?}");
    assert_eq!((posted[3].text(), posted[3].headers.ends_with("broken off")), ("ok".into(), false));
    assert_eq!((&*posted[4].path, posted[4].text()), ("invocation/5/response", String::new()));
}

#[test]
fn a_function_sees_what_tells_of_its_event() {
    let headers = "Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Trace-Id: Root=1-5bef4de7\r\n\
        Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:x\r\nLambda-Runtime-Client-Context: {}\r\n";
    let api = Api::with(&[(headers, b"e"), (&id("2"), b"e")]);
    let mut options = FunctionOptions::default();
    options.env.push(("MINE".into(), "yes".into()));
    let posted = answered(&api, &function(&mut Config::new(), options));
    let variables =
        |posted: &Posted| posted.text().split_terminator('\0').map(str::to_owned).collect::<Vec<_>>();
    let first = variables(&posted[0]);
    for expected in [
        "MINE=yes",
        "_X_AMZN_TRACE_ID=Root=1-5bef4de7",
        "LAMBDA_RUNTIME_AWS_REQUEST_ID=1",
        "LAMBDA_RUNTIME_INVOKED_FUNCTION_ARN=arn:aws:lambda:x",
        "LAMBDA_RUNTIME_CLIENT_CONTEXT={}",
    ] {
        assert!(first.iter().any(|variable| variable == expected), "{expected}: {first:?}");
    }
    assert!(!first.iter().any(|variable| variable.starts_with("PATH=")), "{first:?}");
    // Nothing of one event is left for the next.
    assert!(!variables(&posted[1]).iter().any(|variable| variable.contains("TRACE")));
}

#[test]
fn what_cannot_begin_is_told() {
    let engine = Engine::default();
    let refusal = |text: &str| {
        let module = Module::new(&engine, text).unwrap();
        Function::new(&module, FunctionOptions::default()).unwrap_err().to_string()
    };
    assert!(refusal("(module)").contains("no _start"));
    assert!(refusal(r#"(module (import "env" "x" (func)) (func (export "_start")))"#).contains("env.x"));
    let api = Api::with(&[]);
    runtime(&api).fail_to_begin(&Failure::init("it isn't valid")).unwrap();
    let posted = api.posted.lock().unwrap().clone();
    assert_eq!(posted[0].path, "init/error");
    let with_scheme = Runtime::new(&format!("http://{}", api.root()));
    assert!(matches!(with_scheme.next(&Budget::unlimited(), 1), Err(LambdaError::Status(_, 500))));
    let expected =
        json!({"errorMessage": "it isn't valid", "errorType": "Runtime.InitError", "stackTrace": []});
    assert_eq!(posted[0].error(), expected);
}

#[test]
fn an_api_that_refuses_is_outlived_and_one_that_fails_is_not() {
    let api = Api::with(&[(&id("1"), b"one"), (&id("2"), b"t")]);
    *api.status.lock().unwrap() = 413;
    assert_eq!(answered(&api, &function(&mut Config::new(), FunctionOptions::default())).len(), 2);
    let api = Api::with(&[(&id("1"), b"one"), (&id("2"), b"two")]);
    *api.status.lock().unwrap() = 500;
    let function = function(&mut Config::new(), FunctionOptions::default());
    assert!(matches!(runtime(&api).serve(&function), Err(LambdaError::Status("a response", 500))));
    assert_eq!(api.events.lock().unwrap().len(), 1);
    let odd = Api::with(&[("Lambda-Runtime-Aws-Request-Id: ../next\r\n", b"x")]);
    assert!(matches!(runtime(&odd).serve(&function), Err(LambdaError::Malformed("an id"))));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(
        Runtime::new(&nobody.to_string()).serve(&function),
        Err(LambdaError::Http("the next event", _))
    ));
}
