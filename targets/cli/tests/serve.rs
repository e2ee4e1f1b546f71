//! `dunlin serve`, as a process. `cargo test -p dunlin-cli --features hosts --test serve`
#![cfg(feature = "hosts")]

mod common;

use common::bundle::bundle;
use common::{dunlin, example, folder};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server, which is killed when a test fails.
struct Serving {
    process: Child,
    address: String,
    messages: BufReader<std::process::ChildStderr>,
    /// What it has said so far.
    said: String,
}

impl Serving {
    fn start(args: &[&str]) -> Self {
        Self::start_with(Stdio::null(), args)
    }

    fn start_with(input: Stdio, args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_dunlin"))
            .args([&["serve", "--addr", "127.0.0.1:0"], args].concat())
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let messages = BufReader::new(process.stderr.take().unwrap());
        let mut serving = Self { process, address: String::new(), messages, said: String::new() };
        serving.address = serving.message("listening at http://");
        serving
    }

    /// What follows `words` in the next message that has them.
    fn message(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.messages.read_line(&mut line).unwrap() > 0, "'{words}' was never said");
            self.said.push_str(&line);
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim_end().to_owned();
            }
        }
    }

    fn get(&self, path: &str) -> String {
        get(&self.address, path)
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Ends it, and gives its exit code and what it printed.
    fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut printed = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        (self.process.wait().unwrap().code(), printed)
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    whole(&text)
}

