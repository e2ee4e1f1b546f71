//! `dunlin lambda`. `cargo test -p dunlin-cli --features hosts --test lambda`
#![cfg(feature = "hosts")]

mod api;
#[path = "../common/mod.rs"]
mod common;

use api::{Api, Posted, id};
use common::{Ended, command, ended, example, folder};
use std::time::Instant;

/// Answers all events, and gives what was posted. The API's end is the command's.
#[track_caller]
fn answered(api: &Api, args: &[&str]) -> (Vec<Posted>, Ended) {
    let mut command = command(&[&["lambda"], args].concat());
    command.env("AWS_LAMBDA_RUNTIME_API", api.root()).env("_HANDLER", "handler").env("SECRET", "secret");
    let ended = ended(command.output().unwrap(), Instant::now());
    (api.posted.lock().unwrap().drain(..).collect(), ended)
}

#[test]
fn a_program_answers_events() {
    let api = Api::with(&[(&id("1"), b"one two\nthree\n"), (&id("2"), b"")]);
    let (posted, ended) = answered(&api, &[&example("wasm/wc.wasm")]);
    ended.code(1).one_sentence().says("Lambda's API answers with status 500 to the next event").prints("");
    assert_eq!(
        posted.iter().map(|posted| &*posted.path).collect::<Vec<_>>(),
        ["invocation/1/response", "invocation/2/response"]
    );
    assert_eq!(
        posted[0].text().split_whitespace().take(3).collect::<Vec<_>>(),
        ["2", "3", "14"],
        "{posted:?}"
    );
    let api = Api::with(&[(&id("1"), b"x")]);
    let (posted, _) = answered(&api, &["--streaming", &example("wasm/wc.wasm")]);
    assert!(posted[0].headers.contains("response-mode: streaming"), "{posted:?}");
}

#[test]
fn limits_are_those_of_run() {
    let folder = folder("lambda_limits");
    let trap = folder.join("trap.wasm");
    // (module (func (export "_start") unreachable))
    let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x05\x01\x03\0\0\x0b";
    std::fs::write(&trap, bytes).unwrap();
    let api = Api::with(&[(&id("1"), b"")]);
    let (posted, ended) = answered(&api, &[trap.to_str().unwrap()]);
    assert_eq!(
        (&*posted[0].path, &posted[0].error()["errorType"]),
        ("invocation/1/error", &"Runtime.Trap".into())
    );
    // The log has the backtrace.
    ended.code(1).says("the function trapped: unreachable").says("function 0");
    let api = Api::with(&[(&id("1"), b"")]);
    let (posted, _) = answered(&api, &["--fuel", "10", &example("wasm/wc.wasm")]);
    assert_eq!(posted[0].error()["errorType"], "Runtime.OutOfFuel");
    let api = Api::with(&[(&id("1"), b"")]);
    let (posted, _) =
        answered(&api, &["--env", "A=b", "--memory-budget", "8MiB", &example("wasm/hello.wasm")]);
    assert_eq!((&*posted[0].path, posted[0].body.is_empty()), ("invocation/1/response", false));
}

#[test]
fn what_cannot_begin_is_told_to_lambda_too() {
    for (args, message) in [
        (&["/nowhere.wasm"][..], "/nowhere.wasm: "),
        (&["--dir", "/nowhere", &example("wasm/hello.wasm")], "--dir /nowhere: "),
        (&["--memory-budget", "64KiB", &example("wasm/hello.wasm")], "hello.wasm"),
    ] {
        let api = Api::with(&[(&id("1"), b"x")]);
        let (posted, ended) = answered(&api, args);
        assert!(ended.code != 0 && ended.err.contains(message), "{ended:?}");
        assert_eq!((posted.len(), &*posted[0].path), (1, "init/error"));
        assert_eq!(posted[0].error()["errorType"], "Runtime.InitError");
        assert!(posted[0].error()["errorMessage"].as_str().unwrap().contains(message), "{posted:?}");
    }
}

#[test]
fn outside_lambda_it_says_so() {
    let ended = common::dunlin(&["lambda", &example("wasm/hello.wasm")]).code(2).one_sentence();
    ended.says("AWS_LAMBDA_RUNTIME_API is missing, so this isn't Lambda");
    common::dunlin(&["lambda"]).code(2).one_sentence().says("a module is missing");
}
