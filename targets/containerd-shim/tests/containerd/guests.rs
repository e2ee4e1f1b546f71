//! The programs that containers run.

/// What all of them import. Each begins where it says.
fn module(items: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    ;; Writes bytes to standard output. Memory below 64 is for this.
    (func $print (param $at i32) (param $bytes i32)
        (i32.store (i32.const 16) (local.get $at))
        (i32.store (i32.const 20) (local.get $bytes))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
    ;; Strings end in lines instead of zeros.
    (func $lines (param $at i32) (param $bytes i32)
        (local $end i32)
        (local.set $end (i32.add (local.get $at) (local.get $bytes)))
        (loop $next
            (if (i32.lt_u (local.get $at) (local.get $end)) (then
                (if (i32.eqz (i32.load8_u (local.get $at))) (then (i32.store8 (local.get $at) (i32.const 10))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $next)))))
    {items})"#
    );
    wat::parse_str(text).unwrap()
}

/// Greets, and exits with 7.
pub(crate) fn hello() -> Vec<u8> {
    module(
        r#"(memory (export "memory") 1)
    (data (i32.const 64) "hello\n")
    (func (export "_start") (call $print (i32.const 64) (i32.const 6)) (call $exit (i32.const 7)))"#,
    )
}

/// The same, with the names of WASI before its first preview.
pub(crate) fn unstable() -> Vec<u8> {
    let module = r#"(module
    (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\40\00\00\00\06\00\00\00")
    (data (i32.const 64) "hello\n")
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))))"#;
    wat::parse_str(module).unwrap()
}

/// Prints arguments and environment, from an export of this name.
pub(crate) fn surroundings(start: &str) -> Vec<u8> {
    module(&format!(
        r#"(memory (export "memory") 2)
    (func (export "{start}")
        (drop (call $args_sizes (i32.const 0) (i32.const 4)))
        (drop (call $args (i32.const 512) (i32.const 4096)))
        (call $lines (i32.const 4096) (i32.load (i32.const 4)))
        (call $print (i32.const 4096) (i32.load (i32.const 4)))
        (drop (call $env_sizes (i32.const 0) (i32.const 4)))
        (drop (call $env (i32.const 512) (i32.const 4096)))
        (call $lines (i32.const 4096) (i32.load (i32.const 4)))
        (call $print (i32.const 4096) (i32.load (i32.const 4))))"#
    ))
}

/// Prints what is on standard input.
pub(crate) fn echo() -> Vec<u8> {
    module(
        r#"(memory (export "memory") 2)
    (data (i32.const 32) "\00\02\00\00\00\10\00\00")
    (func (export "_start")
        (loop $next
            (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 40)))
            (if (i32.load (i32.const 40)) (then
                (call $print (i32.const 512) (i32.load (i32.const 40)))
                (br $next)))))"#,
    )
}

/// Prints the file `data/in`, and writes "written" to `data/out`. Its exit code is the first error.
pub(crate) fn files() -> Vec<u8> {
    module(
        r#"(memory (export "memory") 2)
    (data (i32.const 32) "\00\02\00\00\00\10\00\00")
    (data (i32.const 64) "data/in")
    (data (i32.const 80) "data/out")
    (data (i32.const 96) "written")
    (func $or_exit (param $error i32) (if (local.get $error) (then (call $exit (local.get $error)))))
    (func (export "_start")
        (call $or_exit (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 7) (i32.const 0)
            (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 44)))
        (call $or_exit (call $read (i32.load (i32.const 44)) (i32.const 32) (i32.const 1) (i32.const 40)))
        (call $print (i32.const 512) (i32.load (i32.const 40)))
        (call $or_exit (call $open (i32.const 3) (i32.const 0) (i32.const 80) (i32.const 8) (i32.const 1)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 44)))
        (i32.store (i32.const 16) (i32.const 96))
        (i32.store (i32.const 20) (i32.const 7))
        (call $or_exit (call $write (i32.load (i32.const 44)) (i32.const 16) (i32.const 1) (i32.const 24))))"#,
    )
}

/// Goes round for ever.
pub(crate) fn endless() -> Vec<u8> {
    module(r#"(memory (export "memory") 1) (func (export "_start") (loop $again (br $again)))"#)
}

/// Sleeps for an hour.
pub(crate) fn sleeper() -> Vec<u8> {
    module(
        r#"(memory (export "memory") 1)
    ;; A subscription to the monotonic clock: its number at 16, the time at 24.
    (data (i32.const 80) "\01")
    (func (export "_start")
        (i64.store (i32.const 88) (i64.const 3600000000000))
        (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 400))))"#,
    )
}

/// Has this many pages of memory.
pub(crate) fn large(pages: u32) -> Vec<u8> {
    module(&format!(r#"(memory (export "memory") {pages} {pages}) (func (export "_start"))"#))
}

/// Asks for this many pages. Its exit code says whether it has them: 0, or else 3.
pub(crate) fn growing(pages: u32) -> Vec<u8> {
    module(&format!(
        r#"(memory (export "memory") 1)
    (func (export "_start")
        (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (call $exit (i32.const 3))))
        (memory.fill (i32.const 65536) (i32.const 1) (i32.const {bytes})))"#,
        bytes = pages * 65536
    ))
}

/// Traps.
pub(crate) fn trapping() -> Vec<u8> {
    module(r#"(memory (export "memory") 1) (func (export "_start") unreachable)"#)
}

/// Answers a request as a CGI program does.
pub(crate) fn cgi() -> Vec<u8> {
    module(
        r#"(memory (export "memory") 1)
    (data (i32.const 64) "content-type: text/plain\n\nserved")
    (func (export "_start") (call $print (i32.const 64) (i32.const 32)))"#,
    )
}

/// Writes to its own process's memory, if it can. Its exit code is the error, or 0.
pub(crate) fn own_memory() -> Vec<u8> {
    module(
        r#"(memory (export "memory") 1)
    (data (i32.const 64) "proc/self/mem")
    (func (export "_start")
        (call $exit (call $open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 13) (i32.const 0)
            (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 44))))"#,
    )
}
