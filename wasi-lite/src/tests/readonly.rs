use super::*;
use std::fs;

fn read_only() -> Sandbox {
    let sandbox = Sandbox::with_dir(DirPerms::READ, FilePerms::READ);
    fs::create_dir(sandbox.root().join("dir")).unwrap();
    fs::write(sandbox.root().join("file"), "abc").unwrap();
    std::os::unix::fs::symlink("file", sandbox.root().join("link")).unwrap();
    sandbox
}

#[test]
fn reading_works() {
    let mut sandbox = read_only();
    let fd = sandbox.open("file", 0, READ).unwrap();
    assert_eq!(sandbox.read(fd, &[9]).unwrap(), b"abc");
    assert_eq!(sandbox.stat("file", 0).unwrap().size, 3);
    assert_eq!(sandbox.readlink("link", 9).unwrap(), "file");
    assert_eq!(sandbox.readdir(DIR, 0, 4096).unwrap().0.len(), 5);
    let dir = sandbox.open("dir", DIRECTORY, READ).unwrap();
    assert_eq!(sandbox.readdir(dir, 0, 4096).unwrap().0.len(), 2);
}

#[test]
fn every_mutating_call_is_refused() {
    let mut sandbox = read_only();
    let before = sandbox.stat("file", 0).unwrap();
    let reader = sandbox.open("file", 0, READ).unwrap();
    let dir = sandbox.open("dir", DIRECTORY, READ).unwrap();
    for (path, oflags, rights) in [
        ("file", 0, WRITE),
        ("file", 0, READ | WRITE),
        ("file", TRUNC, READ),
        ("file", CREAT, READ),
        ("new", CREAT, READ),
        ("new", CREAT | EXCL, 0),
        ("dir/new", CREAT, WRITE),
    ] {
        assert_eq!(sandbox.open(path, oflags, rights), Err(Errno::PERM), "{path} {oflags}");
    }
    assert_eq!(sandbox.open_with((dir, 0), "new", CREAT, WRITE, 0), Err(Errno::PERM));
    for result in [
        sandbox.mkdir("new"),
        sandbox.rmdir("dir"),
        sandbox.unlink("file"),
        sandbox.rename("file", "new"),
        sandbox.link("file", "new", 0),
        sandbox.symlink("file", "new"),
    ] {
        assert_eq!(result, Err(Errno::PERM));
    }
    let (path, len) = sandbox.path("file");
    for lookup in [0, FOLLOW] {
        sandbox.fails(Errno::PERM, |ctx, guest| {
            ctx.path_filestat_set_times(guest, DIR, lookup, path, len, 0, 0, 1 | 4)
        });
    }
    for fd in [reader, dir, DIR] {
        sandbox.fails(Errno::PERM, |ctx, guest| ctx.fd_filestat_set_times(guest, fd, 0, 0, 1 | 4));
    }
    assert_eq!(sandbox.write(reader, &[b"x"]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.pwrite(reader, &[b"x"], 0), Err(Fail::Errno(Errno::BADF)));
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_filestat_set_size(guest, reader, 0));
    sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_allocate(guest, reader, 0, 100));
    let stat = Stat { atim: before.atim, ..sandbox.stat("file", 0).unwrap() };
    assert_eq!(stat, before);
    assert_eq!(fs::read_dir(sandbox.root()).unwrap().count(), 3);
    assert_eq!(fs::read(sandbox.root().join("file")).unwrap(), b"abc");
}

#[test]
fn a_file_cant_be_moved_to_where_more_is_allowed() {
    let mut sandbox = read_only();
    let root = sandbox.root();
    let other = sandbox.host.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("mine"), "").unwrap();
    let read_only = [(DirPerms::READ, FilePerms::READ), (DirPerms::all(), FilePerms::READ)];
    for (dir_perms, file_perms) in read_only {
        sandbox.ctx = WasiCtx::builder()
            .preopened_dir(&root, "/", dir_perms, file_perms)
            .unwrap()
            .preopened_dir(&other, "/other", DirPerms::all(), FilePerms::all())
            .unwrap()
            .build();
        let ((old, old_len), (new, new_len)) = (sandbox.path("file"), sandbox.path2("new"));
        sandbox.fails(Errno::PERM, |ctx, guest| ctx.path_link(guest, 3, 0, old, old_len, 4, new, new_len));
        sandbox.fails(Errno::PERM, |ctx, guest| ctx.path_rename(guest, 3, old, old_len, 4, new, new_len));
    }
    // The other way is fine where the target may be changed.
    let ((old, old_len), (new, new_len)) = (sandbox.path("mine"), sandbox.path2("new"));
    sandbox.call(|ctx, guest| ctx.path_rename(guest, 4, old, old_len, 3, new, new_len)).unwrap();
    assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
}

