//! The example programs, and a few modules made for it, run through the linker.

use dunlin::{Engine, Error, InterruptHandle, Linker, Module, Store, Trap};
use dunlin_wasi_lite::{DirPerms, FilePerms, I32Exit, ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn example(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wasm").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(module: &str) -> Vec<u8> {
    wat::parse_str(module).unwrap()
}

fn start_with(module: &[u8], ctx: WasiCtx, meanwhile: impl FnOnce(InterruptHandle)) -> Result<(), Error> {
    let engine = Engine::default();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(&engine, ctx);
    meanwhile(store.interrupt_handle());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, module)?)?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
}

fn start(module: &[u8], ctx: WasiCtx) -> Result<(), Error> {
    start_with(module, ctx, |_| ())
}

#[derive(Debug, PartialEq)]
struct Output {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(module: &str, args: &[&str], prepare: impl FnOnce(&mut WasiCtxBuilder)) -> Output {
    let (stdout, stderr) = (WritePipe::in_memory(1 << 20), WritePipe::in_memory(1 << 20));
    let mut builder = WasiCtx::builder();
    builder.arg(module).args(args).stdout(stdout.clone()).stderr(stderr.clone());
    prepare(&mut builder);
    let code = match start(&example(module), builder.build()) {
        Ok(()) => 0,
        Err(error) => match error.downcast::<I32Exit>() {
            Ok(exit) => exit.0,
            Err(error) => panic!("{error:?}"),
        },
    };
    let string = |pipe: WritePipe| String::from_utf8(pipe.contents()).unwrap();
    Output { code, stdout: string(stdout), stderr: string(stderr) }
}

fn output(code: i32, stdout: &str, stderr: &str) -> Output {
    Output { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

#[test]
fn hello() {
    assert_eq!(run("hello.wasm", &[], |_| ()), output(0, "Hello, world!\n", ""));
    assert_eq!(run("hello.wasm", &["Ada", "Grace"], |_| ()), output(0, "Hello, Ada and Grace!\n", ""));
}

#[test]
fn counting_words_of_standard_input() {
    let bytes = "one two\n".repeat(100_000);
    let result = run("wc.wasm", &[], |builder| {
        builder.stdin(ReadPipe::from(bytes));
    });
    assert_eq!(result, output(0, " 100000  200000  800000\n", ""));
}

#[test]
fn copying_files() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    fs::create_dir(&from).unwrap();
    fs::create_dir(&to).unwrap();
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(from.join("file"), &bytes).unwrap();
    let cp = |args: &[&str]| {
        run("cp.wasm", args, |builder| {
            builder
                .preopened_dir(&from, "/from", DirPerms::READ, FilePerms::READ)
                .unwrap()
                .preopened_dir(&to, "/to", DirPerms::all(), FilePerms::all())
                .unwrap();
        })
    };
    assert_eq!(cp(&["/from/file", "/to/copy"]), output(0, "100000 bytes\n", ""));
    assert_eq!(fs::read(to.join("copy")).unwrap(), bytes);
    for (args, message) in [
        (["/from/missing", "/to/x"], "No such file"),
        (["/to/copy", "/from/x"], "Operation not permitted"),
        (["/to/../from/file", "/to/x"], "Operation not permitted"),
        (["/etc/passwd", "/to/x"], "No such file"),
        (["/from", "/to/x"], "is a directory"),
    ] {
        let output = cp(&args);
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{args:?}");
        assert!(output.stderr.contains(message), "{args:?}: {}", output.stderr);
    }
    assert_eq!(cp(&[]).code, 2);
    assert_eq!(fs::read_dir(&from).unwrap().count() + fs::read_dir(&to).unwrap().count(), 2);
}

#[test]
fn formatting_json() {
    let json = |input: &str| {
        run("json.wasm", &["-c"], |builder| {
            builder.stdin(ReadPipe::from(input));
        })
    };
    assert_eq!(json(r#"{"a": [1, 2.50, "x"]}"#), output(0, "{\"a\":[1,2.50,\"x\"]}\n", ""));
    let broken = json("{\"a\": [1,\n?]}");
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("2:1"), "{}", broken.stderr);
}

#[test]
fn working_in_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let result = run("dir.wasm", &["/"], |builder| {
        builder.preopened_dir(dir.path(), "/", DirPerms::all(), FilePerms::all()).unwrap();
    });
    assert_eq!((result.code, result.stderr.as_str()), (0, ""));
    for line in [
        "empty: []",
        "creating it anew fails: File exists (os error 20)",
        r#"from offset 11: "second line\nthird line\n", now at 34"#,
        "removing a full folder fails: Directory not empty (os error 55)",
        "copy has 40 bytes",
        "subfolder has 101 entries",
        "all removed: []",
        "done",
    ] {
        assert!(result.stdout.lines().any(|other| other == line), "{line}\nin\n{}", result.stdout);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn any_code_may_be_exited_with() {
    for code in ["0", "7", "126", "255"] {
        assert_eq!(run("trap.wasm", &["exit", code], |_| ()).code.to_string(), code);
    }
}

/// Runs something that waits for ever, and interrupts it.
fn interrupted(module: &[u8], ctx: WasiCtx) {
    let begin = Instant::now();
    let error = start_with(module, ctx, |handle| {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            handle.interrupt();
        });
    })
    .unwrap_err();
    assert_eq!(error.trap(), Some(Trap::Interrupt), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn an_interruption_ends_sleeping() {
    let module = text(
        r#"(module
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                ;; The monotonic clock, for some centuries.
                (i32.store (i32.const 16) (i32.const 1))
                (i64.store (i32.const 24) (i64.const -1))
                (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#,
    );
    interrupted(&module, WasiCtx::builder().build());
}

#[test]
fn an_interruption_ends_waiting_for_input() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    // Both ends, so that it stays open while nobody writes.
    let mut open = fs::File::options().read(true).write(true).open(&fifo).unwrap();
    open.write_all(b"some words, ").unwrap();
    let mut builder = WasiCtx::builder();
    builder.args(&["wc", "/fifo"]).preopened_dir(dir.path(), "/", DirPerms::READ, FilePerms::READ).unwrap();
    interrupted(&example("wc.wasm"), builder.build());
}

#[test]
fn an_interruption_ends_getting_random_bytes() {
    let module = text(
        r#"(module
            (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
            (memory (export "memory") 129)
            (func (export "_start") (drop (call $random (i32.const 0) (i32.const 0x800000)))))"#,
    );
    // The handle is there before the guest begins.
    let (gives, gets) = std::sync::mpsc::channel::<InterruptHandle>();
    let (counts, count) = std::sync::mpsc::channel();
    let gets = std::sync::Mutex::new(gets);
    let ctx = WasiCtx::builder()
        .secure_random(move |bytes| {
            if let Ok(handle) = gets.lock().unwrap().try_recv() {
                handle.interrupt();
            }
            counts.send(bytes.len()).unwrap();
        })
        .build();
    let error = start_with(&module, ctx, |handle| gives.send(handle).unwrap()).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::Interrupt), "{error:?}");
    assert_eq!(count.iter().collect::<Vec<_>>(), [1 << 20], "of 8 MiB");
}

#[test]
fn an_interruption_ends_sending() {
    // Accepts a connection, and sends to it for ever.
    let module = text(
        r#"(module
            (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                (drop (call $accept (i32.const 3) (i32.const 0) (i32.const 0)))
                (i32.store (i32.const 12) (i32.const 60000))
                (loop $again
                    (br_if $again (i32.eqz (call $send (i32.load (i32.const 0)) (i32.const 8) (i32.const 1)
                        (i32.const 0) (i32.const 16)))))))"#,
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // It never reads.
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    interrupted(&module, WasiCtx::builder().preopened_socket(listener).unwrap().build());
}

const CHILD: &str = "DUNLIN_WASI_TEST_CHILD";

/// Runs this test program again as a process with streams of its own, which does what [`child`] does for `mode`.
fn spawn(mode: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "programs::inherited_streams", "--nocapture"])
        .env(CHILD, mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn child(mode: &str) -> i32 {
    let ctx = WasiCtx::builder().inherit_stdio().arg("program").build();
    let result = match mode {
        "count" => start(&example("wc.wasm"), ctx),
        "wait" => start_with(&example("wc.wasm"), ctx, |handle| {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                handle.interrupt();
            });
        }),
        "flood" => {
            let module = text(
                r#"(module
                    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
                    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                    (memory (export "memory") 1)
                    (func (export "_start") (local $error i32)
                        (i32.store (i32.const 4) (i32.const 60000))
                        (loop $again
                            (local.set $error
                                (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                            (br_if $again (i32.eqz (local.get $error))))
                        (call $exit (local.get $error))))"#,
            );
            start(&module, ctx)
        }
        _ => panic!("{mode}"),
    };
    match result {
        Ok(()) => 0,
        Err(error) if error.trap() == Some(Trap::Interrupt) => 124,
        Err(error) => error.downcast::<I32Exit>().unwrap().0,
    }
}

#[test]
fn inherited_streams() {
    if let Ok(mode) = std::env::var(CHILD) {
        std::process::exit(child(&mode));
    }
    // Where an emulator of another processor runs this program, the system beneath may not be able to start a second
    // one.
    let list = Command::new(std::env::current_exe().unwrap()).arg("--list").stdout(Stdio::null()).status();
    if !list.is_ok_and(|status| status.success()) {
        eprintln!("inherited_streams: NOT TESTED, because this system can't start programs of its own kind");
        return;
    }
    let mut counting = spawn("count");
    counting.stdin.take().unwrap().write_all("one two\n".repeat(50_000).as_bytes()).unwrap();
    let output = counting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.ends_with("  50000  100000  400000\n"), "{stdout:?}");

    // Nobody writes to its standard input, which stays open.
    let mut waiting = spawn("wait");
    let stdin = waiting.stdin.take();
    assert_eq!(waiting.wait().unwrap().code(), Some(124));
    drop(stdin);

    // Its standard output is closed after some of what it writes.
    let mut flooding = spawn("flood");
    let mut stdout = flooding.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 200_000]).unwrap();
    drop(stdout);
    assert_eq!(flooding.wait().unwrap().code(), Some(64), "EPIPE");
}
