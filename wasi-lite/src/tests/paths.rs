use super::refusing::{refusing, without_openat2};
use super::*;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn opening() {
    let mut sandbox = Sandbox::writable();
    assert_eq!(sandbox.open("file", 0, READ), Err(Errno::NOENT));
    let fd = sandbox.open("file", CREAT | EXCL, WRITE).unwrap();
    assert_eq!(sandbox.open("file", CREAT | EXCL, WRITE), Err(Errno::EXIST));
    sandbox.write(fd, &[b"abc"]).unwrap();
    let fd = sandbox.open("file", CREAT, READ).unwrap();
    assert_eq!(sandbox.read(fd, &[9]).unwrap(), b"abc");
    sandbox.open("file", TRUNC, 0).unwrap();
    assert_eq!(sandbox.fstat(fd).unwrap().size, 0);
    assert_eq!(sandbox.open("file", DIRECTORY, READ), Err(Errno::NOTDIR));
    assert_eq!(sandbox.open("file/", 0, READ), Err(Errno::NOTDIR));
    assert_eq!(sandbox.open("file/x", 0, READ), Err(Errno::NOTDIR));
    assert_eq!(sandbox.open("", 0, READ), Err(Errno::NOENT));
    assert_eq!(sandbox.open("a\0b", CREAT, READ), Err(Errno::INVAL));
    assert_eq!(sandbox.open(&"a".repeat(4096), CREAT, READ), Err(Errno::NAMETOOLONG));
    assert_eq!(sandbox.open(&"a".repeat(256), CREAT, READ), Err(Errno::NAMETOOLONG));
    assert_eq!(sandbox.open_with((fd, 0), "x", 0, READ, 0), Err(Errno::NOTDIR));
    assert_eq!(sandbox.open_with((1, 0), "x", 0, READ, 0), Err(Errno::BADF));
    assert_eq!(sandbox.open_with((99, 0), "x", 0, READ, 0), Err(Errno::BADF));
    assert_eq!(sandbox.open_with((DIR, 2), "file", 0, READ, 0), Err(Errno::INVAL), "no such lookup flag");
    assert_eq!(sandbox.open("file", 16, READ), Err(Errno::INVAL), "no such flag");
    assert_eq!(sandbox.open_with((DIR, 0), "file", 0, READ, 1 << 16), Err(Errno::INVAL), "no such flag");
    // Bytes that are no text.
    sandbox.memory[PATH as usize] = 0xff;
    sandbox.fails(Errno::ILSEQ, |ctx, guest| ctx.path_unlink_file(guest, DIR, PATH, 1));
}

/// Who may use `/` has the system's view of this very process below it.
#[test]
#[cfg(target_os = "linux")]
fn the_hosts_own_memory_is_closed() {
    let check = || {
        // Not below `/`, which an emulator has another folder for.
        let mut sandbox =
            Sandbox::with(Sandbox::dir_ctx("/proc".as_ref(), DirPerms::all(), FilePerms::all()));
        for path in ["self/mem", "thread-self/mem", "self/environ"] {
            for rights in [READ, WRITE, READ | WRITE] {
                let refusal = sandbox.open(path, 0, rights).unwrap_err();
                assert!(matches!(refusal, Errno::ACCES | Errno::NOENT), "{path}: {refusal:?}");
            }
        }
        assert!(matches!(sandbox.open("self/oom_score_adj", 0, WRITE), Err(Errno::ACCES)));
        // What everybody may read is only that.
        sandbox.open("self/status", 0, READ).unwrap();
        sandbox.open("self/task", DIRECTORY, READ).unwrap();
    };
    check();
    without_openat2(check);
}

