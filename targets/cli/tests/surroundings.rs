//! Programs on systems that aren't as one would expect: streams that are closed or don't wait, limits, folders with odd names,
//! no `/dev`. For system calls that are refused see `refused_calls.rs`.
#![cfg(feature = "text")]

mod common;

use common::{Ended, command, example, folder, skipped, wait};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn written(folder: &Path, text: &str) -> String {
    let path = folder.join("module.wat");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs `dunlin` from a shell, which can prepare what surrounds it.
fn shell(script: &str) -> Ended {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("DUNLIN", env!("CARGO_BIN_EXE_dunlin"));
    wait(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Makes one file larger and larger by each means there is, and ends with the last error.
const GROW: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $set_size (param i32 i64) (result i32)))
    (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "file")
    (data (i32.const 8) "\00\10\00\00\00\10\00\00")
    (func (export "_start")
        (local $fd i32) (local $errno i32)
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
                (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const 16))
            (then (call $exit (i32.const 100))))
        (local.set $fd (i32.load (i32.const 16)))
        (loop $again
            (br_if $again (i32.eqz
                (local.tee $errno (call $write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 20))))))
        (if (i32.ne (local.get $errno)
                (call $pwrite (local.get $fd) (i32.const 8) (i32.const 1) (i64.const 0x10000000) (i32.const 20)))
            (then (call $exit (i32.const 201))))
        (if (i32.ne (local.get $errno) (call $set_size (local.get $fd) (i64.const 0x10000000)))
            (then (call $exit (i32.const 202))))
        (if (i32.ne (local.get $errno) (call $allocate (local.get $fd) (i64.const 0) (i64.const 0x10000000)))
            (then (call $exit (i32.const 203))))
        (call $exit (local.get $errno))))"#;

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let folder = folder("a_limit_on_the_size_of_files");
    let module = written(&folder, GROW);
    let root = folder.join("root");
    std::fs::create_dir(&root).unwrap();
    // 64 blocks of 512 bytes; EFBIG is 22.
    shell(&format!("ulimit -f 64; exec $DUNLIN run --dir {}::/ {module}", root.display())).code(22);
    assert_eq!(std::fs::metadata(root.join("file")).unwrap().len(), 64 * 512);
    // Standard output can be a file, too.
    let yes = written(&folder, YES);
    let out = folder.join("out");
    shell(&format!("ulimit -f 64; exec $DUNLIN run {yes} >{}", out.display())).code(22);
    assert_eq!(std::fs::metadata(out).unwrap().len(), 64 * 512);
}

/// Prints lines until that fails, and ends with the error.
const YES: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\02\00\00\00")
    (data (i32.const 16) "y\n")
    (func (export "_start")
        (local $errno i32)
        (loop $again
            (br_if $again (i32.eqz
                (local.tee $errno (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))
        (call $exit (local.get $errno))))"#;

/// Copies standard input to standard output, each piece whole, and ends with the first error. If `poll`, waits for input by
/// `poll_oneoff` before each read.
fn cat(poll: bool) -> String {
    let wait = if poll {
        "(if (local.tee $errno (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8)))
            (then (call $exit (local.get $errno))))
        (if (i32.load16_u (i32.const 136)) (then (call $exit (i32.load16_u (i32.const 136)))))"
    } else {
        ""
    };
    format!(
        r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (data (i32.const 72) "\01") ;; of the subscription's type: to read descriptor 0
    (func (export "_start")
        (local $errno i32)
        (i32.store (i32.const 0) (i32.const 1024))
        (loop $again
            (i32.store (i32.const 4) (i32.const 100000))
            {wait}
            (if (local.tee $errno (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                (then (call $exit (local.get $errno))))
            (i32.store (i32.const 4) (i32.load (i32.const 8)))
            (if (i32.load (i32.const 8)) (then
                (if (local.tee $errno (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
                    (then (call $exit (local.get $errno))))
                (if (i32.ne (i32.load (i32.const 8)) (i32.load (i32.const 12))) (then (call $exit (i32.const 200))))
                (br $again))))))"#
    )
}

#[test]
fn streams_that_a_parent_has_made_not_wait() {
    let folder = folder("streams_that_a_parent_has_made_not_wait");
    let sent: Vec<u8> = (0..400_000_u32).map(|n| (n % 251) as u8).collect();
    for poll in [false, true] {
        let module = written(&folder, &cat(poll));
        let (stdin, mut to_stdin) = std::io::pipe().unwrap();
        let (mut from_stdout, stdout) = std::io::pipe().unwrap();
        for end in [&stdin as &dyn std::os::fd::AsFd, &stdout] {
            rustix::io::ioctl_fionbio(end.as_fd(), true).unwrap();
        }
        let mut child = command(&["run", &module]).stdin(stdin).stdout(stdout).spawn().unwrap();
        let mut back = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // It is there before there is anything to read, and has to wait again now and then.
                for chunk in sent.chunks(70_000) {
                    std::thread::sleep(Duration::from_millis(40));
                    to_stdin.write_all(chunk).unwrap();
                }
                drop(to_stdin);
            });
            // The pipe is full by then.
            std::thread::sleep(Duration::from_millis(300));
            from_stdout.read_to_end(&mut back).unwrap();
        });
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(back == sent, "{}", back.len());
    }
}

