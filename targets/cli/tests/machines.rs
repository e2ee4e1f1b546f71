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
        let args = ["run", "--jit", mode, "--report", "/dev/null", hello, "Ada"];
        let Some(ended) = without_threads(&args) else { return };
        let ended = ended.code(0).prints("Hello, Ada!\n").says("warning: no thread can be had");
        assert!(ended.err.contains("Resource temporarily unavailable"), "{ended:#?}");
    }
    let one = |args: &[&str]| without_threads(args).unwrap();
    // Nothing that needs a thread is asked for.
    assert_eq!(one(&["run", hello]).code(0).prints("Hello, world!\n").err, "");
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

/// A control group of so much memory, if we may make one.
struct Group(std::path::PathBuf);

impl Group {
    fn new(bytes: u64) -> Option<Group> {
        let name = format!("dunlin-test-{}", std::process::id());
        // The second version of control groups, or the first.
        for (folder, limit) in
            [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")]
        {
            let group = Group(std::path::Path::new(folder).join(&name));
            if std::fs::create_dir(&group.0).is_ok()
                && std::fs::write(group.0.join(limit), bytes.to_string()).is_ok()
            {
                return Some(group);
            }
        }
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn in_a_control_group_there_is_little_memory() {
    let Some(group) = Group::new(8 << 20) else {
        eprintln!("SKIPPED: no control group can be made here");
        return;
    };
    let nqueens = example("wasm/nqueens.wasm");
    for options in [&["--jit", "off"][..], &["--jit", "off", "--memory-budget", "2MiB"]] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo $$ > \"$0\"/cgroup.procs && exec \"$@\""]).arg(&group.0);
        shell.args([env!("CARGO_BIN_EXE_dunlin"), "run"]).args(options).args([&nqueens, "6"]);
        let started = Instant::now();
        let ended = ended(shell.stdin(Stdio::null()).output().unwrap(), started).code(0);
        assert!(ended.out.starts_with("6 queens: 4 solutions") && ended.err.is_empty(), "{ended:#?}");
    }
}

#[test]
#[cfg(all(feature = "jit", target_arch = "x86_64"))]
fn on_an_old_processor_machine_code_is_for_others() {
    let old = |args: &[&str]| {
        let mut command = Command::new("qemu-x86_64-static");
        command.args(["-cpu", "core2duo", env!("CARGO_BIN_EXE_dunlin")]).args(args).stdin(Stdio::null());
        let started = Instant::now();
        command.output().map(|output| ended(output, started))
    };
    if old(&["--version"]).is_err() {
        eprintln!("SKIPPED: there is no qemu-x86_64-static to be an old processor");
        return;
    }
    let old = |args: &[&str]| old(args).unwrap();
    let file = folder("on_an_old_processor").join("x.dun");
    let (file, module) = (file.to_str().unwrap(), &example("smallest.wat"));
    old(&["compile", "-o", file, module]).code(0).one_sentence().says("so the machine code can't run here");
    // For another machine it is what was asked for.
    assert_eq!(old(&["compile", "--target", "x86_64-linux", "-o", file, module]).code(0).err, "");
    for mode in [&[][..], &["--jit", "sync"], &["--jit", "off"]] {
        let run = old(&[&["run", "--allow-precompiled"], mode, &[file]].concat());
        run.code(0).one_sentence().says("warning: ").says("it takes SSE4.2").prints("hi!\n");
        let refused = old(&[&["run", "--require-precompiled"], mode, &[file]].concat());
        refused
            .code(1)
            .one_sentence()
            .says("its machine code can't be used")
            .says("it takes SSE4.2")
            .prints("");
    }
    assert_eq!(old(&["run", "--allow-precompiled", module]).code(0).prints("hi!\n").err, "");
}