#[test]
fn directories() {
    let mut sandbox = Sandbox::writable();
    sandbox.mkdir("dir").unwrap();
    assert_eq!(sandbox.mkdir("dir"), Err(Errno::EXIST));
    sandbox.mkdir("dir/sub/").unwrap();
    let dir = sandbox.open("dir", DIRECTORY, READ).unwrap();
    assert_eq!(sandbox.fdstat(dir).unwrap().0, FOLDER);
    let file = sandbox.open_with((dir, 0), "file", CREAT, WRITE, 0).unwrap();
    sandbox.write(file, &[b"x"]).unwrap();
    assert_eq!(fs::read(sandbox.root().join("dir/file")).unwrap(), b"x");
    // Without `DIRECTORY` too, and by any way that stays inside.
    for path in ["dir", ".", "dir/", "dir/..", "dir/sub/../../dir/.//sub/.."] {
        let fd = sandbox.open(path, 0, READ).unwrap();
        assert_eq!(sandbox.fdstat(fd).unwrap().0, FOLDER, "{path}");
        assert_eq!(sandbox.fdstat(fd).unwrap().3, sandbox.fdstat(DIR).unwrap().3);
    }
    assert_eq!(sandbox.open("dir", DIRECTORY, READ | WRITE), Err(Errno::ISDIR));
    assert_eq!(sandbox.open("dir", 0, WRITE), Err(Errno::ISDIR));
    assert_eq!(sandbox.open("new", DIRECTORY | CREAT, READ), Err(Errno::INVAL));
    assert_eq!(sandbox.rmdir("dir"), Err(Errno::NOTEMPTY));
    assert_eq!(sandbox.rmdir("dir/file"), Err(Errno::NOTDIR));
    assert_eq!(sandbox.unlink("dir/sub"), Err(Errno::ISDIR));
    assert_eq!(sandbox.unlink("dir/sub/"), Err(Errno::ISDIR));
    assert_eq!(sandbox.unlink("dir/file/"), Err(Errno::NOTDIR));
    assert_eq!(sandbox.rmdir("dir/file/"), Err(Errno::NOTDIR));
    assert_eq!(sandbox.rmdir("/"), Err(Errno::PERM));
    sandbox.rmdir("dir/sub").unwrap();
    sandbox.unlink("dir/file").unwrap();
    sandbox.rmdir("dir/").unwrap();
    assert_eq!(sandbox.rmdir("dir"), Err(Errno::NOENT));
    assert_eq!(sandbox.unlink("dir"), Err(Errno::NOENT));
}

#[test]
fn nothing_leads_out() {
    let mut sandbox = Sandbox::writable();
    let outside = sandbox.host.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let root = sandbox.root();
    sandbox.mkdir("dir").unwrap();
    symlink("../outside", root.join("relative")).unwrap();
    symlink(&outside, root.join("absolute")).unwrap();
    symlink("../../outside/secret", root.join("dir/file")).unwrap();
    symlink("../root/dir", root.join("again")).unwrap();
    fs::write(root.join("dir/inside"), "inside").unwrap();
    let absolute = outside.join("secret");
    for path in [
        "..",
        "../",
        "../outside/secret",
        "../root/dir/inside",
        "dir/../../outside/secret",
        "/",
        "/dir/inside",
        absolute.to_str().unwrap(),
        "relative/secret",
        "absolute/secret",
        "again/inside",
    ] {
        for (oflags, rights) in [(0, READ), (CREAT, READ | WRITE), (TRUNC, WRITE), (DIRECTORY, READ)] {
            for lookup in [0, FOLLOW] {
                let result = sandbox.open_with((DIR, lookup), path, oflags, rights, 0);
                assert_eq!(result, Err(Errno::PERM), "{path} {oflags} {lookup}");
            }
        }
        assert_eq!(sandbox.stat(path, FOLLOW), Err(Errno::PERM), "{path}");
        // Of what the last part of the path is, the system may speak first.
        for result in [
            sandbox.unlink(path),
            sandbox.rmdir(path),
            sandbox.mkdir(&format!("{path}/new")),
            sandbox.rename(path, "new"),
            sandbox.rename("dir/inside", path),
            sandbox.link(path, "new", 0),
            sandbox.link("dir/inside", path, 0),
            sandbox.symlink("dir", path),
        ] {
            assert!(
                matches!(
                    result,
                    Err(Errno::PERM | Errno::NOTDIR | Errno::ISDIR | Errno::INVAL | Errno::NOTEMPTY)
                ),
                "{path}: {result:?}"
            );
        }
    }
    for path in ["relative", "absolute", "dir/file"] {
        assert_eq!(sandbox.open_with((DIR, FOLLOW), path, 0, READ, 0), Err(Errno::PERM), "{path}");
        assert_eq!(sandbox.open_with((DIR, FOLLOW), path, CREAT, WRITE, 0), Err(Errno::PERM), "{path}");
        assert_eq!(sandbox.stat(path, FOLLOW), Err(Errno::PERM), "{path}");
        assert_eq!(sandbox.stat(path, 0).unwrap().filetype, SYMLINK);
        assert_eq!(sandbox.open(path, 0, READ), Err(Errno::LOOP));
    }
    assert_eq!(sandbox.readlink("relative", 100).unwrap(), "../outside");
    assert_eq!(sandbox.readlink("absolute", 100), Err(Errno::PERM));
    assert_eq!(sandbox.symlink("/etc/passwd", "new"), Err(Errno::PERM));
    // Even what the guest may write as a link it can't follow.
    sandbox.symlink("../outside/secret", "new").unwrap();
    assert_eq!(sandbox.open_with((DIR, FOLLOW), "new", 0, READ, 0), Err(Errno::PERM));
    // Nor does a directory that moves lead out.
    let dir = sandbox.open("dir", DIRECTORY, READ).unwrap();
    assert_eq!(sandbox.open_with((dir, 0), "../dir/inside", 0, READ, 0), Err(Errno::PERM));

    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read_dir(sandbox.host.path()).unwrap().count(), 2);
}

