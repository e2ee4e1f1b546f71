//! `dunlin run --snapshot` and `--resume`.
#![cfg(all(feature = "snapshot", feature = "text"))]

mod common;

use common::{dunlin, folder};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Appends a line to a file, and prints one, for each of so many numbers; between them it computes for a while.
const LINES: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "\40\00\00\00\06\00\00\00")
    (data (i32.const 32) "log")
    (data (i32.const 64) "n 000\n")
    (func (export "_start") (local $n i32) (local $i i32) (local $x i64)
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1)
            (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 16)) (then unreachable))
        (loop $line
            (local.set $i (i32.const TURNS))
            (loop $work
                (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1)))
                (i64.store (i32.add (i32.const 65536) (i32.and (local.get $i) (i32.const 4088))) (local.get $x))
                (br_if $work (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (i32.store8 (i32.const 66) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 100))))
            (i32.store8 (i32.const 67)
                (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $n) (i32.const 10)) (i32.const 10))))
            (i32.store8 (i32.const 68) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
            (i32.store8 (i32.const 65) (i32.add (i32.const 65) (i32.wrap_i64 (i64.and (local.get $x) (i64.const 15)))))
            (if (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 24)) (then unreachable))
            (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)) (then unreachable))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $line (i32.lt_u (local.get $n) (i32.const 200))))))"#;

/// The program, which computes for so many turns between two lines, in a folder of its own, with one for its file; and
/// what it prints, undisturbed.
fn program(name: &str, turns: u32) -> (std::path::PathBuf, String, String) {
    let folder = folder(name);
    let (module, data) = (folder.join("lines.wat"), folder.join("data"));
    std::fs::write(&module, LINES.replace("TURNS", &turns.to_string())).unwrap();
    std::fs::create_dir_all(&data).unwrap();
    let (module, dir) = (module.to_str().unwrap().to_owned(), format!("{}::/", data.display()));
    let whole = dunlin(&["run", "--dir", &dir, &module]).code(0).out;
    assert_eq!(std::fs::read_to_string(data.join("log")).unwrap(), whole);
    std::fs::remove_file(data.join("log")).unwrap();
    (folder, module, whole)
}

fn logged(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("data/log")).unwrap()
}

#[test]
fn a_program_goes_on_whenever_fuel_ends() {
    let (folder, module, whole) = program("goes_on_whenever_fuel_ends", 20_000);
    let (dir, snap) = (format!("{}::/", folder.join("data").display()), folder.join("app.snap"));
    let snap = snap.to_str().unwrap();
    for jit in ["off", "sync"] {
        let mut printed = String::new();
        let mut times = 0;
        let mut from: Vec<&str> = Vec::new();
        loop {
            let options = [
                "run",
                "--jit",
                jit,
                "--fuel",
                "5000000",
                "--dir",
                &dir,
                "--snapshot",
                snap,
                "--snapshot-on",
                "fuel",
            ];
            let ended = dunlin(&[&options[..], &from, &[&module]].concat());
            printed.push_str(&ended.out);
            if ended.code == 0 {
                break;
            }
            let ended = ended.code(125);
            assert!(!ended.err.contains("no snapshot"), "{}", ended.err);
            from = vec!["--resume", snap];
            times += 1;
        }
        assert!(times > 3, "{times}");
        let looked = dunlin(&["inspect", snap]).code(0).out;
        assert!(looked.contains("wasi_snapshot_preview1.fd_write"), "{looked}");
        assert!(
            looked.contains("it ran out of fuel") && looked.contains("in function 2 of instance 0"),
            "{looked}"
        );
        assert!(dunlin(&["inspect", "--json", snap]).code(0).out.contains(r#""function": 2"#));
        assert_eq!((&printed, logged(&folder)), (&whole, whole.clone()), "{jit}");
        std::fs::remove_file(folder.join("data/log")).unwrap();
        std::fs::remove_file(snap).unwrap();
    }
}

/// The process is killed at any time: there is always a whole snapshot, or none yet.
#[test]
fn a_job_that_is_killed_goes_on_from_its_last_snapshot() {
    let times = std::env::var("DUNLIN_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let (folder, module, whole) = program("killed_goes_on", 100_000);
    let (dir, snap) = (format!("{}::/", folder.join("data").display()), folder.join("app.snap"));
    let options = ["run", "--dir", &dir, "--every", "5ms", "--snapshot", snap.to_str().unwrap()];
    let (mut resumed, mut kills, mut tries) = (0, 0, 0);
    while kills < times {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dunlin"));
        command.args(options);
        if snap.exists() {
            command.arg("--resume").arg(&snap);
            resumed += 1;
        }
        let mut child = command.arg(&module).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(3 + tries * 13 % 40));
        child.kill().unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.lines().all(|line| line.contains("has changed")), "{said}");
        tries += 1;
        if ended.status.success() {
            // It was over before that: the next one begins anew.
            assert_eq!(logged(&folder), whole);
            let _ = std::fs::remove_file(&snap);
            std::fs::remove_file(folder.join("data/log")).unwrap();
        } else {
            kills += 1;
        }
    }
    assert!(resumed > 0);
    println!("killed {kills} times, gone on {resumed} times");
    let from = if snap.exists() { vec!["--resume", snap.to_str().unwrap()] } else { vec![] };
    dunlin(&[&options[..], &from, &[&module]].concat()).code(0);
    // It writes on at its offset, so what was written after a snapshot is written again.
    assert_eq!(logged(&folder), whole);
}

#[test]
fn a_function_goes_on_without_being_named_again() {
    let folder = folder("a_function_goes_on_without_being_named_again");
    let (module, snap) = (folder.join("sum.wat"), folder.join("app.snap"));
    let (module, snap) = (module.to_str().unwrap(), snap.to_str().unwrap());
    let sum = r#"(module (func (export "sum") (param i32) (result i32) (local i32)
        (loop $again
            (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;
    std::fs::write(module, sum).unwrap();
    let stops = ["--fuel", "1000", "--snapshot-on", "fuel", "--snapshot", snap];
    dunlin(&[&["run"], &stops[..], &["--invoke", "sum", module, "1000"]].concat()).code(125);
    let ended = dunlin(&["run", "--resume", snap, "--fuel", "1000000", module]).code(0);
    assert_eq!(ended.out, "500500\n");
    // Options may come before, between and after.
    for line in [
        ["--fuel", "1000000", snap, module],
        [snap, "--fuel", "1000000", module],
        [snap, module, "--fuel", "1000000"],
    ] {
        assert_eq!(dunlin(&[&["resume"], &line[..]].concat()).code(0).out, "500500\n");
    }
    dunlin(&["resume", "--fuel", "5", snap, module]).code(125);
    dunlin(&["resume", snap, module, module]).code(2).one_sentence().says("one module too many");
    dunlin(&["resume", snap])
        .code(2)
        .one_sentence()
        .says("a snapshot and the module that it is of are missing");
    dunlin(&["resume", "--invoke", "sum", snap, module]).code(2).one_sentence().says("this one has begun");
    dunlin(&["run", "--gdb", "127.0.0.1:0", "--resume", snap, module]).code(2).one_sentence().says("--gdb");
    let help = dunlin(&["resume", "--help"]).code(0).out;
    assert!(help.contains("Options are those of dunlin run") && !help.contains("--timeout TIME"), "{help}");
}

/// A program that waits goes on to wait for the rest, however often there is a snapshot meanwhile.
#[test]
fn a_program_that_sleeps_sleeps_once() {
    let folder = folder("a_program_that_sleeps_sleeps_once");
    let (module, snap) = (folder.join("sleep.wat"), folder.join("app.snap"));
    // 400 ms of the monotonic clock. It prints a dot before.
    let sleep = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "\01") (data (i32.const 24) "\00\84\d7\17")
        (data (i32.const 200) "\d0\00\00\00\01\00\00\00.")
        (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 200) (i32.const 1) (i32.const 240)))
            (if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then unreachable))
            (if (i32.ne (i32.load (i32.const 128)) (i32.const 1)) (then unreachable))))"#;
    std::fs::write(&module, sleep).unwrap();
    let (module, snap) = (module.to_str().unwrap(), snap.to_str().unwrap());
    let options = ["--every", "20ms", "--snapshot", snap, module];
    assert_eq!(dunlin(&[&["run"], &options[..]].concat()).code(0).out, ".");
    // The last snapshot is of the wait.
    let looked = dunlin(&["inspect", snap]).code(0).out;
    assert!(looked.contains("poll_oneoff"), "{looked}");
    assert_eq!(dunlin(&[&["resume", snap], &options[..]].concat()).code(0).out, "");
}

