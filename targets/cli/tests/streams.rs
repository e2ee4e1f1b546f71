//! Streams of ours that nobody reads, that don't block, or that are full.
#![cfg(all(feature = "text", target_os = "linux"))]

mod common;

use common::{command, dunlin, example, folder, json, send, wait};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

fn set_nonblocking(of: impl AsFd, on: bool) {
    let mut flags = fcntl_getfl(&of).unwrap();
    flags.set(OFlags::NONBLOCK, on);
    fcntl_setfl(of, flags).unwrap();
}

/// A pipe that holds as much as it can.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    set_nonblocking(&writer, true);
    while writer.write(&[b'x'; 4096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    set_nonblocking(&writer, false);
    (reader, writer)
}

/// What a child ends with; `None` if it doesn't.
#[track_caller]
fn within(seconds: u64, mut child: Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("it hasn't ended after {seconds} s");
}

/// With default effects of signals, which whoever runs the tests in the background doesn't have.
fn interruptible(args: &[&str]) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", "--default-signal=TERM", env!("CARGO_BIN_EXE_dunlin")]).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_message_that_nobody_reads_ends_no_later() {
    let trap = &example("wasm/trap.wasm");
    let runs = [
        (&["run", "--timeout", "300ms", trap, "loop"][..], 124),
        (&["run", "--timeout", "60s", trap, "divide"], 134),
        (&["run", trap, "divide"], 134),
        (&["run", "no such file"], 1),
        (&["inspect", "no such file"], 1),
        (&["no such command"], 2),
        // The first of many messages is waited for, and no other.
        (&["validate", "1", "2", "3", "4", "5", "6", "7", "8", "9"], 1),
    ];
    let started = runs.map(|(args, code)| {
        let (reader, writer) = full_pipe();
        (command(args).stderr(writer).spawn().unwrap(), reader, args, code)
    });
    for (child, _reader, args, code) in started {
        assert_eq!(within(60, child).code(), Some(code), "{args:?}");
    }
}

#[test]
fn output_that_nobody_reads_keeps_no_deadline() {
    let add = &example("add.wat");
    let (_reader, writer) = full_pipe();
    let mut limited = command(&["run", "--timeout", "300ms", "--invoke", "add", add, "2", "3"]);
    assert_eq!(within(60, limited.stdout(writer).spawn().unwrap()).code(), Some(124));
    for (args, code) in
        [(&["run", "--invoke", "add", add, "2", "3"][..], Some(130)), (&["inspect", add], None)]
    {
        let (_reader, writer) = full_pipe();
        let child = interruptible(args).stdout(writer).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(1));
        send(&child, "INT");
        assert_eq!(within(60, child).code(), code, "{args:?}");
    }
}

#[test]
fn a_program_that_has_not_come_has_no_profile() {
    let profile = folder("a_program_that_has_not_come").join("p.folded");
    std::fs::write(&profile, "old").unwrap();
    let path = profile.to_str().unwrap();
    let mut child = command(&["run", "--timeout", "300ms", "--profile", path, "-"]);
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    let pipe = child.stdin.take().unwrap();
    let ended = wait(child).code(124);
    drop(pipe);
    assert_eq!(ended.err, "dunlin: timed out after 300ms, before the module was loaded\n");
    assert_eq!(std::fs::read_to_string(&profile).unwrap(), "");
}

/// What an earlier run left is no result of one that is killed.
#[test]
fn a_killed_process_leaves_no_old_report() {
    let folder = folder("a_killed_process_leaves");
    let (report, profile) = (folder.join("r.json"), folder.join("p.folded"));
    let (report_path, profile_path) = (report.to_str().unwrap(), profile.to_str().unwrap());
    for path in [&report, &profile] {
        std::fs::write(path, "an earlier one").unwrap();
    }
    let args =
        ["run", "--report", report_path, "--profile", profile_path, &example("wasm/trap.wasm"), "loop"];
    let mut child = command(&args).spawn().unwrap();
    // The program is running.
    let mut told = [0; 14];
    child.stdout.take().unwrap().read_exact(&mut told).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    for path in [&report, &profile] {
        assert_eq!(std::fs::read(path).unwrap(), b"", "{}", path.display());
    }
}

/// A terminal, from both sides.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, rustix::fs::Mode::empty()).unwrap();
    (master.into(), slave.into())
}

/// What somebody types to stop a terminal, and to have it go on.
const XOFF: &[u8] = b"\x13";
const XON: &[u8] = b"\x11";

