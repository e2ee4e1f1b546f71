//! Machines that lack something: threads, file systems, processors' features.
#![cfg(all(feature = "text", target_os = "linux"))]

mod common;

use common::{Ended, ended, example, folder, json};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Where no thread can be started: as a user that has no process besides, if we can become one.
fn without_threads(args: &[&str]) -> Option<Ended> {
    // No user that there is.
    let user = (1_000_000 + std::process::id()).to_string();
    let mut command = Command::new("prlimit");
    if rustix::process::getuid().is_root() {
        command = Command::new("setpriv");
        command.args(["--reuid", &user, "--clear-groups", "prlimit"]);
    }
    command.args(["--nproc=1:1", "--"]);
    let mut probe = Command::new(command.get_program());
    probe.args(command.get_args()).args([env!("CARGO_BIN_EXE_dunlin"), "--version"]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: there is no way to run dunlin without threads here: {probe:?}");
        return None;
    }
    command.arg(env!("CARGO_BIN_EXE_dunlin")).args(args).stdin(Stdio::null());
    let started = Instant::now();
    Some(ended(command.output().unwrap(), started))
}

#[test]
fn without_a_thread_programs_run() {
    let (hello, trap) = (&example("wasm/hello.wasm"), &example("wasm/trap.wasm"));
    for mode in ["background", "sync", "eager", "off"] {
        let Some(ended) = without_threads(&["run", "--jit", mode, hello, "Ada"]) else { return };
        let ended = ended.code(0).prints("Hello, Ada!\n").says("warning: no thread can be had");
        assert!(ended.err.contains("Resource temporarily unavailable"), "{ended:#?}");
    }
    let one = |args: &[&str]| without_threads(args).unwrap();
    one(&["run", "--jit", "off", hello]).code(0).one_sentence().prints("Hello, world!\n");
    // A timer does what it can.
    one(&["run", "--timeout", "500ms", trap, "loop"]).code(124).one_sentence().prints("about to loop\n");
    one(&["run", "--timeout", "60s", trap, "divide"]).code(134).says("integer divide by zero");
    one(&["run", "--fuel", "1000000", trap, "loop"]).code(125).says("out of fuel");
    assert_eq!(one(&["validate", hello]).code(0).err, "");
    assert_eq!(one(&["inspect", hello]).code(0).err, "");
}

#[test]
fn in_a_chroot_there_is_no_proc() {
    let root = folder("in_a_chroot");
    let own = |path: &str| root.join(path.trim_start_matches('/'));
    let copy = |from: &str, to: &str| {
        std::fs::create_dir_all(own(to).parent().unwrap()).unwrap();
        std::fs::copy(from, own(to)).unwrap();
    };
    // The libraries that it is linked with, if there are any.
    let listed = Command::new("ldd").arg(env!("CARGO_BIN_EXE_dunlin")).output();
    let listed =
        listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        copy(library, library);
    }
    copy(env!("CARGO_BIN_EXE_dunlin"), "dunlin");
    copy(&example("wasm/hello.wasm"), "hello.wasm");
    copy(&example("wasm/trap.wasm"), "trap.wasm");
    let run = |args: &[&str]| {
        let mut command = Command::new("chroot");
        command.arg(&root).arg("/dunlin").args(args).stdin(Stdio::null());
        let started = Instant::now();
        ended(command.output().unwrap(), started)
    };
    if !rustix::process::getuid().is_root() || run(&["--version"]).code != 0 {
        eprintln!("SKIPPED: chroot can't be used here");
        return;
    }
    assert_eq!(run(&["run", "hello.wasm", "Ada"]).code(0).prints("Hello, Ada!\n").err, "");
    run(&["run", "--timeout", "300ms", "trap.wasm", "loop"]).code(124).says("timed out");
    run(&["run", "--jit", "eager", "--memory-budget", "8MiB", "hello.wasm"]).code(0);
    run(&["run", "--report", "r.json", "hello.wasm"]).code(0);
    let report = json(&std::fs::read_to_string(own("r.json")).unwrap());
    assert_eq!((&report["exit_code"], &report["peak_process_bytes"]), (&0.into(), &serde_json::Value::Null));
    run(&["inspect", "hello.wasm"]).code(0);
    if cfg!(feature = "jit") {
        run(&["compile", "hello.wasm"]).code(0);
        run(&["run", "--require-precompiled", "hello.dun"]).code(0).prints("Hello, world!\n");
    }
}
