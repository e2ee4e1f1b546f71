//! Programs that run: what they print, and with which exit code they end.
#![cfg(feature = "text")]

mod common;

use common::{command, dunlin, dunlin_with, example, folder, json, wait};
use std::io::Write;
use std::process::Stdio;

#[test]
fn hello() {
    let hello = &example("wasm/hello.wasm");
    dunlin(&["run", hello]).code(0).prints("Hello, world!\n");
    // What follows the module is the program's, whatever it looks like.
    dunlin(&["run", hello, "--help", "--", "-"]).code(0).prints("Hello, --help, -- and -!\n");
    let bytes = std::fs::read(hello).unwrap();
    dunlin_with(&["run", "-", "Ada"], &bytes).code(0).prints("Hello, Ada!\n");
}

#[test]
fn text_modules_work_wherever_modules_do() {
    let path = &example("smallest.wat");
    dunlin(&["run", path]).code(0).prints("hi!\n");
    dunlin_with(&["run", "-"], &std::fs::read(path).unwrap()).code(0).prints("hi!\n");
    dunlin(&["validate", path]).code(0);
    dunlin(&["inspect", path]).code(0);
}

/// A program in C++, whose exceptions are those of the standard, or as they were before.
#[test]
fn programs_throw_and_catch() {
    for name in ["throws", "throws-legacy"] {
        let module = &example(&format!("exceptions/{name}.wasm"));
        for tier in [&["--jit", "off"][..], &["--jit", "sync", "--jit-threshold", "1"], &[]] {
            let ended = dunlin(&[&["run"], tier, &[module, "3000"]].concat()).code(0);
            ended.prints("2997 of 3000 rounds threw, 33000 frames were left, sum 4495533\n");
        }
        let off = if name == "throws" { "exceptions=n" } else { "legacy-exceptions=n" };
        dunlin(&["run", "-W", off, module]).code(1).one_sentence().says("exceptions");
    }
}

#[test]
fn standard_input_is_the_programs() {
    let wc = &example("wasm/wc.wasm");
    dunlin_with(&["run", wc], b"one two\nthree\n").code(0).prints("      2       3      14\n");
    // Unless the module came from there.
    let bytes = std::fs::read(wc).unwrap();
    dunlin_with(&["run", "-"], &bytes).code(0).prints("      0       0       0\n");
    let big = "word \n".repeat(100_000);
    dunlin_with(&["run", wc], big.as_bytes()).code(0).prints(" 100000  100000  600000\n");
}

