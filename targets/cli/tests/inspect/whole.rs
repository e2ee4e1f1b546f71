//! All that is shown of a module, word for word.

use crate::common::{dunlin_with, json};
use serde_json::json as value;

/// Something of each kind.
const REACTOR: &str = r#"(module $all
    (type $f (func (param i32) (result i64)))
    (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
    (import "env" "" (func (type $f)))
    (import "env" "t" (table 2 2 externref))
    (memory (export "m") 3 161)
    (table (export "t") 1 funcref)
    (global (export "g") (mut i32) (i32.const 0))
    (func $s (drop (i32.const 0)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)))
    (start $s)
    (elem (table 1) (i32.const 0) func $s)
    (func (export "_initialize"))
    (data $d (i32.const 0) "x")
    (@custom "note" "text"))"#;

/// Memories, tables and globals of which Dunlin lacks some.
const BEYOND: &str = r#"(module
    (memory (export "m") i64 1 2 shared)
    (table (export "t") i64 3 3 funcref)
    (global (export "g") (shared mut i32) (i32.const 0))
    (memory 5 (pagesize 1)))"#;

fn text(module: &str) -> String {
    dunlin_with(&["inspect", "-"], module.as_bytes()).code(0).out
}

#[test]
fn in_words() {
    assert_eq!(
        text(REACTOR),
        r#"standard input: a library that is initialized first (it has _initialize): run it with --invoke NAME
  224 bytes, 2 functions, named all

With what it imports, it
  uses standard I/O and open files (io)
    fd_close                closes a file, a directory or a socket
  wants what Dunlin doesn't provide
    env."": function (i32) -> (i64) (unknown to Dunlin)
    env.t: externref table of exactly 2 elements (unknown to Dunlin)

Exports:
  m: memory of 3 to 161 pages
  t: funcref table of at least 1 element
  g: mutable i32 global
  _initialize: function () -> ()

Memories:
  0: 3 to 161 pages of 64 KiB (192 KiB at first)

Tables:
  0: exactly 2 elements of externref, imported
  1: at least 1 element of funcref

Features beyond the first version of WebAssembly:
  mutable-globals, bulk-memory, reference-types

Sections, in bytes:
          14  type
          53  import
           3  function
           4  table
           5  memory
           6  global
          27  export
           1  start
           9  element
           1  data count
          20  code
           7  data
           9  custom: note
          29  custom: name
"#
    );
    assert_eq!(
        text(BEYOND),
        r#"standard input: a library (it has no _start): run it with --invoke NAME
  47 bytes, 0 functions
  Dunlin can't run it: the memory section uses pages of another size than 64 KiB (the proposal custom-page-sizes), which Config::wasm_custom_page_sizes turns on (at offset 0x15)

It imports nothing, so it can only compute

Exports:
  m: shared 64-bit memory of 1 to 2 pages
  t: 64-bit funcref table of exactly 3 elements
  g: shared mutable i32 global

Memories:
  0: 1 to 2 pages of 64 KiB (64 KiB at first), 64-bit, shared
  1: at least 5 pages of 1 byte (5 bytes at first)

Tables:
  0: exactly 3 elements of funcref

Features beyond the first version of WebAssembly:
  mutable-globals, multi-memory, memory64, threads, custom-page-sizes
  shared-everything-threads, which this version of Dunlin doesn't have

Sections, in bytes:
           5  table
           7  memory
           6  global
          13  export
"#
    );
    let lacking = text("(module (type (struct)))");
    let words = "WebAssembly:\n  gc, which this version of Dunlin doesn't have\n\nSections";
    assert!(lacking.contains(words), "{lacking}");
    assert_eq!(
        text("(module)"),
        r#"standard input: a library (it has no _start): run it with --invoke NAME
  8 bytes, 0 functions

It imports nothing, so it can only compute

Exports: none

Memories: none

Tables: none

Features beyond the first version of WebAssembly:
  none

Sections, in bytes: none
"#
    );
}

