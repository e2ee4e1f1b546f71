//! What is shown of calls.

use dunlin::{Engine, Linker, Module, Store};
use dunlin_wasi_lite::{DirPerms, FilePerms, ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe};
use std::sync::{Arc, Mutex};

/// Runs calls, in the text format, of functions that are imported from `module`, and gives what is shown of them.
fn traced(
    module: &str,
    builder: &mut WasiCtxBuilder,
    imports: &[(&str, &str)],
    data: &str,
    calls: &str,
) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = lines.clone();
    let ctx = builder.trace(move |line| told.lock().unwrap().push(line.to_owned())).build();
    let imports: String = imports
        .iter()
        .map(|(name, params)| {
            let result = if *name == "proc_exit" { "" } else { "(result i32)" };
            format!("(import \"{module}\" \"{name}\" (func ${name} (param {params}) {result}))\n")
        })
        .collect();
    let text = format!(
        "(module {imports} (memory (export \"memory\") 1) {data} (func (export \"_start\") (local $fd i32) {calls}))"
    );
    let engine = Engine::default();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&engine, ctx);
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    // How it ends is among the lines.
    let _ = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap().call(&mut store, ());
    drop(store);
    Arc::into_inner(lines).unwrap().into_inner().unwrap()
}

const PREVIEW1: &str = "wasi_snapshot_preview1";

#[test]
fn calls_are_shown_with_names_texts_and_results() {
    let folder = tempfile::tempdir().unwrap();
    let out = WritePipe::in_memory(100);
    let mut builder = WasiCtxBuilder::new();
    builder.stdin(ReadPipe::from(b"a\x1b\xff".to_vec())).stdout(out).arg("tool");
    builder.preopened_dir(folder.path(), "/work", DirPerms::all(), FilePerms::all()).unwrap();
    let lines = traced(
        PREVIEW1,
        &mut builder,
        &[
            ("args_sizes_get", "i32 i32"),
            ("fd_prestat_dir_name", "i32 i32 i32"),
            ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
            ("fd_write", "i32 i32 i32 i32"),
            ("fd_seek", "i32 i64 i32 i32"),
            ("fd_read", "i32 i32 i32 i32"),
            ("fd_close", "i32"),
            ("clock_res_get", "i32 i32"),
            ("sched_yield", ""),
            ("proc_exit", "i32"),
        ],
        r#"(data (i32.const 100) "n\c3\b6tes.txt")
           (data (i32.const 200) "a line\n that is longer than what is shown of it")
           (data (i32.const 300) "\c8\00\00\00\07\00\00\00\cf\00\00\00\26\00\00\00")
           (data (i32.const 320) "\90\01\00\00\40\00\00\00\d0\07\00\00\40\00\00\00")"#,
        "(drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
         (drop (call $fd_prestat_dir_name (i32.const 3) (i32.const 500) (i32.const 5)))
         (drop (call $path_open (i32.const 3) (i32.const 1) (i32.const 100) (i32.const 10) (i32.const 9)
            (i64.const 0x4e) (i64.const 0) (i32.const 5) (i32.const 0)))
         (local.set $fd (i32.load (i32.const 0)))
         (drop (call $fd_write (local.get $fd) (i32.const 300) (i32.const 2) (i32.const 0)))
         (drop (call $fd_seek (local.get $fd) (i64.const -1) (i32.const 2) (i32.const 8)))
         (drop (call $fd_read (i32.const 0) (i32.const 320) (i32.const 2) (i32.const 0)))
         (drop (call $fd_close (i32.const 99)))
         (drop (call $fd_write (i32.const 1) (i32.const 65534) (i32.const 1) (i32.const 0)))
         (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const -1) (i32.const 4) (i32.const 0x50)
            (i64.const -1) (i64.const 0) (i32.const 0x10000) (i32.const 0)))
         (drop (call $clock_res_get (i32.const 7) (i32.const 8)))
         (drop (call $sched_yield))
         (call $proc_exit (i32.const 3))",
    );
    assert_eq!(
        lines,
        [
            "args_sizes_get() = 0, argc=1, argv_buf_size=5",
            r#"fd_prestat_dir_name(fd=3) = 0, dir_name="/work""#,
            r#"path_open(fd=3, lookupflags=SYMLINK_FOLLOW, path="nötes.txt", oflags=CREAT|TRUNC, base=0x4e, inheriting=0x0, fdflags=APPEND|NONBLOCK) = 0, opened=4"#,
            r#"fd_write(fd=4, ciovs=["a line\n", " that is longer than what is sho"...]) = 0, nwritten=45"#,
            "fd_seek(fd=4, offset=-1, whence=END) = 0, newoffset=44",
            r#"fd_read(fd=0) = 0, iovs=["a\u{1b}\xff"], nread=3"#,
            "fd_close(fd=99) = EBADF",
            "fd_write(fd=1, ciovs=[0xfffe]) = EFAULT",
            "path_open(fd=3, lookupflags=0, path=0xffffffff, oflags=0x50, base=0xffffffffffffffff, inheriting=0x0, fdflags=0x10000) = EFAULT",
            "clock_res_get(id=7) = EINVAL",
            "sched_yield() = 0",
            "proc_exit(code=3) = exit",
        ]
    );
}

#[test]
fn the_earlier_snapshot_counts_from_elsewhere() {
    let lines = traced(
        "wasi_unstable",
        &mut WasiCtxBuilder::new(),
        &[("fd_seek", "i32 i64 i32 i32"), ("fd_write", "i32 i32 i32 i32")],
        "",
        "(drop (call $fd_seek (i32.const 9) (i64.const 4) (i32.const 2) (i32.const 0)))
         (drop (call $fd_seek (i32.const 9) (i64.const 4) (i32.const 3) (i32.const 0)))
         (drop (call $fd_write (i32.const 9) (i32.const 0) (i32.const 1000) (i32.const 0)))",
    );
    assert_eq!(
        lines,
        [
            "wasi_unstable.fd_seek(fd=9, offset=4, whence=SET) = EBADF",
            "wasi_unstable.fd_seek(fd=9, offset=4, whence=3) = EBADF",
            r#"wasi_unstable.fd_write(fd=9, ciovs=["", "", "", "", ...]) = EBADF"#,
        ]
    );
}