#[test]
fn files_that_end_in_zst_are_compressed() {
    let (folder, module, whole) = program("files_that_end_in_zst_are_compressed", 20_000);
    let (dir, snap) = (format!("{}::/", folder.join("data").display()), folder.join("app.snap.zst"));
    let file = snap.to_str().unwrap();
    let stops =
        ["run", "--dir", &dir, "--fuel", "20000000", "--snapshot", file, "--snapshot-on", "fuel", &module];
    if cfg!(not(feature = "zstd")) {
        dunlin(&stops).code(2).one_sentence().says("the feature 'zstd'");
        std::fs::write(&snap, b"\x28\xb5\x2f\xfd").unwrap();
        dunlin(&["resume", file, &module]).code(1).one_sentence().says("unzstd");
        return;
    }
    let begun = dunlin(&stops).code(125).out;
    let bytes = std::fs::read(&snap).unwrap();
    assert!(bytes.starts_with(b"\x28\xb5\x2f\xfd"));
    assert!(dunlin(&["inspect", file]).code(0).out.contains("it ran out of fuel"));
    let rest = dunlin(&["resume", "--dir", &dir, "--fuel", "1000000000", file, &module]).code(0).out;
    assert_eq!((begun + &rest, logged(&folder)), (whole.clone(), whole));
    // A piece of one, and frames that would become large, or say that they would.
    let endless: Vec<u8> =
        [b"\x28\xb5\x2f\xfd\x00\x58".to_vec(), b"\x02\x00\x10\x00".repeat(10_000)].concat();
    let huge = b"\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00";
    for bytes in [&bytes[..bytes.len() / 2], &bytes[..7], &endless, huge] {
        std::fs::write(&snap, bytes).unwrap();
        dunlin(&["resume", "--dir", &dir, "--memory-budget", "8MiB", file, &module])
            .code(1)
            .one_sentence()
            .says(file);
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    dunlin(&["run", "--every", "1s", "x.wasm"]).code(2).one_sentence().says("need --snapshot FILE");
    dunlin(&["run", "--snapshot", "x", "x.wasm"]).code(2).one_sentence().says("needs --snapshot-on");
    dunlin(&["run", "--snapshot-on", "never", "x.wasm"])
        .code(2)
        .one_sentence()
        .says("SIGUSR1, timeout or fuel");
    let (folder, module, _) = program("options_of_snapshots", 20_000);
    let nothing = folder.join("nothing.snap");
    std::fs::write(&nothing, "this is no snapshot").unwrap();
    let ended = dunlin(&["run", "--resume", nothing.to_str().unwrap(), &module]).code(1);
    ended.one_sentence().says("these bytes are no snapshot");
}