#[test]
fn as_json() {
    let found = |module: &str| json(&dunlin_with(&["inspect", "--json", "-"], module.as_bytes()).code(0).out);
    let sections = |list: &[(u32, &str, u32, u32)]| -> serde_json::Value {
        let section = |(id, name, offset, bytes): &(u32, &str, u32, u32)| value!({"id": id, "name": name, "offset": offset, "bytes": bytes});
        list.iter().map(section).collect()
    };
    assert_eq!(
        found(REACTOR),
        value!({"module": "standard input", "role": "reactor", "name": "all", "made_for": null, "bytes": 224, "functions": 2,
            "imports": [
            {"module": "wasi_snapshot_preview1", "name": "fd_close", "kind": "function", "type": "function (i32) -> (i32)",
            "provided": true, "capability": "io", "purpose": "uses standard I/O and open files", "does": "closes a file, a directory or a socket", "problem": null, "answered_by_host": null},
            {"module": "env", "name": "", "kind": "function", "type": "function (i32) -> (i64)",
            "provided": false, "capability": null, "purpose": null, "does": null, "problem": "unknown to Dunlin", "answered_by_host": null},
            {"module": "env", "name": "t", "kind": "table", "type": "externref table of exactly 2 elements",
            "provided": false, "capability": null, "purpose": null, "does": null, "problem": "unknown to Dunlin", "answered_by_host": null}],
            "exports": [
            {"name": "m", "kind": "memory", "type": "memory of 3 to 161 pages"},
            {"name": "t", "kind": "table", "type": "funcref table of at least 1 element"},
            {"name": "g", "kind": "global", "type": "mutable i32 global"},
            {"name": "_initialize", "kind": "function", "type": "function () -> ()"}],
            "memories": [
            {"min_pages": 3, "max_pages": 161, "page_bytes": 65536, "index_bits": 32, "shared": false, "imported": false}],
            "tables": [
            {"element": "externref", "min": 2, "max": 2, "index_bits": 32, "imported": true},
            {"element": "funcref", "min": 1, "max": null, "index_bits": 32, "imported": false}],
            "features": ["mutable-globals", "bulk-memory", "reference-types"],
            "missing_features": [], "problem": null,
            "precompiled": null,
            "sections": sections(&[(1, "type", 10, 14),
            (2, "import", 26, 53),
            (3, "function", 81, 3),
            (4, "table", 86, 4),
            (5, "memory", 92, 5),
            (6, "global", 99, 6),
            (7, "export", 107, 27),
            (8, "start", 136, 1),
            (9, "element", 139, 9),
            (12, "data count", 150, 1),
            (10, "code", 153, 20),
            (11, "data", 175, 7),
            (0, "custom: note", 184, 9),
            (0, "custom: name", 195, 29)])})
    );
    assert_eq!(
        found(BEYOND),
        value!({"module": "standard input", "role": "library", "name": null, "made_for": null, "bytes": 47, "functions": 0,
            "imports": [
            ],
            "exports": [
            {"name": "m", "kind": "memory", "type": "shared 64-bit memory of 1 to 2 pages"},
            {"name": "t", "kind": "table", "type": "64-bit funcref table of exactly 3 elements"},
            {"name": "g", "kind": "global", "type": "shared mutable i32 global"}],
            "memories": [
            {"min_pages": 1, "max_pages": 2, "page_bytes": 65536, "index_bits": 64, "shared": true, "imported": false},
            {"min_pages": 5, "max_pages": null, "page_bytes": 1, "index_bits": 32, "shared": false, "imported": false}],
            "tables": [
            {"element": "funcref", "min": 3, "max": 3, "index_bits": 64, "imported": false}],
            "features": ["mutable-globals", "multi-memory", "memory64", "threads", "shared-everything-threads", "custom-page-sizes"],
            "missing_features": ["shared-everything-threads"],
            "problem": "the memory section uses pages of another size than 64 KiB (the proposal custom-page-sizes), which Config::wasm_custom_page_sizes turns on (at offset 0x15)",
            "precompiled": null,
            "sections": sections(&[(4, "table", 10, 5),
            (5, "memory", 17, 7),
            (6, "global", 26, 6),
            (7, "export", 34, 13)])})
    );
    for (export, role) in [("_start", "command"), ("_initialize", "reactor"), ("start", "library")] {
        let module = format!("(module (func (export \"{export}\")))");
        assert_eq!(found(&module)["role"], role);
        // What only has that name is no function.
        assert_eq!(
            found(&module.replace("func", "global").replace("\")", "\") i32 (i32.const 0)"))["role"],
            "library"
        );
    }
}

#[test]
fn sizes_are_exact_where_they_are_small() {
    for (bytes, shown) in [
        (0_u64, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (2047, "1 KiB"),
        ((10 << 20) - 1, "10239 KiB"),
        (10 << 20, "10 MiB"),
        ((10 << 30) - 1, "10239 MiB"),
        (10 << 30, "10 GiB"),
        (u64::MAX, "17179869183 GiB"),
    ] {
        let text = text(&format!("(module (memory i64 {bytes} (pagesize 1)))"));
        let plural = if bytes == 1 { "" } else { "s" };
        let expected = format!("  0: at least {bytes} page{plural} of 1 byte ({shown} at first), 64-bit\n");
        assert!(text.contains(&expected), "{expected}{text}");
    }
}

#[test]
fn what_memory_it_needs() {
    let words = dunlin_with(&["inspect", "--budget", "-"], REACTOR.as_bytes()).code(0).out;
    let lines: Vec<_> = words.lines().collect();
    assert!(lines[0].starts_with("standard input: at least "), "{words}");
    assert!(lines[0].ends_with(" KiB to start; unbounded: table 1 declares no maximum"), "{words}");
    assert_eq!(lines[1..3], ["", "What takes it, the largest first:"]);
    assert_eq!(lines[3..5], ["  table 1: 8 bytes or more", "  memory 0: 192.0 KiB to 10.1 MiB"]);
    let found = json(&dunlin_with(&["inspect", "--budget", "--json", "-"], REACTOR.as_bytes()).code(0).out);
    assert_eq!(found["module"], "standard input");
    assert_eq!(lines[0], format!("standard input: {}", found["sentence"].as_str().unwrap()));
    assert_eq!(found["most_bytes"], serde_json::Value::Null);
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), lines.len() - 3);
    assert_eq!(items[0], value!({"kind": "tables", "index": 1, "bytes": 8, "most_bytes": null}));
    assert_eq!(
        items[1],
        value!({"kind": "linear memory", "index": 0, "bytes": 3 << 16, "most_bytes": 161 << 16})
    );
    assert_eq!(
        items[3],
        value!({"kind": "value stack", "index": null, "bytes": 1 << 16, "most_bytes": 1 << 20})
    );
    let sum: u64 = items.iter().map(|item| item["bytes"].as_u64().unwrap()).sum();
    assert_eq!(found["least_bytes"], sum);
}
