//! The public runnables of the repository suborbital/reactr, in Rust, AssemblyScript, TinyGo, Grain and Swift, with what its own
//! tests expect of them: `REACTR_RUNNABLES` names its folder `engine/testdata`.

use dunlin::{Engine, Module};
use dunlin_hosts::atmo::{
    Cache, Capabilities, Database, Files, QueryCall, QueryKind, Request, Response, RunError, Runnable, Task,
};
use dunlin_hosts::server::Bytes;
use dunlin_hosts::services::http::{Headers, Response as HttpResponse, Trailers};
use dunlin_hosts::services::http::{HttpError, OutboundHttp, Request as HttpRequest, RequestBody};
use dunlin_hosts::services::kv::MemoryStore;
use dunlin_hosts::services::log::KeptLog;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What the places answer that the runnables ask.
struct Web;

impl OutboundHttp for Web {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let mut body = String::new();
        if let RequestBody::Sized(reader, _) = request.body {
            reader.read_to_string(&mut body).unwrap();
        }
        let header = |name| request.headers.text(name).unwrap_or_default().to_owned();
        let answer = match (request.method.as_str(), request.url.as_str()) {
            ("GET", "https://1password.com") => "<!doctype html><html lang=en>".to_owned(),
            ("POST", "https://postman-echo.com/post") => {
                format!("{body} {} {}", header("content-type"), header("x-atmo-test"))
            }
            ("POST", "https://1password.com") => format!("{body} {}", header("foo")),
            ("POST", "https://api.github.com/graphql") => {
                assert!(body.contains("suborbital") && header("authorization") == "bearer token", "{body}");
                r#"{"data":{"repository":{"name":"reactr","nameWithOwner":"suborbital/reactr"}}}"#.to_owned()
            }
            other => panic!("nobody should ask {other:?}"),
        };
        let body = Box::new(Cursor::new(answer.into_bytes()));
        Ok(HttpResponse { status: 200, headers: Headers::new(), body, trailers: Trailers::default() })
    }
}

/// A database with a table of users, as far as the runnables ask for one.
#[derive(Default, Debug)]
struct Users(Mutex<Vec<String>>);

impl Database for Users {
    fn exec(&self, QueryCall { kind, name, vars, .. }: QueryCall<'_>) -> Result<Vec<u8>, String> {
        let mut users = self.0.lock().unwrap();
        let changed = r#"{"lastInsertID":0,"rowsAffected":1}"#.to_owned();
        let answer = match (kind, name, vars) {
            (QueryKind::Insert, "PGInsertUser", [id, "connor@suborbital.dev"]) => {
                users.push((*id).to_owned());
                changed
            }
            (QueryKind::Update, "PGUpdateUserWithUUID", [id]) if users.iter().any(|user| user == id) => {
                changed
            }
            (QueryKind::Select, "PGSelectUserWithUUID", [id]) => {
                let rows = users.iter().filter(|user| user == id);
                let rows: Vec<_> = rows.map(|user| format!("{{\"uuid\":\"{user}\"}}")).collect();
                format!("[{}]", rows.join(","))
            }
            (QueryKind::Delete, "PGDeleteUserWithUUID", [id]) => {
                users.retain(|user| user != id);
                changed
            }
            _ => return Err(format!("there is no query {name}")),
        };
        Ok(answer.into_bytes())
    }
}

struct Bench {
    folder: PathBuf,
    engine: Engine,
    log: KeptLog,
    all: Arc<Capabilities>,
    ran: Vec<&'static str>,
    absent: Vec<&'static str>,
}

const PAGE: &str = "# Hello, World\n\nContents are very important";

impl Bench {
    fn new(folder: &Path) -> Self {
        let (engine, log) = (Engine::default(), KeptLog::default());
        let all = Capabilities {
            http: Some(Arc::new(Web)),
            graphql: Some(Arc::new(Web)),
            authorization: [("api.github.com".to_owned(), "bearer token".to_owned())].into(),
            cache: Some(Arc::new(Cache::new(Arc::new(MemoryStore::new(engine.budget()))))),
            files: Some(Arc::new(Files::from_iter([("important.md", PAGE)]))),
            database: Some(Arc::new(Users::default())),
            log: Arc::new(log.clone()),
            ..Capabilities::default()
        };
        let all = Arc::new(all);
        Self { folder: folder.into(), engine, log, all, ran: Vec::new(), absent: Vec::new() }
    }

    /// Calls a runnable; `None` if the folder doesn't have it.
    fn run(
        &mut self,
        name: &'static str,
        capabilities: &Arc<Capabilities>,
        request: Request,
    ) -> Option<Result<Response, RunError>> {
        let file = self.folder.join(name).join(name).with_extension("wasm");
        if !file.is_file() {
            self.absent.push(name);
            return None;
        }
        let module = Module::from_file(&self.engine, file).unwrap();
        let runnable = Runnable::new(&module, name, capabilities).unwrap();
        self.ran.push(name);
        Some(runnable.call(request, &Task::new(self.engine.budget())))
    }

