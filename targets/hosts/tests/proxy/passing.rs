//! What passes: our own filter of `examples/hosts/filter.rs`, and some as texts.

use crate::common::Running;
use crate::common::origin::Origin;
use crate::{ours, start, text};
use dunlin::{Budget, Engine, Module};
use dunlin_hosts::proxy::{Proxy, ProxyOptions};
use dunlin_hosts::proxy_wasm::{Plugin, PluginOptions};
use std::time::{Duration, Instant};

/// Adds `x-order: NAME` to requests and responses.
fn marks(name: char) -> Plugin {
    let functions = format!(
        r#"(import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "x-order{name}")
        (func $mark (param i32) (result i32)
            (call $add (local.get 0) (i32.const 0) (i32.const 7) (i32.const 7) (i32.const 1)))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $mark (i32.const 0)))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (call $mark (i32.const 2)))"#
    );
    text(&functions, PluginOptions::default())
}

#[test]
fn requests_pass_in_order_and_responses_in_reverse() {
    let origin = Origin::start();
    let server = start(&[marks('a'), marks('b'), marks('c')], &origin, |options| options);
    let reply = server.get("/x?/headers");
    let lines: Vec<_> = reply.text().lines().map(str::to_owned).collect();
    let order =
        |of: Vec<&str>| of.into_iter().filter_map(|line| line.strip_prefix("x-order: ")).collect::<String>();
    assert_eq!(order(lines.iter().map(String::as_str).collect()), "abc");
    let marks: String =
        reply.headers.iter().filter(|(name, _)| name == "x-order").map(|(_, value)| &**value).collect();
    assert_eq!((reply.status, marks.as_str()), (200, "cba"));
    assert!(lines.contains(&"host: test".to_owned()), "{lines:?}");
    assert_eq!(origin.paths(), ["/x?/headers"]);
}

#[test]
fn filters_change_what_passes() {
    let origin = Origin::start();
    let server = start(&[ours("headers")], &origin, |options| options);
    let mut client = server.client();
    client.send("GET /here HTTP/1.1\r\nHost: x\r\nX-Many: 1\r\nX-Many: 2\r\nX-Gone: 3\r\nX-Kept: 4\r\n\r\n");
    let reply = client.reply();
    let sent = reply.text();
    for line in ["x-many: one", "x-new: new", "x-new: newer", "x-kept: 4"] {
        assert!(sent.lines().any(|found| found == line), "{line} isn't in\n{sent}");
    }
    assert!(!sent.contains("x-gone"));
    assert_eq!((reply.header("x-filter"), origin.paths()), (Some("seen"), vec!["/rewritten".to_owned()]));

    let server = start(&[ours("body")], &origin, |options| options);
    let mut client = server.client();
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    // What the filter made of the request came back, and it made the same of that.
    assert_eq!(client.reply().text(), "15 bytes: 5 BYTES: A\n");
    let large = "x".repeat(300_000);
    client.send(format!("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n{large}"));
    assert_eq!(client.reply().text(), "2 bytes: 25\n");
}

#[test]
fn a_filter_answers_itself() {
    let origin = Origin::start();
    let server = start(&[marks('a'), ours("answer")], &origin, |options| options);
    let reply = server.get("/answer");
    assert_eq!((reply.status, reply.text().as_str()), (418, "short and stout\n"));
    for (name, value) in [("x-answer", "yes"), ("x-filter", "seen"), ("x-order", "a")] {
        assert_eq!(reply.header(name), Some(value));
    }
    // The proxy never forwards what a filter answered.
    assert_eq!(origin.paths(), Vec::<String>::new());
    let reply = server.get("/quick");
    assert_eq!(
        (reply.status, reply.header("x-kind"), reply.text().as_str()),
        (200, Some("origin"), "quick for test")
    );
}

