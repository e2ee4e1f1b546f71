//! Filters, clients and upstreams that fail, lie, or ask for too much.

use crate::common::Running;
use crate::common::origin::Origin;
use crate::{ours, start, text};
use dunlin::{Budget, Engine, Module};
use dunlin_hosts::proxy::{Proxy, ProxyOptions};
use dunlin_hosts::proxy_wasm::{Plugin, PluginOptions};
use std::time::{Duration, Instant};

/// Callbacks of an exchange, with their types, and what they return where nothing is wrong.
const CALLBACKS: [(&str, &str, &str); 8] = [
    ("proxy_on_request_headers", "(param i32 i32 i32) (result i32)", "(i32.const 0)"),
    ("proxy_on_request_body", "(param i32 i32 i32) (result i32)", "(i32.const 0)"),
    ("proxy_on_response_headers", "(param i32 i32 i32) (result i32)", "(i32.const 0)"),
    ("proxy_on_response_body", "(param i32 i32 i32) (result i32)", "(i32.const 0)"),
    ("proxy_on_context_create", "(param i32 i32)", ""),
    ("proxy_on_log", "(param i32)", ""),
    ("proxy_on_done", "(param i32) (result i32)", "(i32.const 1)"),
    ("proxy_on_delete", "(param i32)", ""),
];

/// A filter that does this in a callback, but not for its root context.
fn does(callback: (&str, &str, &str), what: &str, options: PluginOptions) -> Plugin {
    let (name, ty, result) = callback;
    let functions = format!(
        r#"(memory (export "memory") 1)
        (func (export "{name}") {ty} (if (i32.gt_u (local.get 0) (i32.const 1)) (then {what})) {result})"#
    );
    text(&functions, options.restart_interval(Duration::MAX))
}

const POST: &str = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";

/// Wherever a filter traps or loops: a request is refused, or its answer is complete, and what comes later is refused.
#[test]
fn failing_in_any_callback_is_a_refusal() {
    for callback in CALLBACKS {
        for what in ["unreachable", "(loop (br 0))"] {
            let origin = Origin::start();
            let filter = does(callback, what, PluginOptions::default());
            let server =
                start(&[filter], &origin, |options| options.workers(1).callback(Duration::from_millis(50)));
            let mut client = server.client();
            client.send(POST);
            let reply = client.reply();
            let after = matches!(callback.0, "proxy_on_log" | "proxy_on_done" | "proxy_on_delete");
            let on_request = matches!(
                callback.0,
                "proxy_on_context_create" | "proxy_on_request_headers" | "proxy_on_request_body"
            );
            let name = format!("{what} in {}", callback.0);
            match callback.0 {
                // Its headers had passed the filter by then, and may have been sent.
                "proxy_on_response_body" => assert!(reply.status == 500 || reply.is_cut_short, "{name}"),
                _ => assert_eq!(reply.status, if after { 200 } else { 503 }, "{name}"),
            }
            assert_eq!(origin.paths().len(), usize::from(!on_request), "{name}");
            let began = Instant::now();
            let again = loop {
                let status = server.client().get("/quick").status;
                // The end of an exchange is told after its answer.
                if status != 200 || began.elapsed() > Duration::from_secs(20) {
                    break status;
                }
            };
            assert_eq!(again, 503, "{name}");
        }
    }
}

/// A filter that answers itself, here or there, after the rest was with it.
#[test]
fn what_a_filter_refused_is_not_forwarded() {
    let answers = |callback: &str, end: &str, action: u32| {
        let functions = format!(
            r#"(import "env" "proxy_send_local_response"
                (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "{callback}") (param i32 i32 i32) (result i32)
                (if {end} (then
                    (drop (call $answer (i32.const 403) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                        (i32.const 0) (i32.const 0) (i32.const -1)))
                    ;; It changes its mind, too late.
                    (drop (call $continue (i32.const 0)))))
                (i32.const {action}))"#
        );
        text(&functions, PluginOptions::default())
    };
    let origin = Origin::start();
    for (callback, end) in [
        ("proxy_on_request_headers", "(i32.const 1)"),
        ("proxy_on_request_body", "(i32.const 1)"),
        ("proxy_on_request_body", "(local.get 2)"),
    ] {
        for action in [0, 1] {
            let last = start(&[ours("headers"), answers(callback, end, action)], &origin, |options| options);
            let first = start(&[answers(callback, end, action), ours("body")], &origin, |options| options);
            for server in [last, first] {
                let mut client = server.client();
                client.send(format!(
                    "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n{}",
                    "1".repeat(200_000)
                ));
                assert_eq!(client.reply().status, 403, "{callback} {end} {action}");
                client.send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-a: 1\r\n\r\n");
                let told_of_end = end != "(local.get 2)";
                let status = client.reply().status;
                // With trailers, no part of the body is the last.
                assert_eq!(status == 403, told_of_end, "{callback} {end} {action} {status}");
            }
        }
    }
    assert!(origin.paths().iter().all(|path| path == "/rewritten" || path == "/count"));
    assert_eq!(origin.paths().len(), 4);
}

