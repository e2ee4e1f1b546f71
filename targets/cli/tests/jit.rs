//! Whether and how programs are compiled, as far as one sees it from outside.
#![cfg(all(feature = "jit", feature = "text"))]

mod common;

use common::{command, dunlin, dunlin_with, example, folder, json, modules, wait};
use serde_json::Value;
use std::process::{Command, Stdio};

const MODES: [&[&str]; 7] = [
    &["--jit", "off"],
    &["--jit", "background", "--jit-threshold", "1"],
    &["--jit", "sync"],
    &["--jit", "sync", "--jit-threshold", "0"],
    &["--jit", "eager"],
    &["--jit", "eager", "--memory-guard", "off"],
    &["--jit", "sync", "--jit-threshold", "1", "--memory-guard", "on"],
];

/// Runs it, and gives the report's part about compilation.
fn report(test: &str, args: &[&str]) -> (common::Ended, Value) {
    let (ended, report) = whole_report(test, args);
    (ended, report["jit"].clone())
}

fn whole_report(test: &str, args: &[&str]) -> (common::Ended, Value) {
    let path = folder(test).join("report.json");
    let path = path.to_str().unwrap();
    let ended = dunlin(&[&["run", "--report", path], args].concat());
    let report = json(&std::fs::read_to_string(path).unwrap());
    (ended, report)
}

#[test]
fn what_a_program_does_is_the_same() {
    let runs: [(&str, &[&str], &str); 7] = [
        ("hello", &["Ada"], ""),
        ("nqueens", &["7"], ""),
        ("json", &[], r#"{"a": [1, 2.5e3, "x\u00e9", null], "b": {"c": true}}"#),
        ("wc", &[], "some words\nin two lines\n"),
        ("mandel", &["60"], ""),
        ("trap", &["exit", "7"], ""),
        ("trap", &["unreachable"], ""),
    ];
    for (name, args, input) in runs {
        let path = &example(&format!("wasm/{name}.wasm"));
        let mut first = None;
        for mode in MODES {
            let ended = dunlin_with(&[&["run"], mode, &[path], args].concat(), input.as_bytes());
            let seen = (ended.code, ended.out.clone(), ended.err.clone());
            match &first {
                None => first = Some(seen),
                Some(first) => assert_eq!(*first, seen, "{name} {mode:?}"),
            }
        }
    }
}

#[test]
fn all_examples_begin_and_end_alike() {
    for (name, _) in modules() {
        if name.starts_with("serve") {
            continue;
        }
        let path = &example(&format!("wasm/{name}"));
        let [off, eager] = ["off", "eager"].map(|mode| dunlin(&["run", "--jit", mode, path]));
        assert_eq!((off.code, &off.out, &off.err), (eager.code, &eager.out, &eager.err), "{name}");
    }
}

#[test]
fn a_report_tells_what_was_compiled() {
    let nqueens = &example("wasm/nqueens.wasm");
    let (_, jit) = report("report_off", &["--jit", "off", nqueens, "6"]);
    assert_eq!(jit, Value::Null);
    let (ended, jit) = report("report_sync", &["--jit", "sync", nqueens, "9"]);
    let time = ended.code(0).time;
    assert_eq!(jit["mode"], "sync");
    assert!(jit["memory_guard"].is_boolean());
    let number = |jit: &Value, name: &str| jit[name].as_f64().unwrap_or_else(|| panic!("{name} in {jit}"));
    assert!(number(&jit, "functions_compiled") + number(&jit, "loops_compiled") > 0.0, "{jit}");
    assert!(number(&jit, "code_bytes") > 0.0, "{jit}");
    // One thread compiles, which the program waits for.
    let seconds = number(&jit, "compile_seconds");
    assert!(seconds > 0.0 && seconds <= time.as_secs_f64(), "{jit}");
    assert!(jit["declined"].is_object(), "{jit}");
    let (_, jit) = report("report_eager", &["--jit", "eager", "--memory-guard", "off", nqueens, "4"]);
    assert_eq!((&jit["mode"], &jit["memory_guard"]), (&"eager".into(), &false.into()));
    assert_eq!(number(&jit, "functions_compiled"), 56.0, "{jit}");
    assert_eq!(number(&jit, "loops_compiled"), 0.0, "{jit}");
}

#[test]
fn a_loop_is_entered_in_the_middle() {
    let text = r#"(module (func (export "count") (param $n i32) (result i32) (local $i i32)
        (loop $next
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
        (local.get $i)))"#;
    let path = folder("a_loop_is_entered").join("loop.wat");
    std::fs::write(&path, text).unwrap();
    let args =
        ["--jit", "sync", "--jit-threshold", "2", "--invoke", "count", path.to_str().unwrap(), "9000000"];
    let (ended, jit) = report("a_loop_report", &args);
    ended.code(0).prints("9000000\n");
    assert_eq!((&jit["loops_compiled"], &jit["osr_entries"]), (&1.into(), &1.into()), "{jit}");
}

