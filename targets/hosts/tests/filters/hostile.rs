//! Filters that fail, lie, or ask for too much.

use crate::text::{ALLOCATOR, answered, chain, module, open, outputs, request, said};
use dunlin::{Budget, Config, Engine};
use dunlin_hosts::proxy_wasm::{Chain, Limits, Output, Plugin, PluginError, PluginOptions};
use std::time::{Duration, Instant};

const TRAP: &str =
    r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable)"#;

const HOLD_BODY: &str =
    r#"(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) (i32.const 1))"#;

#[test]
fn a_filter_that_failed_answers_503_and_is_started_again_later() {
    for (interval, restarts) in [(Duration::MAX, false), (Duration::ZERO, true)] {
        let options = PluginOptions::default().restart_interval(interval);
        let (mut chain, said) = chain("", TRAP, options);
        for _ in 0..3 {
            let mut stream = open(&mut chain);
            stream.request_headers(&mut chain, request("/"), true);
            assert_eq!(answered(&outputs(&mut chain, &mut stream)), "503");
            stream.close(&mut chain);
        }
        // It says that it trapped once for each instance.
        assert_eq!(said.lock().unwrap().len(), if restarts { 3 } else { 1 });
        assert!(chain.has_failed());
    }
}

#[test]
fn a_filter_that_fails_open_lets_everything_pass() {
    let (mut chain, _) = chain("", TRAP, PluginOptions::default().fail_open(true));
    for _ in 0..2 {
        let mut stream = open(&mut chain);
        stream.request_headers(&mut chain, request("/"), false);
        stream.request_body(&mut chain, "body", true);
        let all = outputs(&mut chain, &mut stream);
        let body = Output::RequestBody { bytes: b"body".to_vec(), end: true };
        assert_eq!(all, [Output::RequestHeaders { headers: request("/"), end: false }, body]);
        stream.close(&mut chain);
    }
}

/// A stream whose instance is gone doesn't disturb the next instance, and one that is over isn't disturbed itself.
#[test]
fn streams_outlive_instances() {
    let imports = r#"(import "env" "proxy_get_header_map_size" (func $size (param i32 i32) (result i32)))"#;
    let body = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $size (i32.const 0) (i32.const 400)))
            ;; A path of one byte is held, of two it traps, others pass.
            (if (i32.eq (i32.load (i32.const 400)) (i32.const 40)) (then unreachable))
            (i32.eq (i32.load (i32.const 400)) (i32.const 39)))
        (func (export "proxy_on_done") (param i32) (result i32) (call $digit (local.get 0)) (i32.const 1))"#;
    let budget = Budget::new(16 << 20);
    let options = PluginOptions::default().restart_interval(Duration::ZERO).budget(&budget);
    let (mut chain, said) = chain(imports, &format!("{ALLOCATOR} {body}"), options);
    let begin = |chain: &mut _, path| {
        let mut stream = open(chain);
        stream.request_headers(chain, request(path), true);
        let all = outputs(chain, &mut stream);
        (stream, all)
    };
    let (mut held, all) = begin(&mut chain, "/");
    assert_eq!(all, []);
    let (other, _) = begin(&mut chain, "/");
    let (mut over, _) = begin(&mut chain, "/ok");
    over.response_headers(&mut chain, [(":status", "200")].into_iter().collect(), true);
    assert!(matches!(&outputs(&mut chain, &mut over)[..], [Output::ResponseHeaders { end: true, .. }]));
    let (trapped, all) = begin(&mut chain, "/x");
    assert_eq!(answered(&all), "503");
    assert_eq!(outputs(&mut chain, &mut over), []);
    let (next, all) = begin(&mut chain, "/ok");
    assert!(matches!(all[..], [Output::RequestHeaders { .. }]));
    assert_eq!(answered(&outputs(&mut chain, &mut held)), "503");
    said.lock().unwrap().clear();
    for stream in [held, other, over, trapped, next] {
        stream.close(&mut chain);
    }
    // Only the last one is the new instance's: the root's number is 6, and so its own is 7.
    assert_eq!(*said.lock().unwrap(), ["7"]);
    assert!(!chain.has_failed());
}