#[test]
fn bodies_pass_whole_and_heads_without() {
    let server = start(&[marks('a')], &Origin::start(), |options| options);
    let large = server.get("/large");
    assert_eq!((large.body.len(), large.is_cut_short), (3_000_000, false));
    assert!(large.body.iter().enumerate().all(|(at, byte)| *byte == at as u8));
    let cut = server.get("/cut");
    assert!(cut.status == 502 || cut.is_cut_short, "{cut:?}");
    assert_eq!(server.get("/absent").status, 404);
}

#[test]
fn an_upstream_that_fails_is_a_status() {
    let silent = Origin::start();
    let proxy = Proxy::new(&[marks('a')], ProxyOptions::to("http://127.0.0.1:1").unwrap()).unwrap();
    let down = Running::start(proxy, |_| {});
    let reply = down.get("/");
    assert_eq!((reply.status, reply.header("x-order")), (503, Some("a")));
    assert!(reply.text().starts_with("upstream connect error"));
    let proxy = Proxy::new(&[marks('a')], ProxyOptions::to(&format!("http://{}", silent.address)).unwrap());
    let server = Running::start(proxy.unwrap(), |options| options.limits.time = Duration::from_millis(300));
    assert_eq!(server.get("/silent").status, 504);
}

/// Asks the cluster `auth` for a path, and lets the request go on if that is answered.
const ASKS: &str = r#"
    (import "env" "proxy_http_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_set_effective_context" (func $act (param i32) (result i32)))
    (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
    (import "env" "proxy_send_local_response"
        (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "auth")
    (data (i32.const 16) "\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\06\00\00\00\0a\00\00\00\01\00\00\00")
    (data (i32.const 44) ":method\00GET\00:path\00/quick\00:authority\00a\00")
    (global $waiting (mut i32) (i32.const 0))
    (func (export "proxy_on_request_headers") (param $id i32) (param i32 i32) (result i32)
        (global.set $waiting (local.get $id))
        (if (call $call (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 66) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 5000) (i32.const 200)) (then unreachable))
        (i32.const 1))
    (func (export "proxy_on_http_call_response") (param i32 i32 i32) (param $body i32) (param i32)
        (drop (call $act (global.get $waiting)))
        ;; Where the cluster is down, the answer is the proxy's, and longer.
        (if (i32.lt_u (local.get $body) (i32.const 50))
            (then (drop (call $continue (i32.const 0))))
            (else (drop (call $answer (i32.const 403) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4)
                (i32.const 0) (i32.const 0) (i32.const -1))))))
"#;

#[test]
fn filters_ask_clusters() {
    let (origin, auth) = (Origin::start(), Origin::start());
    let asks = || text(ASKS, PluginOptions::default().upstream("auth"));
    let cluster = format!("http://{}/auth", auth.address);
    let server = start(&[asks()], &origin, |options| options.cluster("auth", &cluster).unwrap());
    for _ in 0..4 {
        assert_eq!(server.get("/quick").text(), "quick for test");
    }
    assert_eq!((auth.paths(), origin.paths().len()), (vec!["/auth/quick".to_owned(); 4], 4));
    let server = start(&[asks()], &origin, |options| options.cluster("auth", "http://127.0.0.1:1").unwrap());
    let reply = server.get("/quick");
    assert_eq!((reply.status, reply.text().as_str(), origin.paths().len()), (403, "auth", 4));
}

#[test]
fn a_filter_that_traps_answers_503_until_there_is_another() {
    let origin = Origin::start();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hosts/filter.wasm");
    let module = Module::from_file(&Engine::default(), file).unwrap();
    let traps = |open, interval| {
        let options = PluginOptions::default().configuration("trap").fail_open(open);
        Plugin::new(&module, options.restart_interval(interval)).unwrap()
    };
    let server = start(&[traps(false, Duration::MAX)], &origin, |options| options.workers(1));
    assert_eq!((server.get("/quick").status, server.get("/trap").status), (200, 503));
    assert_eq!(server.get("/quick").status, 503);
    let server = start(&[traps(false, Duration::ZERO)], &origin, |options| options.workers(1));
    assert_eq!((server.get("/trap").status, server.get("/quick").status), (503, 200));
    let asked = origin.paths().len();
    let server = start(&[traps(true, Duration::MAX)], &origin, |options| options.workers(1));
    assert_eq!((server.get("/trap").status, server.get("/quick").status), (404, 200));
    assert_eq!(origin.paths().len(), asked + 2);
}