#[test]
fn files_are_moved_only_to_where_no_more_is_allowed() {
    let mut sandbox = read_only();
    let [one, other] = ["one", "other"].map(|name| sandbox.host.path().join(name));
    for dir in [&one, &other] {
        fs::create_dir(dir).unwrap();
    }
    let every: Vec<_> = (0..16)
        .map(|bits| (DirPerms::from_bits_truncate(bits & 3), FilePerms::from_bits_truncate(bits >> 2)))
        .collect();
    let mut allowed = 0;
    for from in &every {
        for to in &every {
            sandbox.ctx = WasiCtx::builder()
                .preopened_dir(&one, "/one", from.0, from.1)
                .unwrap()
                .preopened_dir(&other, "/other", to.0, to.1)
                .unwrap()
                .build();
            let changes = from.0.contains(DirPerms::MUTATE) && to.0.contains(DirPerms::MUTATE);
            let wins = [
                to.0.contains(DirPerms::READ) && !from.0.contains(DirPerms::READ),
                to.1.contains(FilePerms::READ) && !from.1.contains(FilePerms::READ),
                to.1.contains(FilePerms::WRITE) && !from.1.contains(FilePerms::WRITE),
            ];
            let expected = if changes && !wins.contains(&true) { Ok(()) } else { Err(Errno::PERM) };
            allowed += usize::from(expected.is_ok());
            for rename in [false, true] {
                fs::write(one.join("file"), "").unwrap();
                let _ = fs::remove_file(other.join("new"));
                let ((old, old_len), (new, new_len)) = (sandbox.path("file"), sandbox.path2("new"));
                let result = sandbox.done(|ctx, guest| match rename {
                    false => ctx.path_link(guest, 3, 0, old, old_len, 4, new, new_len),
                    true => ctx.path_rename(guest, 3, old, old_len, 4, new, new_len),
                });
                assert_eq!(result, expected, "from {from:?} to {to:?}");
                let (left, arrived) = (one.join("file").exists(), other.join("new").exists());
                assert_eq!((left, arrived), (!(rename && expected.is_ok()), expected.is_ok()));
            }
        }
    }
    // Both may be changed, and of three permissions none is won.
    assert_eq!(allowed, 27);
    // Within one directory, nothing can be won.
    let mut sandbox = Sandbox::with_dir(DirPerms::MUTATE, FilePerms::empty());
    fs::write(sandbox.root().join("file"), "").unwrap();
    sandbox.rename("file", "new").unwrap();
    sandbox.link("new", "file", 0).unwrap();
}

#[test]
fn each_permission_stands_for_itself() {
    // Directories may be changed, files not.
    let mut sandbox = Sandbox::with_dir(DirPerms::all(), FilePerms::READ);
    fs::write(sandbox.root().join("file"), "abc").unwrap();
    assert_eq!(sandbox.open("file", 0, WRITE), Err(Errno::PERM));
    assert_eq!(sandbox.open("file", TRUNC, READ), Err(Errno::PERM));
    assert_eq!(sandbox.open("new", CREAT, READ), Err(Errno::PERM));
    sandbox.mkdir("dir").unwrap();
    sandbox.rename("file", "dir/file").unwrap();
    // Files may be written, not read.
    let mut sandbox = Sandbox::with_dir(DirPerms::all(), FilePerms::WRITE);
    let fd = sandbox.open("file", CREAT, WRITE).unwrap();
    sandbox.write(fd, &[b"abc"]).unwrap();
    assert_eq!(sandbox.open("file", 0, READ), Err(Errno::PERM));
    assert!(sandbox.open(".", DIRECTORY, READ).is_ok());
    // Files may be written, directories not changed.
    let mut sandbox = Sandbox::with_dir(DirPerms::READ, FilePerms::all());
    fs::write(sandbox.root().join("file"), "abc").unwrap();
    for (path, oflags, rights) in [("file", 0, WRITE), ("file", TRUNC, READ), ("new", CREAT, READ)] {
        assert_eq!(sandbox.open(path, oflags, rights), Err(Errno::PERM), "{path} {oflags}");
    }
    // Directories may be changed, not looked into.
    let mut sandbox = Sandbox::with_dir(DirPerms::MUTATE, FilePerms::all());
    sandbox.mkdir("dir").unwrap();
    assert_eq!(sandbox.stat("dir", 0), Err(Errno::PERM));
    assert_eq!(sandbox.open("dir", 0, READ), Err(Errno::PERM));
    assert_eq!(sandbox.readlink("dir", 9), Err(Errno::PERM));
    assert_eq!(sandbox.readdir(DIR, 0, 100), Err(Errno::PERM));
}

#[test]
fn times_are_changes_of_what_has_them() {
    for (dir_perms, file_perms, of_file, of_dir) in [
        (DirPerms::all(), FilePerms::all(), true, true),
        (DirPerms::all(), FilePerms::READ, false, true),
        (DirPerms::READ, FilePerms::all(), true, false),
        (DirPerms::READ, FilePerms::READ, false, false),
    ] {
        let mut sandbox = Sandbox::with_dir(dir_perms, file_perms);
        fs::write(sandbox.root().join("file"), "").unwrap();
        let expected = |allowed| if allowed { Ok(()) } else { Err(Errno::PERM) };
        let file = sandbox.open("file", 0, READ).unwrap();
        for (fd, allowed) in [(file, of_file), (DIR, of_dir)] {
            let result = sandbox.done(|ctx, guest| ctx.fd_filestat_set_times(guest, fd, 0, 0, 1 | 4));
            assert_eq!(result, expected(allowed), "{dir_perms:?} {file_perms:?} {fd}");
        }
        // By its name, it takes both.
        let (path, len) = sandbox.path("file");
        for lookup in [0, FOLLOW] {
            let result = sandbox
                .done(|ctx, guest| ctx.path_filestat_set_times(guest, DIR, lookup, path, len, 0, 0, 1 | 4));
            assert_eq!(result, expected(of_file && of_dir), "{dir_perms:?} {file_perms:?}");
        }
    }
}
