//! `--trace wasi`: what is shown of calls, and where.
#![cfg(all(feature = "text", feature = "trace"))]

mod common;

use common::{dunlin, example, folder};

/// The lines of a run that prints `hi!`.
fn is_shown(text: &str) {
    assert_eq!(text, "fd_write(fd=1, ciovs=[\"hi!\\n\"]) = 0, nwritten=4\n");
}

#[test]
fn calls_are_shown_on_standard_error() {
    let smallest = &example("smallest.wat");
    let ended = dunlin(&["run", "--trace", "wasi", smallest]).code(0).prints("hi!\n");
    is_shown(&ended.err);
    assert_eq!(dunlin(&["run", smallest]).code(0).err, "");
}

#[test]
fn calls_are_shown_in_a_file() {
    let folder = folder("calls_are_shown_in_a_file");
    let file = folder.join("trace");
    std::fs::write(&file, "what an earlier run has left, which is longer than the line of this one").unwrap();
    let option = format!("wasi={}", file.display());
    let ended = dunlin(&["run", "--trace", &option, &example("smallest.wat")]).code(0).prints("hi!\n");
    assert_eq!(ended.err, "");
    is_shown(&std::fs::read_to_string(&file).unwrap());
    let ended = dunlin(&["run", "--trace", "wasi=-", &example("smallest.wat")]).code(0);
    assert!(ended.out.starts_with("hi!\nfd_write(") && ended.err.is_empty(), "{ended:#?}");
    let nowhere = format!("wasi={}", folder.display());
    dunlin(&["run", "--trace", &nowhere, &example("smallest.wat")]).code(1).one_sentence().says("--trace ");
    for option in ["wasi=", "calls", "calls=x"] {
        let ended = dunlin(&["run", "--trace", option, &example("smallest.wat")]).code(2).one_sentence();
        ended.says("--trace takes wasi or wasi=FILE, not '");
    }
}

#[test]
fn a_program_from_a_compiler_is_shown_whole() {
    let folder = folder("a_program_from_a_compiler");
    std::fs::write(folder.join("from"), "words").unwrap();
    let (dir, cp) = (format!("{}::/", folder.display()), example("wasm/cp.wasm"));
    let ended = dunlin(&["run", "--trace", "wasi", "--dir", &dir, &cp, "/from", "/to"]).code(0);
    for line in [
        "fd_prestat_dir_name(fd=3) = 0, dir_name=\"/\"",
        "path=\"from\", oflags=0, base=",
        "path=\"to\", oflags=CREAT|TRUNC, base=",
        "iovs=[\"words\"], nread=5",
        "fd_write(fd=5, ciovs=[\"words\"]) = 0, nwritten=5",
    ] {
        assert!(ended.err.contains(line), "{line}\n{}", ended.err);
    }
    let ended = dunlin(&["run", "--trace", "wasi", &cp, "/from", "/to"]);
    assert!(
        ended.code != 0 && ended.err.contains(&format!("proc_exit(code={}) = exit", ended.code)),
        "{ended:#?}"
    );
}

/// A device that takes nothing is told of once, and doesn't stop the program.
#[test]
fn lines_that_cannot_be_written() {
    let ended =
        dunlin(&["run", "--trace", "wasi=/dev/full", &example("smallest.wat")]).code(0).prints("hi!\n");
    ended.one_sentence().says("--trace: ");
}