    #[track_caller]
    fn answers(&mut self, name: &'static str, request: Request, expected: &str) -> Option<Response> {
        let response =
            self.run(name, &self.all.clone(), request)?.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(String::from_utf8_lossy(&response.output), expected, "{name}");
        Some(response)
    }
}

fn input(text: &str) -> Request {
    Request::of_body(Bytes::copy_from_slice(text.as_bytes()))
}

/// The request that most tests there make.
fn request() -> Request {
    Request {
        method: "GET".into(),
        url: "/hello/world?message=whatsup".into(),
        id: "an-id".into(),
        state: [("hello".to_owned(), Bytes::from("what is up"))].into(),
        ..input(r#"{"username":"cohix"}"#)
    }
}

#[test]
fn public_runnables_answer() {
    let Some(folder) = std::env::var_os("REACTR_RUNNABLES") else {
        eprintln!("SKIPPED: REACTR_RUNNABLES doesn't name the folder engine/testdata of suborbital/reactr");
        return;
    };
    let mut bench = Bench::new(Path::new(&folder));
    let large = "Lorem ipsum dolor sit amet. ".repeat(2400);
    for (name, before) in [
        ("hello-echo", "hello "),
        ("as-echo", "hello, "),
        ("grain-echo", "hello, "),
        ("tinygo-hello-echo", "Hello, "),
        ("hello-swift", "hello "),
    ] {
        bench.answers(name, input("my name is joe"), &format!("{before}my name is joe"));
        bench.answers(name, input(&large), &format!("{before}{large}"));
    }
    for name in ["log", "as-req", "grain-req", "swift-log"] {
        bench.answers(name, request(), "hello what is up");
    }
    let said: Vec<_> = bench.log.lines().into_iter().map(|(_, _, line)| line).collect();
    for line in
        ["GET", r#"{"username":"cohix"}"#, "cohix", "/hello/world?message=whatsup", "an-id", "what is up"]
    {
        assert!(said.iter().any(|said| said == line), "{line} isn't in {said:?}");
    }
    for name in ["rust-urlquery", "tinygo-urlquery"] {
        bench.answers(name, request(), "hello whatsup");
    }
    bench.answers("tinygo-req", request(), "Success");
    bench.answers("tinygo-log", request(), "");
    bench.answers("rs-reqset", request(), "");
    assert!(bench.log.lines().iter().any(|(_, source, line)| source == "rs-reqset" && line == "header set!"));
    let json = Some("application/json");
    if let Some(response) = bench.answers("content-type", input("x"), "hello x") {
        assert_eq!(response.headers.get("Content-Type").map(String::as_str), json);
    }
    if let Some(response) = bench.answers("tinygo-resp", input("world"), "Hello, world") {
        assert_eq!(response.headers.get("Content-Type").map(String::as_str), json);
        assert_eq!(response.headers.get("X-Reactr").map(String::as_str), Some("world"));
    }
    for name in ["get-static", "tinygo-get-static", "get-static-swift"] {
        bench.answers(name, input("important.md"), PAGE);
    }
    for name in ["as-fetch", "grain-fetch", "fetch-swift"] {
        bench.answers(name, input("https://1password.com"), "<!doctype html><html lang=en>");
    }
    let echo = r#"{"message": "testing the echo!"} application/json testvalgoeshere"#;
    bench.answers("fetch", input("https://1password.com"), echo);
    bench.answers("tinygo-http-get", input("https://1password.com"), "foobar bar");
    let data = r#"{"data":{"repository":{"name":"reactr","nameWithOwner":"suborbital/reactr"}}}"#;
    for name in ["rs-graphql", "as-graphql", "grain-graphql"] {
        bench.answers(name, input(""), data);
    }
    for name in ["rs-dbtest", "tinygo-db"] {
        bench.answers(name, input(""), "all good!");
    }
    // Whichever language wrote it, the others find it.
    for (set, answer) in [("as-set", ""), ("tinygo-cache", "very important"), ("swift-set", "")] {
        let value = input("very important");
        if bench.answers(set, value, answer).is_some() {
            for get in ["rust-get", "as-get", "swift-get"] {
                bench.answers(get, input(""), "very important");
            }
        }
    }
    bench.answers("rust-set", input("very important"), "hello");
    let none = Arc::new(Capabilities::default());
    for (name, text, code) in [
        ("return-err", "job failed", 400),
        ("fetch", "capability is not enabled", 1),
        ("rs-graphql", "capability is not enabled", 1),
    ] {
        match bench.run(name, &none, input("https://1password.com")) {
            Some(Err(RunError::Returned(returned))) => {
                assert_eq!((returned.code, returned.message.as_str()), (code, text), "{name}");
            }
            Some(other) => panic!("{name}: {other:?}"),
            None => {}
        }
    }
    for names in [&mut bench.ran, &mut bench.absent] {
        names.sort_unstable();
        names.dedup();
    }
    println!("{} runnables answer as they should", bench.ran.len());
    if !bench.absent.is_empty() {
        eprintln!("SKIPPED: {} that aren't in the folder: {}", bench.absent.len(), bench.absent.join(", "));
    }
    assert!(bench.ran.len() > 20, "only {:?}", bench.ran);
}