#[test]
fn a_module_is_taken_as_it_arrives() {
    let bytes = std::fs::read(example("wasm/hello.wasm")).unwrap();
    let mut child = command(&["run", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for chunk in bytes.chunks(4001) {
        pipe.write_all(chunk).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(pipe);
    wait(child).code(0).prints("Hello, world!\n");
    // A wrong byte is told before the rest has come.
    let mut child = command(&["run", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff").unwrap();
    let ended = wait(child).code(1).one_sentence();
    drop(pipe);
    assert!(ended.err.contains("(at offset "), "{ended:#?}");
}

#[test]
fn folders() {
    let folder = folder("folders");
    std::fs::write(folder.join("in.txt"), "some text\n").unwrap();
    let host = folder.to_str().unwrap();
    let (writable, read_only) = (&format!("{host}::/d"), &format!("{host}::/r"));
    let cp = &example("wasm/cp.wasm");
    dunlin(&["run", "--dir", writable, cp, "/d/in.txt", "/d/out.txt"]).code(0).prints("10 bytes\n");
    assert_eq!(std::fs::read_to_string(folder.join("out.txt")).unwrap(), "some text\n");
    // Without a second name, it has its own.
    let (from, to) = (&format!("{host}/in.txt"), &format!("{host}/third.txt"));
    dunlin(&["run", "--dir", host, cp, from, to]).code(0);
    assert!(folder.join("third.txt").exists());
    let ended = dunlin(&["run", "--dir-ro", read_only, cp, "/r/in.txt", "/r/no.txt"]).code(1);
    assert!(ended.err.starts_with("cp: /r/no.txt: "), "{ended:#?}");
    assert!(!folder.join("no.txt").exists());
    // Reading is enough where it is all that happens.
    let wc = &example("wasm/wc.wasm");
    dunlin(&["run", "--dir-ro", read_only, wc, "/r/in.txt"])
        .code(0)
        .prints("      1       2      10 /r/in.txt\n");
    dunlin(&["run", wc, "/r/in.txt"]).code(1);
    std::fs::create_dir(folder.join("inner")).unwrap();
    let inner = &format!("{host}/inner::/d");
    dunlin(&["run", "--dir", inner, cp, "/d/../in.txt", "/d/stolen.txt"]).code(1);
    let missing = &format!("{host}/missing::/d");
    for option in ["--dir", "--dir-ro"] {
        let ended = dunlin(&["run", option, missing, cp]).code(1).one_sentence();
        ended.says(&format!("{option} {host}/missing: ")).prints("");
    }
}

/// Prints its arguments, then its environment, a line each.
const ARGS_AND_ENV: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func $print (param $bytes i32)
        (local $at i32)
        ;; The zero at the end of each string becomes a line's end.
        (local.set $at (i32.const 1024))
        (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $at) (i32.add (i32.const 1024) (local.get $bytes))))
            (if (i32.eqz (i32.load8_u (local.get $at)))
                (then (i32.store8 (local.get $at) (i32.const 10))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $next)))
        (i32.store (i32.const 16) (i32.const 1024))
        (i32.store (i32.const 20) (local.get $bytes))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
    (func (export "_start")
        (drop (call $args_sizes (i32.const 0) (i32.const 4)))
        (drop (call $args (i32.const 512) (i32.const 1024)))
        (call $print (i32.load (i32.const 4)))
        (drop (call $env_sizes (i32.const 0) (i32.const 4)))
        (drop (call $env (i32.const 512) (i32.const 1024)))
        (call $print (i32.load (i32.const 4)))))"#;

#[test]
fn arguments_and_environment() {
    let folder = folder("arguments_and_environment");
    let path = folder.join("show.wat");
    std::fs::write(&path, ARGS_AND_ENV).unwrap();
    let path = path.to_str().unwrap();
    // The program's name is that of its file, without the folders.
    dunlin(&["run", path, "a b", ""]).code(0).prints("show.wat\na b\n\n");
    let args = ["run", "--env", "A=1", "--env", "DUNLIN_TEST", "--env", "A=2=3", "--env", "E=", path];
    let child = command(&args).env("DUNLIN_TEST", "inherited").env("DUNLIN_OTHER", "kept").spawn().unwrap();
    let ended = wait(child).code(0);
    let mut lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines.remove(0), "show.wat");
    lines.sort();
    assert_eq!(lines, ["A=2=3", "DUNLIN_TEST=inherited", "E="]);
    let args = ["run", "--argv0", "a name", "--env", "DUNLIN_TEST=x", "-S", "inherit-env", path];
    let mut inheriting = command(&args);
    inheriting.env_clear().env("DUNLIN_TEST", "inherited").env("DUNLIN_OTHER", "kept");
    let ended = wait(inheriting.spawn().unwrap()).code(0);
    let mut lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines.remove(0), "a name");
    lines.sort();
    assert_eq!(lines, ["DUNLIN_OTHER=kept", "DUNLIN_TEST=x"]);
    dunlin_with(&["run", "-", "x"], ARGS_AND_ENV.as_bytes()).code(0).prints("-\nx\n");
}

#[test]
fn a_program_may_start_elsewhere() {
    // As an entrypoint, it has the program's arguments.
    let elsewhere = ARGS_AND_ENV.replace("_start", "serve");
    let run =
        |options: &[&str]| dunlin_with(&[&["run"], options, &["-", "x"]].concat(), elsewhere.as_bytes());
    run(&["--start", "serve"]).code(0).prints("-\nx\n");
    run(&[]).code(2).says("no _start");
    run(&["--start", "other"]).code(2).says("no other");
    run(&["--start", "memory"]).code(2).says("no program's start");
    // What is initialized by a function of its own is, before.
    let both = r#"(module
        (global $ready (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $ready (i32.const 1)))
        (func (export "serve") (if (i32.eqz (global.get $ready)) (then unreachable))))"#;
    dunlin_with(&["run", "--start", "serve", "-"], both.as_bytes()).code(0);
}

#[test]
fn exported_functions() {
    let add = &example("add.wat");
    let invoke = |name: &str, args: &[&str]| dunlin(&[&["run", "--invoke", name, add], args].concat());
    invoke("add", &["2", "-3"]).code(0).prints("-1\n");
    invoke("add", &["0xffffffff", "+1"]).code(0).prints("0\n");
    invoke("div", &["-0x8000000000000000", "2"]).code(0).prints("-4611686018427387904\n");
    invoke("divmod", &["17", "5"]).code(0).prints("3\n2\n");
    invoke("hypot", &["3", "0x1p2"]).code(0).prints("5\n");
    invoke("hypot", &["-inf", "0.5"]).code(0).prints("inf\n");
    invoke("hypot", &["1e200", "0"]).code(0).prints("inf\n");
    invoke("hypot", &["1e-3", "0"]).code(0).prints("0.001\n");
    invoke("fib", &["20"]).code(0).prints("6765\n");
    let hypot = invoke("hypot", &["nan", "0"]).code(0);
    assert!(["nan\n", "-nan\n"].contains(&&*hypot.out), "{hypot:#?}");
    let others = r#"(module
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func $f (export "f") (result funcref) (ref.func $f))
        (func (export "v") (param v128) (result v128) (local.get 0))
        (func (export "args") (param i32) (result i32)
            (drop (call $args_sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))))"#;
    dunlin_with(&["run", "--invoke", "f", "-"], others.as_bytes()).code(0).prints("funcref\n");
    dunlin_with(&["run", "--invoke", "v", "-", "0x102"], others.as_bytes())
        .code(0)
        .prints("0x00000000000000000000000000000102\n");
    // Parameters are no program's arguments.
    dunlin_with(&["run", "--invoke", "args", "-", "7"], others.as_bytes()).code(0).prints("0\n");
    invoke("div", &["1", "0"]).code(134).says("integer divide by zero").prints("");
}

