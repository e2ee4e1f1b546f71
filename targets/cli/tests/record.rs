//! `dunlin run --record` and `dunlin replay`.
#![cfg(all(feature = "record", feature = "text"))]

mod common;

use common::{Ended, command, dunlin, dunlin_with, example, folder};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Reads a file and standard input to their ends in pieces, asks for random bytes and for the time after each piece, mixes all of it, and
/// writes a line for each piece to standard output and to another file; and one to standard error at its end.
const MIXES: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "\40\00\00\00\11\00\00\00")                             ;; the line
    (data (i32.const 8) "\00\04\00\00\64\00\00\00\00\08\00\00\c8\00\00\00")     ;; two buffers, of 100 and 200 bytes
    (data (i32.const 32) "inout")
    (data (i32.const 80) "\0a")
    (global $hash (mut i64) (i64.const 0))
    (func $mix (param i64)
        (global.set $hash (i64.add (local.get 0)
            (i64.rotl (i64.mul (global.get $hash) (i64.const 0x9e3779b97f4a7c15)) (i64.const 29)))))
    (func $line (param $fd i32) (local $i i32) (local $digit i32)
        (loop $again
            (local.set $digit (i32.and (i32.wrap_i64 (i64.shr_u (global.get $hash)
                (i64.extend_i32_u (i32.mul (local.get $i) (i32.const 4))))) (i32.const 15)))
            (i32.store8 (i32.add (i32.const 64) (local.get $i)) (i32.add (i32.const 97) (local.get $digit)))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
        (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 24)) (then unreachable)))
    (func $all (param $fd i32) (param $out i32) (local $n i32) (local $at i32)
        (loop $more
            (if (call $read (local.get $fd) (i32.const 8) (i32.const 2) (i32.const 24)) (then unreachable))
            (local.set $n (i32.load (i32.const 24)))
            (local.set $at (i32.const 1024))
            (loop $bytes
                (call $mix (i64.load (local.get $at)))
                (br_if $bytes (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 5))) (i32.const 2300))))
            (if (call $random (i32.const 4000) (i32.const 24)) (then unreachable))
            (call $mix (i64.load (i32.const 4016)))
            (if (call $clock (i32.const 0) (i64.const 1) (i32.const 4032)) (then unreachable))
            (if (call $clock (i32.const 1) (i64.const 1) (i32.const 4040)) (then unreachable))
            (call $mix (i64.load (i32.const 4032)))
            (call $mix (i64.load (i32.const 4040)))
            (call $line (i32.const 1))
            (call $line (local.get $out))
            (br_if $more (local.get $n))))
    (func (export "_start") (local $in i32) (local $out i32)
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 2) (i32.const 0)
            (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 48)) (then unreachable))
        (local.set $in (i32.load (i32.const 48)))
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 34) (i32.const 3) (i32.const 1)
            (i64.const 0x40) (i64.const 0) (i32.const 0) (i32.const 48)) (then unreachable))
        (local.set $out (i32.load (i32.const 48)))
        (call $all (local.get $in) (local.get $out))
        (call $all (i32.const 0) (local.get $out))
        (call $line (i32.const 2))
        (call $exit (i32.and (i32.wrap_i64 (global.get $hash)) (i32.const 63)))))"#;

struct Program {
    folder: PathBuf,
    module: String,
    record: String,
    dir: String,
}

fn program(name: &str, text: &str) -> Program {
    let folder = folder(name);
    let (module, data) = (folder.join("app.wat"), folder.join("data"));
    std::fs::write(&module, text).unwrap();
    std::fs::create_dir_all(&data).unwrap();
    let record = folder.join("app.rec").to_str().unwrap().to_owned();
    let (module, dir) = (module.to_str().unwrap().to_owned(), format!("{}::/", data.display()));
    Program { folder, module, record, dir }
}

impl Program {
    /// Records a run.
    fn record(&self, options: &[&str], stdin: &[u8]) -> Ended {
        let all = [&["run", "--record", &*self.record, "--dir", &*self.dir], options, &[&*self.module]];
        dunlin_with(&all.concat(), stdin)
    }

    fn replay(&self, options: &[&str]) -> Ended {
        dunlin(&[&["replay"], options, &[&*self.record, &*self.module]].concat())
    }
}

fn bytes(count: usize, seed: usize) -> Vec<u8> {
    (0..count).map(|at| ((at * 31 + seed * 17) ^ (at >> 3)) as u8).collect()
}

