//! `dunlin inspect` and `dunlin validate`.
#![cfg(feature = "text")]

#[path = "../common/mod.rs"]
mod common;
mod whole;

use common::{command, dunlin, dunlin_with, example, folder, json, modules, wait};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

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

/// A module that needs much that Dunlin lacks, and its features that are there.
const BEYOND: &str = r#"(module $beyond
    (type $point (struct (field i32)))
    (import "env" "f" (func (param i32 (ref null $point))))
    (import "env" "m" (memory i64 1 0x1_0000_0000_0000))
    (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
    (tag (export "t") (param i32))
    (global (export "p") (mut (ref null $point)) (ref.null $point))
    (table (export "nodes") 1 (ref null $point))
    (func (export "run") (result i64 i64) (drop (i64.atomic.load (i64.const 0))) (i64.mul_wide_u (i64.const 1) (i64.const 1))))"#;

#[test]
fn what_dunlin_lacks_is_listed_with_all_else() {
    let file = folder("beyond").join("beyond.wat");
    std::fs::write(&file, BEYOND).unwrap();
    let binary = wat::parse_str(BEYOND).unwrap();
    let said = dunlin(&["inspect", file.to_str().unwrap()]).code(0).out;
    for expected in [
        "beyond.wat: a library",
        " bytes, 1 function, named beyond\n",
        "Dunlin can't run it: the type section uses garbage collected types (the proposal gc), which this version of Dunlin doesn't have",
        "env.f: function (i32, (ref null 0)) -> ()",
        "env.m: 64-bit memory of 1 to 281474976710656 pages",
        "fd_close",
        "t: tag (i32)",
        "p: mutable (ref null 0) global",
        "nodes: (ref null 0) table of at least 1 element",
        "run: function () -> (i64, i64)",
        "0: 1 to 281474976710656 pages of 64 KiB (64 KiB at first), 64-bit, imported",
        "0: at least 1 element of (ref null 0)",
        "  mutable-globals, multi-value, reference-types, memory64, exceptions, function-references, threads, wide-arithmetic\n",
        "  gc, which this version of Dunlin doesn't have",
        "  tag\n",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    let found = json(&dunlin_with(&["inspect", "--json", "-"], &binary).code(0).out);
    assert_eq!(found["bytes"], binary.len());
    let missing = serde_json::json!(["gc"]);
    assert_eq!(found["missing_features"], missing);
    assert!(found["problem"].as_str().unwrap().contains("the proposal gc"), "{found:#}");
    assert_eq!(
        (&found["memories"][0]["index_bits"], &found["imports"][2]["provided"]),
        (&64.into(), &true.into())
    );
    assert_eq!(found["exports"][0]["kind"], "tag");
    // Everything is looked at, even so.
    let mut wrong = binary.clone();
    let constant = wrong.windows(2).position(|bytes| bytes == [0x42, 1]).unwrap();
    wrong[constant] = 0x41;
    dunlin_with(&["inspect", "-"], &wrong).code(1).one_sentence().says("type mismatch");
    dunlin_with(&["inspect", "-"], &binary[..binary.len() - 1])
        .code(1)
        .one_sentence()
        .says("unexpected end-of-file");
}

#[test]
fn errors_are_json_too() {
    let folder = folder("errors_are_json_too");
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).unwrap();
        folder.join(name).to_str().unwrap().to_owned()
    };
    for (path, reason) in [
        (file("invalid.wat", b"(module (func (result i32)))"), "type mismatch"),
        (file("wrong.wat", b"(module (func (i32.sum)))"), "wrong.wat:1:16"),
        (file("cut.wasm", b"\0asm\x01\0\0\0\x01"), "unexpected end-of-file"),
        (file("empty.wasm", b""), "no bytes"),
        (folder.join("missing.wasm").to_str().unwrap().to_owned(), "No such file"),
    ] {
        for args in [&["inspect", "--json", &path][..], &["inspect", "--json", "--budget", &path]] {
            let ended = dunlin(args).code(1).says(reason);
            let found = json(&ended.out);
            assert!(found["error"].as_str().unwrap().contains(reason), "{found:#}");
            assert_eq!((&found["module"], &found["exit_code"]), (&path.as_str().into(), &1.into()));
        }
    }
}