#[test]
fn filters_that_never_end_are_ended() {
    let origin = Origin::start();
    let loops = r#"(memory (export "memory") 1)
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (loop (br 0)) (i32.const 0))"#;
    let loops = text(loops, PluginOptions::default().restart_interval(Duration::ZERO));
    let server = start(&[loops], &origin, |options| options.callback(Duration::from_millis(100)));
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(server.get("/").status, 503);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    let holds = r#"(memory (export "memory") 1)
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1))"#;
    let proxy = ProxyOptions::to(&format!("http://{}", origin.address)).unwrap().workers(1);
    let proxy = Proxy::new(&[text(holds, PluginOptions::default())], proxy).unwrap();
    let server = Running::start(proxy, |options| options.limits.time = Duration::from_millis(200));
    assert_eq!((server.get("/").status, server.get("/").status), (504, 504));
    assert_eq!(origin.paths(), Vec::<String>::new());
}

#[test]
fn nothing_is_left_of_what_is_over() {
    let origin = Origin::start();
    let budget = Budget::new(64 << 20);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hosts/filter.wasm");
    let module = Module::from_file(&Engine::default(), file).unwrap();
    let plugin =
        |mode| Plugin::new(&module, PluginOptions::default().configuration(mode).budget(&budget)).unwrap();
    let server = start(&[plugin("body"), plugin("answer")], &origin, |options| options);
    let mut client = server.client();
    let mut ask = |count| {
        for _ in 0..count {
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
            assert_eq!(client.reply().text(), "15 bytes: 5 BYTES: H\n");
            assert_eq!(client.get("/answer").status, 418);
        }
    };
    ask(20);
    let before = budget.used();
    ask(200);
    // The last one may still be on its way out.
    let began = Instant::now();
    while budget.used() > before && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(budget.used() <= before, "{} of {before}", budget.used());
}

#[test]
fn trailers_pass_in_both_directions() {
    let origin = Origin::start();
    let server = start(&[marks('a'), ours("trailers")], &origin, |options| options);
    let mut client = server.client();
    let request = |te: &str| {
        format!(
            "POST /trailers HTTP/1.1\r\nHost: x\r\n{te}Trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n"
        )
    };
    client.send(request("TE: trailers\r\n"));
    let reply = client.reply();
    // Filters have added their own; of the response's, those pass that it announced.
    assert_eq!(reply.text(), "x-sum: 7\nx-filter: seen");
    assert_eq!((reply.header("trailer"), &reply.trailers[..]), (Some("x-end"), &["x-end: 1".to_owned()][..]));
    assert_eq!(reply.header("x-order"), Some("a"));
    // A client that doesn't say so gets none.
    client.send(request(""));
    let reply = client.reply();
    assert_eq!((reply.text().as_str(), reply.trailers.len()), ("x-sum: 7\nx-filter: seen", 0));
    assert_eq!(client.get("/quick").text(), "quick for test");
}

#[test]
fn what_belongs_to_a_connection_stays_with_it() {
    let origin = Origin::start();
    let server = start(&[marks('a')], &origin, |options| options);
    let mut client = server.client();
    client.send(
        "GET /headers HTTP/1.1\r\nHost: x\r\nConnection: x-mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\n\
         Proxy-Connection: close\r\nUpgrade: h2c\r\nX-Other: 2\r\n\r\n",
    );
    assert_eq!(client.reply().text(), "host: x\nx-other: 2\nx-forwarded-proto: http\nx-order: a\n");
}
