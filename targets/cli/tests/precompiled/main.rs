//! Programs that were compiled ahead of time: that they do the same, and what becomes of those that don't fit.
#![cfg(all(feature = "jit", feature = "text"))]

#[path = "../common/mod.rs"]
mod common;
mod shown;

use common::{Ended, dunlin, dunlin_with, example, folder, json, modules};
use std::path::{Path, PathBuf};

/// Compiles an example into a folder.
#[track_caller]
fn compiled(folder: &Path, module: &str, options: &[&str]) -> String {
    let name = Path::new(module).file_stem().unwrap().to_str().unwrap();
    let path = folder.join(format!("{name}.dun")).to_str().unwrap().to_owned();
    let ended = dunlin(&[&["compile", "-o", &path], options, &[module]].concat()).code(0);
    assert!(ended.out.contains(" compiled for "), "{ended:#?}");
    path
}

fn seen(ended: Ended) -> (i32, String, String) {
    (ended.code, ended.out, ended.err)
}

/// What this machine isn't.
fn foreign() -> &'static str {
    if cfg!(target_arch = "x86_64") { "aarch64-linux" } else { "x86_64-linux" }
}

const ALLOW: [&str; 2] = ["run", "--allow-precompiled"];

#[test]
fn examples_do_the_same() {
    let folder = folder("examples_do_the_same");
    let runs: [(&str, &[&str], &str); 7] = [
        ("hello", &["Ada"], ""),
        ("nqueens", &["8"], ""),
        ("json", &[], r#"{"a": [1, 2.5e3, "x\u00e9", null], "b": {"c": true}}"#),
        ("wc", &[], "some words\nin two lines\n"),
        ("mandel", &["60"], ""),
        ("trap", &["exit", "7"], ""),
        ("trap", &["unreachable"], ""),
    ];
    for options in [&[][..], &["--memory-guard", "on", "--cpu-features", "native"]] {
        for (name, args, input) in runs {
            let module = &example(&format!("wasm/{name}.wasm"));
            let file = &compiled(&folder, module, options);
            let run = |options: &[&str], file: &str| {
                seen(dunlin_with(&[options, &[file], args].concat(), input.as_bytes()))
            };
            let expected = run(&["run", "--jit", "off"], module);
            for mode in [&["--jit", "off"][..], &["--jit", "background"], &["--jit", "eager"]] {
                let got = run(&[&["run", "--require-precompiled"], mode].concat(), file);
                // Backtraces name the module by its file, unless it has a name.
                let got = (got.0, got.1, got.2.replace(&format!("{name}.dun"), &format!("{name}.wasm")));
                assert_eq!(got, expected, "{name} {options:?} {mode:?}");
            }
        }
    }
}

#[test]
fn what_was_compiled_isnt_compiled_again() {
    let folder = folder("what_was_compiled");
    let report = folder.join("r.json").to_str().unwrap().to_owned();
    let file = &compiled(&folder, &example("wasm/nqueens.wasm"), &["--fuel"]);
    for mode in ["off", "eager"] {
        let args = ["--jit", mode, "--report", &report, file, "7"];
        dunlin(&[&ALLOW, &args[..]].concat()).code(0);
        let report = json(&std::fs::read_to_string(&report).unwrap());
        let jit = &report["jit"];
        assert_eq!((&jit["functions_precompiled"], &jit["mode"]), (&56.into(), &mode.into()), "{jit}");
        assert_eq!((&jit["functions_compiled"], &jit["loops_compiled"]), (&0.into(), &0.into()), "{jit}");
        assert!(
            report["fuel_used"].as_u64().unwrap() > 10_000 && jit["code_bytes"].as_u64().unwrap() > 10_000
        );
    }
    // Fuel ends where it does without.
    let fuel = |options: &[&str]| seen(dunlin(&[&["run", "--fuel", "20000"], options, &["7"]].concat()));
    let module = example("wasm/nqueens.wasm");
    let expected = fuel(&["--jit", "off", &module]);
    assert_eq!(expected.0, 125);
    let got = fuel(&["--require-precompiled", file]);
    assert_eq!(got.2.replace("nqueens.dun", "nqueens.wasm"), expected.2);
}

#[test]
fn the_same_input_gives_the_same_file() {
    let folder = folder("the_same_input");
    for module in ["json", "dir"] {
        let module = &example(&format!("wasm/{module}.wasm"));
        for target in ["x86_64-linux", "aarch64-linux"] {
            let [first, second] =
                [(); 2].map(|()| std::fs::read(compiled(&folder, module, &["--target", target])).unwrap());
            assert!(first == second, "{module} {target}");
        }
    }
}

#[test]
fn whoever_does_not_trust_it_is_told_how_to() {
    let folder = folder("whoever_does_not_trust");
    let module = &example("wasm/hello.wasm");
    let file = &compiled(&folder, module, &[]);
    dunlin(&["run", file]).code(2).one_sentence().says("with --allow-precompiled").prints("");
    let bytes = std::fs::read(file).unwrap();
    dunlin_with(&["run", "-"], &bytes).code(2).one_sentence().says("with --allow-precompiled");
    dunlin_with(&["run", "--require-precompiled", "-", "Ada"], &bytes).code(0).prints("Hello, Ada!\n");
    // There needn't be any code.
    dunlin(&[&ALLOW[..], &[module]].concat()).code(0).prints("Hello, world!\n");
    let refused = dunlin(&["run", "--require-precompiled", module]).code(1).one_sentence();
    refused.says("there is no machine code in it").prints("");
    // What is required stays so, whatever else is said.
    for order in
        [["--allow-precompiled", "--require-precompiled"], ["--require-precompiled", "--allow-precompiled"]]
    {
        let both = dunlin(&[&["run"], &order[..], &[module]].concat()).code(1).one_sentence();
        both.says("there is no machine code in it").prints("");
    }
    // A profile is sampled by fuel, which this code doesn't count.
    let profile = folder.join("p").to_str().unwrap().to_owned();
    let ended = dunlin(&[&ALLOW[..], &["--profile", &profile, file]].concat()).code(0).one_sentence();
    ended.says("its machine code isn't used").says("--profile").prints("Hello, world!\n");
    assert!(!std::fs::read_to_string(&profile).unwrap().is_empty());
    let refused = dunlin(&["run", "--require-precompiled", "--profile", &profile, file]);
    refused.code(1).one_sentence().says("--profile want: compile it with dunlin compile --fuel");
    let counting = folder.join("counting.dun").to_str().unwrap().to_owned();
    dunlin(&["compile", "--fuel", module, "-o", &counting]).code(0);
    dunlin(&["run", "--require-precompiled", "--profile", &profile, &counting])
        .code(0)
        .prints("Hello, world!\n");
    assert!(!std::fs::read_to_string(&profile).unwrap().is_empty());
}

#[test]
fn what_does_not_fit_runs_without_its_code() {
    let folder = folder("what_does_not_fit");
    let module = &example("wasm/hello.wasm");
    let warned = |options: &[&str], file: &str, why: &str| {
        let ended = dunlin(&[&ALLOW, options, &[file]].concat()).code(0).one_sentence();
        ended.says("warning: ").says("its machine code isn't used: ").says(why).prints("Hello, world!\n");
        let refused = dunlin(&[&["run", "--require-precompiled"], options, &[file]].concat());
        refused.code(1).one_sentence().says("its machine code can't be used: ").says(why).prints("");
    };
    warned(&[], &compiled(&folder, module, &["--target", foreign()]), "it is for ");
    let file = compiled(&folder, module, &[]);
    warned(&["--fuel", "1000000"], &file, "compile it with dunlin compile --fuel");
    warned(&["--memory-budget", "400KiB", "--jit", "off"], &file, "there is no memory for it");
    let file = compiled(&folder, module, &["--fuel"]);
    warned(&[], &file, "it counts fuel");
    let file = compiled(&folder, module, &["--memory-guard", "on"]);
    let guards = "it needs memory guards, for which there is too little address space or --memory-guard off";
    warned(&["--memory-guard", "off"], &file, guards);
    // The format's version stands behind the module.
    let bytes = std::fs::read(&file).unwrap();
    let module_end = 32 + u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    let mut other = bytes.clone();
    other[module_end] += 1;
    let path = folder.join("other.dun");
    std::fs::write(&path, other).unwrap();
    warned(&[], path.to_str().unwrap(), "it has another version's format");
    let longer = folder.join("longer.dun");
    std::fs::write(&longer, [&bytes[..], b"x"].concat()).unwrap();
    warned(&[], longer.to_str().unwrap(), "it is damaged");
}

#[test]
fn machine_code_is_charged_to_the_budget() {
    let folder = folder("machine_code_is_charged");
    let module = example("wasm/hello.wasm");
    let file = &compiled(&folder, &module, &["--fuel"]);
    let path = folder.join("report.json").to_str().unwrap().to_owned();
    let report = |options: &[&str]| {
        dunlin(&[&["run", "--report", &path], options].concat()).code(0);
        json(&std::fs::read_to_string(&path).unwrap())
    };
    let with = report(&["--require-precompiled", "--jit", "off", file]);
    let without = report(&["--jit", "off", &module]);
    let peak = |report: &serde_json::Value| report["peak_memory_bytes"].as_u64().unwrap();
    let code = with["jit"]["code_bytes"].as_u64().unwrap();
    assert!(code > 50_000 && peak(&with) >= peak(&without) + code, "{with} {without}");
}

/// A program with a memory, a table, calls and a loop, which prints "hi!".
fn smallest() -> Vec<u8> {
    let folder = folder("smallest_dun");
    std::fs::read(compiled(&folder, &example("smallest.wat"), &[])).unwrap()
}

/// That a damaged file does what it did, with a warning, or is refused in a sentence.
fn check_damaged(what: &str, path: &Path, bytes: &[u8]) -> bool {
    std::fs::write(path, bytes).unwrap();
    let ended = dunlin(&[&ALLOW[..], &["--jit", "off", path.to_str().unwrap()]].concat()).one_sentence();
    match ended.code {
        0 => {
            assert_eq!(ended.out, "hi!\n", "{what}");
            assert!(ended.err.contains("its machine code isn't used: "), "{what}: {ended:#?}");
        }
        1 => assert_eq!(ended.out, "", "{what}"),
        _ => panic!("{what}: {ended:#?}"),
    }
    ended.code == 0
}

#[test]
fn damage_anywhere_is_noticed() {
    let bytes = smallest();
    let path: PathBuf = folder("damage_anywhere").join("damaged.dun");
    let module_end = 32 + u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let ran = check_damaged(&format!("byte {at}"), &path, &damaged);
        // Another module isn't run in the module's place, but what is behind it isn't needed.
        assert_eq!(ran, at >= module_end, "byte {at} of {module_end}");
    }
    for len in (0..bytes.len()).step_by(3) {
        let ran = check_damaged(&format!("{len} bytes"), &path, &bytes[..len]);
        assert_eq!(ran, len >= module_end, "{len} bytes of {module_end}");
    }
}

