//! What filters can do beyond changing messages, and chains of them.

use crate::text::{ALLOCATOR, Said, answered, chain, open, outputs, request, said};
use dunlin::{Budget, Engine, Module};
use dunlin_hosts::proxy_wasm::{
    Attributes, Chain, HttpAnswer, Output, Peer, Plugin, PluginOptions, Shared, Stream,
};
use std::time::{Duration, Instant};

fn taken(said: &Said) -> Vec<String> {
    std::mem::take(&mut said.lock().unwrap())
}

fn ours(modes: &[&str]) -> (Chain, Vec<Said>) {
    let engine = Engine::default();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filters/filter.wasm");
    let module = Module::from_file(&engine, file).unwrap();
    let (mut plugins, mut all) = (Vec::new(), Vec::new());
    for mode in modes {
        let (options, said) = said(PluginOptions::default().configuration(*mode));
        plugins.push(Plugin::new(&module, options).unwrap());
        all.push(said);
    }
    (Chain::new(&plugins).unwrap(), all)
}

#[test]
fn an_answer_goes_back_through_those_that_saw_the_request() {
    let (mut chain, said) = ours(&["trailers", "answer", "trailers"]);
    let mut stream = open(&mut chain);
    stream.request_headers(&mut chain, request("/answer"), true);
    let all = outputs(&mut chain, &mut stream);
    assert_eq!(answered(&all), "418");
    stream.close(&mut chain);
    let lines = [
        "request headers, end true",
        "end of body 1",
        "log: Some(\"/answer\") Some(\"418\")",
        "done",
        "deleted",
    ];
    let lines = lines.map(|line| line.replace("true", "1"));
    assert_eq!(taken(&said[0]), lines);
    assert_eq!(taken(&said[1]), ["status Some(\"418\"), end 0"]);
    assert_eq!(taken(&said[2]), Vec::<String>::new());
}

#[test]
fn requests_pass_in_order_and_responses_in_reverse() {
    let (mut chain, _) = ours(&["headers", "count"]);
    let mut stream = open(&mut chain);
    stream.request_headers(&mut chain, request("/"), true);
    match &outputs(&mut chain, &mut stream)[..] {
        [Output::RequestHeaders { headers, end: true }] => {
            assert_eq!(headers.get(":path"), Some(&b"/rewritten"[..]));
        }
        other => panic!("{other:?}"),
    }
    stream.response_headers(&mut chain, [(":status", "200")].into_iter().collect(), true);
    match &outputs(&mut chain, &mut stream)[..] {
        [Output::ResponseHeaders { headers, end: true }] => {
            let fields: Vec<_> = headers.iter().map(|field| field.0).collect();
            assert_eq!(fields, [&b":status"[..], b"x-count", b"x-filter"]);
        }
        other => panic!("{other:?}"),
    }
    stream.close(&mut chain);
}

#[test]
fn the_configuration_can_be_refused() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filters/filter.wasm");
    let module = Module::from_file(&Engine::default(), file).unwrap();
    let error = Plugin::new(&module, PluginOptions::default().configuration("refuse")).unwrap_err();
    assert_eq!(error.to_string(), "the filter refused to start: proxy_on_configure answered false");
    let other = Module::new(&Engine::default(), "(module)").unwrap();
    let error = Plugin::new(&other, PluginOptions::default()).unwrap_err().to_string();
    assert!(
        error.starts_with("not a filter that can be run here: it exports no proxy_abi_version"),
        "{error}"
    );
}

const CALL: &str = r#"(import "env" "proxy_http_call"
    (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_set_effective_context" (func $act (param i32) (result i32)))
    (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))"#;

/// Calls `up` for the request's headers, and goes on with the answer. `status` of the call is said.
const CALLER: &str = r#"
    (data (i32.const 100) "up")
    (data (i32.const 200) "\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\01\00\00\00\0a\00\00\00\01\00\00\00:method\00GET\00:path\00/\00:authority\00u\00")
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $digit (call $call (i32.const 100) (i32.const 2) (i32.const 200) (i32.const 61)
            (i32.const 100) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 500) (i32.const 400)))
        (i32.const 1))
    (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
        (call $digit (local.get 2)) (call $digit (local.get 3))
        (drop (call $act (i32.const 2)))
        (drop (call $continue (i32.const 0))))"#;