#[test]
fn symbolic_links() {
    let mut sandbox = Sandbox::writable();
    sandbox.mkdir("dir").unwrap();
    let fd = sandbox.open("dir/file", CREAT, WRITE).unwrap();
    sandbox.write(fd, &[b"abc"]).unwrap();
    sandbox.symlink("dir/file", "link").unwrap();
    sandbox.symlink("loop", "loop").unwrap();
    sandbox.symlink("nowhere", "dangling").unwrap();
    sandbox.symlink("dir", "folder").unwrap();
    assert_eq!(sandbox.symlink("x", "link"), Err(Errno::EXIST));
    assert_eq!(sandbox.symlink("x", "new/"), Err(Errno::NOENT));
    assert_eq!(sandbox.symlink("x", "dir/"), Err(Errno::EXIST));
    assert_eq!(sandbox.symlink("x", "dir/file/"), Err(Errno::NOTDIR));
    assert_eq!(sandbox.readlink("link", 100).unwrap(), "dir/file");
    assert_eq!(sandbox.readlink("link", 3).unwrap(), "dir", "as much as there is room for");
    assert_eq!(sandbox.readlink("link", 0).unwrap(), "");
    assert_eq!(sandbox.readlink("dir/file", 9), Err(Errno::INVAL));
    assert_eq!(sandbox.readlink("missing", 9), Err(Errno::NOENT));
    assert_eq!(sandbox.stat("link", 0).unwrap().filetype, SYMLINK);
    assert_eq!(sandbox.stat("link", FOLLOW).unwrap().size, 3);
    let fd = sandbox.open_with((DIR, FOLLOW), "link", 0, READ, 0).unwrap();
    assert_eq!(sandbox.read(fd, &[9]).unwrap(), b"abc");
    let fd = sandbox.open("folder/file", 0, READ).unwrap();
    assert_eq!(sandbox.read(fd, &[9]).unwrap(), b"abc");
    assert_eq!(sandbox.open("link", 0, READ), Err(Errno::LOOP));
    assert!(matches!(sandbox.open("folder", DIRECTORY, READ), Err(Errno::LOOP | Errno::NOTDIR)));
    assert!(sandbox.open_with((DIR, FOLLOW), "folder", DIRECTORY, READ, 0).is_ok());
    for lookup in [0, FOLLOW] {
        assert_eq!(sandbox.open_with((DIR, lookup), "loop", 0, READ, 0), Err(Errno::LOOP));
    }
    assert_eq!(sandbox.open_with((DIR, FOLLOW), "dangling", 0, READ, 0), Err(Errno::NOENT));
    assert_eq!(sandbox.open_with((DIR, FOLLOW), "dangling", CREAT | EXCL, WRITE, 0), Err(Errno::EXIST));
    sandbox.unlink("dangling").unwrap();
    sandbox.unlink("folder").unwrap();
    assert_eq!(sandbox.stat("dir", 0).unwrap().filetype, FOLDER);
}

#[test]
fn renaming() {
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    fs::write(root.join("a"), "a").unwrap();
    fs::write(root.join("b"), "b").unwrap();
    sandbox.mkdir("dir").unwrap();
    sandbox.mkdir("full").unwrap();
    fs::write(root.join("full/file"), "").unwrap();
    sandbox.rename("a", "b").unwrap();
    assert_eq!(fs::read(root.join("b")).unwrap(), b"a");
    assert_eq!(sandbox.rename("a", "c"), Err(Errno::NOENT));
    sandbox.rename("b", "dir/c").unwrap();
    assert_eq!(sandbox.rename("dir/c", "full"), Err(Errno::ISDIR));
    assert_eq!(sandbox.rename("dir", "full"), Err(Errno::NOTEMPTY));
    assert_eq!(sandbox.rename("dir", "full/file"), Err(Errno::NOTDIR));
    assert_eq!(sandbox.rename("dir", "dir/dir"), Err(Errno::INVAL));
    sandbox.mkdir("empty").unwrap();
    sandbox.rename("dir", "empty").unwrap();
    assert_eq!(fs::read(root.join("empty/c")).unwrap(), b"a");
    // A trailing slash is right for directories only.
    sandbox.rename("empty/", "dir").unwrap();
    sandbox.rename("dir", "empty/").unwrap();
    sandbox.rename("empty///", "dir/").unwrap();
    assert_eq!(sandbox.rename("dir/c/", "new"), Err(Errno::NOTDIR));
    assert_eq!(sandbox.rename("dir/c", "new/"), Err(Errno::NOTDIR));
    assert_eq!(fs::read(root.join("dir/c")).unwrap(), b"a");
}