#[test]
fn a_terminal_may_be_stopped() {
    let trap = &example("wasm/trap.wasm");
    let (mut master, slave) = terminal();
    master.write_all(XOFF).unwrap();
    let mut limited = command(&["run", "--timeout", "60s", trap, "divide"]);
    let child = limited.stderr(slave.try_clone().unwrap()).spawn().unwrap();
    drop(limited);
    assert_eq!(within(30, child).code(), Some(134));
    let child = interruptible(&["run", trap, "divide"]).stderr(slave.try_clone().unwrap()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    send(&child, "TERM");
    assert_eq!(within(30, child).signal(), Some(15));
    // Nothing of it got there, but all of the next one does when the terminal goes on.
    let child = command(&["run", trap, "divide"]).env("NO_COLOR", "1").stderr(slave).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    master.write_all(XON).unwrap();
    let mut text = Vec::new();
    // Reading fails where nobody has the other side open.
    let _ = master.read_to_end(&mut text);
    assert_eq!(within(30, child).code(), Some(134));
    let expected = dunlin(&["run", trap, "divide"]).err.replace('\n', "\r\n");
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn whoever_reads_late_gets_the_whole_message() {
    let (mut reader, writer) = full_pipe();
    let child = command(&["run", &example("wasm/trap.wasm"), "divide"]).stderr(writer).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(within(60, child).code(), Some(134));
    let message = text.trim_start_matches('x');
    assert!(message.starts_with("dunlin: the program trapped") && message.contains("backtrace"), "{message}");
}

#[test]
fn signals_end_a_process_that_waits_to_tell() {
    let trap = &example("wasm/trap.wasm");
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let mut child = interruptible(&["run", trap, "divide"]);
        let (_reader, writer) = full_pipe();
        let mut child = child.stderr(writer).spawn().unwrap();
        // It has said everything but the end.
        let mut told = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut told).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let sent = Instant::now();
        send(&child, name);
        assert_eq!(within(60, child).signal(), Some(number));
        // Before the message is given up.
        assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
    }
}

#[test]
fn output_that_does_not_block_is_whole() {
    let module = example("wasm/nqueens.wasm");
    let imports = example("wasm/serve.wasm");
    for args in
        [&["inspect", "--json", &imports][..], &["run", "--help"], &["run", "--report", "-", &module, "4"]]
    {
        let expected = dunlin(args).code(0).out;
        let (mut reader, writer) = full_pipe();
        set_nonblocking(&writer, true);
        let child = command(args).stdout(writer).spawn().unwrap();
        // Late and slowly.
        std::thread::sleep(Duration::from_millis(300));
        let (mut text, mut chunk) = (Vec::new(), [0; 1000]);
        loop {
            match reader.read(&mut chunk).unwrap() {
                0 => break,
                count => text.extend_from_slice(&chunk[..count]),
            }
        }
        assert_eq!(wait(child).code(0).err, "");
        let text = String::from_utf8(text).unwrap();
        let text = text.trim_start_matches('x');
        if args[0] == "run" && args[1] == "--report" {
            let (solutions, report) = text.split_once('\n').unwrap();
            assert!(expected.starts_with(solutions));
            assert_eq!(json(report)["outcome"], "exit");
        } else {
            assert!(text == expected, "{} of {} bytes", text.len(), expected.len());
        }
    }
}

#[test]
fn input_that_does_not_block_is_waited_for() {
    let bytes = std::fs::read(example("wasm/hello.wasm")).unwrap();
    for args in [
        &["run", "-", "Ada"][..],
        &["validate", "-"],
        &["inspect", "-"],
        &["inspect", "--budget", "-"],
        #[cfg(feature = "jit")]
        &["compile", "-o", "-", "-"],
    ] {
        let expected = common::dunlin_with(args, &bytes).code(0);
        let (reader, mut writer) = std::io::pipe().unwrap();
        set_nonblocking(&reader, true);
        let child = command(args).stdin(reader).spawn().unwrap();
        for piece in bytes.chunks(5000) {
            std::thread::sleep(Duration::from_millis(30));
            writer.write_all(piece).unwrap();
        }
        drop(writer);
        let ended = wait(child).code(0);
        assert!(ended.out == expected.out && ended.err == expected.err, "{args:?}: {ended:#?}");
    }
}

#[test]
fn input_that_cannot_be_read_is_told() {
    for args in [&["run", "-"][..], &["validate", "-"], &["inspect", "-"]] {
        let child = command(args).stdin(File::open(folder("input_that_cannot")).unwrap()).spawn().unwrap();
        let ended = wait(child).code(1).one_sentence().prints("");
        assert_eq!(ended.err, "dunlin: standard input: Is a directory\n");
    }
}

/// Somebody who types a module ends it, and goes on typing: that isn't for the program.
#[test]
fn what_is_typed_behind_a_module_is_not_the_programs() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 64))
            (i32.store (i32.const 4) (i32.const 64))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (call $exit (i32.load (i32.const 8)))))"#;
    let (mut master, slave) = terminal();
    // The end of the input, as it is typed.
    write!(master, "{module}\n\x04more\n").unwrap();
    let child = command(&["run", "-"]).stdin(slave).spawn().unwrap();
    assert_eq!(within(60, child).code(), Some(0));
}

