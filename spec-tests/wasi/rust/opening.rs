//! `path_open`, `path_filestat_get`, `path_filestat_set_times`.

#![no_std]
#![no_main]

mod guest;
use guest::*;

fn set_times(lookup: u32, path: &str, atim: u64, mtim: u64, flags: u32) -> u32 {
    path_filestat_set_times(DIR, lookup, at(path), path.len() as u32, atim, mtim, flags)
}

fn stats(lookup: u32, path: &str) -> u32 {
    path_filestat_get(DIR, lookup, at(path), path.len() as u32, at(&[0_u64; 8]))
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // Files.
    is(opens(DIR, 0, "new.cleanup", 0, READ), NOENT);
    is(opens(DIR, 0, "new.cleanup", CREAT, READ), OK);
    is(opens(DIR, 0, "new.cleanup", CREAT, READ), OK);
    is(opens(DIR, 0, "new.cleanup", CREAT | EXCL, READ), EXIST);
    let fd = open("new.cleanup", 0, WRITE, 0);
    is(write(fd, b"12345"), 5);
    is(fd_close(fd), OK);
    let fd = open("new.cleanup", TRUNC, READ | WRITE, 0);
    is(filestat(fd).size, 0);
    is(opens(fd, 0, "x", CREAT, READ), NOTDIR);
    is(fd_close(fd), OK);
    for path in ["new.cleanup/", "new.cleanup///", "new.cleanup/x"] {
        is(opens(DIR, 0, path, 0, READ), NOTDIR);
    }
    is(opens(DIR, 0, "none.cleanup/x", CREAT, READ), NOENT);
    is(opens(DIR, 0, "new.cleanup", DIRECTORY, READ), NOTDIR);
    // Directories.
    is(mkdir("dir.cleanup"), OK);
    for path in [".", "./", "dir.cleanup", "dir.cleanup//", "dir.cleanup/./../dir.cleanup"] {
        for oflags in [0, DIRECTORY] {
            is(opens(DIR, 0, path, oflags, READ), OK);
            is(opens(DIR, 0, path, oflags, 0), OK);
            is(opens(DIR, 0, path, oflags, READ | WRITE), ISDIR);
        }
    }
    is(opens(DIR, 0, "dir.cleanup", DIRECTORY | CREAT, READ), INVAL);
    is(opens(DIR, 0, "dir.cleanup", DIRECTORY | TRUNC, READ), INVAL);
    // Links.
    is(symlink("new.cleanup", "link.cleanup"), OK);
    is(symlink("dir.cleanup", "dirlink.cleanup"), OK);
    is(symlink("loop.cleanup", "loop.cleanup"), OK);
    is(opens(DIR, 0, "link.cleanup", 0, READ), LOOP);
    is(opens(DIR, FOLLOW, "link.cleanup", 0, READ), OK);
    is(opens(DIR, FOLLOW, "link.cleanup", DIRECTORY, READ), NOTDIR);
    is(opens(DIR, FOLLOW, "dirlink.cleanup", DIRECTORY, READ), OK);
    let found = opens(DIR, 0, "dirlink.cleanup", DIRECTORY, READ);
    yes(found == LOOP || found == NOTDIR);
    is(opens(DIR, 0, "dirlink.cleanup/x", CREAT, WRITE), OK);
    is(unlink("dir.cleanup/x"), OK);
    is(opens(DIR, FOLLOW, "loop.cleanup", 0, READ), LOOP);
    is(opens(DIR, 0, "loop.cleanup/x", 0, READ), LOOP);
    // Names.
    for path in ["../new.cleanup", "/new.cleanup", "dir.cleanup/../../fs-tests.dir/new.cleanup"] {
        is(opens(DIR, 0, path, 0, READ), PERM);
        is(stats(0, path), PERM);
        is(set_times(0, path, 0, 0, 0), PERM);
    }
    is(opens(DIR, 0, "", 0, READ), NOENT);
    is(opens(NONE, 0, "x", 0, READ), BADF);
    is(opens(1, 0, "x", 0, READ), BADF);
    let mut fd = 0;
    is(path_open(DIR, 0, NOWHERE, 100, 0, READ, 0, 0, at_mut(&mut fd)), FAULT);
    is(path_open(DIR, 0, at("x"), 1, CREAT, READ, 0, 0, NOWHERE), FAULT);
    is(stats(0, "x"), NOENT);
    is(path_open(DIR, 0, at(&[0xff_u8]), 1, 0, READ, 0, 0, at_mut(&mut fd)), ILSEQ);
    is(path_open(DIR, 0, at(&[b'x'; 5000]), 5000, 0, READ, 0, 0, at_mut(&mut fd)), NAMETOOLONG);
    is(path_open(DIR, 2, at("x"), 1, 0, READ, 0, 0, at_mut(&mut fd)), INVAL);
    is(path_open(DIR, 0, at("x"), 1, 16, READ, 0, 0, at_mut(&mut fd)), INVAL);
    is(path_open(DIR, 0, at("x"), 1, 0, READ, 0, 32, at_mut(&mut fd)), INVAL);
    // Flags and rights.
    for fdflags in [0, APPEND, NONBLOCK, APPEND | NONBLOCK] {
        let fd = open("new.cleanup", 0, READ | WRITE, fdflags);
        is(fdstat(fd).flags, fdflags as u16);
        is(fd_close(fd), OK);
    }
    let fd = open("new.cleanup", 0, READ | WRITE, 16);
    yes(fdstat(fd).flags & 16 != 0);
    is(fd_close(fd), OK);
    let dir = open("dir.cleanup", DIRECTORY, READ, 0);
    let Fdstat { base, inheriting, .. } = fdstat(dir);
    let (create_file, set_size) = (1 << 10, 1 << 19);
    is(fd_fdstat_set_rights(dir, base & !create_file, inheriting & !WRITE), OK);
    is(opens(dir, 0, "x", CREAT, READ), NOTCAPABLE);
    is(fd_fdstat_set_rights(dir, base & !create_file & !set_size, inheriting & !WRITE), OK);
    is(opens(dir, 0, "x", TRUNC, READ), NOTCAPABLE);
    is(fd_fdstat_set_rights(dir, 0, 0), OK);
    is(opens(dir, 0, "x", 0, READ), NOTCAPABLE);
    is(path_filestat_get(dir, 0, at("x"), 1, at(&[0_u64; 8])), NOTCAPABLE);
    is(path_filestat_set_times(dir, 0, at("x"), 1, 0, 0, 0), NOTCAPABLE);
    is(fd_readdir(dir, at(&[0_u64; 8]), 64, 0, at(&[0_u32])), NOTCAPABLE);
    is(fd_close(dir), OK);

    // Attributes by name.
    is(stat("new.cleanup", 0).filetype, FILE);
    is((stat("link.cleanup", 0).filetype, stat("link.cleanup", FOLLOW).filetype), (LINK, FILE));
    is(stat("dirlink.cleanup/", FOLLOW).filetype, FOLDER);
    is(stats(0, "none"), NOENT);
    is(stats(2, "new.cleanup"), INVAL);
    is(stats(FOLLOW, "loop.cleanup"), LOOP);
    is(stats(0, "new.cleanup/x"), NOTDIR);
    is(path_filestat_get(DIR, 0, at("new.cleanup"), 11, NOWHERE), FAULT);
    is(path_filestat_get(NONE, 0, at("new.cleanup"), 11, at(&[0_u64; 8])), BADF);
    is(set_times(0, "new.cleanup", 3_000_000_001, 4_000_000_002, 1 | 4), OK);
    is((stat("new.cleanup", 0).atim, stat("new.cleanup", 0).mtim), (3_000_000_001, 4_000_000_002));
    is(set_times(0, "link.cleanup", 0, 5_000_000_003, 4), OK);
    is((stat("link.cleanup", 0).mtim, stat("new.cleanup", 0).mtim), (5_000_000_003, 4_000_000_002));
    is(set_times(FOLLOW, "link.cleanup", 0, 6_000_000_004, 4), OK);
    is((stat("link.cleanup", 0).mtim, stat("new.cleanup", 0).mtim), (5_000_000_003, 6_000_000_004));
    is(set_times(0, "new.cleanup", 0, 0, 8), OK);
    yes(stat("new.cleanup", 0).mtim > 1_000_000_000_000_000_000);
    for flags in [1 | 2, 4 | 8, 16] {
        is(set_times(0, "new.cleanup", 0, 0, flags), INVAL);
    }
    is(set_times(0, "none", 0, 0, 2), NOENT);
    is(set_times(2, "new.cleanup", 0, 0, 2), INVAL);
    is(path_filestat_set_times(NONE, 0, at("x"), 1, 0, 0, 0), BADF);
    is(path_filestat_set_times(DIR, 0, NOWHERE, 100, 0, 0, 0), FAULT);

    for file in ["new.cleanup", "link.cleanup", "dirlink.cleanup", "loop.cleanup"] {
        is(unlink(file), OK);
    }
    is(rmdir("dir.cleanup"), OK);
}
