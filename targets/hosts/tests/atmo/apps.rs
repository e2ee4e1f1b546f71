//! Applications that answer requests.

use super::common::Running;
use super::common::origin::Origin;
use super::guests::{bundle, constant, echo, failing, field, header, looping, runnable, trapping};
use dunlin::{Config, Engine, Module};
use dunlin_hosts::atmo::{App, AppOptions, Bundle};
use dunlin_hosts::services::http::{AllowList, Client};
use dunlin_hosts::services::log::KeptLog;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn engine() -> Engine {
    let mut config = Config::new();
    config.consume_fuel(true);
    Engine::new(&config).unwrap()
}

pub(super) fn app(engine: &Engine, archive: &[u8], options: &AppOptions) -> App {
    App::new(Bundle::read(engine, archive).unwrap(), options).unwrap()
}

fn serving(runnables: &[(&str, String)], rest: &str, files: &[(&str, &str)]) -> Running {
    let app = app(&engine(), &bundle(runnables, rest, files), &AppOptions::default());
    Running::start(app, |options| options.limits.time = Duration::from_secs(20))
}

pub(super) fn post(server: &Running, path: &str, body: &str) -> super::common::client::Reply {
    let mut client = server.client();
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nX-Kind: h\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    client.reply()
}

#[test]
fn steps_pass_their_results_on() {
    let server = serving(
        &[
            ("echo", echo()),
            ("name", field(3, "name")),
            ("word", field(4, "word")),
            ("kind", field(2, "X-KIND")),
            ("query", field(5, "q")),
            ("url", field(0, "url")),
            ("mark", header("X-Mark", "set")),
            ("typed", header("content-type", "text/plain")),
        ],
        "handlers:
- {type: request, method: POST, resource: /echo, steps: [{fn: echo}]}
- {type: request, method: GET, resource: '/hello/:name', steps: [{fn: name}]}
- {type: request, method: GET, resource: '/hello/you', steps: [{fn: url}]}
- {type: request, method: GET, resource: '/file/*name', steps: [{fn: name}]}
- {type: request, method: POST, resource: '/with', steps: [{fn: echo, as: first}, {fn: word, with: {word: first}}]}
- {type: request, method: POST, resource: '/without', steps: [{fn: echo, as: first}, {fn: word}]}
- type: request
  method: POST
  resource: /group
  steps:
  - group: [{fn: mark, as: word}, {fn: kind}, {fn: 'com.example.test#default::query@v0.1.0', as: q}, {fn: typed}]
  - fn: word
    as: again
  response: kind
",
        &[],
    );
    let reply = post(&server, "/echo", "text");
    assert_eq!((reply.status, reply.text().as_str()), (200, "text"));
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(server.get("/hello/a%20b").text(), "a b");
    assert_eq!(server.get("/hello/you?x=1").text(), "/hello/you?x=1");
    assert_eq!(server.get("/file/a/b.md").text(), "/a/b.md");
    assert_eq!(post(&server, "/with", "text").text(), "text");
    assert_eq!(post(&server, "/without", "text").text(), "");
    let reply = post(&server, "/group?q=1", "text");
    assert_eq!((reply.text().as_str(), reply.header("x-mark")), ("h", Some("set")));
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(server.get("/nowhere").status, 404);
    assert_eq!(server.get("/echo").status, 405);
    assert_eq!(server.get("/hello/").status, 404);
}