/// Files change while they are read, and are gone when the run is replayed; what it wrote stays as it is.
#[test]
fn a_hundred_runs_replay_exactly() {
    let program = program("records_replay_exactly", MIXES);
    let data = program.folder.join("data");
    let input = data.join("in");
    let mut seen = std::collections::HashSet::new();
    for run in 0..100 {
        std::fs::write(&input, bytes(3000 + run * 50, run)).unwrap();
        let over = AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            // It changes under the program.
            scope.spawn(|| {
                for n in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let mut file = std::fs::OpenOptions::new().write(true).open(&input).unwrap();
                    file.write_all(&bytes(3000 + n % 3000, n)).unwrap();
                }
            });
            let options =
                [&["--jit", "off"][..], &["--jit", "eager"], &["--jit", "sync", "--jit-threshold", "0"], &[]]
                    [run % 4];
            let ended = program.record(options, &bytes(run * 20, run + 1));
            over.store(true, Ordering::Relaxed);
            ended
        });
        std::fs::remove_file(&input).unwrap();
        let written = std::fs::read(data.join("out")).unwrap();
        std::fs::write(data.join("out"), "untouched").unwrap();
        let again = program.replay([&["--jit", "eager"][..], &["--jit", "off"]][run % 2]);
        assert_eq!((again.code, &again.out, &again.err), (ended.code, &ended.out, &ended.err), "{run}");
        assert_eq!(written, ended.out.as_bytes());
        assert_eq!(std::fs::read(data.join("out")).unwrap(), b"untouched");
        assert!(ended.out.len() > 17 * 10 && ended.err.len() == 17, "{ended:#?}");
        seen.insert(ended.out);
    }
    assert_eq!(seen.len(), 100);
}

/// Programs by real compilers.
#[test]
fn examples_are_replayed() {
    let folder = folder("examples_are_replayed");
    let record = folder.join("app.rec");
    let record = record.to_str().unwrap();
    std::fs::write(folder.join("a"), bytes(100_000, 1)).unwrap();
    let mut count = 0;
    for (name, _) in common::modules() {
        let module = example(&format!("wasm/{name}"));
        let dir = format!("{}::/", folder.display());
        let input = b"some words\nand others\n";
        let ended = dunlin_with(&["run", "--record", record, "--dir", &dir, &module, "a", "b"], input);
        if ended.err.contains("so it is no program") {
            continue;
        }
        let _ = std::fs::remove_file(folder.join("b"));
        let again = dunlin(&["replay", record, &module]);
        assert_eq!((again.code, &again.out, &again.err), (ended.code, &ended.out, &ended.err), "{name}");
        count += 1;
    }
    assert!(count > 8, "{count}");
}

#[test]
fn a_function_is_called_with_the_same_parameters() {
    let text = r#"(module (func (export "div") (param i32 f64) (result i32 f64)
        (i32.div_s (i32.const 100) (local.get 0)) (f64.div (local.get 1) (f64.const 0))))"#;
    let program = program("records_of_functions", text);
    let run = |args: &[&str]| {
        let options =
            ["run", "--record", &program.record, "--invoke", "div", "--fuel", "1000", "--max-stack", "70000"];
        dunlin(&[&options[..], &[&*program.module], args].concat())
    };
    let ended = run(&["7", "0"]).code(0);
    assert!(ended.out.starts_with("14\n"), "{ended:#?}");
    program.replay(&[]).code(0).prints(&ended.out);
    let ended = run(&["0", "1"]).code(134).says("integer divide by zero");
    assert_eq!(program.replay(&[]).code(134).err, ended.err);
}

#[test]
fn the_end_from_outside_is_where_it_was() {
    let spins = r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (func (export "_start") (drop (call $yield)) (loop $for_ever (br $for_ever))))"#;
    let spins = program("record_of_a_timeout", spins);
    let ended = spins.record(&["--timeout", "200ms"], b"").code(124).says("timed out");
    let again = spins.replay(&[]).code(124).says("interrupted");
    let frames = |ended: &Ended| ended.err.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(frames(&again), frames(&ended));
    // Fuel is the program's own end.
    let ended = spins.record(&["--fuel", "12345"], b"").code(125);
    assert_eq!(spins.replay(&["--jit", "off"]).code(125).err, ended.err);
    // It waits when it is stopped.
    let waits = r#"(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "\40\00\00\00\11\00\00\00")
        (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 24)))))"#;
    let waits = program("record_of_waiting", waits);
    let args = ["run", "--record", &*waits.record, "--timeout", "200ms", &*waits.module];
    let mut child = command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    common::wait(child).code(124);
    drop(stdin);
    waits.replay(&[]).code(124).says("interrupted");
}

/// What a killed process has left is replayed as far as it goes.
#[test]
fn a_run_that_was_killed_is_replayed_up_to_there() {
    let program = program("record_of_the_killed", MIXES);
    std::fs::write(program.folder.join("data/in"), bytes(100_000, 1)).unwrap();
    let args = ["run", "--record", &*program.record, "--dir", &*program.dir, &*program.module];
    let mut child = command(&args).stdin(Stdio::piped()).spawn().unwrap();
    // It waits for its input, which never comes.
    let mut pipe = child.stdout.take().unwrap();
    let mut printed = vec![0; 17 * 300];
    std::io::Read::read_exact(&mut pipe, &mut printed).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    let again = program.replay(&[]).code(0).says("the record breaks off at ");
    let printed = String::from_utf8(printed).unwrap();
    // At most the last 64 calls are missing.
    assert!(
        again.out.len() > 17 * 280 && printed.starts_with(&again.out[..printed.len().min(again.out.len())])
    );
}

