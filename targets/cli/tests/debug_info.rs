//! Source lines in backtraces, and `dunlin addr2line`.
#![cfg(feature = "debug-info")]

mod common;

use common::{dunlin, dunlin_with, folder};
use serde_json::Value;

/// A module with debug information.
fn module(name: &str) -> String {
    format!("{}/tests/modules/{name}", env!("CARGO_MANIFEST_DIR"))
}

const LINES: &str = "dunlin: the program trapped: integer divide by zero
wasm backtrace:
    0:     0x5e - lines.wasm!divide
                  at src/lines.c:6:14
                - inlined into twice
                  at src/lines.c:10:16
    1:     0x4b - lines.wasm!divide_all
                  at src/lines.c:14:12
";

#[test]
fn a_trap_is_shown_with_its_line() {
    let lines = module("lines.wasm");
    for options in [&[][..], &["--memory-budget", "4MiB"], &["--jit", "off"]] {
        if options.contains(&"--jit") && cfg!(not(feature = "jit")) {
            continue;
        }
        let ended = dunlin(&[&["run"], options, &["--invoke", "divide_all", &lines, "0"]].concat()).code(134);
        assert_eq!(ended.err, LINES);
    }
    let ended = dunlin(&["run", "--no-debug-info", "--invoke", "divide_all", &lines, "0"]).code(134);
    assert!(!ended.err.contains("lines.c"), "{ended:#?}");
    // What came through a pipe can't be read again.
    let bytes = std::fs::read(&lines).unwrap();
    let ended = dunlin_with(&["run", "--invoke", "divide_all", "-", "0"], &bytes).code(134);
    assert!(ended.err.contains("!twice\n") && !ended.err.contains("lines.c"), "{ended:#?}");
    // A budget that leaves no room for it.
    let ended =
        dunlin(&["run", "--memory-budget", "2600KiB", "--invoke", "divide_all", &lines, "0"]).code(134);
    assert!(ended.err.contains("!twice\n") && !ended.err.contains("lines.c"), "{ended:#?}");
}

#[test]
fn the_report_has_lines_and_names() {
    let report = folder("report_with_lines").join("report.json");
    let path = report.to_str().unwrap();
    dunlin(&["run", "--report", path, "--invoke", "weight", &module("nested.wasm"), "0"]).code(134);
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let frame = &report["backtrace"][0];
    assert_eq!(frame["name"], "_RNvXCscBeWpePWEWf_6nestedmNtB2_5Weigh5weigh");
    let symbol = &frame["symbols"][1];
    assert_eq!(
        (&symbol["name"], &symbol["file"]),
        (&"nested::inner::reciprocal".into(), &"src/nested.rs".into())
    );
    assert_eq!((&symbol["line"], &symbol["column"]), (&10.into(), &21.into()));
}

#[test]
fn offsets_of_a_stripped_program_are_resolved_elsewhere() {
    let ended = dunlin(&["run", "--invoke", "weight", &module("stripped.wasm"), "0"]).code(134);
    let (_, rest) = ended.err.split_once("0: ").unwrap();
    let (offset, name) = rest.lines().next().unwrap().trim().split_once(" - ").unwrap();
    assert_eq!(name, "stripped.wasm!<u32 as nested::Weigh>::weigh");
    let resolved = dunlin(&["addr2line", &module("nested.wasm"), offset, "3"]).code(0);
    let lines: Vec<_> = resolved.out.lines().collect();
    assert_eq!(lines[0], format!("{offset}: core::core_arch::wasm32::unreachable"));
    assert_eq!(lines[2..4], ["  - inlined into nested::inner::reciprocal", "    at src/nested.rs:10:21"]);
    assert_eq!(lines.last(), Some(&"0x3: <unknown>"));
    // Without the sections, there are names.
    let named = dunlin(&["addr2line", &module("stripped.wasm"), offset]).code(0);
    named.prints(&format!("{offset}: <u32 as nested::Weigh>::weigh\n"));
}

#[test]
fn what_addr2line_refuses() {
    let lines = &module("lines.wasm");
    dunlin(&["addr2line", lines]).code(2).one_sentence().says("an offset is missing");
    dunlin(&["addr2line", lines, "0xzz"]).code(2).one_sentence().says("not '0xzz'");
    dunlin(&["addr2line", lines, "1"]).code(1).one_sentence().says("no code at these offsets");
    dunlin(&["addr2line", "nowhere.wasm", "1"]).code(1).one_sentence().says("nowhere.wasm: No such file");
    dunlin(&["addr2line", &module("lines.c"), "1"]).code(1).one_sentence().says("no WebAssembly module");
}