#[test]
fn hard_links() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, WRITE).unwrap();
    sandbox.link("file", "link", 0).unwrap();
    sandbox.write(fd, &[b"abc"]).unwrap();
    let stat = sandbox.stat("link", 0).unwrap();
    assert_eq!((stat.nlink, stat.size, stat.ino), (2, 3, sandbox.fstat(fd).unwrap().ino));
    assert_eq!(sandbox.link("file", "link", 0), Err(Errno::EXIST));
    assert_eq!(sandbox.link("file", "other", FOLLOW), Err(Errno::INVAL));
    assert_eq!(sandbox.link("missing", "other", 0), Err(Errno::NOENT));
    assert_eq!(sandbox.link("file", "other/", 0), Err(Errno::NOENT));
    sandbox.mkdir("dir").unwrap();
    assert_eq!(sandbox.link("dir", "other", 0), Err(Errno::PERM));
    sandbox.unlink("file").unwrap();
    assert_eq!(sandbox.stat("link", 0).unwrap().nlink, 1);
    sandbox.symlink("nowhere", "dangling").unwrap();
    sandbox.link("dangling", "too", 0).unwrap();
    assert_eq!(sandbox.readlink("too", 100).unwrap(), "nowhere");
}

/// Sets the times of `path`, whatever symbolic link leads there.
fn touch(sandbox: &mut Sandbox, path: &str, seconds: u64) -> Result<(), Errno> {
    let (path, len) = sandbox.path(path);
    let time = seconds * 1_000_000_000;
    sandbox.done(|ctx, guest| ctx.path_filestat_set_times(guest, DIR, FOLLOW, path, len, time, time, 1 | 4))
}

