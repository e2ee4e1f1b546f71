//! `dunlin inspect` and `dunlin validate`.
#![cfg(feature = "text")]

mod common;

use common::{dunlin, dunlin_with, example, json, modules};

#[test]
fn every_example_is_valid_and_needs_nothing_that_is_missing() {
    for (name, bytes) in modules() {
        let path = example(&format!("wasm/{name}"));
        let ended = dunlin(&["validate", &path]).code(0);
        assert_eq!(ended.err, "");
        dunlin_with(&["validate", "-"], &bytes).code(0);
        let inspected = json(&dunlin(&["inspect", "--json", &path]).code(0).out);
        assert_eq!(inspected["bytes"], bytes.len());
        let imports = inspected["imports"].as_array().unwrap();
        assert!(imports.iter().all(|import| import["provided"] == true), "{name}: {inspected:#}");
        // Sections cover the module but for its header and their own, of 2 to 6 bytes each.
        let sections = inspected["sections"].as_array().unwrap();
        let contents: u64 = sections.iter().map(|section| section["bytes"].as_u64().unwrap()).sum();
        let frame = bytes.len() as u64 - 8 - contents;
        assert!((2..=6).contains(&(frame / sections.len() as u64)), "{name}: {frame}");
        let text = dunlin(&["inspect", &path]).code(0).out;
        assert!(!text.contains("doesn't provide"), "{text}");
    }
}

#[test]
fn imports_are_grouped_by_what_they_let_the_module_do() {
    let text = dunlin(&["inspect", &example("wasm/cp.wasm")]).code(0).out;
    assert!(text.contains("cp.wasm: a program (it has _start)"), "{text}");
    let group_of = |function: &str| {
        let (before, _) =
            text.split_once(&format!(" {function}")).unwrap_or_else(|| panic!("{function}: {text}"));
        let heading = before.lines().rev().find(|line| line.starts_with("  ") && !line.starts_with("   "));
        heading.unwrap().to_owned()
    };
    assert_ne!(group_of("path_open"), group_of("args_get"));
    assert_eq!(group_of("args_sizes_get"), group_of("args_get"));
}

#[test]
fn missing_imports_are_named_and_explained() {
    let text = r#"(module $m
        (import "env" "log\u{1b}[31m" (func (param i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func))
        (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
        (import "env" "memory" (memory 1 2))
        (func (export "run") (param f64)) (table (export "t") 3 funcref))"#;
    let said = dunlin_with(&["inspect", "-"], text.as_bytes()).code(0).out;
    for expected in [
        "standard input: a library (it has no _start)",
        "named m",
        "wants what Dunlin doesn't provide",
        r"env.log\u{1b}[31m: function (i32) -> () (unknown to Dunlin)",
        "fd_write: function () -> () (Dunlin has it as a function (i32, i32, i32, i32) -> (i32))",
        "run: function (f64) -> ()",
        "0: 1 to 2 pages of 64 KiB (64 KiB at first), imported",
        "0: at least 3 elements of funcref",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    let found = json(&dunlin_with(&["inspect", "-", "--json"], text.as_bytes()).code(0).out);
    let provided: Vec<_> =
        found["imports"].as_array().unwrap().iter().map(|i| i["provided"] == true).collect();
    assert_eq!(provided, [false, false, true, false]);
    assert_eq!(found["imports"][0]["name"], "log\u{1b}[31m");
    assert_eq!((&found["role"], &found["name"]), (&"library".into(), &"m".into()));
    assert_eq!(found["memories"][0]["max_pages"], 2);
    assert_eq!(found["tables"][0]["max"], serde_json::Value::Null);
}

#[test]
fn inspecting_runs_nothing() {
    let text = "(module (func $f (loop (br 0))) (start $f) (func (export \"_initialize\") unreachable))";
    let said = dunlin_with(&["inspect", "-"], text.as_bytes()).code(0);
    assert!(said.out.contains("a library that is initialized first") && said.err.is_empty(), "{said:#?}");
    dunlin_with(&["validate", "-"], text.as_bytes()).code(0);
}

#[test]
fn features_are_listed() {
    let text = "(module (memory 1) (memory 1) (func (result i32 v128) (i32.const 0) (v128.const i64x2 0 0)))";
    let found = json(&dunlin_with(&["inspect", "-", "--json"], text.as_bytes()).code(0).out);
    assert_eq!(found["features"], serde_json::json!(["multi-value", "simd", "multi-memory"]));
}
