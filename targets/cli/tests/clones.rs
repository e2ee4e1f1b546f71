//! `dunlin snapshot --init` and `dunlin run --from`.
#![cfg(all(feature = "snapshot", feature = "text"))]

mod common;

use common::{Ended, dunlin, dunlin_with, folder};
use std::path::PathBuf;

/// Prints `init`, counts, and then repeats its input behind what it has counted, and its first argument.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (memory (export "memory") 4)
    (data (i32.const 16) "init\n")
    (func $print (param $at i32) (param $len i32)
        (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $len))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func (export "_start") (local $n i32)
        (call $print (i32.const 16) (i32.const 5))
        (loop $count
            (i32.store8 (i32.add (i32.const 70000) (local.get $n)) (i32.const 46))
            (br_if $count (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))
        (loop $more
            (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 1000))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (if (local.tee $n (i32.load (i32.const 8))) (then
                (call $print (i32.const 169990) (i32.const 3))
                (call $print (i32.const 65536) (local.get $n))
                (br $more))))
        (drop (call $sizes (i32.const 100) (i32.const 104)))
        (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i32.load (i32.const 100))))
        (i32.store8 (i32.const 17) (i32.const 10))
        (call $print (i32.const 16) (i32.const 2))))"#;

/// A library, which counts how often it was initialised.
const LIBRARY: &str = r#"(module
    (memory (export "memory") 4)
    (global $times (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $times (i32.add (global.get $times) (i32.const 1))))
    (func (export "wizer.initialize") (global.set $times (i32.add (global.get $times) (i32.const 10)))
        (memory.fill (i32.const 1000) (i32.const 3) (i32.const 200000)))
    (func (export "other") (global.set $times (i32.add (global.get $times) (i32.const 100))))
    (func (export "reads") (drop (memory.grow (i32.const 1))) (unreachable))
    (func (export "times") (param i32) (result i32)
        (global.set $times (i32.add (global.get $times) (local.get 0)))
        (i32.add (global.get $times) (i32.load8_u (i32.const 100000)))))"#;

fn module(name: &str, text: &str) -> (PathBuf, String, String) {
    let folder = folder(name);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (module, snap) = (path("app.wat"), path("app.snap"));
    std::fs::write(&module, text).unwrap();
    (folder, module, snap)
}

#[test]
fn programs_begin_where_they_first_read() {
    let (_, module, snap) = module("programs_begin_where_they_first_read", PROGRAM);
    let made = dunlin(&["snapshot", "--init", &module, "--memory-budget", "4MiB"]).code(0);
    assert_eq!((&made.out[..], &made.err[..]), ("init\n", ""));
    for jit in ["off", "sync"] {
        let run = |input: &str, args: &[&str]| -> Ended {
            dunlin_with(&[&["run", "--jit", jit, "--from", &snap, &module], args].concat(), input.as_bytes())
                .code(0)
        };
        assert_eq!(run("first", &[]).out, "...first1\n");
        assert_eq!(run("second", &["a", "b"]).out, "...second3\n");
        assert_eq!(run("", &["c"]).out, "2\n");
    }
    let whole = dunlin_with(&["run", &module], b"first").code(0);
    assert_eq!(whole.out, "init\n...first1\n");
    let looked = dunlin(&["inspect", &snap]).code(0).out;
    assert!(looked.contains("wasi_snapshot_preview1.fd_read"), "{looked}");
    dunlin(&["run", "--from", &snap, "--invoke", "x", &module])
        .code(2)
        .one_sentence()
        .says("was begun there already");
    let budget = ["run", "--from", &snap, "--memory-budget", "300KiB", &module];
    dunlin(&budget).code(126);
}

#[test]
fn libraries_are_initialised_once() {
    let (folder, module, snap) = module("libraries_are_initialised_once", LIBRARY);
    let times = |from: &str| {
        let options = ["run", "--from", from, "--invoke", "times", &module, "1000"];
        dunlin(&options).code(0).out
    };
    dunlin(&["snapshot", "--init", &module]).code(0).prints("");
    for _ in 0..2 {
        assert_eq!(times(&snap), "1014\n");
    }
    let other = folder.join("other.snap");
    let other = other.to_str().unwrap();
    dunlin(&["snapshot", &module, "-o", other, "--init-func", "other"]).code(0);
    assert_eq!(times(other), "1101\n");
    let small = folder.join("app.snap.zst");
    let small = small.to_str().unwrap();
    let made = dunlin(&["snapshot", &module, "-o", small]);
    if cfg!(feature = "zstd") {
        assert_eq!(made.code(0).err, "");
        let bytes = |path: &str| std::fs::read(path).unwrap();
        assert!(
            bytes(small).starts_with(b"\x28\xb5\x2f\xfd") && bytes(small).len() < bytes(&snap).len() / 10
        );
        assert_eq!(times(small), "1014\n");
    } else {
        made.code(2).one_sentence().says("the feature 'zstd'");
    }
    let plain = dunlin(&["run", "--invoke", "times", &module, "1000"]).code(0);
    assert_eq!(plain.out, "1001\n");
}

#[test]
fn what_cannot_be_is_said_in_one_sentence() {
    let (folder, module, snap) = module("what_cannot_be_is_said", LIBRARY);
    let ends = folder.join("ends.wat");
    std::fs::write(&ends, r#"(module (func (export "_start")))"#).unwrap();
    let ends = ends.to_str().unwrap();
    dunlin(&["snapshot", ends]).code(1).one_sentence().says("ended before it read its standard input");
    dunlin(&["snapshot", &module, "--init-func", "times"]).code(2).one_sentence().says("--init-func times");
    dunlin(&["snapshot"]).code(2).one_sentence().says("a module is missing");
    assert_eq!(dunlin(&["snapshot", "--init-func", "reads", &module]).code, 1);
    dunlin(&["snapshot", &module]).code(0);
    dunlin(&["run", "--from", &snap, ends]).code(1).one_sentence().says("the module of the digest");
    dunlin(&["run", "--from", &snap, "--resume", &snap, &module])
        .code(2)
        .one_sentence()
        .says("begins a program anew");
    dunlin(&["run", "--from", &snap, &module]).code(2).one_sentence().says("no _start");
    dunlin(&["run", "--resume", &snap, &module]).code(1).one_sentence().says("no program is suspended there");
}
