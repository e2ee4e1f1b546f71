//! Wrong usage, help, and streams of ours that can't be written.
#![cfg(feature = "text")]

mod common;

use common::{command, dunlin, example, wait};
use std::fs::File;
use std::process::Stdio;

#[test]
fn wrong_usage_is_one_sentence_and_exit_code_2() {
    let add = &example("add.wat");
    for (args, sentence) in [
        (&[][..], "a command or a module is missing"),
        (&["rnu", "x"], "did you mean 'run'?"),
        (&["run", "--func", "f", "x.wasm"], "it is --invoke here"),
        (&["run", "--dir", "data:/x", "x.wasm"], "two colons: data::/x"),
        (&["run", "-S", "inherit-env=maybe", "x.wasm"], "takes y or n"),
        (&["run"], "a module is missing"),
        (&["run", "--feul", "3", "x.wasm"], "did you mean '--fuel'?"),
        (&["-x3"], "unknown option '-x'; see 'dunlin --help'"),
        (&["help", "rnu"], "unknown command 'rnu', and no file; did you mean 'run'?"),
        (&["hepl"], "did you mean 'help'?"),
        (&["quite another"], "unknown command 'quite another', and no file; see"),
        (&["run", "--dir", "x::", "x.wasm"], "--dir takes HOST or HOST::GUEST, not 'x::'"),
        (&["run", "--dir-ro", "::x", "x.wasm"], "--dir-ro takes HOST or HOST::GUEST, not '::x'"),
        (&["run", "--env", "=x", "x.wasm"], "--env takes NAME=VALUE or NAME, not '=x'"),
        (&["run", "-i", "12", "x.wasm"], "go after the module"),
        (&["run", "--fuel", "many", "x.wasm"], "--fuel takes a whole number"),
        (&["run", "--timeout", "soon", "x.wasm"], "--timeout takes a time"),
        (&["run", "--max-stack", "1KB", "x.wasm"], "--max-stack takes a size"),
        (&["run", "-W", "gc=y", "x.wasm"], "-W takes fuel=N"),
        (&["run", "--unknown-imports", "ignore", "x.wasm"], "takes 'trap'"),
        (&["run", "--env", "DUNLIN_HAS_NO_SUCH_VARIABLE", "x.wasm"], "no such variable"),
        (&["inspect", "a", "b"], "one module too many"),
        (&["--fuel", "3", "run", "a"], "--fuel goes after 'run'"),
        (&["validate", "--json", "a"], "unknown option '--json'"),
        (&["wast"], "a script or a folder is missing"),
        (&["run", add], "it exports add (i32, i32) -> (i32), div"),
        (&["run", "--invoke", "sub", add], "no such export; it exports add"),
        (&["run", "--invoke", "add", add, "1"], "takes 2 parameters, not 1"),
        (&["run", "--invoke", "fib", add], "takes 1 parameter, not 0"),
        (
            &["run", "--invoke", "add", add, "1", "x"],
            "parameter 2 has type i32, so 'x' should be a whole number",
        ),
    ] {
        dunlin(args).code(2).one_sentence().says(sentence).prints("");
    }
}

