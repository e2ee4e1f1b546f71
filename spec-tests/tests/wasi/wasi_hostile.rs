//! Arguments that no sane guest passes.

use crate::proxy::{BADF, BUF, CREAT, FAULT, INVAL, MEMORY, Proxy, READ, WRITE};
use crate::random::Random;
use crate::tree::Tree;
use dunlin_wasi_lite::{DirPerms, FilePerms, ReadPipe, WasiCtxBuilder, WritePipe};
use std::fs;

const DIR: u32 = 3;

/// Every function with arguments at random, many of them just inside or outside of what there is.
#[test]
fn every_function_with_any_arguments() {
    let host = tempfile::tempdir().unwrap();
    let (root, readonly) = (host.path().join("root"), host.path().join("readonly"));
    for dir in [&root, &readonly] {
        fs::create_dir_all(dir.join("dir")).unwrap();
        fs::write(dir.join("file"), "contents").unwrap();
    }
    let before = Tree::of(&readonly);
    let context = || {
        let mut builder = WasiCtxBuilder::new();
        // Time that can be put forward: nobody waits until the year 2500.
        builder.args(&["a", "bc"]).env("K", "V").deterministic(1);
        builder.stdin(ReadPipe::from("input")).stdout(WritePipe::in_memory(1000));
        builder.preopened_dir(&root, "/", DirPerms::all(), FilePerms::all()).unwrap();
        builder.preopened_dir(&readonly, "/r", DirPerms::READ, FilePerms::READ).unwrap();
        builder.build()
    };
    let mut random = Random(3);
    let (mut succeeded, mut calls) = (0, 0);
    for round in 0..60 {
        let mut guest = if round % 3 == 0 { Proxy::unstable(context()) } else { Proxy::new(context()) };
        for name in [&b"file"[..], b"dir", b"new"] {
            let _ = guest.path_open((DIR, 0), name, CREAT, READ | WRITE, 0);
        }
        for (at, byte) in guest.memory().iter_mut().enumerate() {
            *byte = b"file/dir/new\0\x01\x02"[at % 15];
        }
        for _ in 0..40 {
            for (name, params) in guest.signatures().iter().filter(|(name, _)| *name != "proc_exit") {
                let args: Vec<u64> = params
                    .iter()
                    .map(|_| match random.below(8) {
                        0..=2 => random.below(9) as u64,
                        3 => random.below(MEMORY as usize) as u64,
                        4 => u64::from(MEMORY) - random.below(70) as u64,
                        5 => u64::MAX - random.below(9) as u64,
                        6 => u64::from(u32::MAX) - random.below(9) as u64,
                        _ => random.next() >> random.below(64),
                    })
                    .collect();
                // It isn't the sandbox that bounds what a guest takes of the disk.
                if *name == "fd_allocate" && args[2] > 1 << 20 {
                    continue;
                }
                calls += 1;
                match guest.try_call(name, &args) {
                    Ok(()) => succeeded += 1,
                    Err(Ok(errno)) => assert!((1..=76).contains(&errno), "{name}{args:?}: {errno}"),
                    Err(Err(error)) => panic!("{name}{args:?}: {error:?}"),
                }
            }
        }
    }
    before.assert_untouched(&readonly, "all");
    assert!(calls > 100_000 && succeeded > calls / 20, "{succeeded} of {calls} calls succeeded");
}

/// Lays out an array of buffers.
fn iovecs(guest: &mut Proxy, at: u32, buffers: &[(u32, u32)]) {
    let bytes: Vec<u8> =
        buffers.iter().flat_map(|(buf, len)| [buf.to_le_bytes(), len.to_le_bytes()].concat()).collect();
    guest.store(at, &bytes);
}

#[test]
fn huge_arrays_of_buffers() {
    let host = tempfile::tempdir().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.preopened_dir(host.path(), "/", DirPerms::all(), FilePerms::all()).unwrap();
    let mut guest = Proxy::new(builder.build());
    let fd = guest.path_open((DIR, 0), b"file", CREAT, READ | WRITE, 0).unwrap();
    let (array, most) = (65_536, 1024);
    let call = |name: &str, guest: &mut Proxy, count: u64| {
        let args = match name {
            "fd_pread" | "fd_pwrite" => vec![fd.into(), array, count, 0, 0],
            _ => vec![fd.into(), array, count, 0],
        };
        guest.call(name, &args).map(|()| guest.u64_at(0) as u32)
    };
    for name in ["fd_read", "fd_pread", "fd_write", "fd_pwrite"] {
        for count in [most + 1, 100_000, 1 << 29, u64::from(u32::MAX)] {
            assert_eq!(call(name, &mut guest, count), Err(INVAL), "{name} {count}");
        }
        for bad in [(MEMORY, 1), (MEMORY - 1, 2), (u32::MAX, 1), (1, u32::MAX), (0, MEMORY + 1)] {
            iovecs(&mut guest, array as u32, &[(BUF, 1), bad]);
            assert_eq!(call(name, &mut guest, 2), Err(FAULT), "{name} {bad:?}");
            assert_eq!(guest.fd_filestat_get(fd).unwrap().size, 0, "nothing was written");
        }
        assert_eq!(
            guest.call(name, &[9, 0, 0, 0, 0][..4 + usize::from(name.contains("_p"))]),
            Err(BADF),
            "{name}"
        );
    }
    // As many as there may be, of every length, empty ones between them.
    let mut random = Random(4);
    let buffers: Vec<_> = (0..most as u32)
        .map(|index| (BUF + index * 20, if random.once_in(4) { 0 } else { random.below(20) as u32 }))
        .collect();
    let bytes: Vec<u8> = (0..20 * most as u32).map(|at| (at % 253) as u8).collect();
    guest.store(BUF, &bytes);
    iovecs(&mut guest, array as u32, &buffers);
    let expected: Vec<u8> =
        buffers.iter().flat_map(|(at, len)| bytes[(at - BUF) as usize..][..*len as usize].to_vec()).collect();
    assert_eq!(call("fd_write", &mut guest, most), Ok(expected.len() as u32));
    assert!(fs::read(host.path().join("file")).unwrap() == expected);
    guest.memory()[BUF as usize..][..bytes.len()].fill(0);
    assert_eq!(call("fd_pread", &mut guest, most), Ok(expected.len() as u32));
    for (at, len) in &buffers {
        let read = guest.load(*at, *len);
        assert_eq!(read, bytes[(at - BUF) as usize..][..*len as usize]);
    }
    // All of memory, as often as the array is long: no more than a signed number can tell.
    let all: Vec<_> = (0..most).map(|_| (0, MEMORY)).collect();
    iovecs(&mut guest, array as u32, &all);
    let room = 3 * u64::from(MEMORY) / 2;
    guest.call("fd_filestat_set_size", &[fd.into(), room]).unwrap();
    // What is read goes over the array itself, whose buffers are then empty or elsewhere: checked again, each.
    match call("fd_pread", &mut guest, most) {
        Ok(count) => assert!(u64::from(count) <= room),
        Err(errno) => assert_eq!(errno, FAULT),
    }
}