/// An answer with its body in one piece: what takes longer than usual, on a busy machine, arrives in chunks.
fn whole(answer: &str) -> String {
    let Some((head, mut rest)) = answer.split_once("\r\n\r\n") else { return answer.into() };
    if !head.contains("transfer-encoding: chunked") {
        return answer.into();
    }
    let mut whole = format!("{head}\r\n\r\n");
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &chunk[..size];
        rest = chunk[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    whole
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_program_answers_and_each_request_is_told() {
    let serving =
        Serving::start(&["--access-log", "json", "--timeout", "300ms", &example("hosts/trials.wasm")]);
    assert!(serving.get("/args?a").ends_with("\r\n\r\n/args\na\n"));
    assert!(serving.get("/trap").starts_with("HTTP/1.1 500 "));
    assert!(serving.get("/loop").starts_with("HTTP/1.1 504 "));
    let (code, printed) = serving.end();
    assert_eq!(code, Some(0));
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines.iter().map(|line| (line["path"].as_str().unwrap(), &line["status"])).collect();
    assert_eq!(told, [("/args", &200.into()), ("/trap", &500.into()), ("/loop", &504.into())]);
    assert_eq!(lines[1]["failure"], "unreachable");
}

#[test]
fn what_is_served_is_loaded_again_when_asked() {
    let folder = folder("served_again");
    let site = folder.join("modules.toml");
    let write = |route: &str| {
        let page = example("hosts/page.wasm");
        let text = format!("[[module]]\nroute = \"{route}\"\nmodule = {page:?}\n");
        std::fs::write(&site, text).unwrap();
    };
    write("/one");
    let mut serving = Serving::start(&["--access-log", "off", site.to_str().unwrap()]);
    assert!(serving.get("/one").ends_with("Hello, world!\nYou asked for GET .\n"));
    write("/two");
    serving.signal("-HUP");
    serving.message("loaded again");
    assert!(serving.get("/one").starts_with("HTTP/1.1 404 "));
    assert!(serving.get("/two").starts_with("HTTP/1.1 200 "));
    // What can't be loaded isn't served.
    std::fs::write(&site, "nonsense").unwrap();
    serving.signal("-HUP");
    serving.message("what was served before still is");
    assert!(serving.get("/two").starts_with("HTTP/1.1 200 "));
    assert_eq!(serving.end(), (Some(0), String::new()));
}

/// The one path of the site changes its program again and again, by signals and by itself, and everybody is answered.
#[test]
fn no_request_is_lost_while_it_is_loaded_again() {
    let folder = folder("served_in_flight");
    let module = folder.join("app.wasm");
    let programs = ["hosts/trials.wasm", "hosts/page.wasm"].map(example);
    let copy = |from: &str| {
        // At once, as a deployment does.
        let whole = folder.join("next.wasm");
        std::fs::copy(from, &whole).unwrap();
        std::fs::rename(whole, &module).unwrap();
    };
    copy(&programs[0]);
    let mut serving = Serving::start(&["--access-log", "off", module.to_str().unwrap()]);
    let address = serving.address.clone();
    // Its answer takes a tenth of a second.
    let slow = std::thread::spawn(move || get(&address, "/drip"));
    std::thread::sleep(Duration::from_millis(40));
    let (address, stop) = (serving.address.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let steady = std::thread::spawn(move || {
        let mut count = 0;
        while !stopped.load(Ordering::Relaxed) {
            // Both programs answer this, each in its way.
            let answer = get(&address, "/status?200");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            count += 1;
        }
        count
    });
    for round in 1..=4 {
        copy(&programs[round % 2]);
        serving.signal("-HUP");
        serving.message("loaded again");
    }
    // Without a signal, too.
    copy(&programs[1]);
    while !serving.get("/").contains("Hello") {
        std::thread::sleep(Duration::from_millis(50));
    }
    stop.store(true, Ordering::Relaxed);
    assert!(steady.join().unwrap() > 4);
    let drip = slow.join().unwrap();
    assert!(drip.starts_with("HTTP/1.1 200 ") && drip.contains("4\n"), "{drip}");
    assert_eq!(serving.end(), (Some(0), String::new()));
}

#[test]
fn metrics_are_counted() {
    let trials = example("hosts/trials.wasm");
    let serving = Serving::start(&["--access-log", "off", "--metrics", "127.0.0.1:0", &trials]);
    let (_, rest) = serving.said.split_once("metrics are at http://").unwrap();
    let metrics = rest.split_once("/metrics").unwrap().0.to_owned();
    for path in ["/args", "/args", "/trap", "/exit", "/missing"] {
        serving.get(path);
    }
    assert!(get(&metrics, "/").starts_with("HTTP/1.1 404 "));
    let text = get(&metrics, "/metrics");
    for line in [
        r#"dunlin_requests_total{status="200"} 2"#,
        r#"dunlin_requests_total{status="404"} 1"#,
        r#"dunlin_requests_total{status="500"} 2"#,
        r#"dunlin_failures_total{code="unreachable"} 1"#,
        r#"dunlin_failures_total{code="exit code"} 1"#,
        "dunlin_request_seconds_count 5",
        r#"dunlin_request_seconds_bucket{le="+Inf"} 5"#,
        "dunlin_guests 0",
        "dunlin_waiting 0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    }
    // Fuel is counted for it.
    let fuel = text.lines().find_map(|line| line.strip_prefix("dunlin_fuel_total ")).unwrap();
    assert!(fuel.parse::<u64>().unwrap() > 0);
}

#[test]
fn a_program_may_come_from_standard_input() {
    let page = std::fs::File::open(example("hosts/page.wasm")).unwrap();
    let mut serving = Serving::start_with(page.into(), &["--access-log", "off", "-"]);
    assert!(serving.get("/").contains("Hello"));
    // It can't be read again.
    serving.signal("-HUP");
    serving.message("what was served before still is");
    assert!(serving.get("/").contains("Hello"));
}

#[test]
fn bundles_must_be_signed_as_wanted() {
    let module = std::fs::read(example("hosts/policy.wasm")).unwrap();
    let path = folder("served_signed").join("bundle.tar.gz");
    std::fs::write(&path, bundle(&[("/policy.wasm", &module)])).unwrap();
    let path = path.to_str().unwrap();
    dunlin(&["serve", "--verification-key", "a secret", "--signing-alg", "HS256", path]).code(1).says("sign");
    let forged = br#"{"signatures": ["eyJhbGciOiJIUzI1NiJ9.eyJmaWxlcyI6W119.AAAA"]}"#;
    std::fs::write(path, bundle(&[("/policy.wasm", &module), ("/.signatures.json", forged)])).unwrap();
    dunlin(&["serve", path]).code(1).says("sign");
    let serving = Serving::start(&["--access-log", "off", "--skip-verify", path]);
    assert!(serving.get("/health").starts_with("HTTP/1.1 200 "));
}

#[test]
fn policies_decide_as_by_opa() {
    let module = std::fs::read(example("hosts/policy.wasm")).unwrap();
    let path = folder("served_bundle").join("bundle.tar.gz");
    let admins = br#"["alice"]"#;
    std::fs::write(&path, bundle(&[("/policy.wasm", &module), ("/admins/data.json", admins)])).unwrap();
    let alice = "/v1/data/roles/allow?input=%7B%22user%22:%22alice%22%7D";
    let serving = Serving::start(&["--access-log", "off", path.to_str().unwrap()]);
    assert!(serving.get(alice).ends_with("\r\n\r\n{\"result\":true}"));
    assert!(serving.get("/v1/data/admins").ends_with("\r\n\r\n{\"result\":[\"alice\"]}"));
    assert_eq!(serving.end(), (Some(0), String::new()));
    let serving = Serving::start(&["--access-log", "off", &example("hosts/policy.wasm")]);
    assert!(serving.get("/health").ends_with("\r\n\r\n{}"));
    assert!(serving.get(alice).ends_with("\r\n\r\n{\"result\":false}"));
    assert_eq!(serving.end(), (Some(0), String::new()));
}

#[test]
fn what_cannot_be_served_is_said() {
    dunlin(&["serve"]).code(2);
    dunlin(&["serve", "--access-log", "xml", "m"]).code(2);
    dunlin(&["serve", "missing.wasm"]).code(1);
    dunlin(&["serve", &example("hosts/filter.wasm")]).code(1);
    dunlin(&["serve", "--addr", "256.0.0.1:1", &example("hosts/page.wasm")]).code(1);
}

#[test]
fn an_application_of_fastly_has_what_its_toml_says() {
    let folder = folder("fastly");
    let toml = folder.join("fastly.toml");
    let text =
        "[local_server.config_stores.settings]\nformat = \"inline-toml\"\ncontents = { mode = \"small\" }\n";
    std::fs::write(&toml, text).unwrap();
    let app = example("hosts/edge.wasm");
    let serving = Serving::start(&["--config", toml.to_str().unwrap(), &app]);
    assert!(serving.get("/uri?a").ends_with("\r\n\r\nhttp://x/uri?a"));
    assert!(serving.get("/config").ends_with("Some(\"small\") None 3"));
    assert!(serving.get("/trap").starts_with("HTTP/1.1 500 "));
    // Another server is that application's backend, behind a filter.
    let upstream = format!("http://{}", serving.address);
    let filter = format!("{}=headers", example("hosts/filter.wasm"));
    let proxy = Serving::start(&["--filter", &filter, "--upstream", &upstream]);
    let reply = proxy.get("/uri");
    // The filter sends each request to another path.
    assert!(reply.starts_with("HTTP/1.1 404 ") && reply.contains("x-filter: seen"), "{reply}");
    for (args, told) in [
        (&["--config", "none.toml", &app][..], "none.toml: "),
        (&["--filter", &filter], "a proxy needs both --filter and --upstream"),
        (&["--upstream", &upstream], "a proxy needs both --filter and --upstream"),
        (&["--filter", &filter, "--upstream", "nowhere"], "'nowhere' should be a URL"),
        (&["--filter", &filter, "--upstream", &upstream, &app], "serves nothing else"),
        (&["--filter", &app, "--upstream", &upstream], "not a filter"),
        (&["--filter", &filter, "--upstream", &upstream, "--cluster", "a"], "NAME=URL"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_dunlin")).arg("serve").args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(told), "{args:?}: {said}");
    }
}

#[test]
fn what_actors_keep_survives_a_kill() {
    let folder = folder("what_actors_keep");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (module, store, actor) = (example("hosts/actor.wasm"), path("kept"), path("actor.wasm"));
    let keys = ["--new-keys", "--account", &path("a.nk"), "--module-key", &path("m.nk")];
    let capabilities = ["--cap", "wasmcloud:httpserver", "--cap", "wasmcloud:keyvalue"];
    dunlin(&[&["sign", "-o", &actor, &module], &keys[..], &capabilities].concat()).code(0);
    let mut count = 0;
    for _ in 0..3 {
        let serving = Serving::start(&["--keyvalue", &store, &actor]);
        for _ in 0..3 {
            count += 1;
            let answer = serving.get("/count/visits");
            assert!(answer.ends_with(&format!("{{\"counter\":{count}}}")), "{answer}");
        }
        serving.signal("-KILL");
    }
    let serving = Serving::start(&["--keyvalue", &store, &actor]);
    // What is loaded again finds it too.
    serving.signal("-HUP");
    assert!(serving.get("/count/visits").ends_with("{\"counter\":10}"));
    dunlin(&["serve", "--keyvalue", &store, &actor])
        .code(1)
        .one_sentence()
        .says("another process has it open");
    assert_eq!(serving.end().0, Some(0));
}