#[test]
fn what_cannot_be_called_is_told_with_what_can() {
    let refused = |text: &str, options: &[&str], args: &[&str], sentence: &str| {
        let args = [&["run"], options, &["-"], args].concat();
        let ended = common::dunlin_with(&args, text.as_bytes()).code(2).one_sentence().prints("");
        assert!(ended.err.trim_end().ends_with(sentence), "{sentence}\n{ended:#?}");
    };
    refused("(module)", &[], &[], "--invoke NAME; it exports no function");
    for start in ["(param i32)", "(result i32) (i32.const 1)"] {
        let text = format!("(module (func (export \"_start\") {start}))");
        let ended = common::dunlin_with(&["run", "-"], text.as_bytes()).code(2).one_sentence();
        ended.says("the module's _start is a function (").says("and no program's start; name a function");
    }
    let memory = r#"(module (memory (export "m") 1) (func (export "")))"#;
    refused(
        memory,
        &["--invoke", "m"],
        &[],
        "m: that is a memory of at least 1 page; it exports \"\" () -> ()",
    );
    let exports = |number: usize| {
        let functions: String = (0..number).map(|i| format!("(func (export \"f{i:02}\"))")).collect();
        format!("(module {functions})")
    };
    refused(&exports(12), &["--invoke", "f"], &[], ", f10 () -> (), f11 () -> ()");
    refused(&exports(13), &["--invoke", "f"], &[], ", f10 () -> (), f11 () -> (), and 1 more");
    refused(&exports(1), &["--invoke", "f00"], &["1"], "takes 0 parameters, not 1; it is () -> ()");
    for (ty, words) in [
        ("i32", "a whole number of 32 bits such as 42, -7 or 0xff"),
        ("i64", "a whole number of 64 bits such as 42, -7 or 0xff"),
        ("f32", "a number such as 1.5, -2e10, 0x1p-3, inf or nan"),
        ("f64", "a number such as 1.5, -2e10, 0x1p-3, inf or nan"),
        ("v128", "128 bits as a number such as 0x000102030405060708090a0b0c0d0e0f"),
        ("externref", "null"),
    ] {
        let text = format!("(module (func (export \"f\") (param {ty})))");
        let sentence = format!("parameter 1 has type {ty}, so 'x' should be {words}");
        refused(&text, &["--invoke", "f"], &["x"], &sentence);
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (args, words) in [
        (&["--help"][..], "Usage: dunlin <COMMAND>"),
        (&["help", "run"], "Usage: dunlin run"),
        (&["run", "-h"], "Exit codes:"),
        (&["compile", "--help"], "Examples:"),
        (&["addr2line", "--help"], "Examples:"),
        (&["explore", "--help"], "Examples:"),
        (&["inspect", "--help"], "Examples:"),
        (&["validate", "--help"], "Examples:"),
        (&["wast", "--help"], "Examples:"),
        #[cfg(feature = "manual")]
        (&["completions", "--help"], "Examples:"),
        #[cfg(feature = "manual")]
        (&["man", "--help"], "Examples:"),
        (&["--version"], concat!("dunlin ", env!("CARGO_PKG_VERSION"))),
    ] {
        let ended = dunlin(args).code(0);
        assert!(ended.out.contains(words) && ended.err.is_empty(), "{ended:#?}");
        assert!(ended.out.lines().all(|line| line.chars().count() <= 80), "{ended:#?}");
    }
}

#[test]
fn the_version_tells_what_it_can_do() {
    let text = dunlin(&["-V"]).code(0).out;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], concat!("dunlin ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with(concat!("engine: dunlin ", env!("CARGO_PKG_VERSION"))), "{text}");
    for (feature, here) in
        [("jit", cfg!(feature = "jit")), ("text", true), ("pairs", cfg!(feature = "pairs"))]
    {
        assert_eq!(lines[2].contains(feature), here, "{text}");
    }
    #[cfg(feature = "precompiled")]
    assert_eq!(lines[3], format!("precompiled files: {}", dunlin_jit::aot::identity()));
}

#[test]
fn a_module_alone_is_run() {
    let hello = &example("wasm/hello.wasm");
    dunlin(&[hello, "--help"]).code(0).prints("Hello, --help!\n");
    dunlin(&["--timeout", "60s", "--invoke=add", &example("add.wat"), "2", "3"]).code(0).prints("5\n");
    dunlin(&["no/such.wasm"]).code(1).one_sentence().says("no/such.wasm: No such file");
    dunlin(&["--fuel", "0", hello]).code(125);
    // A file of any name will do.
    let plain = common::folder("a_module_alone").join("plain");
    std::fs::copy(hello, &plain).unwrap();
    dunlin(&[plain.to_str().unwrap(), "Ada"]).code(0).prints("Hello, Ada!\n");
}

#[test]
fn several_modules_are_validated() {
    let (hello, add) = (&example("wasm/hello.wasm"), &example("add.wat"));
    let both = dunlin(&["validate", hello, add]).code(0).out;
    assert_eq!(both.lines().count(), 2);
    let ended = dunlin(&["validate", hello, "missing", add]).code(1).one_sentence().says("missing: ");
    assert_eq!(ended.out, both);
}

#[test]
fn one_is_no_plural() {
    let one = "(module (func (export \"f\")))";
    let text = common::dunlin_with(&["validate", "-"], one.as_bytes()).code(0).out;
    assert!(text.contains(", 1 function\n"), "{text}");
    // What is imported isn't its own.
    let two = r#"(module (import "a" "f" (func)) (import "a" "m" (memory 1)) (func) (func))"#;
    let text = common::dunlin_with(&["validate", "-"], two.as_bytes()).code(0).out;
    assert!(text.starts_with("standard input: valid, ") && text.ends_with(" bytes, 2 functions\n"), "{text}");
}

#[test]
fn a_stack_that_cannot_be_had_is_said() {
    let hello = &example("wasm/hello.wasm");
    dunlin(&["run", "--max-stack", "100", "--invoke", "add", &example("add.wat"), "2", "3"])
        .code(0)
        .one_sentence()
        .says("warning: a stack of 100 bytes can't be had, so it has 4096")
        .prints("5\n");
    dunlin(&["run", "--max-stack", "2GiB", hello]).code(0).one_sentence().says("so it has 1073741824");
    assert_eq!(dunlin(&["run", "--max-stack", "1GiB", hello]).code(0).err, "");
}

#[test]
fn memories_may_be_bounded() {
    let text = r#"(module (memory 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    for (size, pages, result) in [("3145728", "47", "1\n"), ("3145728", "48", "-1\n"), ("64KiB", "1", "-1\n")]
    {
        let option = format!("max-memory-size={size}");
        let args = ["run", "-W", &option, "--invoke", "grow", "-", pages];
        common::dunlin_with(&args, text.as_bytes()).code(0).prints(result);
    }
    let args = ["run", "-Wmax-memory-size=65535", "--invoke", "grow", "-", "1"];
    common::dunlin_with(&args, text.as_bytes()).code(1).one_sentence().says("at most 0 pages");
}

#[test]
fn features_are_switched() {
    let text = r#"(module (memory 5 (pagesize 1))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let run = |options: &[&str]| {
        let args = [&["run"], options, &["--invoke", "grow", "-", "2"]].concat();
        common::dunlin_with(&args, text.as_bytes())
    };
    run(&["-W", "custom-page-sizes"]).code(0).prints("5\n");
    for options in [&[][..], &["-Wcustom-page-sizes=n"]] {
        run(options).code(1).one_sentence().says("custom-page-sizes");
    }
}

#[test]
fn nobody_listens() {
    for args in [&["--help"][..], &["inspect", &example("wasm/cp.wasm")], &["validate", &example("add.wat")]]
    {
        let mut child = command(args).spawn().unwrap();
        drop(child.stdout.take());
        wait(child).code(0);
        let mut child = command(args).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        wait(child).code(0);
    }
    let mut child = command(&["run", "no such file"]).spawn().unwrap();
    drop(child.stderr.take());
    wait(child).code(1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let child = command(&["inspect", &example("add.wat")]).stdout(full()).spawn().unwrap();
    wait(child).code(1).one_sentence().says("standard output can't be written: No space left");
    let child = command(&["inspect", "no such file"]).stderr(full()).spawn().unwrap();
    wait(child).code(1);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"odd\xff.wasm");
    for before in [&["run"][..], &["inspect"], &["wast"], &[], &["run", "--env"], &["run", "--dir"]] {
        let ended = wait(command(before).arg(odd).spawn().unwrap());
        assert!([1, 2].contains(&ended.code), "{ended:#?}");
    }
}
