//! What a program may use, and how it gets along with pipes, connections and signals.
#![cfg(feature = "text")]

mod common;

use common::{command, dunlin, dunlin_with, example, folder, json, wait};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Accepts a connection at descriptor 3 and sends back what it receives until there is no more.
const ECHO: &str = r#"(module
    (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func $must (param i32) (if (local.get 0) (then unreachable)))
    (func (export "_start")
        (local $fd i32)
        (call $must (call $accept (i32.const 3) (i32.const 0) (i32.const 0)))
        (local.set $fd (i32.load (i32.const 0)))
        (i32.store (i32.const 8) (i32.const 1024))
        (loop $again
            (i32.store (i32.const 12) (i32.const 4096))
            (call $must (call $recv (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 12) (i32.const 16)))
            (if (i32.load (i32.const 12)) (then
                (call $must (call $send (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 20)))
                (br $again))))
        (call $must (call $shutdown (local.get $fd) (i32.const 2)))))"#;

fn written(test: &str, text: &str) -> String {
    let path = folder(test).join("module.wat");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_server() {
    let module = written("a_server", ECHO);
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let of_wasmtime = format!("-Stcplisten={address}");
    for options in [vec!["--tcplisten", &address], vec![&of_wasmtime]] {
        let child = command(&["run"]).args(options).arg(&module).spawn().unwrap();
        let mut connection = (0..600)
            .find_map(|_| {
                std::thread::sleep(Duration::from_millis(50));
                TcpStream::connect(&address).ok()
            })
            .unwrap();
        let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        let mut back = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (&connection).write_all(&sent).unwrap();
                connection.shutdown(Shutdown::Write).unwrap();
            });
            (&connection).read_to_end(&mut back).unwrap();
        });
        assert!(back == sent);
        connection.write_all(b"too late").unwrap_or_default();
        wait(child).code(0).prints("");
    }
    let taken = TcpListener::bind(&address).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    dunlin(&["run", "--tcplisten", &address, &module]).code(1).one_sentence().says("in use");
    dunlin(&["run", "--tcplisten", "nowhere", &module]).code(1).one_sentence().says("--tcplisten nowhere");
    // Waiting for a connection ends like other waiting.
    drop(taken);
    let ended = dunlin(&["run", "--timeout", "300ms", "--tcplisten", "127.0.0.1:0", &module]).code(124);
    assert!(ended.time < Duration::from_secs(10), "{ended:#?}");
    dunlin(&["run", &module]).code(134);
}

#[test]
fn a_server_in_rust() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    // Where there are folders, it isn't descriptor 3.
    let folder = folder("a_server_in_rust");
    let serve = &example("wasm/serve.wasm");
    dunlin(&["run", "--tcplisten", "127.0.0.1:0", "--dir", folder.to_str().unwrap(), serve]).code(1);
    let child = command(&["run", "--tcplisten", &address, serve]).spawn().unwrap();
    let ask = |path: &str| {
        let mut connection = (0..600)
            .find_map(|_| {
                std::thread::sleep(Duration::from_millis(20));
                TcpStream::connect(&address).ok()
            })
            .unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = ask("/");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("Hello from a sandbox!\n"), "{answer}");
    assert!(ask("/nothing").starts_with("HTTP/1.1 404"));
    assert!(ask("/quit").ends_with("Bye!\n"));
    wait(child).code(0).prints("/\n/nothing\n");
}

#[test]
fn modules_are_refused_for_what_they_import() {
    let (hello, cp) = (&example("wasm/hello.wasm"), &example("wasm/cp.wasm"));
    dunlin(&["run", "--deny", "files,sockets", hello]).code(0);
    dunlin(&["run", "--allow", "io,arguments,exit", hello]).code(0);
    let said = dunlin(&["run", "--deny", "files", cp]).code(1).one_sentence();
    assert!(said.err.contains("cp.wasm: it imports ") && said.err.contains("--deny"), "{said:#?}");
    dunlin(&["run", "--deny", "open", cp]).code(1).one_sentence().says("path_open").says("opens files");
    dunlin(&["run", "--allow", "io", hello]).code(1).one_sentence().says("without --allow");
    // What is denied is denied, even if it is allowed.
    dunlin(&["run", "--allow", "io,arguments,exit", "--deny", "io", hello]).code(1).says("--deny io");
    dunlin(&["run", "--deny", "everything", hello]).code(2).one_sentence().says("not 'everything'");
    // What isn't WASI's is none of their business.
    dunlin(&["run", "--deny", "io", "--invoke", "add", &example("add.wat"), "2", "3"]).code(0).prints("5\n");
}

