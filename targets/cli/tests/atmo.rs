//! `dunlin serve` with Atmo's runnables. `cargo test -p dunlin-cli --features hosts --test atmo`
#![cfg(feature = "hosts")]

mod common;
#[path = "../../hosts/tests/common/zip.rs"]
mod zip;

use common::serving::Serving;
use common::{dunlin, example, folder};
use std::path::PathBuf;
use zip::{Packed, archive};

const DIRECTIVE: &str = "identifier: com.example.greetings
appVersion: v0.1.0
atmoVersion: v0.4.0
runnables: [{name: greet, namespace: default}]
handlers:
- {type: request, method: GET, resource: '/hello/:name', steps: [{fn: greet}]}
";

/// Writes a bundle with this Directive.
fn bundle(file: PathBuf, directive: &str) -> String {
    let module = std::fs::read(example("hosts/runnable.wasm")).unwrap();
    let files = [
        Packed::new("Directive.yaml", directive.as_bytes()),
        Packed::new("greet.wasm", &module),
        Packed::new("static/greeting.txt", b"Good morning\n"),
    ];
    std::fs::write(&file, archive(&files)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_bundle_answers_and_is_loaded_again() {
    let folder = folder("a_bundle_answers");
    let file = folder.join("runnables.wasm.zip");
    let path = bundle(file.clone(), DIRECTIVE);
    let mut serving = Serving::start(&["--access-log", "off", &path]);
    let answer = serving.get("/hello/ada");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("content-type: text/plain"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nGood morning, ada! Visit 1.\n"), "{answer}");
    assert!(serving.get("/hello/ada").ends_with("Visit 2.\n"));
    serving.message("greet: ada is here");
    let answer = serving.get("/hello/nobody");
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.contains(r#""message":"nobody is here""#),
        "{answer}"
    );
    assert!(serving.get("/other").starts_with("HTTP/1.1 404 "));
    bundle(file.clone(), &DIRECTIVE.replace("/hello/", "/salute/"));
    serving.signal("-HUP");
    serving.message("loaded again");
    assert!(serving.get("/salute/ada").ends_with("Visit 1.\n"));
    // What has mistakes isn't served.
    bundle(file, &DIRECTIVE.replace("fn: greet", "fn: salute"));
    serving.signal("-HUP");
    serving.message("what was served before still is: ");
    assert!(serving.get("/salute/ada").ends_with("Visit 2.\n"));
    assert_eq!(serving.end(), (Some(0), String::new()));
}

#[test]
fn a_runnable_answers_by_itself() {
    let serving = Serving::start(&["--access-log", "off", &example("hosts/runnable.wasm")]);
    assert!(serving.get("/any").ends_with("\r\n\r\nHello, ! Visit 1.\n"));
    assert_eq!(serving.end(), (Some(0), String::new()));
}

#[test]
fn what_is_wrong_is_said_before_it_is_served() {
    let folder = folder("wrong_bundles");
    let path = bundle(folder.join("unknown.zip"), &DIRECTIVE.replace("fn: greet", "fn: salute"));
    dunlin(&["serve", &path]).code(1).one_sentence().says(
        "unknown.zip: the bundle's Directive is wrong: the handler GET /hello/:name calls a function 'salute' at step 1",
    );
    let cut = folder.join("cut.zip");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 9]).unwrap();
    dunlin(&["serve", cut.to_str().unwrap()])
        .code(1)
        .one_sentence()
        .says("it is no ZIP archive of the plain kind");
    let path = bundle(folder.join("large.zip"), DIRECTIVE);
    dunlin(&["serve", "--memory-budget", "64KiB", &path]).code(126).one_sentence();
    let path = bundle(
        folder.join("secret.zip"),
        &format!(
            "{DIRECTIVE}authentication: {{domains: {{example.com: {{headerType: bearer, value: env(TOKEN)}}}}}}\n"
        ),
    );
    dunlin(&["serve", &path])
        .code(1)
        .one_sentence()
        .says("the variable TOKEN, which authorises requests to example.com");
}
