//! WASI commands as CGI, on sockets: the guests are made of `examples/hosts/{page,trials}.rs`.
#![cfg(feature = "wagi")]

mod common;

use common::Running;
use common::client::Client;
use dunlin::{Budget, Config, Engine, Module};
use dunlin_hosts::server::{Limits, ServerOptions};
use dunlin_hosts::services::log::{KeptLog, NoLog};
use dunlin_hosts::wagi::{Modules, Program, ProgramOptions, Route, Site, Volume};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

fn module(engine: &Engine, name: &str) -> Module {
    Module::from_file(engine, format!("{}/tests/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A server of `trials`, with a budget of `memory` and limits as `change` has them.
fn trials(options: ProgramOptions, change: impl FnOnce(&mut ServerOptions)) -> Running {
    let mut config = Config::new();
    let budget = Budget::new(256 * MIB);
    config.budget(budget.clone()).consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let log = KeptLog::default();
    let mut site = Site::new(Arc::new(log.clone()));
    site.add(Route::all(), Program::new(&module(&engine, "trials"), options).unwrap());
    let mut running = Running::start(site, |options| {
        options.budget = budget;
        options.limits = Limits { memory: 8 * MIB, time: Duration::from_millis(300), ..Limits::default() };
        options.patience = Duration::from_millis(500);
        options.log = Arc::new(log.clone());
        change(options);
    });
    running.log = log;
    running
}

fn plain() -> Running {
    trials(ProgramOptions::default(), |_| {})
}

fn logged(server: &Running, text: &str) -> bool {
    server.log.lines().iter().any(|(_, _, line)| line.contains(text))
}

#[test]
fn a_program_is_told_of_its_request() {
    let options = ProgramOptions { environment: vec![("MODE".into(), "fast".into())], ..Default::default() };
    let server = trials(options, |_| {});
    let mut client = server.client();
    client.send(
        "POST /env?a=1&b=%20 HTTP/1.1\r\nHost: example.org:81\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\
         X-Two: 1\r\nX-Two: 2\r\nAuthorization: secret\r\nProxy: evil\r\n\r\nhi",
    );
    let text = client.reply().text();
    for line in [
        "MODE=fast",
        "REQUEST_METHOD=POST",
        "PATH_INFO=/env",
        "SCRIPT_NAME=",
        "QUERY_STRING=a=1&b=%20",
        "CONTENT_LENGTH=2",
        "CONTENT_TYPE=text/x",
        "SERVER_NAME=example.org",
        "SERVER_PORT=81",
        "SERVER_PROTOCOL=HTTP/1.1",
        "REMOTE_ADDR=127.0.0.1",
        "GATEWAY_INTERFACE=CGI/1.1",
        "X_FULL_URL=http://example.org:81/env?a=1&b=%20",
        "X_MATCHED_ROUTE=/...",
        "HTTP_X_TWO=1, 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} isn't in\n{text}");
    }
    assert!(!text.contains("secret") && !text.contains("evil"));
    assert_eq!(client.get("/args?name=ada&x").text(), "/args\nname=ada\nx\n");
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n");
    assert_eq!(client.reply().text(), "one");
}

#[test]
fn answers_are_what_is_printed() {
    let server = plain();
    let mut client = server.client();
    for (path, status, text) in [
        ("/status?404%20Not", 502, "502 Bad Gateway\n"),
        ("/status?404", 404, "as asked"),
        ("/status?99", 502, "502 Bad Gateway\n"),
        ("/location", 302, ""),
        ("/exit-well", 200, "done"),
        ("/drip", 200, "0\n1\n2\n3\n4\n"),
        ("/count", 200, "1"),
        ("/elsewhere", 404, ""),
    ] {
        let reply = client.get(path);
        assert_eq!((reply.status, reply.text().as_str()), (status, text), "{path}");
    }
    let large = client.get("/large");
    assert_eq!((large.body.len(), large.is_cut_short), (1 << 20, false));
    client.send("HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(server.get("/log").text(), "logged");
    assert!(logged(&server, "line 2"));
}

#[test]
fn failures_are_statuses_and_nothing_is_told() {
    let server = plain();
    for (path, status, sentence) in [
        ("/trap", 500, "unreachable"),
        ("/printed-trap", 500, "unreachable"),
        ("/grow-and-die", 500, "unreachable"),
        ("/loop", 504, "out of time"),
        ("/sleep", 504, "out of time"),
        ("/exit", 500, "exit code 3"),
        ("/nothing", 500, "printed no headers"),
        ("/headers", 500, "more than 65536 bytes"),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.text().starts_with(&status.to_string()) && reply.text().lines().count() == 1);
        assert!(logged(&server, sentence), "{path}: {:?}", server.log.lines());
    }
    assert!(logged(&server, "the guest's secret"));
    // Its memory is its limit's, and it goes on.
    let grown: u64 = server.get("/grow").text().split(' ').next().unwrap().parse().unwrap();
    assert!((4 * MIB..8 * MIB).contains(&grown), "{grown}");
    // An answer that doesn't end is cut when the time is up.
    assert!(server.get("/flood").is_cut_short);
}

#[test]
fn fuel_is_a_limit_too() {
    let server = trials(ProgramOptions { fuel: Some(1_000_000), ..Default::default() }, |options| {
        options.limits.time = Duration::from_secs(60);
    });
    assert_eq!(server.get("/loop").status, 504);
    assert!(logged(&server, "fuel"));
    assert_eq!(server.get("/count").status, 200);
}

#[test]
fn requests_see_nothing_of_each_other() {
    let folder = std::env::temp_dir().join(format!("dunlin-wagi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let volume = Volume { host: folder.clone(), guest: "/data".into(), read_only: true };
    let options = ProgramOptions { volumes: vec![volume], ..Default::default() };
    let server = trials(options, |options| options.limits.time = Duration::from_secs(60));
    let mut client = server.client();
    for _ in 0..3 {
        assert_eq!(client.get("/count").text(), "1");
        assert_eq!(client.get("/leave").text(), "65536");
        assert_eq!(client.get("/find").text(), "0 of true");
    }
    // Variables of one request aren't another's.
    client.send("GET /env HTTP/1.1\r\nHost: x\r\nX-Mine: 1\r\n\r\n");
    assert!(client.reply().text().contains("HTTP_X_MINE=1"));
    assert!(!client.get("/env").text().contains("MINE"));
    // A folder that may only be read can't carry anything over, and there is no other.
    assert_eq!(client.get("/write?/data/mark").text(), "Err(PermissionDenied)");
    assert_eq!(client.get("/read?/data/mark").text(), "Err(NotFound)");
    assert!(client.get("/write?/mark").text().starts_with("Err"));
    assert!(client.get("/read?/etc/passwd").text().starts_with("Err"));
    assert!(client.get("/read?/data/../../etc/passwd").text().starts_with("Err"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn when_all_are_busy_the_rest_are_told() {
    let server = trials(ProgramOptions::default(), |options| {
        (options.processors, options.guests, options.queue) = (1, 1, 1);
        options.limits.time = Duration::from_secs(2);
    });
    let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for client in &mut clients {
        client.send("GET /loop HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    let mut statuses: Vec<u16> = clients.iter_mut().map(|client| client.reply().status).collect();
    statuses.sort_unstable();
    // One runs out of its time, and two find no place. The one that waits never begins, or when its time is nearly up.
    assert_eq!((&statuses[..2], statuses[3]), (&[503, 503][..], 504), "{statuses:?}");
    assert!(matches!(statuses[2], 503 | 504), "{statuses:?}");
    // The one that ran is stopped, which takes a moment.
    while server.get("/count").status == 503 {}
}

#[test]
fn what_takes_long_makes_way() {
    let server = trials(ProgramOptions::default(), |options| {
        (options.processors, options.guests) = (1, 8);
        options.limits.time = Duration::from_secs(600);
    });
    let mut stuck = [server.client(), server.client(), server.client()];
    for (client, path) in stuck.iter_mut().zip(["/loop", "/sleep", "/flood"]) {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    // Were they waited for, this would take ten minutes.
    for _ in 0..20 {
        assert_eq!(server.get("/count").text(), "1");
    }
    drop(stuck);
    // Nobody waits for them any more, so they end, and the server can.
    returns_to_nothing(&server);
}

/// Waits until all that was charged for requests has been given back.
fn returns_to_nothing(server: &Running) {
    let least = idle_bytes(server);
    let began = Instant::now();
    while server.budget.used() > least {
        assert!(began.elapsed() < Duration::from_secs(60), "{} of {least} bytes", server.budget.used());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What the engine and the module take when there is no guest, and everything has been translated.
fn idle_bytes(server: &Running) -> u64 {
    use dunlin::Kind;
    let kinds = [Kind::Memory, Kind::Instance, Kind::Host, Kind::Stack, Kind::Table];
    let held = kinds.iter().map(|kind| server.budget.used_for(*kind)).sum::<u64>();
    server.budget.used() - held + HOST_IDLE
}

/// The linked functions.
const HOST_IDLE: u64 = 64 << 10;

#[test]
fn clients_that_go_away_leave_nothing() {
    let server = trials(ProgramOptions::default(), |options| options.limits.time = Duration::from_secs(600));
    assert_eq!(server.get("/count").status, 200);
    for path in ["/loop", "/sleep", "/flood", "/drip", "/echo"] {
        for _ in 0..4 {
            server.client().send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
            server.client().send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfour"));
        }
    }
    returns_to_nothing(&server);
    assert_eq!(server.get("/count").status, 200);
}

#[test]
fn clients_that_stall_are_told_or_left() {
    let server = plain();
    let mut half = server.client();
    half.send("GET /count HTTP/1.1\r\nHost: x\r\nX-Half");
    let mut stalled = server.client();
    stalled.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome");
    let mut silent = server.client();
    assert_eq!(half.reply().status, 408);
    assert_eq!(stalled.reply().status, 408);
    assert_eq!(silent.head().status, 0);
}

#[test]
fn sizes_are_bounded() {
    let server = trials(ProgramOptions { body: Some(1000), ..Default::default() }, |_| {});
    let mut client = server.client();
    client
        .send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000)));
    assert_eq!(client.reply().body.len(), 1000);
    client
        .send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n{}", "x".repeat(1001)));
    assert_eq!(client.reply().status, 413);
    let mut client = server.client();
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(format!("400\r\n{}\r\n0\r\n\r\n", "x".repeat(1024)));
    assert_eq!(client.reply().status, 413);
    // A client that asks first sends nothing then.
    let mut client = server.client();
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
    assert_eq!(client.head().status, 413);
    let mut client = server.client();
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("hi");
    assert_eq!(client.reply().text(), "hi");
    let mut client = server.client();
    client.send(format!("GET /count HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(20_000)));
    assert_eq!(client.head().status, 431);
}

#[test]
fn a_budget_that_is_used_up_is_503() {
    let budget = Budget::new(6 * MIB);
    let engine = Engine::new(Config::new().budget(budget.clone())).unwrap();
    let mut site = Site::new(Arc::new(NoLog));
    site.add(Route::all(), Program::new(&module(&engine, "trials"), ProgramOptions::default()).unwrap());
    let server = Running::start(site, |options| options.budget = budget.clone());
    assert_eq!(server.get("/count").status, 200);
    let all = budget.charge(dunlin::Kind::Host, budget.available().unwrap() - (100 << 10)).unwrap();
    let reply = server.get("/count");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    drop(all);
    assert_eq!(server.get("/count").status, 200);
}

#[test]
fn a_site_has_programs_at_routes() {
    let text = r#"
        [[module]]
        route = "/"
        module = "page"
        [[module]]
        route = "/hello/..."
        module = "page"
        [[module]]
        route = "/trials/..."
        module = "trials"
        environment = { COLOUR = "green" }
        timeout = 0.2
    "#;
    let engine = Engine::default();
    let modules = Modules::parse(text).unwrap();
    let site = modules.site(&[("ALL".into(), "1".into())], Arc::new(NoLog), |name| Ok(module(&engine, name)));
    let server = Running::start(site.unwrap(), |_| {});
    let text = |path: &str| server.get(path).text();
    assert_eq!(text("/"), "Hello, world!\nYou asked for GET .\n");
    assert_eq!(text("/hello/a%20b?name=Ada"), "Hello, Ada!\nYou asked for GET /a b.\n");
    assert_eq!(text("/healthz"), "OK");
    assert_eq!(server.get("/other").status, 404);
    assert_eq!(server.get("/trials/loop").status, 504);
    let variables = text("/trials/env");
    for line in
        ["COLOUR=green", "ALL=1", "SCRIPT_NAME=/trials", "PATH_INFO=/env", "X_MATCHED_ROUTE=/trials/..."]
    {
        assert!(variables.lines().any(|found| found == line), "{line} isn't in\n{variables}");
    }
}

#[test]
fn requests_in_flight_are_answered_before_the_end() {
    let mut server = trials(ProgramOptions::default(), |_| {});
    let mut client = server.client();
    client.send("GET /drip HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut idle = server.client();
    assert_eq!(idle.get("/count").status, 200);
    assert_eq!(client.head().status, 200);
    server.stop();
    assert!(!idle.is_open());
}

#[test]
fn what_is_served_is_replaced_between_requests() {
    let engine = Engine::default();
    let site = |name| {
        let mut site = Site::new(Arc::new(NoLog));
        site.add(Route::all(), Program::new(&module(&engine, name), ProgramOptions::default()).unwrap());
        site
    };
    let server = Running::start(site("trials"), |_| {});
    let mut client = server.client();
    assert_eq!(client.get("/count").text(), "1");
    let mut slow = server.client();
    slow.send("GET /drip HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(slow.head().status, 200);
    server.remote.replace(Arc::new(site("page")));
    assert_eq!(client.get("/count").text(), "Hello, world!\nYou asked for GET /count.\n");
    assert_eq!(slow.rest(), "0\n1\n2\n3\n4\n");
}

/// Counts calls of its initialisation and of its start, and prints both.
fn counting(initializer: &str) -> String {
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 8)
        (global $initialized (mut i32) (i32.const 48)) (global $started (mut i32) (i32.const 48))
        (data (i32.const 0) "\10\00\00\00\1b\00\00\00")
        (data (i32.const 16) "content-type: text/x\0a\0a.. ..")
        (func (export "wizer.initialize")
            (global.set $initialized (i32.add (global.get $initialized) (i32.const 1)))
            (memory.fill (i32.const 1000) (i32.const 46) (i32.const 300000)) {initializer})
        (func (export "_start")
            (global.set $started (i32.add (global.get $started) (i32.const 1)))
            (i32.store8 (i32.const 38) (i32.load8_u (i32.const 300000)))
            (i32.store8 (i32.const 39) (global.get $initialized))
            (i32.store8 (i32.const 41) (i32.add (global.get $started) (i32.load8_u (i32.const 400000))))
            (memory.fill (i32.const 1000) (i32.const 1) (i32.const 400000))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#
    )
}

#[test]
fn programs_are_initialised_once_for_all_requests() {
    for fuel in [false, true] {
        let engine = Engine::new(Config::new().consume_fuel(fuel)).unwrap();
        let program = |initializer: &str| {
            let module = Module::new(&engine, counting(initializer)).unwrap();
            Program::new(&module, ProgramOptions::default())
        };
        let mut site = Site::new(Arc::new(NoLog));
        site.add(Route::all(), program("").unwrap());
        let server = Running::start(site, |options| options.limits.fuel = fuel.then_some(1_000_000));
        for _ in 0..3 {
            assert_eq!(server.get("/").text(), ".1 1.");
        }
        let error = program("(unreachable)").unwrap_err().to_string();
        assert!(error.contains("wizer.initialize"), "{error}");
    }
}
