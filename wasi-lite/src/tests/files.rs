use super::*;
use std::fs;

fn flags(sandbox: &mut Sandbox, fd: u32, flags: u32) -> Result<(), Errno> {
    sandbox.done(|ctx, guest| ctx.fd_fdstat_set_flags(guest, fd, flags))
}

#[test]
fn writing_and_reading_through_several_buffers() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    assert_eq!(fd, 4);
    assert_eq!(sandbox.write(fd, &[b"he", b"", b"llo ", b"world"]), Ok(11));
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap(), b"hello world");
    assert_eq!(sandbox.seek(fd, 0, 0), Ok(0));
    assert_eq!(sandbox.read(fd, &[3, 0, 4]).unwrap(), b"hello w");
    assert_eq!(sandbox.read(fd, &[3, 9]).unwrap(), b"orld");
    assert_eq!(sandbox.read(fd, &[3, 9]).unwrap(), b"");
    assert_eq!(sandbox.read(fd, &[]).unwrap(), b"");
    // Small buffers are gathered and large ones aren't: all combinations arrive whole.
    let [small, large] = [vec![1; 100], vec![2; 5000]];
    let parts: [&[u8]; 6] = [&small, &small, &large, &small, &large, &large];
    assert_eq!(sandbox.write(fd, &parts), Ok(15_300));
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap()[11..], parts.concat());
}

#[test]
fn reading_and_writing_at_an_offset() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    assert_eq!(sandbox.pwrite(fd, &[b"ab", b"cd"], 3), Ok(4));
    assert_eq!(sandbox.pread(fd, &[1, 2], 2).unwrap(), b"\0ab");
    assert_eq!(sandbox.seek(fd, 0, 1), Ok(0), "the position stays");
    for far in [(1 << 31) + 5, (1 << 32) + 5, (1 << 43) + 5] {
        assert_eq!(sandbox.pwrite(fd, &[b"x"], far), Ok(1));
        assert_eq!(sandbox.pread(fd, &[9], far).unwrap(), b"x");
        assert_eq!(sandbox.seek(fd, 0, 2), Ok(far + 1));
        assert_eq!(sandbox.write(fd, &[b"yz"]), Ok(2));
        assert_eq!(sandbox.pread(fd, &[9], far).unwrap(), b"xyz");
        assert_eq!(sandbox.fstat(fd).unwrap().size, far + 3);
    }
    assert_eq!(sandbox.seek(fd, 0, 0), Ok(0));
    // Large buffers aren't gathered, so the second write has to go on where the first has ended.
    let parts: [&[u8]; 2] = [&[1; 5000], &[2; 5000]];
    assert_eq!(sandbox.pwrite(fd, &parts, 3), Ok(10_000));
    assert_eq!(sandbox.pread(fd, &[6000, 4000], 3).unwrap(), parts.concat());
    assert_eq!(sandbox.pread(fd, &[3], 0).unwrap(), b"\0\0\0");
    assert_eq!(sandbox.seek(fd, 0, 1), Ok(0), "the position stays");
    assert_eq!(sandbox.pwrite(fd, &[b"x"], u64::MAX), Err(Fail::Errno(Errno::INVAL)));
}

#[test]
fn seeking() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    sandbox.write(fd, &[b"0123456789"]).unwrap();
    assert_eq!(sandbox.seek(fd, -3, 2), Ok(7));
    assert_eq!(sandbox.seek(fd, -2, 1), Ok(5));
    assert_eq!(sandbox.read(fd, &[2]).unwrap(), b"56");
    sandbox.call(|ctx, guest| ctx.fd_tell(guest, fd, 8)).unwrap();
    assert_eq!(get_u64(&sandbox.memory, 8), 7);
    assert_eq!(sandbox.seek(fd, 1 << 40, 0), Ok(1 << 40));
    assert_eq!(sandbox.seek(fd, -1, 0), Err(Errno::INVAL));
    assert_eq!(sandbox.seek(fd, -11, 2), Err(Errno::INVAL));
    assert_eq!(sandbox.seek(fd, 0, 3), Err(Errno::INVAL));
    assert_eq!(sandbox.seek(DIR, 0, 0), Err(Errno::BADF));
    assert_eq!(sandbox.seek(1, 0, 0), Err(Errno::SPIPE));
    assert_eq!(sandbox.seek(99, 0, 0), Err(Errno::BADF));
    assert_eq!(sandbox.seek(99, 0, 3), Err(Errno::BADF), "that comes first");
}

