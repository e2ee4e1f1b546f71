//! `dunlin policy eval`. `cargo test -p dunlin-cli --features hosts --test policy`
#![cfg(feature = "hosts")]

mod common;

use common::bundle::bundle;
use common::{dunlin, dunlin_with, example, folder};

const ENTRYPOINTS: &str = "host/call\nhost/fail\nhost/spin\nroles/allow\nroles/greeting\n";

#[test]
fn a_policy_decides() {
    let folder = folder("a_policy_decides");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name).to_str().unwrap().to_owned()
    };
    let data = file("data.json", r#"{"admins": ["alice"]}"#);
    let input = file("input.json", r#"{"user": "alice"}"#);
    for module in ["hosts/policy.wasm", "hosts/policy-1.0.wasm"] {
        let policy = example(module);
        dunlin(&["policy", "eval", &policy, "--entrypoints"]).code(0).prints(ENTRYPOINTS);
        let eval = ["policy", "eval", &policy, "-e", "roles/allow", "--data", &data];
        dunlin(&[&eval[..], &["--input", &input]].concat()).code(0).prints("[{\"result\":true}]\n");
        let bob = br#"{"user": "bob"}"#;
        dunlin_with(&[&eval[..], &["-i", "-"]].concat(), bob).code(0).prints("[{\"result\":false}]\n");
        // Undefined.
        dunlin(&eval).code(0).prints("[]\n");
        for (flag, defined, undefined) in [("--fail", 0, 1), ("--fail-defined", 1, 0)] {
            dunlin(&[&eval[..], &["--input", &input, flag]].concat())
                .code(defined)
                .prints("[{\"result\":true}]\n");
            dunlin(&[&eval[..], &[flag]].concat()).code(undefined).prints("[]\n");
        }
    }
}

#[test]
fn what_goes_wrong_is_said_in_a_sentence() {
    let policy = example("hosts/policy.wasm");
    let eval = |more: &[&str]| dunlin(&[&["policy", "eval", &policy], more].concat());
    eval(&["-e", "host/fail"]).code(1).says("about to give up").says("it was asked to fail").prints("");
    eval(&["-e", "host/spin", "--fuel", "100000"]).code(125).one_sentence().says("fuel");
    eval(&["-e", "host/spin", "--timeout", "50ms"]).code(124).one_sentence().says("timed out after 50ms");
    eval(&["-e", "roles/allow", "--memory-budget", "64KiB"]).code(126).one_sentence();
    eval(&["-e", "roles/deny"]).code(1).one_sentence().says("no entrypoint 'roles/deny'");
    eval(&[]).code(2).one_sentence().says("--entrypoint is missing; there are host/call, host/fail");
    eval(&["-e", "roles/allow", "-i", "/nowhere.json"]).code(1).one_sentence().says("/nowhere.json: ");
    eval(&["-e", "roles/allow", "-i", "-"]).code(1).one_sentence().says("the input isn't JSON");
    eval(&["-e", "roles/allow", "-i", "-", "-d", "-"]).code(2).one_sentence().says("standard input");
    eval(&["more"]).code(2).one_sentence().says("one policy too many");
    dunlin(&["policy"]).code(2).one_sentence().says("dunlin policy eval");
    dunlin(&["policy", "eval"]).code(2).one_sentence().says("a policy is missing");
    dunlin(&["policy", "test"]).code(2).one_sentence().says("dunlin policy eval");
    let hello = example("wasm/hello.wasm");
    dunlin(&["policy", "eval", &hello]).code(1).one_sentence().says("not a policy");
    assert!(dunlin(&["policy", "--help"]).code(0).out.contains("--fail-defined"));
}

/// A policy that asks its host for this builtin.
fn asks_for(builtin: &str) -> String {
    r#"(module
        (memory (export "memory") 1)
        (data (i32.const 8) "{\"BUILTIN\":0}\00")
        (func (export "builtins") (result i32) (i32.const 8))
        (func (export "entrypoints") (result i32) (i32.const 64))
        (data (i32.const 64) "{\"a\":0}\00")
        (func (export "opa_json_dump") (param i32) (result i32) (local.get 0))
        (func (export "opa_json_parse") (param i32 i32) (result i32) (i32.const 8))
        (func (export "opa_value_parse") (param i32 i32) (result i32) (i32.const 8))
        (func (export "opa_malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "opa_heap_ptr_get") (result i32) (i32.const 1024))
        (func (export "opa_heap_ptr_set") (param i32)))"#
        .replace("BUILTIN", builtin)
}

#[test]
fn builtins_that_are_unknown_are_named_before_anything_is_evaluated() {
    let text = asks_for("custom.func");
    let ended = dunlin_with(&["policy", "eval", "-"], text.as_bytes()).code(1).one_sentence();
    ended.says("the policy needs builtins that are unknown here: custom.func");
}

const DATA: &[u8] = br#"["alice"]"#;

#[test]
fn a_bundle_is_evaluated_with_its_own_data() {
    let folder = folder("a_bundle");
    let module = std::fs::read(example("hosts/policy.wasm")).unwrap();
    let whole = bundle(&[("/policy.wasm", &module), ("/admins/data.json", DATA)]);
    let path = folder.join("bundle.tar.gz");
    std::fs::write(&path, &whole).unwrap();
    let path = path.to_str().unwrap();
    dunlin(&["policy", "eval", path, "--entrypoints"]).code(0).prints(ENTRYPOINTS);
    let alice = br#"{"user": "alice"}"#;
    let eval = ["policy", "eval", path, "-e", "roles/allow", "-i", "-"];
    dunlin_with(&eval, alice).code(0).prints("[{\"result\":true}]\n");
    // Data that is given is instead of the bundle's.
    let other = folder.join("other.json");
    std::fs::write(&other, r#"{"admins": ["bob"]}"#).unwrap();
    dunlin_with(&[&eval[..], &["-d", other.to_str().unwrap()]].concat(), alice)
        .code(0)
        .prints("[{\"result\":false}]\n");
    let input = folder.join("input.json");
    std::fs::write(&input, alice).unwrap();
    dunlin_with(&["policy", "eval", "-", "-e", "roles/allow", "-i", input.to_str().unwrap()], &whole)
        .code(0)
        .prints("[{\"result\":true}]\n");
    let cut = dunlin_with(&["policy", "eval", "-", "-e", "roles/allow"], &whole[..whole.len() / 2]);
    cut.code(1).one_sentence().says("standard input: ");
    let empty = dunlin_with(&["policy", "eval", "-"], &bundle(&[("/data.json", b"{}")]));
    empty.code(1).one_sentence().says("there is no policy.wasm in it");
}

#[test]
fn bundles_must_be_signed_as_wanted() {
    let folder = folder("signed_bundles");
    let module = std::fs::read(example("hosts/policy.wasm")).unwrap();
    let file = |name: &str, files: &[(&str, &[u8])]| {
        std::fs::write(folder.join(name), bundle(files)).unwrap();
        folder.join(name).to_str().unwrap().to_owned()
    };
    let unsigned = file("unsigned.tar.gz", &[("/policy.wasm", &module)]);
    let forged = br#"{"signatures": ["eyJhbGciOiJIUzI1NiJ9.eyJmaWxlcyI6W119.AAAA"]}"#;
    let forged = file("forged.tar.gz", &[("/policy.wasm", &module), ("/.signatures.json", forged)]);
    let list =
        |bundle: &str, more: &[&str]| dunlin(&[&["policy", "eval", bundle, "--entrypoints"], more].concat());
    let key = ["--verification-key", "a secret", "--signing-alg", "HS256"];
    list(&unsigned, &[]).code(0).prints(ENTRYPOINTS);
    list(&unsigned, &key).code(1).one_sentence().says("unsigned.tar.gz: ");
    list(&forged, &key).code(1).one_sentence().says("forged.tar.gz: ");
    list(&forged, &[]).code(1).one_sentence().says("signed");
    list(&forged, &["--skip-verify"]).code(0).prints(ENTRYPOINTS);
    list(&forged, &["--verification-key", "a secret"]).code(2).one_sentence().says("--verification-key: ");
    list(&unsigned, &["--verification-key", "x", "--signing-alg", "none"])
        .code(2)
        .one_sentence()
        .says("none");
}

#[test]
fn what_a_policy_may_reach_is_said_by_options() {
    let text = asks_for("http.send");
    let list = |more: &[&str]| {
        dunlin_with(&[&["policy", "eval", "-", "--entrypoints"], more].concat(), text.as_bytes())
    };
    list(&[]).code(1).one_sentence().says("http.send").says("--allow-host");
    list(&["--allow-host", "example.org"]).code(0).prints("a\n");
    list(&["--allow-host", "a/b c"]).code(2).one_sentence().says("--allow-host");
}