#[test]
fn errors_end_or_are_passed_on() {
    let server = serving(
        &[
            ("fail", failing(404, "not \"found\"")),
            ("wrong", failing(7, "seven")),
            ("seen", field(4, "fail")),
            ("abort", runnable("oops!lib.ts", "(call $abort (i32.const 16) (i32.const 5) (i32.const 21) (i32.const 6) (i32.const 3) (i32.const 4) (local.get $ident)) unreachable")),
            ("trap", trapping()),
            ("none", runnable("", "")),
        ],
        "handlers:
- {type: request, method: GET, resource: /fail, steps: [{fn: fail}, {fn: seen}]}
- {type: request, method: GET, resource: /wrong, steps: [{fn: wrong}]}
- {type: request, method: GET, resource: /abort, steps: [{fn: abort}]}
- {type: request, method: GET, resource: /none, steps: [{fn: none}]}
- {type: request, method: GET, resource: /trap, steps: [{fn: trap, onErr: {any: continue}}, {fn: none}]}
- {type: request, method: GET, resource: /any, steps: [{fn: fail, onErr: {any: continue}}, {fn: seen}]}
- {type: request, method: GET, resource: /code, steps: [{fn: fail, onErr: {code: {404: continue}, other: return}}, {fn: seen}]}
- {type: request, method: GET, resource: /other, steps: [{fn: fail, onErr: {code: {403: continue}}}, {fn: seen}]}
- {type: request, method: GET, resource: /group, steps: [{group: [{fn: fail}, {fn: none}], onErr: {any: continue}}], response: fail}
",
        &[],
    );
    let reply = server.get("/fail");
    assert_eq!((reply.status, reply.header("content-type")), (404, Some("application/json")));
    assert_eq!(reply.text(), r#"{"status":404,"message":"not \"found\""}"#);
    for path in ["/any", "/code", "/group"] {
        let reply = server.get(path);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, r#"{"code":404,"message":"not \"found\""}"#),
            "{path}"
        );
    }
    assert_eq!(server.get("/other").status, 404);
    let reply = server.get("/wrong");
    assert_eq!((reply.status, reply.text().as_str()), (500, r#"{"status":500,"message":"seven"}"#));
    let reply = server.get("/abort");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (500, r#"{"status":500,"message":"runnable abort: oops!; file: lib.ts, line: 3, col: 4"}"#)
    );
    let reply = server.get("/trap");
    assert_eq!((reply.status, reply.text().contains("unreachable")), (500, false));
    assert!(
        server.log.lines().iter().any(|(_, _, line)| line.contains("trap: ") && line.contains("unreachable"))
    );
    let reply = server.get("/none");
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));
}