#[test]
fn an_endless_filter_ends_with_its_fuel() {
    let body = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (loop (br 0)) (i32.const 0))"#;
    let (mut chain, said) = chain("", body, PluginOptions::default().fuel(100_000));
    let mut stream = open(&mut chain);
    stream.request_headers(&mut chain, request("/"), true);
    assert_eq!(answered(&outputs(&mut chain, &mut stream)), "503");
    assert!(said.lock().unwrap()[0].contains("fuel"), "{said:?}");
    stream.close(&mut chain);
}

#[test]
fn allocators_can_t_do_harm() {
    let imports =
        r#"(import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))"#;
    let body = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (local $status i32)
        (local.set $status (call $pairs (i32.const 0) (i32.const 400) (i32.const 404)))
        (call $digit (local.get $status)) (i32.const 0))"#;
    for (allocator, status) in [
        ("(i32.const 0)", ":"),
        ("(i32.const -8)", "6"),
        ("(i32.const 262140)", "6"),
        ("(call $digit (call $pairs (i32.const 0) (i32.const 400) (i32.const 404))) (i32.const 1024)", ": 0"),
    ] {
        let allocate = format!(r#"(func (export "malloc") (param i32) (result i32) {allocator})"#);
        let (mut chain, said) = chain(imports, &format!("{allocate} {body}"), PluginOptions::default());
        let mut stream = open(&mut chain);
        stream.request_headers(&mut chain, request("/"), true);
        assert_eq!(said.lock().unwrap().join(" "), status, "{allocator}");
        assert!(matches!(&outputs(&mut chain, &mut stream)[..], [Output::RequestHeaders { .. }]));
        stream.close(&mut chain);
    }
}

#[test]
fn maps_with_lengths_that_lie_are_refused() {
    let imports = r#"(import "env" "proxy_set_header_map_pairs" (func $set (param i32 i32 i32) (result i32)))
        (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))"#;
    let body = r#"(data (i32.const 200) "\01\00\00\00\01\00\00\00\ff\ff\ff\7fk\00v\00")
        (data (i32.const 300) "k\0d\0a")
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (call $digit (call $set (i32.const 0) (i32.const 200) (i32.const 16)))
            (call $digit (call $set (i32.const 0) (i32.const 200) (i32.const -1)))
            (call $digit (call $set (i32.const 9) (i32.const 0) (i32.const 0)))
            (call $digit (call $add (i32.const 0) (i32.const 300) (i32.const 3) (i32.const 300) (i32.const 1)))
            (loop $more
                (br_if $more (i32.eqz (call $add (i32.const 0) (i32.const 300) (i32.const 1) (i32.const 300) (i32.const 1)))))
            (i32.const 0))"#;
    let (mut chain, said) = chain(imports, body, PluginOptions::default());
    let mut stream = open(&mut chain);
    stream.request_headers(&mut chain, request("/"), true);
    assert_eq!(*said.lock().unwrap(), ["6", "6", "2", "2"]);
    match &outputs(&mut chain, &mut stream)[..] {
        [Output::RequestHeaders { headers, .. }] => assert_eq!(headers.len(), Limits::default().header_count),
        other => panic!("{other:?}"),
    }
    stream.close(&mut chain);
}

#[test]
fn bodies_and_streams_are_bounded() {
    let mut limits = Limits::default();
    (limits.body_bytes, limits.streams) = (1000, 3);
    let (mut chain, _) =
        chain("", &format!("{ALLOCATOR} {HOLD_BODY}"), PluginOptions::default().limits(limits));
    let mut streams: Vec<_> = (0..4).map(|_| open(&mut chain)).collect();
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.request_headers(&mut chain, request("/"), false);
        if number < 3 {
            assert!(matches!(&outputs(&mut chain, stream)[..], [Output::RequestHeaders { .. }]));
            stream.request_body(&mut chain, [0; 600], false);
            assert_eq!(outputs(&mut chain, stream), []);
            stream.request_body(&mut chain, [0; 600], false);
            assert_eq!(answered(&outputs(&mut chain, stream)), "413");
        } else {
            assert_eq!(answered(&outputs(&mut chain, stream)), "503");
        }
    }
    for stream in streams {
        stream.close(&mut chain);
    }
}

