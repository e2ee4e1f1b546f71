//! What WASI holds for a guest is charged to its store, and each of its allocations may be refused.

use crate::guests;
use crate::ledger::{Refused, watch};
use crate::refused::clean;
use dunlin::testing::third_party;
use dunlin::{Budget, Engine, Error, Kind, Linker, Module, Store, TypedFunc};
use dunlin_wasi_lite::{
    DirPerms, FilePerms, I32Exit, ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe, add_to_linker,
};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use tempfile::TempDir;

/// The exit code of a guest that wasn't given memory.
const NOMEM: i32 = 48;

/// Uses whatever makes the host allocate, and exits with the first error code that it gets, or 0 at its end.
///
/// From 1024 on are the paths, from 8192 on whatever is read, and from 32768 on what is polled.
const GUEST: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $prestat_name (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_remove_directory" (func $rmdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_readlink"
        (func $readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_link"
        (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get"
        (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_set_times"
        (func $set_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_renumber" (func $fd_renumber (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_recv"
        (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_shutdown" (func $sock_shutdown (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; A buffer of 3000 bytes, one of one byte.
    (data (i32.const 16) "\00\20\00\00\b8\0b\00\00" "\00\20\00\00\01\00\00\00")
    (data (i32.const 1024) "file" "dir" "link" "dir/hard" "hard" ".")
    (data (i32.const 2000) "PATH")
    (func $check (param i32)
        (if (local.get 0) (then (call $proc_exit (local.get 0)) (unreachable))))
    (func $open (param $path i32) (param $len i32) (param $oflags i32) (param $rights i64) (result i32)
        (call $check (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $len)
            (local.get $oflags) (local.get $rights) (local.get $rights) (i32.const 0) (i32.const 0)))
        (i32.load (i32.const 0)))
    (func $remove_all
        (drop (call $unlink (i32.const 3) (i32.const 1024) (i32.const 4)))
        (drop (call $unlink (i32.const 3) (i32.const 1031) (i32.const 4)))
        (drop (call $unlink (i32.const 3) (i32.const 1035) (i32.const 8)))
        (drop (call $unlink (i32.const 3) (i32.const 1043) (i32.const 4)))
        (drop (call $rmdir (i32.const 3) (i32.const 1028) (i32.const 3))))
    (func $subscribe (param $at i32) (param $event i32) (param $fd i32)
        (i32.store8 offset=8 (local.get $at) (local.get $event))
        (i32.store offset=16 (local.get $at) (local.get $fd)))
    (func (export "_start") (local $file i32) (local $other i32) (local $n i32)
        (call $remove_all)
        (call $check (call $args_sizes_get (i32.const 0) (i32.const 4)))
        (call $check (call $args_get (i32.const 8192) (i32.const 8300)))
        (call $check (call $environ_sizes_get (i32.const 0) (i32.const 4)))
        (call $check (call $environ_get (i32.const 8192) (i32.const 8300)))
        (call $check (call $prestat_name (i32.const 3) (i32.const 8192) (i32.const 100)))
        (call $check (call $random_get (i32.const 8192) (i32.const 100)))
        (call $check (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8192)))
        ;; A file, written and read, and many more descriptors of it.
        (local.set $file (call $open (i32.const 1024) (i32.const 4) (i32.const 1) (i64.const 70)))
        (call $check (call $fd_write (local.get $file) (i32.const 16) (i32.const 1) (i32.const 0)))
        (call $check (call $fd_pread (local.get $file) (i32.const 16) (i32.const 2) (i64.const 0) (i32.const 0)))
        (local.set $n (i32.const 20))
        (loop $more
            (local.set $other (call $open (i32.const 2000) (i32.const LONG) (i32.const 0) (i64.const 2)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.set $n (i32.const 19))
        (loop $more
            (call $check (call $fd_renumber (i32.sub (local.get $other) (local.get $n)) (local.get $other)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (call $check (call $fd_close (local.get $other)))
        ;; Names.
        (call $check (call $mkdir (i32.const 3) (i32.const 1028) (i32.const 3)))
        (call $check (call $symlink (i32.const 2000) (i32.const LONG) (i32.const 3) (i32.const 1031) (i32.const 4)))
        (call $check (call $readlink (i32.const 3) (i32.const 1031) (i32.const 4)
            (i32.const 8192) (i32.const 5000) (i32.const 0)))
        (call $check (call $link (i32.const 3) (i32.const 0) (i32.const 2000) (i32.const LONG)
            (i32.const 3) (i32.const 1043) (i32.const 4)))
        (call $check (call $rename (i32.const 3) (i32.const 1043) (i32.const 4)
            (i32.const 3) (i32.const 1035) (i32.const 8)))
        (call $check (call $stat (i32.const 3) (i32.const 1) (i32.const 1031) (i32.const 4) (i32.const 8192)))
        (call $check (call $stat (i32.const 3) (i32.const 0) (i32.const 2000) (i32.const LONG) (i32.const 8192)))
        (call $check (call $set_times (i32.const 3) (i32.const 1) (i32.const 1031) (i32.const 4)
            (i64.const 1) (i64.const 2) (i32.const 5)))
        ;; A directory, from its start and from where that ended.
        (local.set $other (call $open (i32.const 1047) (i32.const 1) (i32.const 2) (i64.const 2)))
        (call $check (call $fd_readdir (local.get $other) (i32.const 8192) (i32.const 300) (i64.const 0) (i32.const 0)))
        (call $check (call $fd_readdir (local.get $other) (i32.const 8192) (i32.const 24000)
            (i64.load (i32.const 8192)) (i32.const 0)))
        (call $check (call $fd_close (local.get $other)))
        ;; Standard input and output.
        (call $check (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0)))
        (call $check (call $fd_write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 0)))
        (call $check (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)))
        ;; A connection, and waiting for it and other things.
        (call $check (call $sock_accept (i32.const 4) (i32.const 0) (i32.const 0)))
        (local.set $other (i32.load (i32.const 0)))
        (call $subscribe (i32.const 32768) (i32.const 0) (i32.const 1))
        (i64.store (i32.const 32792) (i64.const 1000000))
        (call $subscribe (i32.const 32816) (i32.const 1) (local.get $other))
        (call $subscribe (i32.const 32864) (i32.const 2) (local.get $other))
        (call $subscribe (i32.const 32912) (i32.const 1) (i32.const 0))
        (call $subscribe (i32.const 32960) (i32.const 2) (local.get $file))
        (call $check (call $poll_oneoff (i32.const 32768) (i32.const 40000) (i32.const 5) (i32.const 0)))
        (call $check (call $poll_oneoff (i32.const 32768) (i32.const 40000) (i32.const 1) (i32.const 0)))
        (call $check (call $sock_recv (local.get $other) (i32.const 24) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4)))
        (call $check (call $sock_send (local.get $other) (i32.const 16) (i32.const 1) (i32.const 0) (i32.const 0)))
        (call $check (call $sock_shutdown (local.get $other) (i32.const 3)))
        (call $check (call $fd_close (local.get $other)))
        (call $check (call $fd_close (local.get $file)))
        (call $remove_all)
        (call $proc_exit (i32.const 0))))"#;

/// `GUEST`, with a path of nearly as many bytes as one may have.
fn guest() -> Vec<u8> {
    let long = format!("{}file", "./".repeat(2000));
    guests::binary(&GUEST.replace("LONG", &long.len().to_string()).replace("PATH", &long))
}

/// A directory with enough in it that the list of positions in it grows a few times.
fn directory() -> TempDir {
    let root = TempDir::new().unwrap();
    for number in 0..300 {
        std::fs::write(root.path().join(format!("{number}")), "").unwrap();
    }
    root
}

/// What the host gives a guest, which isn't the guest's to pay for.
struct Granted {
    ctx: WasiCtx,
    stdout: WritePipe,
    _clients: [TcpStream; 2],
}

fn grant(root: &TempDir) -> Granted {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let clients = [(); 2].map(|()| {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"x").unwrap();
        client
    });
    let stdout = WritePipe::in_memory(1 << 20);
    let ctx = WasiCtxBuilder::new()
        .args(&["guest", "argument"])
        .env("NAME", "value")
        .stdin(ReadPipe::from("input"))
        .stdout(stdout.clone())
        .preopened_dir(root, "/", DirPerms::all(), FilePerms::all())
        .unwrap()
        .preopened_socket(listener)
        .unwrap()
        .build();
    Granted { ctx, stdout, _clients: clients }
}

type Start = TypedFunc<(), ()>;

fn start(engine: &Engine, store: &mut Store<WasiCtx>, bytes: &[u8]) -> Result<Start, Error> {
    let module = Module::from_reader(engine, bytes)?;
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |ctx| ctx)?;
    let instance = linker.instantiate(&mut *store, &module)?;
    instance.get_typed_func(&*store, "_start")
}

/// Whether the guest came to its end, rather than to a refusal that was clean.
fn run(store: &mut Store<WasiCtx>, start: &Start) -> Result<bool, String> {
    let Err(error) = start.call(store, ()) else { return Err("it returns".into()) };
    match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(0)) => Ok(true),
        Some(I32Exit(NOMEM)) => Ok(false),
        Some(exit) => Err(exit.to_string()),
        None => clean(Err(error)).map(|()| false),
    }
}