#[test]
fn a_budget_bounds_machine_code_too() {
    let json = &example("wasm/json.wasm");
    let args = ["--jit", "eager", "--memory-budget", "2MiB", json];
    let (ended, jit) = report("a_budget_bounds", &args);
    assert_eq!(ended.code, dunlin(&["run", "--jit", "off", json]).code, "{ended:#?}");
    let declined = jit["declined"]["the memory budget has no room"].as_u64();
    assert!(declined.is_some_and(|count| count > 0), "{jit}");
    // A budget has no say in when things are compiled.
    let mode = |args: &[&str]| report("a_budget_and_a_mode", args).1["mode"].clone();
    assert_eq!(mode(&["--memory-budget", "4MiB", json]), mode(&[json]));
}

/// Functions of some size, called through a table one after another: first to initialize it, then by `run`. Between calls
/// of the host's, compiled code may be thrown away.
fn many_functions() -> String {
    let functions = (0..60).map(|n| {
        let step = format!(
            "(local.set $x (i64.add (i64.mul (local.get $x) (i64.const {n}))
                (i64.load (i32.and (i32.mul (local.get $n) (i32.const {n})) (i32.const 0xfff8)))))"
        );
        format!("(func $f{n} (param $n i32) (result i64) (local $x i64) {} (local.get $x))", step.repeat(24))
    });
    let names: String = (0..60).map(|n| format!(" $f{n}")).collect();
    format!(
        r#"(module (memory 1) (type $f (func (param i32) (result i64))) (table funcref (elem {names})) {}
        (func (export "_initialize") (export "run") (local $i i32) (loop $again
            (drop (call_indirect (type $f) (local.get $i) (local.get $i)))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60))))))"#,
        functions.collect::<String>()
    )
}

#[test]
fn a_full_cache_is_emptied_or_not() {
    let module = folder("a_full_cache").join("many.wat");
    std::fs::write(&module, many_functions()).unwrap();
    let module = module.to_str().unwrap();
    let run = |budget: &str, options: &[&str]| {
        let args =
            ["--memory-budget", budget, "--jit", "sync", "--jit-threshold", "0", "--invoke", "run", module];
        let (ended, jit) = report("a_full_cache_report", &[options, &args].concat());
        ended.code(0);
        jit["functions_compiled"].as_u64().unwrap()
    };
    let all = run("1GiB", &["--jit-cache-full", "stop"]);
    assert_eq!(all, 61);
    let full = "3000000";
    let stopped = run(full, &["--jit-cache-full", "stop"]);
    assert!((2..all).contains(&stopped), "{stopped}");
    let evicted = run(full, &["--jit-cache-full", "evict"]);
    assert!(evicted > stopped, "{evicted} {stopped}");
    assert_eq!(run(full, &[]), evicted);
}

#[test]
fn a_thread_compiles_however_many_processors_there_are() {
    let hello = &example("wasm/hello.wasm");
    let path = folder("a_thread_compiles").join("report.json");
    let mode = |mut command: Command| {
        wait(command.args(["run", "--report"]).arg(&path).arg(hello).spawn().unwrap()).code(0);
        json(&std::fs::read_to_string(&path).unwrap())["jit"]["mode"].clone()
    };
    assert_eq!(mode(command(&[])), "background");
    // On the first that this process may use.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let first = list.trim().split([',', '-']).next().unwrap();
    let mut on_one = Command::new("taskset");
    on_one.args(["-c", first, env!("CARGO_BIN_EXE_dunlin")]);
    on_one.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if Command::new("taskset").arg("--version").output().is_err() {
        return common::skipped("there is no taskset");
    }
    assert_eq!(mode(on_one), "background");
}

#[test]
fn a_profile_has_compiled_functions_too() {
    let folder = folder("a_profile_has_compiled_functions");
    let (profile, nqueens) = (folder.join("p.folded"), example("wasm/nqueens.wasm"));
    let profile = profile.to_str().unwrap();
    let stacks = |options: &[&str]| {
        let args = [options, &["--profile", profile, &nqueens, "9"]].concat();
        let (ended, report) = whole_report("profile_report", &args);
        ended.code(0);
        let text = std::fs::read_to_string(profile).unwrap();
        let mut stacks = std::collections::BTreeMap::new();
        for line in text.lines() {
            let (stack, weight) = line.rsplit_once(' ').unwrap();
            stacks.insert(stack.to_owned(), weight.parse::<u64>().unwrap());
        }
        let total: u64 = stacks.values().sum();
        assert_eq!(report["fuel_used"], total);
        (stacks, total, report["jit"]["functions_compiled"].as_u64())
    };
    let (interpreted, total, compiled) = stacks(&["--jit", "off"]);
    assert_eq!(compiled, None);
    let (heaviest, _) = interpreted.iter().max_by_key(|(_, weight)| **weight).unwrap();
    for mode in [&["--jit", "sync", "--jit-threshold", "0"][..], &["--jit", "eager"], &["--jit", "sync"], &[]]
    {
        let (stacks, all, compiled) = stacks(mode);
        assert_eq!(all, total, "{mode:?}");
        if !mode.is_empty() {
            assert!(compiled.unwrap() > 0, "{mode:?}");
        }
        // The same functions, in the same stacks, take about as much.
        let (there, here) = (interpreted[heaviest], stacks.get(heaviest).copied().unwrap_or(0));
        assert!(here.abs_diff(there) * 10 < total, "{mode:?}: {here} {there}\n{stacks:#?}\n{interpreted:#?}");
    }
}

