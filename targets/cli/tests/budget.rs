//! `--memory-budget`, seen from outside: what the process really holds.
#![cfg(all(feature = "text", target_os = "linux"))]

mod common;

use common::{command, dunlin, example, folder, json, modules, wait};
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// What a process may hold besides its budget: the library's and the command's own data, and what the allocator adds.
const CONSTANT: u64 = 3 << 19;

const MIB: u64 = 1 << 20;

fn anonymous(process: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Runs it, with the most anonymous memory that it was seen to hold.
fn watched(args: &[&str], stdin: &[u8]) -> (common::Ended, u64) {
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let mut most = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || pipe.write_all(stdin));
        while child.try_wait().unwrap().is_none() {
            most = most.max(anonymous(&child).unwrap_or(0));
            std::thread::sleep(Duration::from_micros(100));
        }
    });
    (wait(child), most)
}

#[test]
fn a_process_holds_no_more_than_its_budget() {
    let text: Vec<u8> = (0..400_000u32).flat_map(|i| format!("word{} ", i % 977).into_bytes()).collect();
    for (program, args) in [("wc", &[][..]), ("mandel", &["60", "30"]), ("nqueens", &["8"])] {
        for budget in [1, 2, 4] {
            let module = &example(&format!("wasm/{program}.wasm"));
            let size = &format!("{budget}MiB");
            let args = [&["run", "--memory-budget", size, module][..], args].concat();
            let (ended, most) = watched(&args, &text);
            println!("{program} in {budget} MiB: {} KiB", most >> 10);
            assert!(ended.code == 0, "{ended:?}");
            assert!(most <= budget * MIB + CONSTANT, "{program}: {most}");
        }
    }
}

#[test]
fn a_greedy_guest_gets_what_there_is() {
    // It takes and touches what it gets, then goes deep, and waits to be looked at.
    let folder = folder("greedy");
    let path = folder.join("greedy.wat");
    std::fs::write(
        &path,
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func $deep (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0))))
            (func (export "_start")
                (drop (call $deep (i32.const 8000)))
                (loop $more (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))
                (memory.fill (i32.const 64) (i32.const 1)
                    (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 64)))
                (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 8))
                (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))))"#,
    )
    .unwrap();
    for budget in [1, 4, 16] {
        let size = format!("{budget}MiB");
        let report = folder.join("report.json");
        let options = ["run", "--memory-budget", &size, "--report", report.to_str().unwrap()];
        let mut child = command(&[&options[..], &[path.to_str().unwrap()]].concat())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // It reads when it has taken everything; until then its memory grows.
        let (mut most, mut same) = (0, 0);
        while same < 40 && child.try_wait().unwrap().is_none() {
            let now = anonymous(&child).unwrap_or(0);
            same = if now > most { 0 } else { same + 1 };
            most = most.max(now);
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(child.stdin.take());
        let ended = wait(child);
        println!("a greedy guest in {budget} MiB: {} KiB", most >> 10);
        assert!(ended.code == 0, "{ended:?}");
        assert!(most <= budget * MIB + CONSTANT, "{most} in {budget} MiB");
        assert!(most >= budget * MIB / 2, "it holds only {most} of {budget} MiB");
        // What is left is less than a page and what comes with one.
        let peak = json(&std::fs::read_to_string(&report).unwrap())["peak_memory_bytes"].as_u64().unwrap();
        assert!(peak > budget * MIB - (96 << 10), "it got only {peak} of {budget} MiB");
    }
}

#[test]
fn hello_takes_little() {
    let report = folder("little").join("report.json");
    let peak = |options: &[&str]| {
        let report = report.to_str().unwrap();
        dunlin(&[&["run", "--report", report], options, &[&example("wasm/hello.wasm")]].concat()).code(0);
        json(&std::fs::read_to_string(report).unwrap())["peak_process_bytes"].as_u64().unwrap()
    };
    let (interpreted, compiled) = (peak(&["--jit", "off"]), peak(&[]));
    println!("hello's process peaks at {} KiB, compiled at {} KiB", interpreted >> 10, compiled >> 10);
    // Most of it is the binary's own, shared pages. See targets/README.md for how to stay below 3 MiB; this one has the
    // text format and the compiler in it, and is linked against glibc.
    assert!(cfg!(debug_assertions) || interpreted <= 7 * MIB, "{interpreted}");
    assert!(cfg!(debug_assertions) || compiled <= 16 * MIB, "{compiled}");
}