#[test]
fn replays_stop_where_they_are_to() {
    let program = program("replays_stop", MIXES);
    std::fs::write(program.folder.join("data/in"), bytes(20_000, 1)).unwrap();
    let ended = program.record(&[], b"some input");
    let snap = program.folder.join("app.snap").to_str().unwrap().to_owned();
    let stopped = program.replay(&["--until", "30000"]).code(0).says("the replay stops at ");
    assert!(
        !stopped.out.is_empty() && ended.out.starts_with(&stopped.out) && stopped.out.len() < ended.out.len()
    );
    assert!(stopped.err.contains("!all\n"), "{}", stopped.err);
    let with = program.replay(&["--snapshot-at", "30000", "-o", &snap]).says("the snapshot is of position ");
    assert_eq!((with.code, &with.out), (ended.code, &ended.out));
    let looked = dunlin(&["inspect", &snap]).code(0).out;
    assert!(looked.contains("it ran out of fuel"), "{looked}");
    program.replay(&["--until", "99999999999"]).code(ended.code).prints(&ended.out);
}

/// Of a long run, the last part is kept: at least half of the size, and no more than it, but for snapshots.
#[test]
fn a_black_box_keeps_the_last_part() {
    let program = program("black_boxes", MIXES);
    std::fs::write(program.folder.join("data/in"), bytes(300_000, 1)).unwrap();
    for jit in ["off", "sync"] {
        let ended = program.record(&["--jit", jit, "--black-box", "128KiB"], &bytes(100_000, 3));
        let size = |path: &str| std::fs::metadata(path).unwrap().len();
        let old = format!("{}.old", program.record);
        // Each has a snapshot as well, of 128 KiB of memory at most.
        assert!(size(&program.record) < 210_000 && size(&old) > 64 << 10 && size(&old) < 210_000);
        let again = program.replay(&[]).says("the replay begins at ");
        assert!(again.out.len() > 2000 && ended.out.ends_with(&again.out), "{}", again.out.len());
        assert_eq!(again.code, ended.code);
        assert!(again.err.ends_with(&ended.err));
        // The last segment alone.
        std::fs::remove_file(&old).unwrap();
        let last = program.replay(&[]);
        assert!(last.out.len() < again.out.len() && again.out.ends_with(&last.out));
        assert_eq!(last.code, ended.code);
    }
}

#[test]
fn a_black_box_and_a_core_dump_are_what_a_trap_leaves() {
    let traps = MIXES
        .replace("(call $exit (i32.and (i32.wrap_i64 (global.get $hash)) (i32.const 63)))", "unreachable");
    let program = program("black_box_and_core", &traps);
    std::fs::write(program.folder.join("data/in"), bytes(300_000, 1)).unwrap();
    let core = program.folder.join("core").to_str().unwrap().to_owned();
    let ended = program.record(&["--black-box", "64KiB", "--coredump", &core], b"").code(134);
    assert!(std::fs::metadata(&core).unwrap().len() > 4096);
    let again = program.replay(&[]).code(134);
    assert!(again.err.ends_with(&ended.err), "{}\n{}", again.err, ended.err);
    // A new record has nothing of it.
    program.record(&[], b"");
    assert!(!Path::new(&format!("{}.old", program.record)).exists());
}

#[test]
fn what_can_not_be_replayed_is_refused() {
    let program = program("records_refused", MIXES);
    std::fs::write(program.folder.join("data/in"), bytes(1000, 1)).unwrap();
    program.record(&[], b"");
    let other = program.folder.join("other.wat").to_str().unwrap().to_owned();
    std::fs::write(&other, MIXES.replace("29", "28")).unwrap();
    let refused = dunlin(&["replay", &program.record, &other]).code(1).one_sentence();
    refused.says("it is the record of another module");
    let mut file = std::fs::read(&program.record).unwrap();
    let last = file.len() - 1;
    file[last] ^= 4;
    std::fs::write(&program.record, &file).unwrap();
    program.replay(&[]).code(1).says("the record is damaged or was forged: block");
    std::fs::write(&program.record, "something else").unwrap();
    program.replay(&[]).code(1).one_sentence().says("these bytes are no record");
    std::fs::remove_file(&program.record).unwrap();
    program.replay(&[]).code(1).one_sentence().says("No such file");
    dunlin(&["replay", "x"]).code(2).one_sentence().says("a module is missing");
    dunlin(&["replay", "--snapshot-at", "5", "x", "y"]).code(2).one_sentence().says("go together");
    dunlin(&["run", "--black-box", "1MiB", "x.wasm"]).code(2).one_sentence().says("needs --record FILE");
    dunlin(&["run", "--record", "x", "--black-box", "1KiB", "x.wasm"])
        .code(2)
        .one_sentence()
        .says("at least 64KiB");
    dunlin(&["run", "--record", "x", "--gdb", "127.0.0.1:0", "x.wasm"])
        .code(2)
        .one_sentence()
        .says("doesn't go with");
}
