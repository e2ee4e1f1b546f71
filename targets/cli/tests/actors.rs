//! `dunlin sign` and `dunlin claims`. `cargo test -p dunlin-cli --features hosts --test actors`
#![cfg(feature = "hosts")]

mod common;

use common::serving::Serving;
use common::{dunlin, dunlin_with, example, folder};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_module_is_signed_and_its_token_holds() {
    let folder = folder("a_module_is_signed");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (account, key, signed, again) = (path("a.nk"), path("m.nk"), path("signed.wasm"), path("again.wasm"));
    let sign = |module: &str, output: &str, more: &[&str]| {
        let keys = ["--account", &account, "--module-key", &key];
        dunlin(&[&["sign", "-o", output, module], &keys[..], more].concat())
    };
    let module = example("hosts/actor.wasm");
    sign(&module, &signed, &[])
        .code(1)
        .one_sentence()
        .says("a.nk: there is no such key; --new-keys makes it");
    let capabilities = ["--cap", "wasmcloud:httpserver", "--cap", "wasmcloud:keyvalue"];
    let described =
        ["--new-keys", "--name", "counter", "--ver", "1.2", "--rev", "3", "--call-alias", "example/counter"];
    let done = sign(&module, &signed, &[&described[..], &capabilities].concat()).code(0);
    let public = done.out.trim().to_owned();
    assert!(public.starts_with('M') && public.len() == 56, "{public}");
    for file in [&account, &key] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let shown = dunlin(&["claims", &signed]).code(0).out;
    for line in [
        "Name: counter\n",
        &format!("Module: {public}\n"),
        "May use: wasmcloud:httpserver, wasmcloud:keyvalue\n",
        "Called: example/counter\n",
        "Version: 1.2\n",
        "Revision: 3\n",
        "Token: holds\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let json = dunlin(&["claims", "--json", &signed]).code(0).out;
    assert!(json.contains("\"wasmcloud:keyvalue\"") && json.contains("\"problem\": null"), "{json}");
    let inspected = dunlin(&["inspect", &signed]).code(0).out;
    assert!(inspected.contains("Made for: wasmCloud actor\n    Name: counter\n"), "{inspected}");
    // The keys stay, and the new token takes the place of the old one.
    assert_eq!(sign(&signed, &again, &["--expires-in", "1h"]).code(0).out.trim(), public);
    let shown = dunlin(&["claims", &again]).code(0).out;
    assert!(shown.contains("May use: nothing\n") && shown.contains("Holds until: "), "{shown}");
}

/// It is read once, so it may come from where it can't be read again.
#[test]
fn an_actor_is_served_from_standard_input() {
    let folder = folder("an_actor_from_standard_input");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (account, key, signed) = (path("a.nk"), path("m.nk"), path("signed.wasm"));
    let keys = ["--account", &account, "--module-key", &key, "--new-keys"];
    let may = ["--cap", "wasmcloud:httpserver", "--cap", "wasmcloud:keyvalue"];
    let module = example("hosts/actor.wasm");
    dunlin(&[&["sign", "-o", &signed, &module], &keys[..], &may].concat()).code(0);
    let serving = Serving::start_with(fs::File::open(&signed).unwrap().into(), &["-"]);
    assert!(serving.get("/count/a").ends_with("{\"counter\":1}"));
}

#[test]
fn what_does_not_hold_is_said() {
    let folder = folder("what_does_not_hold");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (account, key, signed) = (path("a.nk"), path("m.nk"), path("signed.wasm"));
    let module = example("hosts/actor.wasm");
    let keys = ["--account", &account, "--module-key", &key, "--new-keys"];
    dunlin(&[&["sign", "-o", &signed, &module], &keys[..]].concat()).code(0);
    let mut bytes = fs::read(&signed).unwrap();
    bytes.extend_from_slice(b"\0\x02\x01z");
    let claims = dunlin_with(&["claims", "-"], &bytes).code(1);
    assert!(
        claims.out.contains("Token: doesn't hold: the module's token was made for other bytes"),
        "{}",
        claims.out
    );
    fs::write(path("changed.wasm"), &bytes).unwrap();
    dunlin(&["serve", &path("changed.wasm")]).code(1).one_sentence().says("made for other bytes");
    dunlin(&["serve", &signed])
        .code(1)
        .one_sentence()
        .says("doesn't claim the capability wasmcloud:httpserver");
    dunlin(&["claims", &module]).code(1).one_sentence().says("it isn't signed");
    dunlin(&["claims", &path("none.wasm")]).code(1).one_sentence().says("none.wasm");
    dunlin(&["claims"]).code(2).one_sentence().says("module is missing");
    for missing in ["-o", "--account", "--module-key"] {
        let all = ["-o", &signed, "--account", &account, "--module-key", &key];
        let at = all.iter().position(|option| *option == missing).unwrap();
        let rest = [&all[..at], &all[at + 2..]].concat();
        dunlin(&[&["sign", &module], &rest[..]].concat())
            .code(2)
            .one_sentence()
            .says(&format!("{missing} is missing"));
    }
    // The keys are no other's.
    let swapped = ["sign", "-o", &signed, &module, "--account", &key, "--module-key", &account];
    dunlin(&swapped).code(1).one_sentence().says("m.nk: this isn't the secret key of an account");
    fs::write(&key, "SM").unwrap();
    dunlin(&[&["sign", "-o", &signed, &module], &keys[..]].concat())
        .code(1)
        .one_sentence()
        .says("m.nk: this isn't");
    // What was there is as it was.
    assert!(dunlin(&["claims", &signed]).code(0).out.contains("Token: holds"));
}