#[test]
fn calls_are_made_by_the_embedder() {
    let body = format!("{ALLOCATOR} {CALLER}");
    for succeeds in [true, false] {
        let (mut chain, said) = chain(CALL, &body, PluginOptions::default().upstream("up"));
        let mut stream = open(&mut chain);
        stream.request_headers(&mut chain, request("/"), true);
        assert_eq!(outputs(&mut chain, &mut stream), []);
        assert!(!stream.takes_request(&mut chain));
        let call = chain.next_call().unwrap();
        assert!(chain.next_call().is_none());
        assert_eq!((call.upstream.as_str(), &call.body[..]), ("up", &b"up"[..]));
        assert_eq!(call.headers.get("content-length"), Some(&b"2"[..]));
        assert_eq!(call.timeout, Some(Duration::from_millis(500)));
        let headers = [(":status", "200")].into_iter().collect();
        let answer = HttpAnswer { headers, body: b"abc".to_vec(), ..HttpAnswer::default() };
        chain.answer(call.id, if succeeds { Ok(answer.clone()) } else { Err("reset") });
        // A second answer is nobody's.
        chain.answer(call.id, Ok(answer));
        assert_eq!(taken(&said), if succeeds { ["0", "1", "3"] } else { ["0", "0", "0"] });
        assert!(matches!(&outputs(&mut chain, &mut stream)[..], [Output::RequestHeaders { end: true, .. }]));
        stream.close(&mut chain);
    }
}

#[test]
fn calls_to_others_are_refused() {
    let (mut chain, said) = chain(CALL, &format!("{ALLOCATOR} {CALLER}"), PluginOptions::default());
    let mut stream = open(&mut chain);
    stream.request_headers(&mut chain, request("/"), true);
    assert_eq!(taken(&said), ["2"]);
    assert!(chain.next_call().is_none());
    stream.close(&mut chain);
}

#[test]
fn timers_and_queues_call_the_root() {
    let imports = r#"(import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
        (import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
        (import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
        (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))"#;
    let body = r#"(data (i32.const 100) "queue")
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $register (i32.const 100) (i32.const 5) (i32.const 400)))
            (drop (call $tick (i32.const 1000)))
            (i32.const 1))
        (func (export "proxy_on_tick") (param i32)
            (drop (call $enqueue (i32.load (i32.const 400)) (i32.const 100) (i32.const 5))))
        (func (export "proxy_on_queue_ready") (param i32 i32)
            (drop (call $dequeue (local.get 1) (i32.const 500) (i32.const 504)))
            (call $say (i32.load (i32.const 500)) (i32.load (i32.const 504)))
            (call $digit (call $dequeue (local.get 1) (i32.const 500) (i32.const 504))))"#;
    let shared = Shared::new(&Budget::new(1 << 20), 1 << 20).unwrap();
    let options = PluginOptions::default().shared(&shared);
    let (mut chain, said) = chain(imports, &format!("{ALLOCATOR} {body}"), options);
    let due = chain.next_run().unwrap();
    chain.run(due - Duration::from_millis(1));
    assert_eq!(taken(&said), Vec::<String>::new());
    chain.run(due);
    assert_eq!(taken(&said), ["queue", "7"]);
    assert_eq!(chain.next_run(), Some(due + Duration::from_secs(1)));
    chain.run(Instant::now());
    assert_eq!(taken(&said), Vec::<String>::new());
}

#[test]
fn tcp_connections_are_filtered() {
    let body = r#"(data (i32.const 100) "closed")
        (func (export "proxy_on_new_connection") (param i32) (result i32) (i32.const 0))
        (func (export "proxy_on_downstream_data") (param i32 i32 i32) (result i32)
            (call $digit (local.get 1))
            (i32.lt_u (local.get 1) (i32.const 4)))
        (func (export "proxy_on_downstream_connection_close") (param i32 i32)
            (call $say (i32.const 100) (i32.const 6)) (call $digit (local.get 1)))"#;
    let (mut chain, said) = chain("", &format!("{ALLOCATOR} {body}"), PluginOptions::default());
    let mut stream = Stream::tcp(&mut chain, Attributes::default());
    stream.request_body(&mut chain, "ab", false);
    assert_eq!(outputs(&mut chain, &mut stream), []);
    stream.request_body(&mut chain, "cd", false);
    stream.response_body(&mut chain, "xy", false);
    let request = Output::RequestBody { bytes: b"abcd".to_vec(), end: false };
    let response = Output::ResponseBody { bytes: b"xy".to_vec(), end: false };
    assert_eq!(outputs(&mut chain, &mut stream), [request, response]);
    stream.connection_closed(&mut chain, true, Peer::Remote);
    stream.close(&mut chain);
    assert_eq!(taken(&said), ["2", "4", "closed", "2"]);
}