#[test]
fn times_are_set_without_opening_what_has_them() {
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    let fifo = rustix::fs::FileType::Fifo;
    // Whoever opens it waits until somebody else does.
    rustix::fs::mknodat(rustix::fs::CWD, root.join("fifo"), fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    for name in ["fifo", "socket"] {
        touch(&mut sandbox, name, 7).unwrap();
        assert_eq!(sandbox.stat(name, 0).unwrap().mtim, 7_000_000_000, "{name}");
    }
}

#[test]
fn times_are_set_where_that_takes_opening() {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    fs::write(root.join("file"), "").unwrap();
    fs::create_dir(root.join("dir")).unwrap();
    for (target, name) in [("file", "to-file"), ("dir", "to-dir"), ("nowhere", "dangling"), ("..", "out")] {
        symlink(target, root.join(name)).unwrap();
    }
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    // As before Linux 5.8: the last argument of `utimensat` can't be `AT_EMPTY_PATH`.
    let empty_path = SeccompCondition::new(3, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 0x1000).unwrap();
    let old = (nix::libc::SYS_utimensat, vec![SeccompRule::new(vec![empty_path]).unwrap()]);
    let check = |sandbox: &mut Sandbox, second: u64| {
        for (path, what) in [
            ("file", "file"),
            ("dir", "dir"),
            ("dir/", "dir"),
            ("to-file", "file"),
            ("to-dir/.", "dir"),
            ("fifo", "fifo"),
        ] {
            touch(sandbox, path, second).unwrap();
            assert_eq!(sandbox.stat(what, 0).unwrap().mtim, second * 1_000_000_000, "{path}");
            touch(sandbox, what, 1).unwrap();
        }
        assert_eq!(touch(sandbox, "file/", second), Err(Errno::NOTDIR));
        assert_eq!(touch(sandbox, "dangling", second), Err(Errno::NOENT));
        assert_eq!(touch(sandbox, "out", second), Err(Errno::PERM));
    };
    refusing([old], rustix::io::Errno::INVAL, || {
        check(&mut sandbox, 8);
        // The system then hasn't got this either.
        without_openat2(|| check(&mut sandbox, 9));
    });
}

fn names(entries: &[Entry]) -> Vec<&str> {
    let mut names: Vec<_> = entries.iter().map(|(name, ..)| name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn reading_directories() {
    let mut sandbox = Sandbox::writable();
    let (entries, end) = sandbox.readdir(DIR, 0, 4096).unwrap();
    assert!(end);
    assert_eq!(names(&entries), [".", ".."]);
    let own = sandbox.fstat(DIR).unwrap().ino;
    for (name, filetype, ino, _) in &entries {
        assert_eq!((*filetype, *ino), (FOLDER, own), "{name}");
    }
    sandbox.open("file", CREAT, WRITE).unwrap();
    sandbox.mkdir("dir").unwrap();
    sandbox.symlink("file", "link").unwrap();
    let (entries, _) = sandbox.readdir(DIR, 0, 4096).unwrap();
    assert_eq!(names(&entries), [".", "..", "dir", "file", "link"]);
    for (name, filetype, ino, next) in &entries {
        let stat = sandbox.stat(name, 0);
        if name != ".." {
            assert_eq!((stat.unwrap().filetype, stat.unwrap().ino), (*filetype, *ino), "{name}");
        }
        let (rest, _) = sandbox.readdir(DIR, *next, 4096).unwrap();
        let behind = entries.iter().skip_while(|(other, ..)| other != name).skip(1).cloned();
        assert_eq!(rest, behind.collect::<Vec<_>>(), "what follows {name}");
    }
    // A buffer too small for one entry is filled all the same.
    for len in [0, 1, 23, 24, 25] {
        let (entries, end) = sandbox.readdir(DIR, 0, len).unwrap();
        assert!(entries.len() <= 1 && !end, "{len}");
    }
    let file = sandbox.open("file", 0, READ).unwrap();
    sandbox.fails(Errno::NOTDIR, |ctx, guest| ctx.fd_readdir(guest, file, BUF, 100, 0, 0));
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_readdir(guest, DIR, BUF, 100, u64::MAX, 0));
    // The guest could do nothing with such a name.
    use std::os::unix::ffi::OsStrExt;
    fs::write(sandbox.root().join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    sandbox.fails(Errno::ILSEQ, |ctx, guest| ctx.fd_readdir(guest, DIR, BUF, 4096, 0, 0));
}

#[test]
fn reading_a_large_directory_that_changes() {
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    for number in 0..500 {
        fs::write(root.join(format!("file{number}")), "").unwrap();
    }
    let read = |sandbox: &mut Sandbox, remove: bool| {
        let (mut all, mut cookie) = (Vec::new(), 0);
        loop {
            let (entries, end) = sandbox.readdir(DIR, cookie, 300).unwrap();
            for (name, _, _, next) in entries {
                if remove && name.starts_with("file") {
                    sandbox.unlink(&name).unwrap();
                }
                cookie = next;
                all.push(name);
            }
            if end {
                break;
            }
        }
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    assert_eq!(read(&mut sandbox, false), 502);
    // As `rm -r` does it: each is found although those before it are gone.
    assert_eq!(read(&mut sandbox, true), 502);
    assert_eq!(read(&mut sandbox, false), 2);
}

#[test]
fn a_fifo_doesnt_keep_the_guest_waiting_for_ever() {
    let mut sandbox = Sandbox::writable();
    let fifo = sandbox.root().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    assert_eq!(sandbox.open("fifo", 0, WRITE), Err(Errno::NXIO), "nobody reads");
    let reader = sandbox.open_with((DIR, 0), "fifo", 0, READ, NONBLOCK).unwrap();
    assert_eq!(sandbox.fdstat(reader).unwrap().0, 0, "of no type that the specification knows");
    assert!(sandbox.ctx.waits(reader) && !sandbox.ctx.waits(DIR) && !sandbox.ctx.waits(99));
    let writer = sandbox.open("fifo", 0, WRITE).unwrap();
    assert_eq!(sandbox.read(reader, &[9]), Err(Fail::Errno(Errno::AGAIN)));
    assert_eq!(sandbox.write(writer, &[b"abc"]), Ok(3));
    assert_eq!(sandbox.read(reader, &[2, 9]).unwrap(), b"ab", "one buffer at a time");
    assert_eq!(sandbox.read(reader, &[2, 9]).unwrap(), b"c");
    assert_eq!(sandbox.seek(reader, 0, 1), Err(Errno::SPIPE));
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, reader, 0)).unwrap();
    // More than the pipe holds, and nobody reads.
    let interrupter = sandbox.interrupter();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(30));
        { interrupter }.write_all(&[0]).unwrap();
    });
    sandbox.memory.resize(1 << 20, 0);
    assert_eq!(sandbox.write(writer, &[&vec![0; 1 << 19]]), Err(Fail::Interrupted));
    thread.join().unwrap();
    assert_eq!(sandbox.read(reader, &[9]), Err(Fail::Interrupted));
}