#[test]
fn lists_are_gone_through_in_order() {
    let server = serving(
        &[
            ("echo", echo()),
            ("item", field(4, "__elem")),
            ("text", constant("x")),
            ("fail", failing(418, "no")),
        ],
        "handlers:
- {type: request, method: POST, resource: /all, steps: [{fn: echo, as: in}, {forEach: {in: in, fn: item, as: out}}]}
- {type: request, method: POST, resource: /text, steps: [{fn: echo, as: in}, {forEach: {in: in, fn: text, as: out}}]}
- {type: request, method: POST, resource: /fail, steps: [{fn: echo, as: in}, {forEach: {in: in, fn: fail, as: out}}]}
- {type: request, method: POST, resource: /goes-on, steps: [{fn: echo, as: in}, {forEach: {in: in, fn: fail, as: out, onErr: {any: continue}}}]}
",
        &[],
    );
    let list = r#"[{"name": "Jimmy"},2,[],"x"]"#;
    assert_eq!(post(&server, "/all", &list.replace(',', " , ")).text(), list);
    assert_eq!(post(&server, "/all", "[]").text(), "[]");
    assert_eq!(post(&server, "/fail", list).status, 418);
    assert_eq!(post(&server, "/goes-on", list).text(), r#"{"code":418,"message":"no"}"#);
    for (path, body) in [("/text", list), ("/all", ""), ("/all", "{}"), ("/all", "[1"), ("/all", "[] []")] {
        assert_eq!(post(&server, path, body).status, 500, "{path} {body}");
    }
    let many = format!("[{}]", vec!["1"; 2000].join(","));
    assert_eq!(post(&server, "/all", &many).text(), many);
}

#[test]
fn files_and_the_cache_are_there() {
    let set = "(drop (call $cache (i32.const 16) (i32.const 3) (local.get $at) (local.get $len) (i32.const 60) (local.get $ident)))";
    let get = "(local.set $n (call $cached_swift (i32.const 16) (i32.const 3) (local.get $ident) (i32.const 0) (i32.const 0)))
        (drop (call $fetch (i32.const 32768) (local.get $ident)))
        (if (i32.lt_s (local.get $n) (i32.const 0))
            (then (call $error (i32.const 404) (i32.const 32768) (i32.sub (i32.const 0) (local.get $n)) (local.get $ident)))
            (else (call $result (i32.const 32768) (local.get $n) (local.get $ident))))";
    let file = "(local.set $n (call $file (local.get $at) (local.get $len) (local.get $ident)))
        (drop (call $fetch (i32.const 32768) (local.get $ident)))
        (if (i32.lt_s (local.get $n) (i32.const 0))
            (then (call $error (i32.const 404) (i32.const 32768) (i32.sub (i32.const 0) (local.get $n)) (local.get $ident)))
            (else (call $result (i32.const 32768) (local.get $n) (local.get $ident))))";
    let all = [("set", runnable("key", set)), ("get", runnable("key", get)), ("file", runnable("", file))];
    let handlers = "handlers:
- {type: request, method: POST, resource: /set, steps: [{fn: set}]}
- {type: request, method: GET, resource: /get, steps: [{fn: get}]}
- {type: request, method: POST, resource: /file, steps: [{fn: file}]}
";
    let files = [("static/a.md", "# A"), ("static/b/c.txt", "c")];
    let server = serving(&all, handlers, &files);
    assert_eq!((server.get("/get").status, server.get("/get").text().contains("key not found")), (404, true));
    assert_eq!(post(&server, "/set", "value").status, 200);
    assert_eq!(server.get("/get").text(), "value");
    for (name, content) in [("a.md", "# A"), ("/a.md", "# A"), ("static/b/c.txt", "c"), ("./b/c.txt", "c")] {
        assert_eq!(post(&server, "/file", name).text(), content);
    }
    for name in ["", "b", "../Directive.yaml", "Directive.yaml", "b/../a.md"] {
        assert_eq!(post(&server, "/file", name).status, 404, "{name}");
    }
    // What the Directive switches off isn't there.
    let off = "capabilities: {cache: {enabled: false}, file: {enabled: false}}\n";
    let server = serving(&all, &format!("{handlers}{off}"), &files);
    post(&server, "/set", "value");
    for reply in [server.get("/get"), post(&server, "/file", "a.md")] {
        assert!(reply.text().contains("capability is not enabled"), "{}", reply.text());
    }
}

#[test]
fn one_runnable_answers_everything() {
    let engine = engine();
    let module = Module::new(&engine, echo()).unwrap();
    let app = App::of_runnable(&module, "echo", &AppOptions::default()).unwrap();
    let server = Running::start(app, |_| {});
    assert_eq!(post(&server, "/any/path", "hello").text(), "hello");
    assert_eq!((server.get("/").status, server.get("/").text().as_str()), (200, ""));
    let module = Module::new(&engine, "(module)").unwrap();
    let error = App::of_runnable(&module, "none", &AppOptions::default()).unwrap_err();
    assert!(error.to_string().contains("exports its memory and the functions run_e and allocate"));
}

#[test]
fn schedules_repeat_until_the_application_ends() {
    let engine = engine();
    let log = KeptLog::default();
    let said = "(call $log (i32.const 16) (i32.const 4) (i32.const 2) (local.get $ident))";
    let archive = bundle(
        &[
            ("tick", runnable("tick", said)),
            ("state", field(4, "to")),
            ("fail", failing(3, "three")),
            ("spin", looping()),
        ],
        "schedules:
- {name: ticks, every: {seconds: 1}, state: {to: 5}, steps: [{fn: state}, {fn: tick}, {fn: fail}]}
- {name: spins, every: {hours: 1}, steps: [{fn: spin}]}
",
        &[],
    );
    let mut options = AppOptions { log: Arc::new(log.clone()), ..AppOptions::default() };
    options.jobs.time = Duration::from_millis(200);
    let app = app(&engine, &archive, &options);
    let count = |text: &str| log.lines().iter().filter(|(_, _, line)| line.contains(text)).count();
    while count("tick") < 2 || count("out of time") < 1 || count("three") < 2 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let source = log.lines().into_iter().find(|(_, _, line)| line.contains("three")).unwrap().1;
    assert_eq!(source, "schedule ticks");
    drop(app);
    drop(archive);
}

/// Requests go where the list lets them, by the ABI's numbers and with headers behind the URL, and their answers are paid for.
#[test]
fn requests_are_sent_where_they_may() {
    let fetch = |method: u32| {
        let text = format!(
            "(local.set $n (call $url (i32.const {method}) (local.get $at) (local.get $len) (i32.const 16) (i32.const 4) (local.get $ident)))
            (if (i32.le_s (local.get $n) (i32.const -3)) (then
                (drop (call $fetch (i32.const 32768) (local.get $ident)))
                (call $error (i32.const 502) (i32.const 32768) (i32.sub (i32.const 0) (local.get $n)) (local.get $ident))
                return))
            (if (i32.lt_s (local.get $n) (i32.const 0)) (then
                (call $error (local.get $n) (i32.const 16) (i32.const 0) (local.get $ident)) return))
            (drop (memory.grow (i32.const 8)))
            (drop (call $fetch (i32.const 262144) (local.get $ident)))
            (call $result (i32.const 262144) (local.get $n) (local.get $ident))"
        );
        runnable("body", &text)
    };
    let origin = Origin::start();
    let place = origin.address.to_string();
    let rest = format!(
        "handlers:
- {{type: request, method: POST, resource: /get, steps: [{{fn: get}}]}}
- {{type: request, method: POST, resource: /post, steps: [{{fn: post}}]}}
- {{type: request, method: POST, resource: /wrong, steps: [{{fn: wrong}}]}}
authentication: {{domains: {{'{place}': {{headerType: bearer, value: env(TOKEN)}}}}}}
"
    );
    let archive = bundle(&[("get", fetch(0)), ("post", fetch(3)), ("wrong", fetch(7))], &rest, &[]);
    let mut allowed = AllowList::none();
    allowed.allow(&place).unwrap();
    let options = AppOptions {
        http: Some(Arc::new(Client::new(allowed))),
        environment: vec![("TOKEN".into(), "secret".into())],
        ..AppOptions::default()
    };
    let app = app(&engine(), &archive, &options);
    let server = Running::start(app, |options| {
        options.limits.time = Duration::from_secs(2);
        options.limits.memory = 3 << 20;
    });
    let url = |path: &str| format!("http://{place}{path}");
    assert_eq!(post(&server, "/post", &url("/echo")).text(), "body");
    let headers = post(&server, "/post", &url("/headers::x-one:1::x-two: b")).text();
    for line in
        ["x-one: 1", "x-two:  b", "authorization: bearer secret", "content-type: application/octet-stream"]
    {
        assert!(headers.to_lowercase().contains(line), "{line} isn't in {headers}");
    }
    for (body, why) in [
        (url("/nothing"), "404: "),
        (url("/cut"), ""),
        ("http://localhost:1/".into(), "aren't allowed"),
        ("nonsense".into(), ""),
        (String::new(), ""),
    ] {
        let reply = post(&server, "/get", &body);
        assert!(
            reply.status == 502 && reply.text().contains(why),
            "{body}: {} {}",
            reply.status,
            reply.text()
        );
    }
    // What is no header, and no method.
    assert_eq!(post(&server, "/get", &url("/echo::x")).status, 500);
    assert_eq!(post(&server, "/get", &url("/echo::x:y:z")).status, 500);
    assert_eq!(post(&server, "/wrong", &url("/echo")).status, 500);
    // The answer doesn't fit, or doesn't come.
    assert_eq!(post(&server, "/get", &url("/large")).status, 503);
    assert!(matches!(post(&server, "/get", &url("/silent")).status, 502 | 504));
}
