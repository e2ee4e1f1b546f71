//! Applications of Fastly Compute, on sockets: the guest is made of `examples/hosts/edge.rs`.

#![cfg(feature = "fastly")]

mod common;

use common::Running;
use common::origin::Origin;
use dunlin::{Budget, Config, Engine, Module};
use dunlin_hosts::fastly::{App, AppOptions, LocalServer};
use dunlin_hosts::server::{Limits, ServerOptions};
use dunlin_hosts::services::http::AllowList;
use dunlin_hosts::services::log::KeptLog;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

fn limited(options: &mut ServerOptions) {
    options.limits = Limits { memory: 16 * MIB, time: Duration::from_secs(20), ..Limits::default() };
}

/// A server of the guest, whose backend is `origin`.
fn edge(origin: &Origin, change: impl FnOnce(&mut ServerOptions)) -> Running {
    let mut config = Config::new();
    let budget = Budget::new(256 * MIB);
    config.budget(budget.clone());
    let engine = Engine::new(&config).unwrap();
    let module =
        Module::from_file(&engine, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guests/edge.wasm")).unwrap();
    let text = format!(
        r#"
        [local_server.backends]
        origin = {{ url = "http://{}/base" }}
        down = {{ url = "http://127.0.0.1:1" }}
        [local_server.config_stores.settings]
        format = "inline-toml"
        contents = {{ mode = "fast, and longer than sixteen bytes" }}
        [local_server.kv_stores]
        words = []
        [[local_server.secret_stores.keys]]
        key = "token"
        data = "a secret"
        "#,
        origin.address
    );
    let config = LocalServer::parse(&text, Path::new("")).unwrap();
    let log = KeptLog::default();
    let mut dynamic = AllowList::none();
    dynamic.allow(&format!("http://{}", origin.address)).unwrap();
    let options = AppOptions { config, dynamic, log: Arc::new(log.clone()), ..AppOptions::default() };
    let mut running = Running::start(App::new(&module, options).unwrap(), |options| {
        limited(options);
        options.budget = budget;
        options.log = Arc::new(log.clone());
        change(options);
    });
    running.log = log;
    running
}

fn logged(server: &Running, text: &str) -> bool {
    server.log.lines().iter().any(|(_, from, line)| format!("{from}: {line}").contains(text))
}

#[test]
fn an_application_makes_backends_where_it_may() {
    let origin = Origin::start();
    let server = edge(&origin, |_| {});
    // Made, its name taken, its option not supported.
    let path = format!("/dynamic?{}", origin.address);
    assert_eq!(server.get(&path).text(), r#"(0, 1, 5) Ok("quick for named")"#);
    for (target, status) in
        [("127.0.0.1:1", 5), ("example.org", 5), ("", 2), ("127.0.0.1:1/path", 2), ("user@127.0.0.1:1", 2)]
    {
        let reply = server.get(&format!("/dynamic?{target}"));
        assert_eq!(reply.text(), format!("({status}, {status}, 5) Err(0)"), "{target}");
    }
    assert_eq!(origin.paths(), ["/quick"]);
}

#[test]
fn an_application_answers_requests() {
    let server = edge(&Origin::start(), |_| {});
    let mut client = server.client();
    client.send("PUT /method HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.status, reply.text().as_str()), (200, "PUT"));
    assert_eq!((reply.header("x-from"), reply.header("content-length")), (Some("edge"), Some("3")));
    client.send("GET /uri?a=%20b HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
    assert_eq!(client.reply().text(), "http://example.org:81/uri?a=%20b");
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n");
    assert_eq!(client.reply().text(), "one");
    client.send("GET /names HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nX-Two: 2\r\nX-A-Long-Name: 3\r\n\r\n");
    assert_eq!(client.reply().text(), "host\nx-two\nx-a-long-name\n");
    // Its TLS and its place aren't known.
    assert_eq!(client.get("/client").text(), "[127, 0, 0, 1] 10 10");
    assert_eq!(client.get("/status?418").status, 418);
    assert_eq!((client.get("/nothing").status, client.get("/nowhere").status), (200, 404));
    assert_eq!(client.get("/config").text(), r#"Some("fast, and longer than sixteen bytes") None 3"#);
    assert_eq!(client.get("/secret").text(), "a secret");
    assert_eq!(client.get("/purge").text(), "5");
    assert_eq!(client.get("/log").text(), "logged");
    assert!(logged(&server, "audit: a line\u{1b}[2J") && logged(&server, "app: printed"));
    // What is in a store outlives an instance.
    let counts: Vec<_> = (0..3).map(|_| client.get("/kv").text()).collect();
    assert_eq!(counts, ["1", "2", "3"]);
}

#[test]
fn answers_are_streamed() {
    let server = edge(&Origin::start(), |_| {});
    let reply = server.get("/stream");
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!((reply.text().as_str(), reply.is_cut_short), ("0\n1\n2\n3\n4\n", false));
    for path in ["/abandon", "/unfinished"] {
        let reply = server.get(path);
        assert!(reply.status == 500 || reply.is_cut_short, "{path}: {reply:?}");
    }
    let mut client = server.client();
    client.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().status, 200);
    drop(client);
    assert_eq!(server.get("/method").status, 200);
}

#[test]
fn backends_are_asked() {
    let origin = Origin::start();
    let server = edge(&origin, |_| {});
    let mut client = server.client();
    assert_eq!(client.get("/fetch?quick").text(), r#"200 Some("origin") 0 quick for example.org"#);
    assert_eq!(client.get("/fetch?absent").text(), "404 None 0 ");
    client.send("POST /fetch?echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.reply().text(), "200 None 0 hello");
    // What the backend said was its length isn't there: the guest is told with status 9.
    assert_eq!(client.get("/fetch?cut").text(), "200 None 9 cut");
    assert_eq!(client.get("/fetch?down").text(), "error 5");
    let large = client.get("/proxy?large");
    assert_eq!((large.body.len(), large.is_cut_short), (3_000_000, false));
    assert!(large.body.iter().enumerate().all(|(at, byte)| *byte == at as u8));
    let cut = server.get("/proxy?cut");
    assert!(cut.status == 500 || cut.is_cut_short, "{cut:?}");
    assert!(origin.paths().iter().all(|path| path.starts_with("/base/")), "{:?}", origin.paths());
}

#[test]
fn requests_are_waited_for_together() {
    let server = edge(&Origin::start(), |_| {});
    assert_eq!(server.get("/both").text(), "quick for example.orgslow");
    assert_eq!(server.get("/poll").text(), "(0, true) true slow");
    assert_eq!(server.get("/upload").text(), "1000000");
    assert_eq!(server.get("/upload?broken").text(), "error 1");
}

#[test]
fn failures_are_statuses_and_nothing_is_told() {
    let server = edge(&Origin::start(), |_| {});
    for (path, status, told) in [
        ("/trap", 500, "unreachable"),
        ("/late-trap", 500, "unreachable"),
        ("/exit", 500, "exit code 3"),
        ("/unknown", 500, "`fastly_http_req.nobody_has_this`"),
    ] {
        let reply = server.get(path);
        assert_eq!((reply.status, reply.body.starts_with(b"500 ")), (status, true), "{path}");
        assert!(logged(&server, told), "{path}: {:?}", server.log.lines());
    }
}

#[test]
fn what_is_wrong_is_an_error_and_no_more() {
    let server = edge(&Origin::start(), |_| {});
    let statuses = "[2, 2, 7, 7, 2, 2, 7, 2, 2, 3, 3, 3, 3, 3, 2, 2, 2, 2, 13]";
    assert_eq!(server.get("/wrong").text(), statuses);
    assert_eq!(server.get("/bomb").text(), "13 true");
    assert_eq!(server.get("/handles").text(), "bounded");
    // Bodies are charged to what the request may take.
    assert_eq!(server.get("/grow").status, 500);
    assert!(server.budget.used() < 16 * MIB, "{}", server.budget.used());
}

#[test]
fn who_never_answers_is_ended() {
    let server = edge(&Origin::start(), |options| options.limits.time = Duration::from_millis(300));
    for path in ["/loop", "/sleep", "/hang"] {
        let began = Instant::now();
        assert_eq!(server.get(path).status, 504, "{path}");
        assert!(began.elapsed() < Duration::from_secs(10), "{path}");
    }
    assert_eq!(server.get("/method").status, 200);
    // All of it is given back, but for the threads that still wait for a backend.
    let began = Instant::now();
    while server.budget.used() > 4 * MIB && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(server.budget.used() <= 4 * MIB, "{}", server.budget.used());
}

/// Counts calls of its initialisation and of its start, and answers both.
fn counting(initializer: &str) -> String {
    format!(
        r#"(module
        (import "fastly_http_body" "new" (func $body (param i32) (result i32)))
        (import "fastly_http_body" "write" (func $write (param i32 i32 i32 i32 i32) (result i32)))
        (import "fastly_http_resp" "new" (func $response (param i32) (result i32)))
        (import "fastly_http_resp" "send_downstream" (func $send (param i32 i32 i32) (result i32)))
        (memory (export "memory") 8)
        (global $initialized (mut i32) (i32.const 48)) (global $started (mut i32) (i32.const 48))
        (data (i32.const 16) ".. ..")
        (func (export "wizer.initialize")
            (global.set $initialized (i32.add (global.get $initialized) (i32.const 1)))
            (memory.fill (i32.const 1000) (i32.const 46) (i32.const 300000)) {initializer})
        (func (export "_start")
            (global.set $started (i32.add (global.get $started) (i32.const 1)))
            (i32.store8 (i32.const 16) (i32.load8_u (i32.const 300000)))
            (i32.store8 (i32.const 17) (global.get $initialized))
            (i32.store8 (i32.const 19) (i32.add (global.get $started) (i32.load8_u (i32.const 400000))))
            (memory.fill (i32.const 1000) (i32.const 1) (i32.const 400000))
            (drop (call $body (i32.const 0)))
            (drop (call $write (i32.load (i32.const 0)) (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 8)))
            (drop (call $response (i32.const 4)))
            (drop (call $send (i32.load (i32.const 4)) (i32.load (i32.const 0)) (i32.const 0)))))"#
    )
}

#[test]
fn an_application_is_initialised_once_for_all_requests() {
    for fuel in [false, true] {
        let engine = Engine::new(Config::new().consume_fuel(fuel)).unwrap();
        let app = |initializer: &str| {
            let module = Module::new(&engine, counting(initializer)).unwrap();
            App::new(&module, AppOptions::default())
        };
        let server =
            Running::start(app("").unwrap(), |options| options.limits.fuel = fuel.then_some(1_000_000));
        for _ in 0..3 {
            assert_eq!(server.get("/").text(), ".1 1.");
        }
        // There is nothing of Fastly's before there is a request.
        for (initializer, told) in [
            ("(unreachable)", "unreachable"),
            ("(drop (call $body (i32.const 0)))", "before there is a request"),
        ] {
            let error = app(initializer).unwrap_err().to_string();
            assert!(error.contains("wizer.initialize") && error.contains(told), "{error}");
        }
    }
}
