//! `dunlin policy eval`. `cargo test -p dunlin-cli --features hosts --test policy`
#![cfg(feature = "hosts")]

mod common;

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

#[test]
fn builtins_that_are_unknown_are_named_before_anything_is_evaluated() {
    let text = r#"(module
        (memory (export "memory") 1)
        (data (i32.const 8) "{\"custom.func\":0}\00")
        (func (export "builtins") (result i32) (i32.const 8))
        (func (export "entrypoints") (result i32) (i32.const 64))
        (data (i32.const 64) "{\"a\":0}\00")
        (func (export "opa_json_dump") (param i32) (result i32) (local.get 0))
        (func (export "opa_json_parse") (param i32 i32) (result i32) (i32.const 8))
        (func (export "opa_value_parse") (param i32 i32) (result i32) (i32.const 8))
        (func (export "opa_malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "opa_heap_ptr_get") (result i32) (i32.const 1024))
        (func (export "opa_heap_ptr_set") (param i32)))"#;
    let ended = dunlin_with(&["policy", "eval", "-"], text.as_bytes()).code(1).one_sentence();
    ended.says("the policy needs builtins that are unknown here: custom.func");
}