#[test]
fn bad_values_get_a_sentence() {
    let hello = &example("wasm/hello.wasm");
    for (option, value, sentence) in [
        ("--jit", "on", "--jit takes background, sync, eager or off, not 'on'"),
        ("--jit", "", "--jit takes"),
        ("--jit-threshold", "-1", "--jit-threshold takes a whole number"),
        ("--jit-threshold", "4294967296", "--jit-threshold takes a whole number"),
        ("--jit-cache-full", "burst", "--jit-cache-full takes evict or stop, not 'burst'"),
        ("--memory-guard", "maybe", "--memory-guard takes on, off or auto, not 'maybe'"),
    ] {
        dunlin(&["run", option, value, hello]).code(2).one_sentence().says(sentence);
        if option != "--jit-cache-full" {
            dunlin(&["wast", option, value, "x.wast"]).code(2).one_sentence().says(sentence);
        }
    }
}

/// Runs it through a shell with at most this much address space.
fn limited(kib: u64, args: &[&str]) -> (Option<i32>, String, String) {
    let line = format!("ulimit -c 0; ulimit -v {kib}; exec \"$0\" \"$@\"");
    let dunlin = env!("CARGO_BIN_EXE_dunlin");
    let output =
        Command::new("sh").args(["-c", &line, dunlin]).args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const SIX_MEMORIES: &str = r#"(module (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory $last 1)
    (func (export "f") (param i32) (result i32)
        (i32.store $last (i32.const 4) (local.get 0))
        (i32.load $last (i32.const 4))))"#;

#[test]
fn without_address_space_there_are_no_guards() {
    let nqueens = &example("wasm/nqueens.wasm");
    let solutions = "7 queens: 40 solutions, checksum ";
    for kib in [64 << 10, 4_500_000, 17_000_000, 40_000_000] {
        let (code, out, err) = limited(kib, &["run", "--jit", "sync", nqueens, "7"]);
        assert!(code == Some(0) && out.starts_with(solutions) && err.is_empty(), "{kib}: {code:?} {err}");
    }
    // What was asked for is had or refused.
    let (code, _, err) = limited(4 << 20, &["run", "--jit", "sync", "--memory-guard", "on", nqueens, "7"]);
    assert!(code == Some(1) && err.contains("out of memory") && err.lines().count() == 1, "{code:?} {err}");
    // There seemed to be enough, and then a module wants more.
    let path = folder("without_address_space").join("six.wat");
    std::fs::write(&path, SIX_MEMORIES).unwrap();
    let args = ["run", "--jit", "eager", "--invoke", "f", path.to_str().unwrap(), "42"];
    let features = dunlin(&args);
    if features.code == 1 && features.err.contains("multi") {
        return;
    }
    let (code, out, err) = limited(20_000_000, &args);
    assert!(code == Some(0) && out == "42\n" && err.is_empty(), "{code:?} {out} {err}");
}

#[test]
fn without_memory_for_the_compiler_programs_are_interpreted() {
    let nqueens = &example("wasm/nqueens.wasm");
    let (code, out, err) = limited(24 << 10, &["run", nqueens, "6"]);
    assert!(code == Some(0) && !out.is_empty() && err.is_empty(), "{code:?} {err}");
    let (code, out, err) = limited(24 << 10, &["run", "--jit", "sync", nqueens, "6"]);
    assert!(code == Some(0) && !out.is_empty(), "{code:?} {err}");
    assert!(err.starts_with("dunlin: warning: ") && err.lines().count() == 1, "{err}");
}

#[test]
fn scripts_are_run_in_every_way() {
    let script = folder("scripts_in_every_way").join("f.wast");
    std::fs::write(
        &script,
        r#"(module (memory 1) (func (export "f") (param i32) (result i32)
            (i32.store (i32.const 0) (local.get 0)) (i32.load (i32.const 0)))
            (func (export "g") (param i32) (result i32) (i32.load (local.get 0))))
        (assert_return (invoke "f" (i32.const 1)) (i32.const 1))
        (assert_trap (invoke "g" (i32.const -1)) "out of bounds memory access")"#,
    )
    .unwrap();
    for mode in MODES {
        let ended = dunlin(&[&["wast"], mode, &[script.to_str().unwrap()]].concat()).code(0);
        assert!(ended.out.contains("2 of 2 assertions passed"), "{mode:?}: {ended:#?}");
    }
}

#[test]
fn what_is_being_compiled_can_be_stopped() {
    let text = r#"(module (func (export "f") (loop $on (br $on))))"#;
    for mode in MODES {
        let args = [&["run", "--timeout", "300ms"], mode, &["--invoke", "f", "-"]].concat();
        dunlin_with(&args, text.as_bytes()).code(124).says("timed out");
    }
    let mut child = command(&["run", "--jit", "eager", "--fuel", "1000000", "--invoke", "f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    wait(child).code(125).says("out of fuel");
}