#[test]
fn a_port_that_the_system_chose_is_told() {
    let serve = example("wasm/serve.wasm");
    for option in ["--tcplisten=127.0.0.1:0", "-Stcplisten=127.0.0.1:00"] {
        let mut child = command(&["run", option, &serve]).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        let address =
            said.trim_end().strip_prefix("dunlin: listening at ").unwrap_or_else(|| panic!("{said}"));
        assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{said}");
        let mut connection = TcpStream::connect(address).unwrap();
        write!(connection, "GET /quit HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("Bye!\n"), "{answer}");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn standard_streams_may_be_closed() {
    let folder = folder("standard_streams_may_be_closed");
    let hello = example("wasm/hello.wasm");
    // `/dev/null` takes their place.
    shell(&format!("exec $DUNLIN run {hello} <&-")).code(0).prints("Hello, world!\n");
    shell(&format!("exec $DUNLIN run {hello} >&-")).code(0).prints("");
    shell(&format!("exec $DUNLIN run {hello} <&- 2>&-")).code(0).prints("Hello, world!\n");
    let cat = written(&folder, &cat(false));
    shell(&format!("exec $DUNLIN run {cat} <&-")).code(0).prints("");
}

/// A folder with the command, what it is linked with, and a program in it, that can be another process's root. It has neither
/// `/dev` nor `/proc` nor `/sys`.
fn bare_root(test: &str) -> PathBuf {
    let root = folder(test);
    let binary = env!("CARGO_BIN_EXE_dunlin");
    let linked = Command::new("ldd").arg(binary).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(&library[1..]);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(library, to).unwrap();
    }
    std::fs::copy(binary, root.join("dunlin")).unwrap();
    std::fs::create_dir(root.join("data")).unwrap();
    for name in ["hello.wasm", "cp.wasm"] {
        std::fs::copy(example(&format!("wasm/{name}")), root.join(name)).unwrap();
    }
    std::fs::write(root.join("cat.wat"), cat(false)).unwrap();
    std::fs::write(root.join("yes.wat"), YES).unwrap();
    std::fs::write(root.join("grow.wat"), GROW).unwrap();
    root
}

/// Whether this process may change the root folder of another. Says so if not, for then nothing is tested.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skipped("only root can change the root folder");
    }
    root
}