#[test]
fn what_cannot_start_is_refused_before_it_does() {
    let hello = &example("wasm/hello.wasm");
    let mut refused = Vec::new();
    for kib in (8..600).step_by(8) {
        let ended = dunlin(&["run", "--memory-budget", &format!("{kib}KiB"), hello, "Ada"]);
        match ended.code {
            0 => assert!(ended.out.contains("Ada"), "{ended:?}"),
            _ => {
                assert_eq!(ended.out, "");
                refused.push((kib, ended.code(126).one_sentence().err));
            }
        }
    }
    // Once it fits, it fits.
    assert!(refused.len() > 10 && refused.len() < 72, "{}", refused.len());
    assert!(refused.iter().zip((8..).step_by(8)).all(|((kib, _), expected)| *kib == expected));
    assert!(refused[0].1.contains("memory budget of 8192 bytes exceeded"), "{}", refused[0].1);
    let planned = &refused.last().unwrap().1;
    for part in [
        "bytes is too small: ",
        " are needed, ",
        "KiB to start",
        "unbounded: memory 0 declares no maximum",
        "memory 0: ",
    ] {
        assert!(planned.contains(part), "{planned}");
    }
}

/// The budget that a refusal names is the least that isn't refused, and each refusal names the same one.
#[test]
fn the_budget_that_is_named_does() {
    let named = |ended: &common::Ended| {
        let (_, rest) = ended.err.split_once(" is too small: ")?;
        rest.split_once(" are needed")?.0.parse::<u64>().ok()
    };
    let unknown = folder("named").join("unknown.wat");
    let imports: String = (0..40).map(|i| format!("(import \"env\" \"f{i}\" (func))")).collect();
    std::fs::write(&unknown, format!("(module {imports} (memory 3) (func (export \"_start\") (local i32)))"))
        .unwrap();
    let examples = modules().into_iter().map(|(name, _)| example(&format!("wasm/{name}")));
    for module in examples.chain([unknown.to_str().unwrap().to_owned()]) {
        for options in [&[][..], &["--jit", "off"]] {
            let run = |bytes: u64| {
                let bytes = bytes.to_string();
                let invoke = if module.ends_with("add.wasm") { &["--invoke", "add"][..] } else { &[] };
                let args = if invoke.is_empty() { &[][..] } else { &["2", "3"] };
                let limits =
                    ["run", "--timeout", "1s", "--unknown-imports", "trap", "--memory-budget", &bytes];
                dunlin(&[&limits[..], invoke, options, &[&module], args].concat())
            };
            // Which budgets it can be loaded in, but not started in, is for the planner to know.
            let plan = json(&dunlin(&["inspect", "--budget", "--json", &module]).code(0).out);
            let least = plan["least_bytes"].as_u64().unwrap();
            let refused = run(least).code(126).one_sentence();
            let Some(needed) = named(&refused) else {
                // It is so small that loading takes more than starting.
                assert!(refused.err.contains("can't be loaded: memory budget"), "{refused:?}");
                assert!(least < 256 << 10 && run(least + (30 << 10)).code == 0, "{module}");
                continue;
            };
            println!("{module} {options:?}: {needed}, {} more than is planned", needed - least);
            let ended = run(needed);
            assert!(ended.code != 126, "{module}: {ended:?}");
            let ended = run(needed - 1).code(126);
            assert_eq!(named(&ended), Some(needed), "{module}: {ended:?}");
            // What the help says that WASI needs; the others are functions that trap.
            let (own, is_wasi) = (needed - least, !module.ends_with(".wat"));
            assert!(
                !is_wasi || !options.is_empty() || (22 << 10..=26 << 10).contains(&own),
                "{module}: {own}"
            );
        }
    }
}

/// Data that goes straight into a memory is planned once.
#[test]
fn active_data_is_planned_as_it_is_run() {
    let path = folder("data").join("data.wat");
    let data = "0123456789abcdef".repeat(1 << 17);
    let text = format!(
        "(module (memory (export \"memory\") 40) (data (i32.const 64) \"{data}\") (func (export \"_start\")))"
    );
    std::fs::write(&path, text).unwrap();
    // The text is held while it is parsed; that isn't what this is about.
    let binary = path.with_extension("wasm");
    std::fs::write(&binary, wat::parse_file(&path).unwrap()).unwrap();
    let plan = json(&dunlin(&["inspect", "--budget", "--json", binary.to_str().unwrap()]).code(0).out);
    let least = plan["least_bytes"].as_u64().unwrap();
    assert!((40 << 16..(40 << 16) + (256 << 10)).contains(&least), "{least}");
    let enough = (least + (30 << 10)).to_string();
    dunlin(&["run", "--memory-budget", &enough, binary.to_str().unwrap()]).code(0);
}

#[test]
fn the_planner_speaks() {
    let hello = &example("wasm/hello.wasm");
    let ended = dunlin(&["inspect", "--budget", hello]).code(0);
    assert!(ended.out.contains("KiB to start; unbounded: memory 0 declares no maximum"), "{}", ended.out);
    assert!(ended.out.contains("value stack: 64.0 KiB to 1.0 MiB"), "{}", ended.out);
    let plan = json(&dunlin(&["inspect", "--budget", "--json", hello]).code(0).out);
    assert!(plan["least_bytes"].as_u64().unwrap() > 100_000 && plan["most_bytes"].is_null());
    assert!(plan["items"].as_array().unwrap().len() > 4);
    let bounded = dunlin(&["inspect", "--budget", &example("add.wat")]).code(0);
    assert!(bounded.out.contains("to start; at most "), "{}", bounded.out);
}