#[test]
fn dead_contexts_hold_nothing() {
    let budget = Budget::new(16 << 20);
    let (mut chain, _) =
        chain("", &format!("{ALLOCATOR} {HOLD_BODY}"), PluginOptions::default().budget(&budget));
    let mut used = Vec::new();
    for round in 0..2000 {
        let mut stream = open(&mut chain);
        stream.request_headers(&mut chain, request("/"), false);
        stream.request_body(&mut chain, [0; 1000], false);
        outputs(&mut chain, &mut stream);
        if round == 1000 {
            assert!(budget.used() >= used[0] + 1000);
        }
        stream.close(&mut chain);
        used.push(budget.used());
    }
    assert_eq!(used[0], used[1999]);
    drop(chain);
}

#[test]
fn a_filter_that_never_starts_is_ended() {
    let time = Duration::from_millis(50);
    for functions in [
        "(func $loop (loop (br 0))) (start $loop)",
        r#"(func (export "_initialize") (loop (br 0)))"#,
        r#"(func (export "_start") (loop (br 0)))"#,
        r#"(func (export "proxy_on_context_create") (param i32 i32) (loop (br 0)))"#,
        r#"(func (export "proxy_on_vm_start") (param i32 i32) (result i32) (loop (br 0)) (i32.const 1))"#,
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) (loop (br 0)) (i32.const 1))"#,
    ] {
        // By time alone, and by fuel.
        let slow = Plugin::new(
            &module(&Engine::default(), "", functions),
            PluginOptions::default().start_time(time),
        );
        assert!(matches!(slow, Err(PluginError::Slow(limit)) if limit == time), "{functions}: {slow:?}");
        let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
        let ended = Plugin::new(&module(&engine, "", functions), PluginOptions::default().fuel(100_000));
        assert!(matches!(ended, Err(PluginError::Engine(_))), "{functions}: {ended:?}");
    }
}

/// The first instance is configured, those after it loop.
#[test]
fn a_filter_that_never_starts_again_is_tried_ever_more_seldom() {
    let imports = r#"
        (import "env" "proxy_get_shared_data" (func $get (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))"#;
    let body = format!(
        r#"(data (i32.const 0) "k") {ALLOCATOR} {TRAP}
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $digit (i32.const 1))
            (if (i32.eqz (call $get (i32.const 0) (i32.const 1) (i32.const 400) (i32.const 404) (i32.const 408)))
                (then (if (i32.eq (i32.load (i32.const 408)) (i32.const 2)) (then (loop (br 0))))))
            (drop (call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0)))
            (i32.const 1))"#
    );
    let options = PluginOptions::default().start_time(Duration::from_millis(30));
    let (options, said) = said(options.restart_interval(Duration::from_millis(20)));
    // One instance to try the plugin, and one for the chain.
    let plugin = Plugin::new(&module(&Engine::default(), imports, &body), options).unwrap();
    let mut chain = Chain::new(&[plugin]).unwrap();
    said.lock().unwrap().clear();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(700) {
        let mut stream = open(&mut chain);
        stream.request_headers(&mut chain, request("/"), true);
        assert_eq!(answered(&outputs(&mut chain, &mut stream)), "503");
        stream.close(&mut chain);
        std::thread::sleep(Duration::from_millis(1));
    }
    // After 20, 40, 80, 160, 320 ms of rest, and 30 ms each.
    let attempts = said.lock().unwrap().iter().filter(|text| text.contains("can't be started again")).count();
    assert!((1..=5).contains(&attempts), "{attempts}");
}

/// A body that is as long as one may be is replaced, also by another one that is as long.
#[test]
fn a_full_body_can_be_replaced() {
    let imports =
        r#"(import "env" "proxy_set_buffer_bytes" (func $set (param i32 i32 i32 i32 i32) (result i32)))"#;
    let body = r#"(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
        (call $digit (call $set (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 0) (i32.const 1000)))
        (call $digit (call $set (i32.const 0) (i32.const 1000) (i32.const 0) (i32.const 0) (i32.const 1)))
        (call $digit (call $set (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 0) (i32.const 10)))
        (i32.const 0))"#;
    let mut limits = Limits::default();
    limits.body_bytes = 1000;
    let (mut chain, said) = chain(imports, body, PluginOptions::default().limits(limits));
    let mut stream = open(&mut chain);
    stream.request_headers(&mut chain, request("/"), false);
    stream.request_body(&mut chain, [7; 1000], true);
    assert_eq!(said.lock().unwrap().join(" "), "0 : 0");
    let last = outputs(&mut chain, &mut stream).pop();
    assert_eq!(last, Some(Output::RequestBody { bytes: vec![0; 10], end: true }));
    stream.close(&mut chain);
}
