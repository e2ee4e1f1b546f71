//! Traps, timeouts, fuel, stack, and the report that tells of them.
#![cfg(feature = "text")]

mod common;

use common::{Ended, command, dunlin, dunlin_with, example, folder, json, wait};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn traps_have_a_reason_and_a_backtrace() {
    let trap = &example("wasm/trap.wasm");
    for (mode, reason, function) in [
        ("unreachable", "unreachable", "reach_unreachable"),
        ("memory", "out of bounds memory access", "read_out_of_bounds"),
        ("divide", "integer divide by zero", "divide_by_zero"),
        ("overflow", "integer overflow", "overflow_division"),
        ("null", "uninitialized element", "call_null"),
        ("type", "indirect call type mismatch", "call_wrong_type"),
        ("stack", "call stack exhausted", "recurse"),
    ] {
        let ended =
            dunlin(&["run", trap, mode]).code(134).says(reason).says("wasm backtrace:").says(function);
        assert_eq!(ended.out, format!("about to {mode}\n"));
        let offsets = ended.err.lines().filter(|line| line.contains("0x") && line.contains('!')).count();
        assert!(offsets >= 2, "{ended:#?}");
    }
}

#[track_caller]
fn soon(ended: Ended) -> Ended {
    assert!(ended.time < Duration::from_secs(10), "{ended:#?}");
    ended
}

#[test]
fn an_endless_loop_is_stopped() {
    let trap = &example("wasm/trap.wasm");
    let ended = soon(dunlin(&["run", "--timeout", "1s", trap, "loop"]).code(124).says("timed out after 1s"));
    assert!(ended.time >= Duration::from_secs(1) && ended.err.contains("loop_for_ever"), "{ended:#?}");
    soon(dunlin(&["run", "-W", "timeout=300ms", trap, "loop"]).code(124));
    // Also in the start function, in an initialization, and before anything has happened.
    let start = "(module (func $f (loop (br 0))) (start $f) (func (export \"_start\")))";
    soon(dunlin_with(&["run", "--timeout", "300ms", "-"], start.as_bytes()).code(124));
    let initialize = "(module (func (export \"_initialize\") (loop (br 0))) (func (export \"f\")))";
    soon(dunlin_with(&["run", "--timeout", "300ms", "--invoke", "f", "-"], initialize.as_bytes()).code(124));
    soon(dunlin(&["run", "--timeout", "0", trap, "loop"]).code(124));
    let calls = "(module (func $f (return_call $f)) (export \"_start\" (func $f)))";
    soon(dunlin_with(&["run", "--timeout", "300ms", "-"], calls.as_bytes()).code(124));
}