/// What never ends is refused as soon as it is clear what it is.
#[test]
fn an_endless_input_is_refused_at_once() {
    let mut header = b"\0asm\x01\0\0\0".to_vec();
    // A body of 7 MB in a code section without a function section.
    header.extend_from_slice(&[10, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0xff, 0xff, 0xff, 3]);
    for (beginning, reason) in [
        (&b"\0"[..], "this is not a WebAssembly binary"),
        (b"\0asm\x01\0\0\0\x0f", "malformed section id"),
        (&header, "function section is absent"),
        (b"   (", "has more than 67108864 bytes"),
    ] {
        for args in [
            &["inspect", "-"][..],
            &["inspect", "--json", "-"],
            &["inspect", "--budget", "-"],
            &["validate", "-"],
        ] {
            let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
            let mut pipe = child.stdin.take().unwrap();
            let written = std::thread::scope(|scope| {
                let writer = scope.spawn(move || {
                    let mut written = beginning.len();
                    let zeros = [b' '; 4096];
                    let mut result = pipe.write_all(beginning);
                    while result.is_ok() {
                        written += zeros.len();
                        result = pipe.write_all(&zeros);
                    }
                    written
                });
                let ended = wait(child).code(1).says(reason);
                assert_eq!(ended.out.is_empty(), !args.contains(&"--json"));
                writer.join().unwrap()
            });
            let most = if reason.contains("67108864") { 66 << 20 } else { 1 << 20 };
            assert!(written < most, "{args:?}: {written} bytes were read before it said {reason}");
        }
    }
}