#[test]
fn there_may_be_no_dev_and_no_proc() {
    if !is_root() {
        return;
    }
    let root = bare_root("there_may_be_no_dev_and_no_proc");
    let run = |script: &str| shell(&format!("exec chroot {} /dunlin run {script}", root.display()));
    run("/hello.wasm").code(0).prints("Hello, world!\n");
    run("--timeout 60s --memory-budget 8MiB /hello.wasm").code(0).prints("Hello, world!\n");
    run("--dir /::/ /cp.wasm /hello.wasm /data/copy").code(0);
    assert_eq!(
        std::fs::read(root.join("data/copy")).unwrap(),
        std::fs::read(root.join("hello.wasm")).unwrap()
    );
    // Nothing can take the place of streams that are closed.
    run("/hello.wasm <&-").code(0).prints("Hello, world!\n");
    run("/cat.wat <&-").code(0).prints("");
    run("/hello.wasm <&- 2>&-").code(0).prints("Hello, world!\n");
    // EBADF.
    run("/yes.wat >&-").code(8);
    run("/yes.wat <&- >&- 2>&-").code(8);
    run("/missing.wasm <&- 2>&-").code(1);
    run("/missing.wasm <&- >&-").code(1).one_sentence();
}

/// Runs this in a folder that is a file system of its own, of 256 KiB, in a namespace of its own; `prepare` is done there
/// before. `None` if the system doesn't let us, which is said.
fn in_small_file_system(folder: &Path, prepare: &str, script: &str) -> Option<Ended> {
    let (disk, mark) = (folder.join("disk"), folder.join("mounted"));
    let _ = std::fs::create_dir(&disk);
    let _ = std::fs::remove_file(&mark);
    let (disk, mark) = (disk.display(), mark.display());
    let ended = shell(&format!(
        "exec unshare -m sh -c 'mount -t tmpfs -o size=256k tmpfs {disk} && touch {mark} && cd {disk} && {prepare} && exec {script}'"
    ));
    if !folder.join("mounted").exists() {
        skipped(&format!("nothing can be mounted here: {}", ended.err));
        return None;
    }
    Some(ended)
}

#[test]
fn a_disk_may_be_full_or_read_only() {
    let folder = folder("a_disk_may_be_full_or_read_only");
    let (yes, grow, cp) = (written(&folder, YES), folder.join("grow.wat"), example("wasm/cp.wasm"));
    std::fs::write(&grow, GROW_BY_WRITING).unwrap();
    let grow = grow.display();
    let disk = folder.join("disk");
    let run = |prepare: &str, script: &str| in_small_file_system(&folder, prepare, script);
    // ENOSPC is 51, EROFS 69.
    let full = "head -c 10000000 /dev/zero >fill 2>&1 || true";
    let Some(ended) = run("true", &format!("$DUNLIN run --dir .::/ {grow}")) else { return };
    ended.code(51);
    run(full, &format!("$DUNLIN run --dir .::/ {grow}")).unwrap().code(51);
    run("true", &format!("$DUNLIN run {yes} >out")).unwrap().code(51);
    run("mount -o remount,ro .", &format!("$DUNLIN run --dir .::/ {grow}")).unwrap().code(69);
    run("mount -o remount,ro .", &format!("$DUNLIN run --dir-ro .::/ {grow}")).unwrap().code(63);
    // A program that tells.
    let copies = format!("$DUNLIN run --dir .::/ {cp} fill copy");
    let told = run(full, &copies).unwrap();
    assert!(told.code != 0 && !told.err.is_empty() && !told.err.contains("dunlin:"), "{told:#?}");
    assert!(disk.read_dir().unwrap().next().is_none(), "it was another file system");
}

/// Makes a file larger and larger, and ends with the error of opening it or of writing.
const GROW_BY_WRITING: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "file")
    (data (i32.const 8) "\00\10\00\00\00\10\00\00")
    (func (export "_start")
        (local $errno i32)
        (if (local.tee $errno (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
                (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const 16)))
            (then (call $exit (local.get $errno))))
        (loop $again
            (br_if $again (i32.eqz
                (local.tee $errno
                    (call $write (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20))))))
        (call $exit (local.get $errno))))"#;