#[test]
fn appending() {
    let mut sandbox = Sandbox::writable();
    fs::write(sandbox.root().join("file"), "start").unwrap();
    let fd = sandbox.open_with((DIR, 0), "file", 0, READ | WRITE, APPEND).unwrap();
    assert_eq!(sandbox.fdstat(fd).unwrap().1, APPEND as u16);
    sandbox.write(fd, &[b" more"]).unwrap();
    sandbox.seek(fd, 0, 0).unwrap();
    sandbox.write(fd, &[b" end"]).unwrap();
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap(), b"start more end");
    flags(&mut sandbox, fd, 0).unwrap();
    assert_eq!(sandbox.fdstat(fd).unwrap().1, 0);
    sandbox.seek(fd, 0, 0).unwrap();
    sandbox.write(fd, &[b"S"]).unwrap();
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap(), b"Start more end");
    flags(&mut sandbox, fd, APPEND | NONBLOCK).unwrap();
    assert_eq!(sandbox.fdstat(fd).unwrap().1, (APPEND | NONBLOCK) as u16);
    assert_eq!(flags(&mut sandbox, fd, 16), Err(Errno::INVAL), "SYNC can't be changed");
    assert_eq!(flags(&mut sandbox, fd, 32), Err(Errno::INVAL), "no flag");
    assert_eq!(flags(&mut sandbox, DIR, 0), Err(Errno::BADF));
    // Appending and truncating at once.
    let fd = sandbox.open_with((DIR, 0), "file", TRUNC, WRITE, APPEND).unwrap();
    sandbox.write(fd, &[b"new"]).unwrap();
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap(), b"new");
}

#[test]
fn synchronous_files_say_so() {
    let mut sandbox = Sandbox::writable();
    for (asked, reported) in [(2, 2), (16, 2 | 8 | 16), (8, 2 | 8 | 16)] {
        let fd = sandbox.open_with((DIR, 0), "file", CREAT, WRITE, asked).unwrap();
        assert_eq!(sandbox.fdstat(fd).unwrap().1, reported);
        assert_eq!(flags(&mut sandbox, fd, u32::from(reported) | APPEND), Ok(()));
        assert_eq!(flags(&mut sandbox, fd, 0), Err(Errno::INVAL));
    }
}

#[test]
fn sizes() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    let resize = |sandbox: &mut Sandbox, fd, size| {
        sandbox.done(|ctx, guest| ctx.fd_filestat_set_size(guest, fd, size))
    };
    sandbox.write(fd, &[b"0123456789"]).unwrap();
    resize(&mut sandbox, fd, 4).unwrap();
    resize(&mut sandbox, fd, 6).unwrap();
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap(), b"0123\0\0");
    resize(&mut sandbox, fd, 1 << 33).unwrap();
    assert_eq!(sandbox.fstat(fd).unwrap().size, 1 << 33);
    resize(&mut sandbox, fd, 0).unwrap();
    assert_eq!(resize(&mut sandbox, fd, u64::MAX), Err(Errno::INVAL));
    assert_eq!(resize(&mut sandbox, DIR, 0), Err(Errno::BADF));
    let allocate = |sandbox: &mut Sandbox, fd, offset, len| {
        sandbox.done(|ctx, guest| ctx.fd_allocate(guest, fd, offset, len))
    };
    allocate(&mut sandbox, fd, 10, 20).unwrap();
    assert_eq!(sandbox.fstat(fd).unwrap().size, 30);
    assert_eq!(allocate(&mut sandbox, fd, 0, 0), Err(Errno::INVAL));
    assert_eq!(allocate(&mut sandbox, DIR, 0, 1), Err(Errno::BADF));
    let reader = sandbox.open("file", 0, READ).unwrap();
    assert_eq!(resize(&mut sandbox, reader, 0), Err(Errno::INVAL));
    assert_eq!(allocate(&mut sandbox, reader, 0, 1), Err(Errno::BADF));
}