#[test]
fn a_damaged_module_is_told_from_one_that_does_not_fit() {
    let folder = folder("a_damaged_module_is_told");
    let file = compiled(&folder, &example("smallest.wat"), &[]);
    let run = |options: &[&str], file: &str| dunlin(&[&ALLOW[..], options, &[file]].concat());
    run(&["--memory-budget", "40KiB"], &file).code(126).one_sentence().says(": can't be loaded: ");
    let bytes = std::fs::read(&file).unwrap();
    let damaged = folder.join("damaged.dun");
    let path = damaged.to_str().unwrap();
    let is_damaged = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        std::fs::write(&damaged, bytes).unwrap();
        let sentence = format!("dunlin: {path}: the module in it is damaged\n");
        for ended in [run(&[], path), dunlin(&["inspect", path]), dunlin(&["validate", path])] {
            assert_eq!(ended.code(1).err, sentence);
        }
    };
    // No module any more, another valid one, and one that lacks nothing but uses what Dunlin hasn't.
    is_damaged(32, b'x');
    let text = bytes.windows(3).position(|three| three == b"hi!").unwrap();
    is_damaged(text, b'H');
    std::fs::write(&damaged, &bytes[..20]).unwrap();
    run(&[], path).code(1).one_sentence().says("it ends before the module in it begins");
}

