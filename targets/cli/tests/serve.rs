//! `dunlin serve`, as a process. `cargo test -p dunlin-cli --features hosts --test serve`
#![cfg(feature = "hosts")]

mod common;

use common::bundle::bundle;
#[cfg(feature = "text")]
use common::policy::asking;
use common::serving::{Serving, get};
use common::{dunlin, example, folder};
#[cfg(feature = "text")]
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
    // A guest's thread has a little to do when its answer is there.
    let all = || get(&metrics, "/metrics");
    let text = (0..100).map(|_| all()).find(|text| text.contains("dunlin_guests 0\n")).unwrap_or_else(all);
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
#[cfg(feature = "text")]
fn a_policy_asks_only_hosts_that_it_may() {
    let origin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in origin.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{\"a\":[1]}",
            );
        }
    });
    let path = folder("served_asking").join("policy.wat");
    let request = format!(r#"{{"method": "get", "url": "http://{address}/", "raise_error": false}}"#);
    std::fs::write(&path, asking("http.send", &request)).unwrap();
    let path = path.to_str().unwrap();
    dunlin(&["serve", path]).code(1).one_sentence().says("http.send").says("--allow-host");
    dunlin(&["serve", "--allow-host", "a/b c", path]).code(2).one_sentence().says("--allow-host");
    for (allowed, answer) in
        [(address.to_string(), r#""body":{"a":[1]}"#), ("127.0.0.1:1".into(), "aren't allowed")]
    {
        let serving = Serving::start(&["--access-log", "off", "--allow-host", &allowed, path]);
        let reply = serving.get("/v1/data/a");
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains(answer), "{allowed}: {reply}");
        assert_eq!(serving.end(), (Some(0), String::new()));
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
