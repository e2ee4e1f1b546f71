//! Policies, evaluated: the module is made of `examples/hosts/policy.rs`, which is the guest's side of the ABI.

use dunlin::{Budget, Config, Engine, ErrorKind, Module, Trap};
use dunlin_hosts::opa::{Policy, PolicyError, PolicyOptions};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn load(engine: &Engine, file: &str) -> Module {
    Module::from_file(engine, format!("{}/tests/policies/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn policy(file: &str) -> Policy {
    Policy::new(&load(&Engine::default(), file), PolicyOptions::default()).unwrap()
}

/// Both ways to evaluate: ABI 1.0 and 1.2.
const BOTH: [(&str, u32); 2] = [("policy-1.0.wasm", 0), ("policy.wasm", 2)];

const DATA: &str = r#"{"admins": ["alice"]}"#;

#[test]
fn policies_say_what_they_are() {
    for (file, minor) in BOTH {
        let policy = policy(file);
        assert_eq!(policy.abi_minor_version(), minor);
        let entrypoints: Vec<_> = policy.entrypoints().collect();
        assert_eq!(entrypoints, ["host/call", "host/fail", "host/spin", "roles/allow", "roles/greeting"]);
        assert!(policy.builtins().any(|name| name == "sprintf"));
    }
}

#[test]
fn inputs_are_evaluated_one_after_the_other() {
    for (file, _) in BOTH {
        let mut evaluator = policy(file).evaluator(DATA).unwrap();
        for _ in 0..100 {
            for (input, results) in [
                (Some(r#"{"user": "alice"}"#), r#"[{"result":true}]"#),
                (Some(r#"{"user": "bob"}"#), r#"[{"result":false}]"#),
                (Some("{}"), "[]"),
                (None, "[]"),
            ] {
                assert_eq!(evaluator.evaluate("roles/allow", input).unwrap(), results, "{file}: {input:?}");
            }
        }
        evaluator.set_data(r#"{"admins": ["bob"]}"#).unwrap();
        let results = evaluator.evaluate("roles/allow", Some(r#"{"user": "bob"}"#)).unwrap();
        assert_eq!(results, r#"[{"result":true}]"#);
    }
}

#[test]
fn large_inputs_make_the_memory_grow() {
    for (file, _) in BOTH {
        let mut evaluator = policy(file).evaluator(DATA).unwrap();
        let input = json!({"user": "alice", "more": "x".repeat(3_000_000)}).to_string();
        for _ in 0..3 {
            let results = evaluator.evaluate("roles/allow", Some(&input)).unwrap();
            assert_eq!(results, r#"[{"result":true}]"#);
        }
    }
}

#[test]
fn builtins_are_answered_by_the_host() {
    for (file, _) in BOTH {
        let mut evaluator = policy(file).evaluator(DATA).unwrap();
        // A number keeps its text on its way through the host.
        let results = evaluator.evaluate("roles/greeting", Some(r#"{"user": "bob"}"#)).unwrap();
        assert_eq!(results, r#"[{"result":"Hello, bob, 1.10 times"}]"#);
        for (builtin, args, result) in [
            ("regex.split", json!(["/", "a/b"]), Some(json!(["a", "b"]))),
            ("net.cidr_expand", json!(["10.0.0.0/31"]), Some(json!(["10.0.0.0", "10.0.0.1"]))),
            ("semver.compare", json!(["1.0.0", "2.0.0"]), Some(json!(-1))),
            ("regex.template_match", json!(["a{b*}", "abb", "{", "}"]), Some(json!(true))),
            // An error makes the expression undefined.
            ("semver.compare", json!(["1", "2"]), None),
            ("hex.decode", json!(["zz"]), None),
        ] {
            let input = json!({"builtin": builtin, "args": args}).to_string();
            let results: Value =
                serde_json::from_str(&evaluator.evaluate("host/call", Some(&input)).unwrap()).unwrap();
            let expected = result.map_or(json!([]), |result| json!([{"result": result}]));
            assert_eq!(results, expected, "{file}: {builtin}");
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let mut evaluator = policy("policy.wasm").evaluator(DATA).unwrap();
    let mut said = |entrypoint, input| evaluator.evaluate(entrypoint, input).unwrap_err().to_string();
    assert_eq!(said("roles/deny", None), "the policy has no entrypoint 'roles/deny'");
    let not_json = said("roles/allow", Some("{"));
    assert!(not_json.starts_with("the input isn't JSON: EOF while parsing"), "{not_json}");
    let not_json = policy("policy.wasm").evaluator("1 2").unwrap_err().to_string();
    assert!(not_json.starts_with("the data isn't JSON: trailing characters"), "{not_json}");
}

#[test]
fn a_policy_that_gives_up_says_why_and_can_be_evaluated_again() {
    for (file, _) in BOTH {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let kept = printed.clone();
        let options =
            PolicyOptions::default().print(move |message| kept.lock().unwrap().push(message.to_string()));
        let policy = Policy::new(&load(&Engine::default(), file), options).unwrap();
        let mut evaluator = policy.evaluator(DATA).unwrap();
        for _ in 0..3 {
            let error = evaluator.evaluate("host/fail", None).unwrap_err();
            assert!(
                matches!(&error, PolicyError::Aborted(why) if why == "roles.rego:1:1: it was asked to fail")
            );
            assert_eq!(error.to_string(), "the policy gave up: roles.rego:1:1: it was asked to fail");
            let results = evaluator.evaluate("roles/allow", Some(r#"{"user": "alice"}"#)).unwrap();
            assert_eq!(results, r#"[{"result":true}]"#);
        }
        assert_eq!(*printed.lock().unwrap(), ["about to give up"; 3]);
    }
}

#[test]
fn an_evaluation_ends_with_its_fuel() {
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let policy =
        Policy::new(&load(&engine, "policy.wasm"), PolicyOptions::default().fuel(1_000_000)).unwrap();
    let mut evaluator = policy.evaluator(DATA).unwrap();
    for _ in 0..3 {
        let error = evaluator.evaluate("host/spin", None).unwrap_err();
        assert!(
            matches!(&error, PolicyError::Engine(error) if error.trap() == Some(Trap::OutOfFuel)),
            "{error}"
        );
        // Each evaluation has its own.
        evaluator.evaluate("roles/allow", Some(r#"{"user": "alice"}"#)).unwrap();
    }
}

#[test]
fn an_evaluation_can_be_interrupted() {
    let mut evaluator = policy("policy.wasm").evaluator(DATA).unwrap();
    let handle = evaluator.interrupt_handle().unwrap();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        handle.interrupt();
    });
    let error = evaluator.evaluate("host/spin", None).unwrap_err();
    assert!(matches!(&error, PolicyError::Engine(error) if error.trap() == Some(Trap::Interrupt)), "{error}");
    thread.join().unwrap();
    evaluator.evaluate("roles/allow", Some(r#"{"user": "alice"}"#)).unwrap();
}

#[test]
fn a_budget_bounds_each_evaluator() {
    let budget = Budget::new(2 << 20);
    let module = load(&Engine::default(), "policy.wasm");
    let policy = Policy::new(&module, PolicyOptions::default().budget(&budget)).unwrap();
    let mut evaluator = policy.evaluator(DATA).unwrap();
    let used = budget.used();
    let input = json!({"user": "alice", "more": "x".repeat(4_000_000)}).to_string();
    let error = evaluator.evaluate("roles/allow", Some(&input)).unwrap_err();
    assert!(
        matches!(&error, PolicyError::Engine(error) if error.kind() == ErrorKind::OutOfBudget),
        "{error:?}"
    );
    evaluator.evaluate("roles/allow", Some(r#"{"user": "alice"}"#)).unwrap();
    assert_eq!(budget.used(), used);
    drop((evaluator, policy));
    assert_eq!(budget.used(), 0);
}

#[test]
fn other_modules_are_refused() {
    let engine = Engine::default();
    let refusal = |text: &str| {
        Policy::new(&Module::new(&engine, text).unwrap(), PolicyOptions::default()).unwrap_err().to_string()
    };
    assert_eq!(
        refusal("(module)"),
        "not a policy that can be evaluated here: it doesn't export opa_json_dump"
    );
    let dump = r#"(func (export "opa_json_dump") (param i32) (result i32) (local.get 0))"#;
    assert_eq!(
        refusal(&format!("(module {dump})")),
        "not a policy that can be evaluated here: it has no memory"
    );
    let partial = refusal(&format!("(module {dump} (memory (export \"memory\") 1))"));
    assert!(partial.contains("opa_malloc"), "{partial}");
}