#[test]
fn compile_options_that_make_no_sense_get_a_sentence() {
    let folder = folder("compile_options");
    let copy = folder.join("hello.wasm");
    std::fs::copy(example("wasm/hello.wasm"), &copy).unwrap();
    let hello = copy.to_str().unwrap();
    for (args, sentence) in [
        (
            &["--target", "mips-linux", hello][..],
            "--target takes aarch64-linux or x86_64-linux, not 'mips-linux'",
        ),
        (&["--target", "x86_64-windows", hello], "--target takes"),
        (
            &["--target", "x86_64-linux", "--cpu-features", "best", hello],
            "--cpu-features takes baseline, x86-64-v3 or native for x86_64-linux, not 'best'",
        ),
        (
            &["--target", "aarch64-linux", "--cpu-features", "x86-64-v3", hello],
            "baseline or native for aarch64",
        ),
        (&["--target", foreign(), "--cpu-features", "native", hello], "for this machine, which is no "),
        (&["--memory-guard", "auto", hello], "--memory-guard takes on or off here"),
        (&["-o", hello, hello], "-o names the module itself"),
        (&["-"], "-o is missing"),
        (&[], "a module is missing"),
        (&["--fule", hello], "did you mean '--fuel'?"),
        (&[hello, hello], "one module too many"),
    ] {
        dunlin(&[&["compile"], args].concat()).code(2).one_sentence().says(sentence).prints("");
    }
    // By another name, too.
    let link = folder.join("link");
    std::os::unix::fs::symlink("hello.wasm", &link).unwrap();
    dunlin(&["compile", "-o", link.to_str().unwrap(), hello]).code(2).says("-o names the module itself");
    dunlin(&["compile", "-o", "/nowhere/x.dun", hello]).code(1).one_sentence().says("/nowhere/x.dun");
    dunlin_with(&["compile", "-o", "/nowhere/x.dun", "-"], b"\0asm").code(1).one_sentence();
    // The name that isn't given is the module's.
    dunlin(&["compile", hello]).code(0);
    dunlin(&[&ALLOW[..], &[folder.join("hello.dun").to_str().unwrap()]].concat()).code(0);
    // What is compiled may have been compiled before.
    let again = folder.join("again.dun");
    let from = folder.join("hello.dun");
    dunlin(&["compile", from.to_str().unwrap(), "-o", again.to_str().unwrap()]).code(0);
    assert!(std::fs::read(from).unwrap() == std::fs::read(again).unwrap());
}

#[test]
fn everything_can_be_compiled_for_every_machine() {
    let folder = folder("for_every_machine");
    for (name, _) in modules() {
        for target in ["x86_64-linux", "aarch64-linux"] {
            compiled(
                &folder,
                &example(&format!("wasm/{name}")),
                &["--target", target, "--memory-guard", "on"],
            );
        }
    }
}