/// Many clients at once, each of which must get its own, while a filter fails now and then and is replaced.
#[test]
fn streams_are_never_mixed() {
    let origin = Origin::start();
    let failing = text(
        r#"(memory (export "memory") 1)
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
            (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 23))) (then unreachable)) (i32.const 0))"#,
        PluginOptions::default().restart_interval(Duration::ZERO),
    );
    let server = start(&[ours("body"), failing], &origin, |options| options);
    let asked: Vec<_> = (0..8_usize)
        .map(|thread| {
            let mut client = server.client();
            std::thread::spawn(move || {
                let mut failed = 0;
                for round in 0..60 {
                    // The filter replaces bodies by their lengths and beginnings, so each length is an own answer.
                    let body = format!("{thread}-{round}-{}", "x".repeat(thread * 1000 + round));
                    client.send(format!(
                        "POST /echo HTTP/1.1\r\nHost: x\r\nX-Id: {thread}\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    ));
                    let reply = client.reply();
                    let made = |text: &str| {
                        let begin: String = text.chars().take(10).collect();
                        format!("{} bytes: {}\n", text.len(), begin.to_uppercase())
                    };
                    match reply.status {
                        200 if !reply.is_cut_short => assert_eq!(reply.text(), made(&made(&body))),
                        // It had answered, or was about to, when the filter failed that others use, too.
                        200 | 500 | 503 => failed += 1,
                        status => panic!("{status}"),
                    }
                }
                failed
            })
        })
        .collect();
    let failed: usize = asked.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!((1..240).contains(&failed), "{failed}");
}

#[test]
fn headers_are_bounded_everywhere() {
    let origin = Origin::start();
    // A filter that adds until it is refused, and one that makes them longer.
    let adds = |value: u32| {
        let functions = format!(
            r#"(import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 0) "x-many") (data (i32.const 16) "v")
            (func $fill (param $map i32) (local $count i32)
                (loop $more
                    (local.set $count (i32.add (local.get $count) (i32.const 1)))
                    (br_if $more (i32.and (i32.lt_u (local.get $count) (i32.const 1000000))
                        (i32.eqz (call $add (local.get $map) (i32.const 0) (i32.const 6) (i32.const 16) (i32.const {value})))))))
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
                (memory.fill (i32.const 16) (i32.const 118) (i32.const 60000)) (call $fill (i32.const 0)) (i32.const 0))
            (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
                (call $fill (i32.const 2)) (i32.const 0))"#
        );
        text(&functions, PluginOptions::default())
    };
    for value in [0, 1, 5000, 60_000] {
        let server = start(&[adds(value)], &origin, |options| options);
        let reply = server.get("/quick");
        assert_eq!(reply.status, 200, "{value}");
        let (count, bytes) =
            reply.headers.iter().fold((0, 0), |(n, len), (k, v)| (n + 1, len + k.len() + v.len()));
        assert!(count <= 260 && bytes <= 130 << 10, "{count} {bytes}");
    }
    // What clients and upstreams send.
    let server = start(&[ours("headers")], &origin, |options| options);
    let mut client = server.client();
    client.send(format!("GET /quick HTTP/1.1\r\nHost: x\r\n{}\r\n", "x-a: 1\r\n".repeat(1000)));
    assert_eq!(client.reply().status, 431);
    let server = start(&[ours("count")], &origin, |options| options);
    for path in ["/many", "/bomb"] {
        assert_eq!(server.get(path).status, 502, "{path}");
    }
    assert_eq!(server.get("/quick").status, 200);
}