#[test]
fn what_imports_do_is_said_in_plain_words() {
    let text = dunlin(&["inspect", &example("wasm/cp.wasm")]).code(0).out;
    for words in ["opens files (open)", "path_open", "opens or creates a file or a directory"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let found = json(&dunlin(&["inspect", "--json", &example("wasm/smallest.wasm")]).code(0).out);
    assert_eq!(found["imports"][0]["capability"], "io");
    assert_eq!(found["imports"][0]["does"], "writes standard output, files and connections");
}

#[test]
fn modules_for_the_older_snapshot() {
    let text = std::fs::read_to_string(example("smallest.wat")).unwrap();
    assert!(text.contains("wasi_snapshot_preview1"));
    let old = text.replace("wasi_snapshot_preview1", "wasi_unstable");
    dunlin_with(&["run", "-"], old.as_bytes()).code(0).prints("hi!\n");
    let found = json(&dunlin_with(&["inspect", "--json", "-"], old.as_bytes()).code(0).out);
    assert_eq!(found["imports"][0]["provided"], true);
    let missing = r#"(module (import "wasi_unstable" "sock_accept" (func)))"#;
    let found = json(&dunlin_with(&["inspect", "--json", "-"], missing.as_bytes()).code(0).out);
    assert_eq!(found["imports"][0]["provided"], false);
}

/// Prints lines for ever, and ignores that it can't; then it ends with 7.
const YES: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "y\n")
    (func (export "_start")
        (i32.store (i32.const 0) (i32.const 16))
        (i32.store (i32.const 4) (i32.const 2))
        (loop $again
            (br_if $again (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
        (call $exit (i32.const 7))))"#;

#[test]
fn pipes_end_cleanly() {
    let module = written("pipes_end_cleanly", YES);
    let mut child = command(&["run", &module]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    drop(out);
    assert_eq!(line, "y\n");
    let ended = wait(child).code(141);
    assert_eq!(ended.err, "");
    // A pipe on both sides, with more than fits into either.
    let json = example("wasm/json.wasm");
    let mut child = command(&["run", &json, "-c"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let thread = std::thread::spawn(move || {
        let text = format!("[{}0]", "1, ".repeat(200_000));
        pipe.write_all(text.as_bytes()).unwrap();
    });
    let ended = wait(child).code(0);
    thread.join().unwrap();
    assert_eq!(ended.out.len(), 400_004);
}

fn signal(child: &Child, name: &str) {
    let status =
        std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Tells that it is about to begin, and then does this.
fn after_telling(then: &str) -> String {
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\0a")
        (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            {then}))"#
    )
}

#[test]
fn signals_end_a_program() {
    let sleep = "(i64.store (i32.const 88) (i64.const 0x7fffffffffffffff))
        (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8)))";
    let read = "(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))";
    let endless = "(loop (br 0))";
    for (then, name, code) in
        [(endless, "INT", 130), (sleep, "INT", 130), (read, "INT", 130), (endless, "TERM", 143)]
    {
        let folder = folder("signals_end_a_program");
        let report = folder.join("report.json");
        ends_by_signal(&["--timeout", "60s", "--report", report.to_str().unwrap()], then, name, code);
        let report = json(&std::fs::read_to_string(report).unwrap());
        assert_eq!((&report["outcome"], &report["exit_code"]), (&"signal".into(), &code.into()));
        // Without a report there is no thread to obey signals.
        ends_by_signal(&["--timeout", "60s"], then, name, code);
        ends_by_signal(&[], then, name, code);
    }
}

fn ends_by_signal(options: &[&str], then: &str, name: &str, code: i32) {
    let module = written("ends_by_signal", &after_telling(then));
    // Whoever runs the tests in the background has interruptions ignored, which is inherited. If they were lost, the
    // timeout would tell.
    let mut child = std::process::Command::new("env")
        .args(["--default-signal=INT", "--default-signal=TERM", env!("CARGO_BIN_EXE_dunlin"), "run"])
        .args(options)
        .arg(module)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = [0];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut told).unwrap();
    let open = child.stdin.take();
    signal(&child, name);
    let ended = wait(child).code(code);
    drop((open, out));
    assert!(ended.err.is_empty() && ended.time < Duration::from_secs(20), "{options:?} {then}: {ended:#?}");
}

#[test]
fn signals_that_are_ignored_stay_so() {
    let module = written("signals_that_are_ignored_stay_so", &after_telling(""));
    let script = format!("trap '' INT; exec {} run - ", env!("CARGO_BIN_EXE_dunlin"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "INT");
    child.stdin.take().unwrap().write_all(&std::fs::read(module).unwrap()).unwrap();
    wait(child).code(0).prints("\n");
}
