//! `dunlin run --coredump`, whose file is read back by wasmparser.
#![cfg(all(feature = "coredump", feature = "text"))]

mod common;

use common::{dunlin, dunlin_with, example, folder};
use wasmparser::{
    BinaryReader, CoreDumpSection, CoreDumpStackFrame, CoreDumpStackSection, CoreDumpValue, Parser, Payload,
};

/// What was executed, each function's index with its locals and operands in words, and the bytes of memories.
fn read(path: &str) -> (String, Vec<(u32, String, String)>, usize) {
    let bytes = std::fs::read(path).unwrap();
    let (mut name, mut frames, mut memory) = (String::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::CustomSection(section) => {
                let reader = BinaryReader::new(section.data(), section.data_offset());
                match section.name() {
                    "core" => name = CoreDumpSection::new(reader).unwrap().name.to_owned(),
                    "corestack" => {
                        let words = |values: Vec<CoreDumpValue>| {
                            let words = values.iter().map(|value| match value {
                                CoreDumpValue::I32(value) => value.to_string(),
                                other => format!("{other:?}"),
                            });
                            words.collect::<Vec<_>>().join(" ")
                        };
                        let all = CoreDumpStackSection::new(reader).unwrap().frames;
                        let frame = |frame: CoreDumpStackFrame| {
                            (frame.funcidx, words(frame.locals), words(frame.stack))
                        };
                        frames = all.into_iter().map(frame).collect();
                    }
                    _ => {}
                }
            }
            Payload::DataSection(section) => {
                memory = section.into_iter().map(|segment| segment.unwrap().data.len()).sum();
            }
            _ => {}
        }
    }
    (name, frames, memory)
}

const DEPTH: &str = r#"(module (memory 3)
    (func $down (export "down") (param i32) (local i32)
        (local.set 1 (i32.mul (local.get 0) (i32.const 10)))
        (i32.store8 (i32.const 100000) (i32.const 1))
        (if (i32.eqz (local.get 0)) (then unreachable))
        (i32.add (local.get 0) (i32.const 5)) (i32.const -1)
        (call $down (i32.sub (local.get 0) (i32.const 1)))
        drop drop)
    (func (export "spin") (param i32) (loop (br 0)))
    (func (export "_start")))"#;

#[test]
fn a_trap_leaves_locals_and_memories() {
    let folder = folder("a_trap_leaves_locals");
    let path = folder.join("core").to_str().unwrap().to_owned();
    for option in [&["--coredump", &*path][..], &["-D", &format!("coredump={path}")]] {
        let _ = std::fs::remove_file(&path);
        let ended =
            dunlin_with(&[&["run"], option, &["--invoke", "down", "-", "2"]].concat(), DEPTH.as_bytes());
        ended.code(134).says("the program trapped: unreachable");
        let (name, frames, memory) = read(&path);
        assert_eq!(name, "standard input");
        let frame = |locals: &str, operands: &str| (0, locals.to_owned(), operands.to_owned());
        assert_eq!(frames, [frame("0 0", ""), frame("1 10", "6 -1"), frame("2 20", "7 -1")]);
        assert_eq!(memory, 4096);
    }
    let ended = dunlin(&["run", "--coredump", &path, &example("wasm/trap.wasm"), "divide"]).code(134);
    let (_, frames, memory) = read(&path);
    assert_eq!(frames.len(), ended.err.matches("trap.wasm!").count());
    assert!(memory > 1000, "{memory}");
}

#[test]
fn timeouts_and_ends_of_ones_own() {
    let folder = folder("timeouts_leave_a_dump");
    let path = folder.join("core").to_str().unwrap().to_owned();
    for jit in [&["--jit", "sync", "--jit-threshold", "0"][..], &[]] {
        if cfg!(not(feature = "jit")) && !jit.is_empty() {
            continue;
        }
        let _ = std::fs::remove_file(&path);
        let args =
            [&["run", "--timeout", "200ms", "--coredump", &path], jit, &["--invoke", "spin", "-", "7"]]
                .concat();
        dunlin_with(&args, DEPTH.as_bytes()).code(124);
        let (_, frames, _) = read(&path);
        // Of compiled code, locals aren't known.
        let frame = |local: &str| (1, local.to_owned(), String::new());
        assert!(frames == [frame("7")] || frames == [frame("Missing")], "{frames:?}");
    }
    // What ends by itself leaves nothing, nor what an earlier run left.
    std::fs::write(&path, "old").unwrap();
    dunlin(&["run", "--coredump", &path, &example("wasm/trap.wasm"), "exit", "3"]).code(3);
    assert!(std::fs::read(&path).unwrap().is_empty());
    let nowhere = folder.join("missing/core").to_str().unwrap().to_owned();
    let ended = dunlin(&["run", "--coredump", &nowhere, &example("wasm/trap.wasm"), "divide"]).code(1);
    ended.one_sentence().says("--coredump");
    dunlin(&["run", "-D", "core", "x.wasm"]).code(2).one_sentence().says("-D takes coredump=FILE");
}