#[test]
fn an_endless_input_is_looked_at_first() {
    let folder = folder("an_endless_input");
    let output = folder.join("x.dun");
    let output = output.to_str().unwrap();
    for args in [
        &["run", "/dev/zero"][..],
        &["validate", "/dev/zero"],
        &["inspect", "/dev/zero"],
        #[cfg(feature = "jit")]
        &["compile", "-o", output, "/dev/zero"],
    ] {
        let ended = wait(command(args).spawn().unwrap()).code(1).one_sentence();
        ended.says("/dev/zero: ").says("this is not a WebAssembly binary").prints("");
    }
    // Nothing is left where the result would have been.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{output}");
}

#[test]
fn messages_that_do_not_block_are_whole() {
    let trap = &example("wasm/trap.wasm");
    let expected = dunlin(&["run", trap, "stack"]).code(134).err;
    let (mut reader, writer) = full_pipe();
    set_nonblocking(&writer, true);
    let child = command(&["run", trap, "stack"]).stderr(writer).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    wait(child).code(134);
    assert_eq!(text.trim_start_matches('x'), expected);
}

#[test]
fn a_fifo_without_a_reader_waits_no_longer_than_the_program_may_run() {
    let fifo = folder("a_fifo_without_a_reader").join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let fifo = fifo.to_str().unwrap();
    let hello = &example("wasm/hello.wasm");
    for option in ["--report", "--profile"] {
        let child = command(&["run", "--timeout", "300ms", option, fifo, hello]).spawn().unwrap();
        assert_eq!(within(30, child).code(), Some(124), "{option}");
        let child = interruptible(&["run", option, fifo, hello]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        send(&child, "INT");
        assert_eq!(within(30, child).code(), Some(130), "{option}");
        // Somebody who comes late gets it.
        let child = command(&["run", "--timeout", "60s", option, fifo, hello]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let text = std::fs::read_to_string(fifo).unwrap();
        assert_eq!(within(30, child).code(), Some(0));
        assert!(!text.is_empty(), "{option}");
        // Somebody who never reads doesn't keep it; and somebody who goes away is told of.
        let mut reader = File::options().read(true).write(true).open(fifo).unwrap();
        set_nonblocking(&reader, true);
        while reader.write(&[0; 4096]).is_ok() {}
        let child = command(&["run", "--timeout", "20s", option, fifo, hello]).spawn().unwrap();
        let ended = wait(child).code(1).one_sentence().says(option).says("nobody reads it");
        assert!(ended.time < Duration::from_secs(15), "{ended:#?}");
        drop(reader);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let (hello, trap) = (&example("wasm/hello.wasm"), &example("wasm/trap.wasm"));
    for option in ["--report", "--profile"] {
        let full = |args: &[&str]| dunlin(&[&["run", option, "/dev/full"], args].concat());
        full(&[hello])
            .code(1)
            .one_sentence()
            .says("/dev/full: No space left on device")
            .prints("Hello, world!\n");
        // The program's own code says more.
        full(&[trap, "exit", "7"]).code(7).one_sentence().says("No space left");
        full(&[trap, "divide"]).code(134).says("divide by zero").says("No space left");
    }
    // A report tells how it ended, with a profile that can't be written.
    let report = folder("a_report_that_cannot").join("r.json");
    let path = report.to_str().unwrap();
    dunlin(&["run", "--profile", "/dev/full", "--report", path, hello]).code(1);
    assert_eq!(json(&std::fs::read_to_string(report).unwrap())["exit_code"], 1);
}

#[test]
fn standard_output_is_called_dash() {
    let hello = &example("wasm/hello.wasm");
    let text = dunlin(&["run", "--report", "-", hello]).code(0).out;
    let (greeting, report) = text.split_once('\n').unwrap();
    assert_eq!((greeting, &json(report)["exit_code"]), ("Hello, world!", &0.into()));
    let text = dunlin(&["run", "--profile", "-", hello]).code(0).out;
    assert!(text.starts_with("Hello, world!\n") && text.lines().count() > 1, "{text}");
    // It isn't overwritten by another way in.
    let path = folder("standard_output_is_called").join("out");
    let out = File::create(&path).unwrap();
    let child = command(&["run", "--report", "/dev/stdout", hello]).stdout(out).spawn().unwrap();
    wait(child).code(0);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("Hello, world!\n{\n"));
    // A terminal, a pipe and a file that can't be synchronized.
    dunlin(&["run", "--report", "/dev/null", hello]).code(0);
}
