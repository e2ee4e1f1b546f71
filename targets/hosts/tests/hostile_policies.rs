//! Policies that lie, never end, or ask for too much.
//!
//! In these modules a value is the address of its JSON text, so parsing and dumping do nothing.
#![cfg(feature = "opa")]

use dunlin::{Budget, Engine, ErrorKind, Module};
use dunlin_hosts::opa::{Policy, PolicyError, PolicyOptions};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

/// What a hostile policy does differently.
struct Parts<'t> {
    entrypoints: &'t str,
    builtins: &'t str,
    /// Instructions of functions: an address is their result.
    malloc: &'t str,
    heap: &'t str,
    dump: &'t str,
    eval: &'t str,
    /// Texts in memory, one after the other from [`TEXTS`] on, each ended by a NUL.
    texts: &'t [String],
}

/// Where a policy's own texts begin.
const TEXTS: usize = 4096;

/// Where its heap begins: behind all of them.
const HEAP: usize = 4 << 20;

impl Default for Parts<'_> {
    fn default() -> Self {
        Self {
            entrypoints: r#"{"a": 0}"#,
            builtins: "{}",
            malloc: "(global.get $heap) (global.set $heap (i32.add (global.get $heap) (local.get 0)))",
            heap: "(global.get $heap)",
            dump: "(local.get 0)",
            eval: "(i32.const 16)",
            texts: &[],
        }
    }
}

impl Parts<'_> {
    fn module(&self) -> String {
        let mut data = String::new();
        let mut text = |at: usize, text: &str| {
            write!(data, "(data (i32.const {at}) \"").unwrap();
            text.bytes().for_each(|byte| write!(data, "\\{byte:02x}").unwrap());
            data.push_str("\\00\")\n");
            at + text.len() + 1
        };
        text(16, "[]");
        text(64, self.entrypoints);
        text(1024, self.builtins);
        let end = self.texts.iter().fold(TEXTS, |at, one| text(at, one));
        assert!(end <= HEAP);
        let Self { malloc, heap, dump, eval, .. } = self;
        format!(
            r#"(module
                (import "env" "opa_println" (func $print (param i32)))
                (import "env" "opa_builtin1" (func $ask1 (param i32 i32 i32) (result i32)))
                (import "env" "opa_builtin2" (func $ask2 (param i32 i32 i32 i32) (result i32)))
                (import "env" "opa_builtin3" (func $ask3 (param i32 i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 65)
                (global $heap (mut i32) (i32.const {HEAP}))
                (global (export "opa_wasm_abi_version") i32 (i32.const 1))
                (global (export "opa_wasm_abi_minor_version") i32 (i32.const 2))
                {data}
                (func $end (param i32 i32) (result i32)
                    (i32.store8 (i32.add (local.get 0) (local.get 1)) (i32.const 0)) (local.get 0))
                (func (export "entrypoints") (result i32) (i32.const 64))
                (func (export "builtins") (result i32) (i32.const 1024))
                (func (export "opa_malloc") (param i32) (result i32)
                    (local.set 0 (i32.add (local.get 0) (i32.const 1))) {malloc})
                (func (export "opa_json_parse") (param i32 i32) (result i32)
                    (call $end (local.get 0) (local.get 1)))
                (func (export "opa_value_parse") (param i32 i32) (result i32)
                    (call $end (local.get 0) (local.get 1)))
                (func (export "opa_json_dump") (param i32) (result i32) {dump})
                (func (export "opa_heap_ptr_get") (result i32) {heap})
                (func (export "opa_heap_ptr_set") (param i32) (global.set $heap (local.get 0)))
                (func (export "opa_eval") (param i32 i32 i32 i32 i32 i32 i32) (result i32) {eval}))"#
        )
    }

    fn policy(&self, options: PolicyOptions) -> Result<Policy, PolicyError> {
        Policy::new(&Module::new(&Engine::default(), self.module()).unwrap(), options)
    }

    /// What comes of evaluating it within `memory` bytes. Whatever it is, all memory is given back.
    fn evaluate(&self, memory: u64, input: Option<&str>) -> Result<String, PolicyError> {
        let budget = Budget::new(memory);
        let result = self
            .policy(PolicyOptions::default().budget(&budget))
            .and_then(|policy| policy.evaluator("{}"))
            .and_then(|mut evaluator| evaluator.evaluate("a", input));
        assert_eq!(budget.used(), 0);
        result
    }
}

const MEMORY: u64 = 16 << 20;

/// Fills the memory, up to its end, with letters.
const FILL: &str = "(memory.fill (i32.const 4194304) (i32.const 120) (i32.const 65536))";