#[test]
fn times() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    let [second, a, m] = [1_000_000_000, 1_500_000_000_123_456_789, 1_600_000_000_987_654_321];
    let set = |sandbox: &mut Sandbox, fd, atim, mtim, flags| {
        sandbox.done(|ctx, guest| ctx.fd_filestat_set_times(guest, fd, atim, mtim, flags))
    };
    set(&mut sandbox, fd, a, m, 1 | 4).unwrap();
    let stat = sandbox.fstat(fd).unwrap();
    assert_eq!((stat.atim, stat.mtim), (a, m));
    set(&mut sandbox, fd, 0, 7, 4).unwrap();
    let stat = sandbox.fstat(fd).unwrap();
    assert_eq!((stat.atim, stat.mtim), (a, 7));
    set(&mut sandbox, fd, 0, 0, 2).unwrap();
    let stat = sandbox.fstat(fd).unwrap();
    assert!(stat.atim > m && stat.mtim == 7);
    for flags in [1 | 2, 4 | 8, 16] {
        assert_eq!(set(&mut sandbox, fd, 0, 0, flags), Err(Errno::INVAL));
    }
    set(&mut sandbox, DIR, 0, 5 * second, 4).unwrap();
    assert_eq!(sandbox.fstat(DIR).unwrap().mtim, 5 * second);
    assert_eq!(set(&mut sandbox, 1, 0, 0, 0), Err(Errno::BADF));

    sandbox.symlink("file", "link").unwrap();
    let (path, len) = sandbox.path("link");
    let mut set = |lookup, mtim| {
        sandbox.call(|ctx, guest| ctx.path_filestat_set_times(guest, DIR, lookup, path, len, 0, mtim, 4))
    };
    set(0, 11 * second).unwrap();
    set(FOLLOW, 12 * second).unwrap();
    assert_eq!(sandbox.stat("link", 0).unwrap().mtim, 11 * second);
    assert_eq!(sandbox.stat("link", FOLLOW).unwrap().mtim, 12 * second);
    assert_eq!(sandbox.stat("file", 0).unwrap().mtim, 12 * second);
}

#[test]
fn attributes_are_those_of_the_host() {
    use std::os::unix::fs::MetadataExt;
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, WRITE).unwrap();
    sandbox.write(fd, &[b"abc"]).unwrap();
    let host = fs::metadata(sandbox.root().join("file")).unwrap();
    let stat = sandbox.fstat(fd).unwrap();
    let time = |seconds: i64, nanos: i64| (seconds * 1_000_000_000 + nanos) as u64;
    assert_eq!(
        stat,
        Stat {
            ino: host.ino(),
            filetype: REGULAR,
            nlink: 1,
            size: 3,
            atim: time(host.atime(), host.atime_nsec()),
            mtim: time(host.mtime(), host.mtime_nsec()),
        }
    );
    assert_eq!(sandbox.stat("file", 0), Ok(stat));
    assert_eq!(get_u64(&sandbox.memory, 0), host.dev());
    assert_eq!(get_u64(&sandbox.memory, 56), time(host.ctime(), host.ctime_nsec()));
    assert_eq!(sandbox.fstat(DIR).unwrap().filetype, FOLDER);
    // Before 1970, there are no seconds to tell.
    let time = rustix::fs::Timespec { tv_sec: -5, tv_nsec: 7 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::futimens(fs::File::open(sandbox.root().join("file")).unwrap(), &times).unwrap();
    let stat = sandbox.fstat(fd).unwrap();
    assert_eq!((stat.atim, stat.mtim), (7, 7));
}