/// Loads the guest and runs it twice; `None` where memory was refused before it began.
fn run_twice(budget: &Budget, root: &TempDir, bytes: &[u8]) -> Result<Option<[bool; 2]>, String> {
    let granted = third_party(|| grant(root));
    let begin = || {
        let engine = guests::engine(budget)?;
        let mut store = Store::try_new(&engine, granted.ctx)?;
        let start = start(&engine, &mut store, bytes)?;
        Ok((store, start))
    };
    match begin() {
        Ok((mut store, start)) => Ok(Some([run(&mut store, &start)?, run(&mut store, &start)?])),
        Err(error) => clean(Err(error)).map(|()| None),
    }
}

#[test]
fn every_allocation_of_wasi_may_fail() {
    let (bytes, root, budget) = (guest(), directory(), Budget::unlimited());
    // What is made once in a process is there then.
    assert_eq!(run_twice(&budget, &root, &bytes), Ok(Some([true; 2])));
    let (result, seen) = watch(&budget, Refused::None, i64::MAX, || run_twice(&budget, &root, &bytes));
    assert_eq!(result, Ok(Some([true; 2])));
    assert_eq!((seen.held, budget.used()), (0, 0));
    let mut refused_to_guest = 0;
    for n in 1..=seen.own {
        for refused in [Refused::One(n), Refused::From(n)] {
            let (result, seen) = watch(&budget, refused, i64::MAX, || run_twice(&budget, &root, &bytes));
            let ran = result.unwrap_or_else(|error| panic!("{refused:?}: {error}"));
            assert!(seen.refusals > 0, "{refused:?}");
            assert_eq!((seen.held, budget.used()), (0, 0), "{refused:?} leaks");
            refused_to_guest += u32::from(ran.is_some_and(|ran| ran != [true; 2]));
            if let (Refused::One(_), Some(ran)) = (refused, ran) {
                assert!(ran.contains(&true), "{refused:?}: the store isn't usable any more");
            }
        }
    }
    println!("{} allocations, {refused_to_guest} refusals while the guest ran", seen.own);
    assert!(refused_to_guest > 20);
}