#[test]
fn debug_information_passes_by() {
    // 50 MB of custom sections, then a program.
    let hello = std::fs::read(example("wasm/hello.wasm")).unwrap();
    let mut child =
        command(&["run", "--memory-budget", "2MiB", "-", "Ada"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let mut most = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            pipe.write_all(&hello[..8]).unwrap();
            // Custom, 50 MB, with a name of one byte.
            pipe.write_all(&[0, 0x80, 0xa0, 0xf8, 0x17, 1, b'd']).unwrap();
            let piece = [0x55; 1 << 16];
            let mut left = (0x20 << 7) + (0x78 << 14) + (0x17 << 21) - 2;
            while left > 0 {
                let now = left.min(piece.len());
                pipe.write_all(&piece[..now]).unwrap();
                left -= now;
            }
            pipe.write_all(&hello[8..]).unwrap();
        });
        while child.try_wait().unwrap().is_none() {
            most = most.max(anonymous(&child).unwrap_or(0));
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    let ended = wait(child);
    println!("with 50 MB of custom sections: {} KiB", most >> 10);
    assert!(ended.code == 0 && ended.out.contains("Ada"), "{ended:?}");
    assert!(most <= 2 * MIB + CONSTANT, "{most}");
}

/// Runs it through a shell with at most this much address space.
fn limited(kib: usize, args: &str) -> Output {
    let line = format!("ulimit -c 0; ulimit -v {kib} && exec {} {args}", env!("CARGO_BIN_EXE_dunlin"));
    Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().unwrap()
}

/// The least address space, in KiB, in which something ends well.
fn least(step: usize, args: &str) -> usize {
    // With less, the system can't even begin the process, or Rust's library can't.
    let enough = |kib: &usize| limited(*kib, args).status.success();
    let coarse = (1024..200 << 10).step_by(512).find(enough).unwrap();
    (coarse - 512..=coarse).step_by(step).find(enough).unwrap()
}

#[test]
fn without_address_space_it_does_with_less() {
    // What there isn't room for depends on where between two growths of the heap it runs out: so in small steps.
    const STEP: usize = 32;
    let least = least(STEP, "--version");
    let nqueens = &example("wasm/nqueens.wasm");
    let runs = [
        format!("run {nqueens} 6"),
        format!("run --memory-budget 4MiB {nqueens} 6"),
        format!("run --timeout 1h - 6 < {nqueens}"),
        format!("run --invoke add {} 2 3", example("add.wat")),
        format!("inspect --json {nqueens}"),
        format!("validate {}", example("wasm/dir.wasm")),
    ];
    let fine = (least..least + (8 << 10)).step_by(STEP);
    let (mut did, mut refused) = (0, 0);
    for kib in fine.chain([32 << 10, 64 << 10, 128 << 10, 1 << 20]) {
        for run in &runs {
            let output = limited(kib, run);
            let err = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => did += 1,
                Some(1 | 126 | 134) => {
                    assert!(
                        err.starts_with("dunlin: ") && err.contains("out of memory"),
                        "{kib} KiB, {run}: {err}"
                    );
                    refused += 1;
                }
                _ => panic!("{kib} KiB, {run}: {:?} {err}", output.status),
            }
        }
    }
    println!("from {least} KiB of address space on it begins; {did} runs had enough, {refused} had not");
    assert!(did > 800 && refused > 100, "{did} and {refused}");
}

#[test]
fn a_validator_without_memory_ends_no_process() {
    // So many types and functions that the validator grows and grows.
    let types = (0..600).map(|i| {
        let param = |bit| if i >> bit & 1 == 0 { "i32 " } else { "i64 " };
        format!("(type (func (param {})))", (0..10).map(param).collect::<String>())
    });
    let functions = (0..6000).map(|i| format!("(func (type {}))", i % 600));
    let text: String = types.chain(functions).collect();
    let path = folder("types").join("types.wasm");
    std::fs::write(&path, wat::parse_str(format!("(module {text})")).unwrap()).unwrap();
    let line = format!("validate {}", path.display());
    let (least, enough) = (least(64, "--version"), least(64, &line));
    for kib in (least..enough + 256).step_by(16) {
        let output = limited(kib, &line);
        let err = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(1) => {
                assert!(err.starts_with("dunlin: ") && err.contains("out of memory"), "{kib} KiB: {err}")
            }
            _ => panic!("{kib} KiB: {:?} {err}", output.status),
        }
    }
    println!("{enough} KiB of address space are enough, and {least} to begin");
}