#[test]
fn rights_follow_from_how_a_file_is_opened() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, WRITE).unwrap();
    sandbox.write(fd, &[b"abc"]).unwrap();
    assert_eq!(sandbox.read(fd, &[1]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.pread(fd, &[1], 0), Err(Fail::Errno(Errno::BADF)));
    let fd = sandbox.open("file", 0, READ).unwrap();
    assert_eq!(sandbox.write(fd, &[b"x"]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.pwrite(fd, &[b"x"], 0), Err(Fail::Errno(Errno::BADF)));
    let fd = sandbox.open("file", 0, 0).unwrap();
    let (filetype, _, base, inheriting) = sandbox.fdstat(fd).unwrap();
    assert_eq!((filetype, base & (READ | WRITE), base), (REGULAR, 0, inheriting));
    assert_eq!(sandbox.read(fd, &[1]), Err(Fail::Errno(Errno::BADF)));
    for call in [Sandbox::read, |sandbox: &mut Sandbox, fd, _: &[usize]| {
        sandbox.write(fd, &[b"x"]).map(|_| Vec::new())
    }] {
        assert_eq!(call(&mut sandbox, DIR, &[1]), Err(Fail::Errno(Errno::BADF)));
    }
}

#[test]
fn rights_can_be_given_up_but_not_won() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    let set = |sandbox: &mut Sandbox, fd, base: Rights, inheriting: Rights| {
        sandbox.done(|ctx, guest| ctx.fd_fdstat_set_rights(guest, fd, base.bits(), inheriting.bits()))
    };
    assert_eq!(set(&mut sandbox, fd, Rights::all(), Rights::empty()), Err(Errno::NOTCAPABLE));
    set(&mut sandbox, fd, Rights::FD_READ | Rights::FD_TELL, Rights::empty()).unwrap();
    assert_eq!(sandbox.fdstat(fd).unwrap().2, (Rights::FD_READ | Rights::FD_TELL).bits());
    assert_eq!(sandbox.write(fd, &[b"x"]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.seek(fd, 0, 0), Err(Errno::NOTCAPABLE));
    assert_eq!(sandbox.done(|ctx, guest| ctx.fd_tell(guest, fd, 0)), Ok(()));
    assert_eq!(
        set(&mut sandbox, fd, Rights::FD_READ | Rights::FD_SEEK, Rights::empty()),
        Err(Errno::NOTCAPABLE)
    );

    // What a directory can't pass on, its files don't have.
    let (base, inheriting) = (Rights::DIRECTORY, Rights::DIRECTORY | Rights::FD_READ);
    set(&mut sandbox, DIR, base - Rights::PATH_UNLINK_FILE, inheriting).unwrap();
    let fd = sandbox.open("file", 0, READ | WRITE).unwrap();
    assert_eq!(sandbox.write(fd, &[b"x"]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.seek(fd, 0, 0), Err(Errno::NOTCAPABLE));
    assert_eq!(sandbox.unlink("file"), Err(Errno::NOTCAPABLE));
}

#[test]
fn closing_and_renumbering() {
    let mut sandbox = Sandbox::writable();
    let one = sandbox.open("one", CREAT, READ | WRITE).unwrap();
    let two = sandbox.open("two", CREAT, READ | WRITE).unwrap();
    sandbox.write(one, &[b"1"]).unwrap();
    sandbox.call(|ctx, guest| ctx.fd_renumber(guest, one, two)).unwrap();
    assert_eq!(sandbox.close(one), Err(Errno::BADF));
    assert_eq!(sandbox.pread(two, &[9], 0).unwrap(), b"1");
    sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_renumber(guest, one, two));
    assert_eq!(sandbox.open("three", CREAT, READ).unwrap(), one, "the lowest free number");
    // The standard streams and preopened directories are descriptors like others.
    sandbox.call(|ctx, guest| ctx.fd_renumber(guest, two, 1)).unwrap();
    sandbox.write(1, &[b"2"]).unwrap();
    assert_eq!(fs::read(sandbox.root().join("one")).unwrap(), b"12");
    sandbox.close(DIR).unwrap();
    assert_eq!(sandbox.open("one", 0, READ), Err(Errno::BADF));
}

#[test]
fn preopened_directories_are_announced() {
    let mut sandbox = Sandbox::new();
    let root = sandbox.root();
    sandbox.ctx = WasiCtx::builder()
        .preopened_dir(&root, "/data", DirPerms::all(), FilePerms::all())
        .unwrap()
        .preopened_dir(&root, "", DirPerms::all(), FilePerms::all())
        .unwrap()
        .build();
    sandbox.memory[..8].fill(0xee);
    sandbox.call(|ctx, guest| ctx.fd_prestat_get(guest, 3, 0)).unwrap();
    assert_eq!((get_u32(&sandbox.memory, 0), get_u32(&sandbox.memory, 4)), (0, 5));
    sandbox.call(|ctx, guest| ctx.fd_prestat_dir_name(guest, 3, 100, 9)).unwrap();
    assert_eq!(&sandbox.memory[100..106], b"/data\0");
    sandbox.memory[100..106].fill(0xee);
    sandbox.call(|ctx, guest| ctx.fd_prestat_dir_name(guest, 3, 100, 5)).unwrap();
    assert_eq!(&sandbox.memory[100..106], b"/data\xee");
    sandbox.fails(Errno::NAMETOOLONG, |ctx, guest| ctx.fd_prestat_dir_name(guest, 3, 100, 4));
    sandbox.call(|ctx, guest| ctx.fd_prestat_get(guest, 4, 0)).unwrap();
    assert_eq!(get_u32(&sandbox.memory, 4), 0);
    let fd = sandbox.open("file", CREAT, READ).unwrap();
    for fd in [0, fd, 17] {
        sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_prestat_get(guest, fd, 0));
    }
    sandbox.fails(Errno::NOTDIR, |ctx, guest| ctx.fd_prestat_dir_name(guest, 0, 0, 100));
    let (filetype, flags, base, inheriting) = sandbox.fdstat(3).unwrap();
    assert_eq!((filetype, flags), (FOLDER, 0));
    assert!(Rights::from_bits(base).unwrap().contains(Rights::PATH_OPEN | Rights::FD_READDIR));
    assert!(Rights::from_bits(inheriting).unwrap().contains(Rights::FD_READ | Rights::FD_WRITE));
    let missing = root.join("missing");
    assert!(WasiCtx::builder().preopened_dir(missing, "/", DirPerms::all(), FilePerms::all()).is_err());
}