#[track_caller]
fn fails(parts: &Parts<'_>, input: Option<&str>, sentence: &str) {
    let error = parts.evaluate(MEMORY, input).unwrap_err().to_string();
    assert!(error.contains(sentence), "{error}");
}

#[test]
fn an_honest_one_is_evaluated() {
    assert_eq!(Parts::default().evaluate(MEMORY, Some("{}")).unwrap(), "[]");
    // The input.
    let parts = Parts { eval: "(call $end (local.get 3) (local.get 4))", ..Parts::default() };
    assert_eq!(parts.evaluate(MEMORY, Some("[7]")).unwrap(), "[7]");
}

#[test]
fn results_have_an_end_inside_the_memory() {
    let endless = format!("{FILL} (i32.const 4194304)");
    for eval in [endless.as_str(), "(i32.const -1)", "(i32.const 4259840)", "(i32.const 0x7fffffff)"] {
        fails(&Parts { eval, ..Parts::default() }, None, "doesn't end in its memory");
    }
    // Tables and arguments as well.
    fails(&Parts { dump: &endless, ..Parts::default() }, None, "doesn't end in its memory");
    let (builtins, eval) =
        (r#"{"json.is_valid": 0}"#, "(call $ask1 (i32.const 0) (i32.const 0) (i32.const -1))");
    fails(&Parts { builtins, eval, ..Parts::default() }, None, "doesn't end in its memory");
}

#[test]
fn results_that_are_no_text_are_refused() {
    let parts =
        Parts { eval: "(i32.store16 (i32.const 16) (i32.const 0xff)) (i32.const 16)", ..Parts::default() };
    fails(&parts, None, "aren't UTF-8");
}

#[test]
fn allocators_that_lie_are_refused() {
    for malloc in ["(i32.const -1)", "(i32.const 4259839)", "(i32.const 0x80000000)"] {
        let error = Parts { malloc, ..Parts::default() }.evaluate(MEMORY, None).unwrap_err();
        assert!(matches!(error, PolicyError::Engine(_)), "{error:?}");
    }
}

#[test]
fn heaps_that_begin_anywhere_harm_nobody_else() {
    // Beyond what there is, and near the end of all addresses.
    for heap in ["(i32.const -1)", "(i32.const -2)", "(i32.const 0x7fffffff)"] {
        let error = Parts { heap, ..Parts::default() }.evaluate(MEMORY, Some("{}")).unwrap_err();
        assert!(matches!(error, PolicyError::Engine(_)), "{error:?}");
    }
    // Backwards: over the policy's own data, which is its own loss. It returns what is there then.
    let parts = Parts { heap: "(i32.const 16)", ..Parts::default() };
    assert_eq!(parts.evaluate(MEMORY, Some("[1]")).unwrap(), "[1]");
    let moving = "(global.set $heap (i32.sub (global.get $heap) (i32.const 100000))) (global.get $heap)";
    let mut evaluator = Parts { heap: moving, ..Parts::default() }
        .policy(PolicyOptions::default())
        .unwrap()
        .evaluator("{}")
        .unwrap();
    for _ in 0..100 {
        evaluator.evaluate("a", Some("{}")).unwrap();
    }
}

#[test]
fn tables_are_objects_of_numbers() {
    for table in ["", "[]", r#"{"a": 1.5}"#, r#"{"a": 4294967296}"#, r#"{"a": "0"}"#, r#"{"a": 0"#] {
        fails(&Parts { entrypoints: table, ..Parts::default() }, None, "table of entrypoints can't be read");
        fails(&Parts { builtins: table, ..Parts::default() }, None, "table of builtins can't be read");
    }
    // What no such entrypoint does is the policy's business.
    for number in [-1, i32::MAX] {
        let entrypoints = format!(r#"{{"a": {number}}}"#);
        let eval = "(if (local.get 1) (then unreachable)) (i32.const 16)";
        fails(&Parts { entrypoints: &entrypoints, eval, ..Parts::default() }, None, "unreachable");
    }
    fails(&Parts { builtins: r#"{"no.such": 0}"#, ..Parts::default() }, None, "unknown here: no.such");
}

#[test]
fn builtins_are_called_by_their_numbers() {
    for number in [-1, 1, i32::MAX] {
        let eval = format!("(call $ask1 (i32.const {number}) (i32.const 0) (i32.const 16))");
        let parts = Parts { builtins: r#"{"json.is_valid": 0}"#, eval: &eval, ..Parts::default() };
        fails(&parts, None, &format!("builtin {number}, which isn't in its table"));
    }
}

#[test]
fn guests_and_hosts_that_call_each_other_end() {
    // Each argument is dumped by a call of the builtin with it.
    let dump = "(if (result i32) (i32.eq (local.get 0) (i32.const 16))
        (then (call $ask1 (i32.const 0) (i32.const 0) (i32.const 16))) (else (local.get 0)))";
    let eval = "(call $ask1 (i32.const 0) (i32.const 0) (i32.const 16))";
    let parts = Parts { builtins: r#"{"json.is_valid": 0}"#, dump, eval, ..Parts::default() };
    let error = parts.evaluate(64 << 20, None).unwrap_err();
    assert!(matches!(&error, PolicyError::Engine(error) if error.trap().is_some()), "{error:?}");
}

#[test]
fn messages_are_cut() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = said.clone();
    let options = PolicyOptions::default().print(move |message| kept.lock().unwrap().push(message.len()));
    let eval =
        format!("{FILL} (call $print (i32.const 4194304)) (call $print (i32.const -1)) (i32.const 16)");
    let parts = Parts { eval: &eval, ..Parts::default() };
    parts.policy(options).unwrap().evaluator("{}").unwrap().evaluate("a", None).unwrap();
    assert_eq!(*said.lock().unwrap(), [64 << 10, 0]);
}

/// What comes of asking a builtin.
fn ask(builtin: &str, arguments: &[Value], memory: u64) -> Result<String, PolicyError> {
    let texts: Vec<_> = arguments.iter().map(Value::to_string).collect();
    let mut at = TEXTS;
    let mut eval = format!("(call $ask{} (i32.const 0) (i32.const 0)", texts.len());
    for text in &texts {
        write!(eval, " (i32.const {at})").unwrap();
        at += text.len() + 1;
    }
    eval += ")";
    let builtins = json!({builtin: 0}).to_string();
    Parts { builtins: &builtins, eval: &eval, texts: &texts, ..Parts::default() }.evaluate(memory, None)
}

#[test]
fn arguments_are_charged_before_they_are_read() {
    let many = |count: usize| vec![1; count];
    ask("array.reverse", &[json!(many(1000))], MEMORY).unwrap();
    let error = ask("array.reverse", &[json!(many(200_000))], MEMORY).unwrap_err();
    assert!(
        matches!(&error, PolicyError::Engine(error) if error.kind() == ErrorKind::OutOfBudget),
        "{error:?}"
    );
    // Text takes what it is long, and no more.
    ask("strings.reverse", &[json!("x".repeat(60_000))], 6 << 20).unwrap();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let (builtins, eval) =
        (r#"{"array.reverse": 0}"#, "(call $ask1 (i32.const 0) (i32.const 0) (i32.const 4096))");
    let parts = Parts { builtins, eval, texts: &[deep], ..Parts::default() };
    fails(&parts, None, "recursion limit exceeded");
}

#[test]
fn answers_are_charged_before_they_are_made() {
    // Each doubles what there is, forty times.
    let doubled: Vec<_> =
        (0..40).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/a/x{n}")})).collect();
    // Forty names of each other in all orders.
    let names: Vec<_> = (0..40).map(|n| format!("{n:0>100}")).collect();
    let graph: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!(names))).collect();
    let nets: Vec<_> = (0..400).map(|n| format!("10.0.{}.{}/8", n / 256, n % 256)).collect();
    for (builtin, arguments) in [
        ("json.patch", vec![json!({"a": {}}), json!(doubled)]),
        ("regex.replace", vec![json!("x".repeat(10_000)), json!("x"), json!("y".repeat(10_000))]),
        ("regex.replace", vec![json!("x".repeat(100_000)), json!("^.*$"), json!("$0".repeat(10_000))]),
        ("sprintf", vec![json!("%9999d".repeat(4000)), json!(vec![1; 4000])]),
        ("json.marshal_with_options", vec![json!(vec![1; 4000]), json!({"indent": "x".repeat(10_000)})]),
        ("json.marshal_with_options", vec![json!(vec![1; 4000]), json!({"prefix": "x".repeat(10_000)})]),
        ("net.cidr_contains_matches", vec![json!(nets), json!(nets)]),
        ("graph.reachable_paths", vec![json!(graph), json!(names)]),
    ] {
        let error = ask(builtin, &arguments, 24 << 20).unwrap_err();
        assert!(
            matches!(&error, PolicyError::Halted { builtin: who, message } if who == builtin && message.contains("budget")),
            "{builtin}: {error:?}"
        );
    }
}