#[test]
fn nothing_of_wasi_is_held_that_was_not_charged() {
    let (bytes, root, budget) = (guest(), directory(), Budget::unlimited());
    // What is made once in a process is there then.
    assert_eq!(run_twice(&budget, &root, &bytes), Ok(Some([true; 2])));
    let engine = guests::engine(&budget).unwrap();
    // With an engine that is new, and one that isn't.
    for _ in 0..2 {
        let granted = grant(&root);
        let mut store = Store::try_new(&engine, granted.ctx).unwrap();
        let start = start(&engine, &mut store, &bytes).unwrap();
        for _ in 0..2 {
            let (result, seen) = watch(&budget, Refused::None, UNCOUNTED, || run(&mut store, &start));
            assert_eq!(result, Ok(true));
            println!("{} bytes uncounted", seen.beyond);
            assert!(seen.beyond <= UNCOUNTED, "{}", seen.place.unwrap());
        }
    }
}

/// The error that ends the guest, and the handle of the interrupt that it waits for.
const UNCOUNTED: i64 = 512;

#[test]
fn the_store_pays_for_its_guest() {
    let (bytes, root) = (guest(), directory());
    let engine = guests::engine(&Budget::unlimited()).unwrap();
    let of_engine = engine.budget().used_for(Kind::Host);
    let enough = Budget::new(16 << 20);
    let (mut least, mut most) = (0, 16 << 20);
    while least + 1 < most {
        let limit = u64::midpoint(least, most);
        let budget = Budget::new(limit);
        let granted = grant(&root);
        let Ok(mut store) = Store::with_budget(&engine, &budget, granted.ctx) else {
            least = limit;
            continue;
        };
        let ran = start(&engine, &mut store, &bytes).map(|start| run(&mut store, &start).unwrap());
        if ran.is_ok_and(|ran| ran) {
            most = limit
        } else {
            least = limit
        }
        assert!(budget.peak() <= limit);
        drop(store);
        let output = granted.stdout.contents().len() as u64;
        assert!(budget.used() >= output, "whoever holds the pipe holds its bytes");
        drop(granted.stdout);
        assert_eq!((budget.used(), engine.budget().used_for(Kind::Host)), (0, of_engine));
    }
    println!("least budget {most}");
    // Another store isn't concerned.
    let granted = grant(&root);
    let mut store = Store::with_budget(&engine, &enough, granted.ctx).unwrap();
    let start = start(&engine, &mut store, &bytes).unwrap();
    assert_eq!(run(&mut store, &start), Ok(true));
    assert!(enough.used_for(Kind::Host) > 0);
}
