//! Policies behind OPA's REST interface, on sockets.

mod common;

use common::Running;
use common::client::{Client, Reply};
use dunlin::{Config, Engine, Module};
use dunlin_hosts::opa::{Policy, PolicyOptions, PolicyServer};
use dunlin_hosts::server::ServerOptions;
use dunlin_hosts::services::log::KeptLog;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn server(roots: &[&str], change: impl FnOnce(&mut ServerOptions)) -> (Running, KeptLog) {
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies/policy.wasm");
    let module = Module::from_file(&engine, file).unwrap();
    let policy = Policy::new(&module, PolicyOptions::default()).unwrap();
    let log = KeptLog::default();
    let server = PolicyServer::new(&policy, r#"{"admins": ["alice"]}"#, Arc::new(log.clone())).unwrap();
    let roots = roots.iter().map(|root| (*root).to_string());
    (Running::start(server.roots(roots), change), log)
}

fn ask(client: &mut Client, method: &str, path: &str, body: &str) -> Reply {
    let len = body.len();
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{body}"));
    client.reply()
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

#[track_caller]
fn answers(client: &mut Client, (method, path, body): (&str, &str, &str), status: u16, answer: Value) {
    let reply = ask(client, method, path, body);
    assert_eq!((reply.status, json(&reply)), (status, answer), "{method} {path} {body}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

const ALICE: &str = r#"{"input": {"user": "alice"}}"#;
const BOB: &str = r#"{"input": {"user": "bob"}}"#;

#[test]
fn decisions_and_data_are_asked_for() {
    let (server, _) = server(&[], |_| {});
    let client = &mut server.client();
    for _ in 0..20 {
        answers(client, ("POST", "/v1/data/roles/allow", ALICE), 200, json!({"result": true}));
        answers(client, ("POST", "/v1/data/roles/allow", BOB), 200, json!({"result": false}));
        // Undefined.
        for body in ["", "{}", r#"{"input": {}}"#] {
            answers(client, ("POST", "/v1/data/roles/allow", body), 200, json!({}));
        }
    }
    let get = "/v1/data/roles/allow?input=%7B%22user%22%3A+%22alice%22%7D";
    answers(client, ("GET", get, ""), 200, json!({"result": true}));
    answers(client, ("GET", "/v1/data/roles/allow", ""), 200, json!({}));
    answers(client, ("GET", "/v1/data/admins/0", ""), 200, json!({"result": "alice"}));
    answers(client, ("GET", "/v1/data", ""), 200, json!({"result": {"admins": ["alice"]}}));
    answers(client, ("GET", "/v1/data/nothing", ""), 200, json!({}));
    answers(client, ("GET", "/health", ""), 200, json!({}));
    // What an entrypoint decides has parts.
    let call = json!({"input": {"builtin": "semver.compare", "args": ["1.0.0", "2.0.0"]}}).to_string();
    answers(client, ("POST", "/v1/data/host/call", &call), 200, json!({"result": -1}));
    answers(client, ("POST", "/v1/data/host/call/x", &call), 200, json!({}));
    let pretty = ask(client, "POST", "/v1/data/roles/allow?pretty", ALICE).text();
    assert_eq!(pretty, "{\n  \"result\": true\n}\n");
}

#[test]
fn data_is_written_in_memory() {
    let (server, _) = server(&["owned"], |_| {});
    let client = &mut server.client();
    let mut write = |method, path, body, status| {
        let reply = ask(client, method, path, body);
        assert_eq!((reply.status, reply.text().is_empty()), (status, status < 400), "{method} {path} {body}");
    };
    write("PUT", "/v1/data/admins", r#"["bob"]"#, 204);
    write("PUT", "/v1/data/a/b%2Fc", "1", 204);
    write("PATCH", "/v1/data/admins", r#"[{"op": "add", "path": "/-", "value": "carol"}]"#, 204);
    write("PATCH", "/v1/data/none", "[]", 404);
    write("PATCH", "/v1/data/admins", r#"[{"op": "copy", "from": "", "path": "/-"}]"#, 400);
    write("PUT", "/v1/data/owned/x", "1", 400);
    write("PUT", "/v1/data", "{}", 400);
    write("PUT", "/v1/data/admins/x", "1", 404);
    write("PUT", "/v1/data/admins", "nonsense", 400);
    write("DELETE", "/v1/data/none", "", 404);
    answers(client, ("POST", "/v1/data/roles/allow", ALICE), 200, json!({"result": false}));
    answers(client, ("POST", "/v1/data/roles/allow", BOB), 200, json!({"result": true}));
    let all = json!({"result": {"admins": ["bob", "carol"], "a": {"b/c": 1}}});
    answers(client, ("GET", "/v1/data", ""), 200, all);
    client.send("PUT /v1/data/a HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nContent-Length: 1\r\n\r\n2");
    assert_eq!(client.head().status, 304);
    assert_eq!(ask(client, "DELETE", "/v1/data/a", "").status, 204);
    answers(client, ("GET", "/v1/data/a", ""), 200, json!({}));
}

#[test]
fn what_is_wrong_is_said_as_opa_does() {
    let (server, log) = server(&[], |options| options.limits.fuel = Some(3_000_000));
    let client = &mut server.client();
    for (method, path, body, status, code) in [
        ("POST", "/v1/data/roles/allow", "nonsense", 400, "invalid_parameter"),
        ("POST", "/v1/data/roles/allow", "[1", 400, "invalid_parameter"),
        ("GET", "/v1/data/roles/allow?input=%7B", "", 400, "invalid_parameter"),
        ("GET", "/v1/data/%zz", "", 400, "invalid_parameter"),
        ("GET", "/v1/database", "", 404, "resource_not_found"),
        ("GET", "/", "", 404, "resource_not_found"),
        ("OPTIONS", "/v1/data", "", 405, "method_not_allowed"),
        ("POST", "/health", "", 405, "method_not_allowed"),
        ("POST", "/v1/data/host/fail", "", 500, "internal_error"),
        ("POST", "/v1/data/host/spin", "", 504, "internal_error"),
    ] {
        let reply = ask(client, method, path, body);
        assert_eq!((reply.status, &json(&reply)["code"]), (status, &code.into()), "{method} {path} {body}");
        assert!(json(&reply)["message"].is_string());
    }
    let failed = json(&ask(client, "POST", "/v1/data/host/fail", ""));
    let said = failed["errors"][0]["message"].as_str().unwrap();
    assert_eq!(said, "the policy gave up: roles.rego:1:1: it was asked to fail");
    assert!(log.lines().iter().any(|(_, from, line)| from == "/v1/data/host/fail" && line.contains(said)));
    answers(client, ("POST", "/v1/data/roles/allow", ALICE), 200, json!({"result": true}));
}

#[test]
fn limits_bound_each_request() {
    let (server, _) = server(&[], |options| {
        options.limits.memory = 2 << 20;
        options.limits.body = 8 << 20;
        options.limits.time = Duration::from_millis(200);
    });
    let client = &mut server.client();
    assert_eq!(ask(client, "POST", "/v1/data/host/spin", "").status, 504);
    let client = &mut server.client();
    let large = json!({"input": {"user": "alice", "more": "x".repeat(4_000_000)}}).to_string();
    let reply = ask(client, "POST", "/v1/data/roles/allow", &large);
    assert_eq!((reply.status, &json(&reply)["code"]), (503, &"internal_error".into()));
    // Data must fit as well; the policy's allocator traps where it doesn't.
    let large = json!("x".repeat(4_000_000)).to_string();
    assert_eq!(ask(client, "PUT", "/v1/data/large", &large).status, 500);
    answers(client, ("GET", "/v1/data/large", ""), 200, json!({}));
    answers(client, ("POST", "/v1/data/roles/allow", ALICE), 200, json!({"result": true}));
}

#[test]
fn many_ask_at_a_time() {
    let (server, _) = server(&[], |_| {});
    std::thread::scope(|scope| {
        for number in 0..8 {
            let mut client = server.client();
            scope.spawn(move || {
                let (body, allowed) = if number % 2 == 0 { (ALICE, true) } else { (BOB, false) };
                for _ in 0..100 {
                    answers(
                        &mut client,
                        ("POST", "/v1/data/roles/allow", body),
                        200,
                        json!({"result": allowed}),
                    );
                }
            });
        }
    });
}