#[test]
fn waiting_at_a_shared_memory_is_stopped() {
    let wait = r#"(module (memory 1 1 shared)
        (func (export "_start") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"#;
    for jit in ["off", "sync"] {
        let args =
            ["run", "-W", "shared-memory", "--jit", jit, "--jit-threshold", "0", "--timeout", "300ms", "-"];
        soon(dunlin_with(&args, wait.as_bytes()).code(124).says("timed out"));
    }
    dunlin_with(&["run", "-"], wait.as_bytes()).says("shared memories are switched off");
}

#[test]
fn waiting_is_stopped_too() {
    // A module that never comes whole.
    let mut child = command(&["run", "--timeout", "300ms", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"\0asm\x01\0\0\0").unwrap();
    soon(wait(child).code(124).one_sentence().says("before the module was loaded"));
    drop(pipe);
    // A read that nothing comes for.
    let mut child = command(&["run", "--timeout", "300ms", &example("wasm/wc.wasm")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = child.stdin.take().unwrap();
    soon(wait(child).code(124).says("timed out"));
    drop(pipe);
    // A sleep of an hour.
    let sleep = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (i64.const 3600000000000))
            (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;
    soon(dunlin_with(&["run", "--timeout", "300ms", "-"], sleep.as_bytes()).code(124).says("timed out"));
}

#[test]
fn a_write_that_nobody_reads_is_no_way_out() {
    let flood = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i32.store (i32.const 4) (i32.const 65536))
            (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))"#;
    let mut child = command(&["run", "--timeout", "300ms", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(flood.as_bytes()).unwrap();
    // Nobody reads until it has ended.
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(124));
}

#[test]
fn enough_time_is_enough() {
    soon(dunlin(&["run", "--timeout", "1h", &example("wasm/hello.wasm")]).code(0).prints("Hello, world!\n"));
    soon(dunlin(&["run", "--timeout", "99999999999h", &example("wasm/hello.wasm")]).code(0));
}

#[test]
fn fuel() {
    let trap = &example("wasm/trap.wasm");
    dunlin(&["run", "--fuel", "1000000", trap, "loop"]).code(125).says("out of fuel").says("loop_for_ever");
    dunlin(&["run", "-W", "fuel=0", &example("wasm/hello.wasm")]).code(125).prints("");
    for (fuel, words) in [
        ("0", "out of fuel: all 0 units are used up"),
        ("1", "out of fuel: the only unit is used up"),
        ("2", "out of fuel: all 2 units are used up"),
    ] {
        let ended = dunlin(&["run", "--fuel", fuel, &example("wasm/hello.wasm")]).code(125);
        assert_eq!(ended.err.lines().next(), Some(&*format!("dunlin: {words}")), "{ended:#?}");
    }
    dunlin(&["run", "--fuel", "10000000", &example("wasm/hello.wasm")]).code(0);
}

#[test]
fn stack() {
    let text = "(module (func $f (export \"f\") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0)))))";
    let run = |size: &str, depth: &str| {
        dunlin_with(&["run", "--max-stack", size, "--invoke", "f", "-", depth], text.as_bytes())
    };
    run("1MiB", "1000").code(0).prints("1000\n");
    run("16KiB", "10000").code(134).says("call stack exhausted").says("--max-stack");
    run("64MiB", "100000").code(0).prints("100000\n");
    dunlin_with(&["run", "-W", "max-wasm-stack=16384", "--invoke", "f", "-", "10000"], text.as_bytes())
        .code(134);
}

#[test]
fn profiles() {
    let folder = folder("profiles");
    let path = &folder.join("profile.folded").to_str().unwrap().to_owned();
    let profile = || -> Vec<(String, u64)> {
        let text = std::fs::read_to_string(path).unwrap();
        let split = |line: &str| {
            let (stack, weight) = line.rsplit_once(' ').unwrap();
            (stack.to_owned(), weight.parse().unwrap())
        };
        text.lines().map(split).collect()
    };
    let trap = &example("wasm/trap.wasm");

    soon(dunlin(&["run", "--profile", path, "--timeout", "500ms", trap, "loop"]).code(124));
    let looping = profile();
    let (stack, weight) = &looping[0];
    assert!(stack.starts_with("_start.") && stack.ends_with(";run;loop_for_ever"), "{looping:#?}");
    let total: u64 = looping.iter().map(|(_, weight)| weight).sum();
    assert!(*weight > 100_000 && weight * 10 > total * 9, "{looping:#?}");
    assert!(looping.iter().all(|(stack, _)| !stack.contains(char::is_whitespace)), "{looping:#?}");

    // All that was executed is in it, and that stays the same.
    let report = &folder.join("report.json").to_str().unwrap().to_owned();
    let used = |options: &[&str]| {
        let mut args = vec!["run", "--report", report, "--fuel", "1000000"];
        args.extend(options);
        dunlin(&args).code(125);
        json(&std::fs::read_to_string(report).unwrap())["fuel_used"].as_u64().unwrap()
    };
    let without = used(&[trap, "loop"]);
    assert_eq!(used(&["--profile", path, trap, "loop"]), without);
    assert_eq!(profile().iter().map(|(_, weight)| weight).sum::<u64>(), without);
    let first = profile();
    used(&["--profile", path, trap, "loop"]);
    assert_eq!(profile(), first);

    dunlin(&["run", "--profile", path, trap, "divide"]).code(134);
    assert!(profile().iter().any(|(stack, _)| stack.starts_with("_start")));
    dunlin(&["run", "--profile", path, trap, "exit", "7"]).code(7);
    assert!(profile().iter().any(|(stack, _)| stack.starts_with("_start")));
    dunlin(&["run", "--profile", path, "no such file"]).code(1).one_sentence();
    assert!(profile().is_empty());

    // One that doesn't begin has done nothing, which needs no word.
    dunlin(&["run", "--profile", path, "--deny", "io", trap]).code(1).one_sentence().says("--deny io");
    assert!(profile().is_empty());

    let nowhere = folder.join("missing/profile");
    dunlin(&["run", "--profile", nowhere.to_str().unwrap(), trap])
        .code(1)
        .one_sentence()
        .says("--profile")
        .prints("");
}

#[test]
fn reports() {
    let folder = folder("reports");
    let path = &folder.join("report.json").to_str().unwrap().to_owned();
    let report = || json(&std::fs::read_to_string(path).unwrap());
    let trap = &example("wasm/trap.wasm");

    dunlin(&["run", "--report", path, trap, "exit", "7"]).code(7);
    let first = report();
    assert_eq!((&first["outcome"], &first["exit_code"]), (&"exit".into(), &7.into()), "{first:#}");
    assert_eq!(first["guest_exit_code"], 7);
    assert!(first["wall_seconds"].as_f64().unwrap() >= first["load_seconds"].as_f64().unwrap());
    assert!(first["fuel_used"].as_u64().unwrap() > 100, "{first:#}");
    assert!(first["peak_memory_bytes"].as_u64().unwrap() > 65536, "{first:#}");
    let translated = first["functions_translated"].as_u64().unwrap();
    assert!(translated > 5 && translated <= first["functions"].as_u64().unwrap(), "{first:#}");
    // The same work takes the same fuel.
    dunlin(&["run", "--report", path, "--fuel", "1000000", trap, "exit", "7"]).code(7);
    assert_eq!(report()["fuel_used"], first["fuel_used"]);

    dunlin(&["run", "--report", path, trap, "divide"]).code(134);
    let trapped = report();
    assert_eq!((&trapped["outcome"], &trapped["exit_code"]), (&"trap".into(), &134.into()));
    assert_eq!(trapped["guest_exit_code"], serde_json::Value::Null);
    assert!(trapped["message"].as_str().unwrap().contains("integer divide by zero"));
    assert_eq!(trapped["backtrace"][0]["name"], "divide_by_zero");
    assert!(trapped["backtrace"][0]["offset"].is_u64());

    assert_eq!(
        (&trapped["functions"], &trapped["backtrace_omitted"]),
        (&69.into(), &0.into()),
        "{trapped:#}"
    );
    assert_eq!(trapped["message"], "the program trapped: integer divide by zero");

    // Of a code, a process keeps eight bits; the report has them all.
    dunlin(&["run", "--report", path, trap, "exit", "300"]).code(44);
    let exited = report();
    assert_eq!((&exited["exit_code"], &exited["guest_exit_code"]), (&44.into(), &300.into()));
    let none = serde_json::Value::Null;
    for key in ["message", "backtrace", "backtrace_omitted"] {
        assert_eq!(exited[key], none, "{key}");
    }
    assert_eq!(
        (&exited["dunlin"], &exited["module"]),
        (&env!("CARGO_PKG_VERSION").into(), &trap.as_str().into())
    );
    assert_eq!(exited["module_bytes"], std::fs::metadata(trap).unwrap().len());
    let (peak, seconds) = (&exited["peak_process_bytes"], &exited["wall_seconds"]);
    // The binary alone has a megabyte of pages. A run takes some of the time that it took to look at it from here.
    assert!(
        (1 << 20..1 << 30).contains(&peak.as_u64().unwrap()) && peak.as_u64().unwrap() % 1024 == 0,
        "{peak}"
    );
    assert!(seconds.as_f64().unwrap() > 0.0, "{seconds}");

    let ended = dunlin(&["run", "--report", path, "--timeout", "200ms", trap, "loop"]).code(124);
    let stopped = report();
    assert_eq!(
        (&stopped["outcome"], &stopped["message"]),
        (&"timeout".into(), &"timed out after 200ms".into())
    );
    let seconds = stopped["wall_seconds"].as_f64().unwrap();
    assert!((0.2..=ended.time.as_secs_f64()).contains(&seconds), "{seconds}");
    dunlin(&["run", "--report", path, "--fuel", "2000", trap, "loop"]).code(125);
    let spent = report();
    assert_eq!(spent["outcome"], "out of fuel");
    assert!(spent["fuel_used"].as_u64().unwrap() <= 2000);
    dunlin(&["run", "--report", path, "no such file"]).code(1);
    let unloaded = report();
    assert_eq!(
        (&unloaded["outcome"], &unloaded["load_seconds"]),
        (&"not run".into(), &serde_json::Value::Null)
    );

    let mut child =
        command(&["run", "--report", path, "--timeout", "200ms", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let pipe = child.stdin.take().unwrap();
    wait(child).code(124);
    drop(pipe);
    assert_eq!(report()["outcome"], "timeout");

    let nowhere = folder.join("missing/report.json");
    dunlin(&["run", "--report", nowhere.to_str().unwrap(), trap])
        .code(1)
        .one_sentence()
        .says("--report")
        .prints("");
}