#[test]
fn a_reactor_is_initialized_first() {
    let text = r#"(module (global $g (mut i32) (i32.const 1))
        (func (export "_initialize") (global.set $g (i32.add (global.get $g) (i32.const 6))))
        (func (export "get") (result i32) (global.get $g))
        (func (export "refs") (param externref) (result externref funcref) (local.get 0) (ref.null func)))"#;
    dunlin_with(&["run", "--invoke", "get", "-"], text.as_bytes()).code(0).prints("7\n");
    dunlin_with(&["run", "--invoke", "_initialize", "-"], text.as_bytes()).code(0).prints("");
    dunlin_with(&["run", "--invoke", "refs", "-", "null"], text.as_bytes()).code(0).prints("null\nnull\n");
    dunlin_with(&["run", "-"], text.as_bytes()).code(2).says("no _start").says("get () -> (i32)");
    // What only has that name isn't called.
    for ty in ["(param i32)", "(result i32)"] {
        let text = format!(
            r#"(module (func (export "_initialize") {ty} unreachable)
            (func (export "get") (result i32) (i32.const 5)))"#
        );
        dunlin_with(&["run", "--invoke", "get", "-"], text.as_bytes()).code(0).prints("5\n");
    }
}

#[test]
fn unknown_imports_may_trap_when_called() {
    let text = r#"(module (import "env" "log" (func $log (param i32)))
        (func (export "_start")) (func (export "call") (call $log (i32.const 1))))"#;
    let hint = "\nwith --unknown-imports trap, functions may be missing until they are called";
    dunlin_with(&["run", "-"], text.as_bytes()).code(1).says("`env.log`").says(hint);
    dunlin_with(&["run", "--unknown-imports", "trap", "-"], text.as_bytes()).code(0);
    let called = dunlin_with(&["run", "--unknown-imports=trap", "--invoke", "call", "-"], text.as_bytes());
    called.code(134).says("`env.log`").says("wasm backtrace:");
    // A memory can't be made up.
    let text = r#"(module (import "env" "m" (memory 1)) (func (export "_start")))"#;
    let ended = dunlin_with(&["run", "--unknown-imports", "trap", "-"], text.as_bytes());
    ended.code(1).one_sentence().says("`env.m`");
}

#[test]
fn exit_codes_are_the_programs() {
    let trap = &example("wasm/trap.wasm");
    // Of what a program says, a process keeps eight bits.
    for (said, code) in
        [(0, 0), (1, 1), (2, 2), (7, 7), (125, 125), (255, 255), (256, 0), (300, 44), (-1, 255)]
    {
        dunlin(&["run", trap, "exit", &said.to_string()]).code(code).prints("about to exit\n");
    }
}

#[test]
fn json_example() {
    let ended = dunlin_with(&["run", &example("wasm/json.wasm")], br#"{"a":[1,2]}"#).code(0);
    assert_eq!(json(&ended.out), serde_json::json!({"a": [1, 2]}));
    dunlin_with(&["run", &example("wasm/json.wasm")], b"{").code(1);
}

#[test]
fn work_for_a_second() {
    dunlin(&["run", &example("wasm/nqueens.wasm"), "8"])
        .code(0)
        .prints("8 queens: 92 solutions, checksum 94923f47934447e8\n");
}

#[test]
fn a_reader_who_went_away() {
    // The program ends like others that write to nobody. It would end with the error's number if it saw it.
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 100))
            (i32.store (i32.const 4) (i32.const 10))
            (call $exit (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let started = || {
        let mut child = command(&["run", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        (child.stdin.take().unwrap(), child)
    };
    let (mut pipe, mut child) = started();
    drop(child.stdout.take());
    pipe.write_all(text.as_bytes()).unwrap();
    drop(pipe);
    let sigpipe = 13;
    assert_eq!(wait(child).code(128 + sigpipe).err, "");
    let (mut pipe, child) = started();
    pipe.write_all(text.as_bytes()).unwrap();
    drop(pipe);
    wait(child).code(0).prints(&"\0".repeat(10));
    // What we print ourselves needs nobody to read it.
    let mut child = command(&["run", "--invoke", "add", &example("add.wat"), "1", "2"]).spawn().unwrap();
    drop(child.stdout.take());
    wait(child).code(0);
}