#[test]
fn memory_is_bounded() {
    let origin = Origin::start();
    let budget = Budget::new(32 << 20);
    let engine = Engine::new(dunlin::Config::new().budget(budget.clone())).unwrap();
    let grows = r#"(module
        (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 4096))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (local $key i32)
            (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
            (loop $more
                (i32.store (i32.const 0) (local.get $key))
                (local.set $key (i32.add (local.get $key) (i32.const 1)))
                (br_if $more (i32.eqz
                    (call $set (i32.const 0) (i32.const 4) (i32.const 64) (i32.const 1000) (i32.const 0)))))
            (i32.const 0)))"#;
    let plugin = Plugin::new(&Module::new(&engine, grows).unwrap(), PluginOptions::default()).unwrap();
    let options = ProxyOptions::to(&format!("http://{}", origin.address)).unwrap().workers(2).budget(&budget);
    let server =
        Running::start(Proxy::new(&[plugin], options).unwrap(), |options| options.budget = budget.clone());
    for _ in 0..10 {
        // What is left of the budget may not do for the exchange.
        let status = server.get("/quick").status;
        assert!(matches!(status, 200 | 413 | 503), "{status}");
        assert!(budget.used() <= 32 << 20);
    }
}

/// Allocators that give nothing, what isn't memory, or call the host in turn.
#[test]
fn allocators_do_no_harm() {
    let origin = Origin::start();
    for allocator in [
        "(i32.const 0)",
        "(i32.const -4)",
        "(i32.const 65535)",
        "(drop (call $pairs (i32.const 0) (i32.const 400) (i32.const 404))) (i32.const 4096)",
        "(drop (call $close (i32.const 0))) (i32.const 4096)",
        "unreachable",
        "(loop (br 0)) (i32.const 0)",
    ] {
        let text = format!(
            r#"(module
            (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
            (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
            (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
            (func (export "proxy_on_memory_allocate") (param i32) (result i32) {allocator})
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
                (drop (call $pairs (i32.const 0) (i32.const 400) (i32.const 404))) (i32.const 0)))"#
        );
        let module = Module::new(&Engine::default(), text).unwrap();
        let plugin = Plugin::new(&module, PluginOptions::default().restart_interval(Duration::ZERO)).unwrap();
        let server = start(&[plugin], &origin, |options| options.callback(Duration::from_millis(50)));
        let fails = allocator.contains("unreachable") || allocator.contains("loop");
        let closes = allocator.contains("$close");
        for _ in 0..3 {
            let status = server.get("/quick").status;
            let expected = if fails {
                503
            } else if closes {
                500
            } else {
                200
            };
            assert_eq!(status, expected, "{allocator}");
        }
    }
}

/// What a filter holds for ever ends with the request's time, and nobody else's does.
#[test]
fn a_filter_that_never_continues_holds_up_itself_alone() {
    let origin = Origin::start();
    let holds = r#"(import "env" "proxy_get_buffer_status" (func $size (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) (i32.const 1))
        (func (export "proxy_on_response_headers") (param i32) (param $count i32) (param i32) (result i32)
            ;; Those of `quick` pass.
            (i32.ne (local.get $count) (i32.const 3)))"#;
    let proxy = ProxyOptions::to(&format!("http://{}", origin.address)).unwrap().workers(2);
    let proxy = Proxy::new(&[text(holds, PluginOptions::default())], proxy).unwrap();
    let server = Running::start(proxy, |options| options.limits.time = Duration::from_millis(1500));
    let mut held: Vec<_> = (0..6).map(|_| server.client()).collect();
    for (number, client) in held.iter_mut().enumerate() {
        client.send(if number % 2 == 0 { POST } else { "GET /headers HTTP/1.1\r\nHost: x\r\n\r\n" });
    }
    for _ in 0..20 {
        assert_eq!(server.get("/quick").status, 200);
    }
    for client in &mut held {
        assert_eq!(client.reply().status, 504);
    }
    assert!(origin.paths().iter().all(|path| path != "/echo"));
}