#[test]
fn bad_pointers_have_no_effect() {
    let mut sandbox = Sandbox::writable();
    let end = u32::try_from(sandbox.memory.len()).unwrap();
    let (path, len) = sandbox.path("file");
    sandbox.fails(Errno::FAULT, |ctx, guest| {
        ctx.path_open(guest, DIR, 0, path, len, CREAT, READ, 0, 0, end - 3)
    });
    assert_eq!(sandbox.stat("file", 0), Err(Errno::NOENT));
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    let (iovs, len) = sandbox.iovs(&[10]);
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_write(guest, fd, iovs, len, end - 3));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_pwrite(guest, fd, iovs, len, 0, u32::MAX));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_write(guest, fd, end - 4, 1, 0));
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_write(guest, fd, 0, u32::MAX, 0));
    let (iovs, len) = sandbox.iovs(&[10, u32::MAX as usize]);
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_write(guest, fd, iovs, len, 0));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_read(guest, fd, iovs, len, 0));
    assert_eq!(sandbox.fstat(fd).unwrap().size, 0);
    let memory = sandbox.memory.clone();
    for (snapshot, size) in [(Snapshot::Preview1, 64), (Snapshot::Unstable, 56)] {
        sandbox.snapshot = snapshot;
        for missing in 1..size {
            sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_filestat_get(guest, fd, end - size + missing));
        }
        assert!(sandbox.memory == memory, "{snapshot:?}");
        sandbox.call(|ctx, guest| ctx.fd_filestat_get(guest, fd, end - size)).unwrap();
        sandbox.memory.clone_from(&memory);
    }
    sandbox.snapshot = Snapshot::Preview1;
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_fdstat_get(guest, fd, end - 23));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_seek(guest, fd, 0, 0, end - 7));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_prestat_get(guest, DIR, end - 7));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_prestat_dir_name(guest, DIR, end, 1));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_readdir(guest, DIR, end - 9, 10, 0, 0));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.path_unlink_file(guest, DIR, end, 4));
}