#[test]
fn a_long_custom_section_passes_by() {
    let mut child = command(&["inspect", "--json", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    const LEN: u64 = 1 << 28;
    let peak = std::thread::scope(|scope| {
        let id = child.id();
        let writer = scope.spawn(move || {
            // Custom, 256 MB, with a name of one byte.
            pipe.write_all(b"\0asm\x01\0\0\0\0\x80\x80\x80\x80\x01\x01d").unwrap();
            let piece = [0x55; 1 << 16];
            let mut left = LEN as usize - 2;
            while left > 0 {
                let now = left.min(piece.len());
                pipe.write_all(&piece[..now]).unwrap();
                left -= now;
            }
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
            line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap()
        });
        let found = json(&wait(child).code(0).out);
        assert_eq!(
            (&found["sections"][0]["name"], &found["sections"][0]["bytes"]),
            (&"custom: d".into(), &LEN.into())
        );
        writer.join().unwrap()
    });
    assert!(peak < 64 << 10, "{peak} KiB");
}

/// Whoever opened standard input may have made it non-blocking, as some shells and servers do.
#[test]
fn a_module_comes_through_a_pipe_that_does_not_block() {
    let bytes = std::fs::read(example("wasm/hello.wasm")).unwrap();
    for args in [&["inspect", "-"][..], &["validate", "-"], &["run", "-", "Ada"]] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let child = command(args).stdin(Stdio::from(reader)).spawn().unwrap();
        for piece in bytes.chunks(9000) {
            std::thread::sleep(Duration::from_millis(20));
            writer.write_all(piece).unwrap();
        }
        drop(writer);
        wait(child).code(0);
    }
}

/// A text is known by what comes first in it that is no space, as far as the engine looks.
#[test]
fn spaces_before_a_text_are_as_many_as_the_engine_takes() {
    let answers = [0, 1, 63, 64, 65, 16_383, 16_384, 16_385, 20_000].map(|spaces| {
        let text = [&b" ".repeat(spaces)[..], b"(module)"].concat();
        let [shown, valid] = ["inspect", "validate"].map(|command| dunlin_with(&[command, "-"], &text));
        assert_eq!((shown.code, &shown.err), (valid.code, &valid.err), "{spaces}");
        valid.code
    });
    assert_eq!((answers[0], answers[8]), (0, 1), "{answers:?}");
    // A comment is a text's beginning, too.
    dunlin_with(&["inspect", "-"], b" \n;; nothing\n(module)").code(0);
}

/// What is known of platforms, and what a host answers.
#[cfg(feature = "hosts")]
#[test]
fn platforms_are_recognised() {
    let found = |name: &str| json(&dunlin(&["inspect", "--json", &example(name)]).code(0).out);
    let policy = found("hosts/policy.wasm");
    let made_for = &policy["made_for"];
    assert_eq!((&made_for["platform"], &made_for["abi_version"]), (&"OPA policy".into(), &"1.2".into()));
    assert!(made_for["entrypoints"].as_array().unwrap().contains(&"roles/allow".into()), "{made_for}");
    assert!(made_for["builtins"].as_array().unwrap().contains(&"sprintf".into()), "{made_for}");
    assert!(policy["imports"].as_array().unwrap().iter().all(|import| import["answered_by_host"] == true));
    let said = dunlin(&["inspect", &example("hosts/policy.wasm")]).code(0).out;
    let line = "  Made for: OPA policy (ABI 1.2), entrypoints host/call, host/fail, host/spin, roles/allow, roles/greeting\n";
    assert!(said.contains(line), "{said}");
    assert!(!said.contains("doesn't provide"), "{said}");
    assert_eq!(found("hosts/filter.wasm")["made_for"]["platform"], "proxy-wasm filter");
    assert_eq!(found("wasm/hello.wasm")["made_for"]["platform"], "WASI command");
    let guest = r#"(module (import "wapc" "__console_log" (func (param i32 i32)))
        (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))"#;
    let said = dunlin_with(&["inspect", "-"], guest.as_bytes()).code(0).out;
    assert!(said.contains("Made for: waPC guest\n") && !said.contains("doesn't provide"), "{said}");
    // What its host doesn't have is told.
    for (import, is_told) in [("log_msg", false), ("log_msg_swift", false), ("send_mail", true)] {
        let runnable = format!(
            r#"(module (import "env" "{import}" (func (param i32 i32 i32 i32)))
                (func (export "run_e") (param i32 i32 i32))
                (func (export "allocate") (param i32) (result i32) (i32.const 0)))"#
        );
        let said = dunlin_with(&["inspect", "-"], runnable.as_bytes()).code(0).out;
        assert!(said.contains("Made for: Atmo runnable\n"), "{said}");
        assert_eq!(said.contains("calls what its host lacks"), is_told, "{said}");
    }
}

/// A policy that never says what is in it, or traps instead.
#[cfg(feature = "hosts")]
#[test]
fn policies_that_lie_are_described_all_the_same() {
    let policy = |body: &str| {
        let ended = |name: &str, ty: &str| format!(r#"(func (export "{name}") {ty} {body})"#);
        let functions = [
            ("builtins", "(result i32)"),
            ("entrypoints", "(result i32)"),
            ("opa_malloc", "(param i32) (result i32)"),
            ("opa_json_parse", "(param i32 i32) (result i32)"),
            ("opa_json_dump", "(param i32) (result i32)"),
            ("opa_value_parse", "(param i32 i32) (result i32)"),
            ("opa_heap_ptr_get", "(result i32)"),
            ("opa_heap_ptr_set", "(param i32)"),
        ]
        .map(|(name, ty)| ended(name, ty));
        let globals = r#"(global (export "opa_wasm_abi_version") i32 (i32.const 1))
            (global (export "opa_wasm_abi_minor_version") i32 (i32.const 2)) (memory (export "memory") 2)"#;
        let text = format!("(module {globals} {})", functions.concat());
        dunlin_with(&["inspect", "-"], text.as_bytes()).code(0).out
    };
    let loops = policy("(loop (br 0)) (unreachable)");
    assert!(loops.contains("Made for: OPA policy, but ") && loops.contains("fuel"), "{loops}");
    let traps = policy("(unreachable)");
    assert!(traps.contains("Made for: OPA policy, but "), "{traps}");
}