#[test]
fn a_folder_may_have_a_name_that_is_no_text() {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let folder = folder("a_folder_may_have_a_name_that_is_no_text");
    let odd = folder.join(OsStr::from_bytes(b"\xff\xfe"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("from"), "contents").unwrap();
    let cp = example("wasm/cp.wasm");
    let dir = |end: &[u8]| OsString::from_vec([odd.as_os_str().as_bytes(), end].concat());
    let run = |option: &str, dir: OsString| {
        wait(command(&["run", option]).arg(dir).args([&*cp, "/d/from", "/d/to"]).spawn().unwrap())
    };
    run("--dir", dir(b"::/d")).code(0);
    assert_eq!(std::fs::read(odd.join("to")).unwrap(), b"contents");
    run("--dir-ro", dir(b"::/d")).code(1).says("Operation not permitted");
    run("--dir", dir(b"")).code(2).one_sentence().says("isn't valid UTF-8").says("HOST::GUEST");
    run("--dir", dir(b"::\xff")).code(2).one_sentence().says("isn't valid UTF-8");
    run("--dir", dir(b"::")).code(2).one_sentence().says("--dir takes HOST or HOST::GUEST");
    // One that isn't there.
    run("--dir", dir(b"no::/d")).code(1).one_sentence().says("No such file");
}

/// Writes these bytes to these descriptors, a call each.
fn writes(pieces: &[(u32, &[u8])]) -> String {
    let (mut data, mut calls, mut at) = (String::new(), String::new(), 64);
    for (fd, bytes) in pieces {
        let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        data.push_str(&format!("(data (i32.const {at}) \"{text}\")"));
        calls.push_str(&format!(
            "(i32.store (i32.const 0) (i32.const {at})) (i32.store (i32.const 4) (i32.const {}))
            (if (call $write (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))",
            bytes.len()
        ));
        at += bytes.len();
    }
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) {data} (func (export "_start") {calls}))"#
    )
}

#[test]
fn a_terminal_is_kept_from_commands() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{InputModes, OptionalActions, tcgetattr, tcsetattr};
    let folder = folder("a_terminal_is_kept_from_commands");
    let pieces: [(u32, &[u8]); 5] = [
        (1, b"\x1b[2J \x9b31m "),
        (1, b"\xc2\x9b31m \xc4\x9b \xe2\x82\xac \xc2"),
        (2, b"\x9b31m"),
        (1, b"\x9b31m"),
        (1, b" a\tb"),
    ];
    let module = written(&folder, &writes(&pieces));
    // Whether the terminal decodes UTF-8, as it says itself or as the locale has it.
    for (of_terminal, locale, utf8) in [
        (true, "C", true),
        (false, "en_GB.UTF-8", true),
        (false, "C.utf8", true),
        (false, "C", false),
        (false, "", false),
    ] {
        let show = |options: &[&str]| {
            let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
            grantpt(&terminal).unwrap();
            unlockpt(&terminal).unwrap();
            let path = ptsname(&terminal, Vec::new()).unwrap();
            let slave = || File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
            let (out, err) = (slave(), slave());
            let mut modes = tcgetattr(&out).unwrap();
            modes.input_modes.set(InputModes::IUTF8, of_terminal);
            tcsetattr(&out, OptionalActions::Now, &modes).unwrap();
            let mut run = command(&["run"]);
            run.args(options).arg(&module).env_clear().env("LANG", locale).stdout(out).stderr(err);
            assert_eq!(run.spawn().unwrap().wait().unwrap().code(), Some(0));
            drop(run);
            // All that was written is there; once nobody has the other end open, reading is an error.
            let (mut shown, mut terminal) = (Vec::new(), File::from(terminal));
            let _ = terminal.read_to_end(&mut shown);
            shown
        };
        let expected: &[u8] = if utf8 {
            b"?[2J ?31m \xc2\xbf31m \xc4\x9b \xe2\x82\xac \xc2?31m?31m a\tb"
        } else {
            b"?[2J ?31m \xc2\xbf31m \xc4? \xe2?\xac \xc2?31m?31m a\tb"
        };
        let shown = show(&["--filter-escapes"]);
        assert_eq!(
            shown.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{of_terminal} {locale}"
        );
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.1).copied().collect();
        assert!(show(&[]) == all, "they pass without the option");
    }
    // What isn't a terminal gets everything.
    let ended = command(&["run", "--filter-escapes", &module]).output().unwrap();
    assert!(ended.stdout.starts_with(b"\x1b[2J \x9b31m "));
}
