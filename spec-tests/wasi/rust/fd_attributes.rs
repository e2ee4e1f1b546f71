//! `fd_fdstat_*`, `fd_filestat_*`, `fd_allocate`, `fd_advise`, `fd_sync`, `fd_datasync`, `fd_prestat_*`.

#![no_std]
#![no_main]

mod guest;
use guest::*;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let fd = open("attributes.cleanup", CREAT | TRUNC, READ | WRITE, 0);
    let read_only = open("attributes.cleanup", 0, READ, 0);

    // Rights and flags.
    let stat = fdstat(fd);
    is((stat.filetype, stat.flags), (FILE, 0));
    yes(stat.base & (READ | WRITE) == READ | WRITE);
    yes(fdstat(read_only).base & WRITE == 0);
    is(fdstat(DIR).filetype, FOLDER);
    is(fd_fdstat_get(NONE, at(&[0_u64; 3])), BADF);
    is(fd_fdstat_get(fd, NOWHERE), FAULT);
    is(fd_fdstat_set_flags(fd, APPEND | NONBLOCK), OK);
    is(fdstat(fd).flags, (APPEND | NONBLOCK) as u16);
    is(fd_fdstat_set_flags(fd, 0), OK);
    is(fdstat(fd).flags, 0);
    is(fd_fdstat_set_flags(fd, 1 << 5), INVAL);
    is(fd_fdstat_set_flags(NONE, 0), BADF);
    is(fd_fdstat_set_flags(DIR, 0), BADF);
    let dropped = open("attributes.cleanup", 0, READ | WRITE, 0);
    let Fdstat { base, inheriting, .. } = fdstat(dropped);
    is(fd_fdstat_set_rights(dropped, base & !WRITE, inheriting), OK);
    is(fdstat(dropped).base, base & !WRITE);
    is(fd_fdstat_set_rights(dropped, base, inheriting), NOTCAPABLE);
    is(fd_fdstat_set_rights(NONE, 0, 0), BADF);
    let (byte, mut n) = ([1_u8], 0);
    is(fd_write(dropped, at(&[at(&byte), 1]), 1, at_mut(&mut n)), BADF);
    is(fd_fdstat_set_rights(dropped, 0, 0), OK);
    let mut position = 0_u64;
    is(fd_seek(dropped, 0, 0, at_mut(&mut position)), NOTCAPABLE);
    is(fd_sync(dropped), NOTCAPABLE);
    is(fd_filestat_get(dropped, at(&[0_u64; 8])), NOTCAPABLE);
    is(fd_filestat_set_size(dropped, 0), NOTCAPABLE);
    is(fd_allocate(dropped, 0, 1), NOTCAPABLE);
    is(fd_advise(dropped, 0, 1, 0), NOTCAPABLE);
    is(fd_close(dropped), OK);

    // Sizes.
    is(fd_filestat_set_size(fd, 100), OK);
    is(filestat(fd).size, 100);
    is(fd_filestat_set_size(fd, 7), OK);
    is(filestat(read_only).size, 7);
    is(fd_filestat_set_size(read_only, 0), INVAL);
    is(fd_filestat_set_size(NONE, 0), BADF);
    is(fd_filestat_set_size(DIR, 0), BADF);
    is(fd_allocate(fd, 5, 10), OK);
    is(filestat(fd).size, 15);
    is(fd_allocate(fd, 0, 10), OK);
    is(filestat(fd).size, 15);
    is(fd_allocate(fd, 0, 0), INVAL);
    is(fd_allocate(read_only, 0, 1), BADF);
    is(fd_allocate(NONE, 0, 1), BADF);
    is(fd_allocate(DIR, 0, 1), BADF);

    // Attributes.
    let stat = filestat(fd);
    is((stat.filetype, stat.nlink), (FILE, 1));
    is((stat.dev, stat.ino), (filestat(read_only).dev, filestat(read_only).ino));
    is(filestat(DIR).filetype, FOLDER);
    is(fd_filestat_get(NONE, at(&[0_u64; 8])), BADF);
    is(fd_filestat_get(fd, NOWHERE), FAULT);
    is(fd_filestat_set_times(fd, 5_000_000_001, 6_000_000_002, 1 | 4), OK);
    is((filestat(fd).atim, filestat(fd).mtim), (5_000_000_001, 6_000_000_002));
    is(fd_filestat_set_times(fd, 0, 7_000_000_003, 4), OK);
    is((filestat(fd).atim, filestat(fd).mtim), (5_000_000_001, 7_000_000_003));
    is(fd_filestat_set_times(fd, 0, 0, 2 | 8), OK);
    yes(filestat(fd).atim > 1_000_000_000_000_000_000 && filestat(fd).mtim > 1_000_000_000_000_000_000);
    for flags in [1 | 2, 4 | 8, 1 << 4] {
        is(fd_filestat_set_times(fd, 1, 1, flags), INVAL);
    }
    is(fd_filestat_set_times(NONE, 0, 0, 0), BADF);
    is(fd_filestat_set_times(1, 0, 0, 0), BADF);

    // The disk.
    for fd in [fd, DIR] {
        is(fd_sync(fd), OK);
        is(fd_datasync(fd), OK);
    }
    is(fd_sync(NONE), BADF);
    is(fd_datasync(NONE), BADF);
    is(fd_sync(1), INVAL);
    for advice in 0..6 {
        is(fd_advise(fd, 3, 4, advice), OK);
    }
    is(fd_advise(fd, 0, 0, 6), INVAL);
    is(fd_advise(NONE, 0, 0, 0), BADF);
    is(fd_advise(DIR, 0, 0, 0), BADF);

    // What is given.
    let mut prestat = [9_u32; 2];
    is(fd_prestat_get(DIR, at_mut(&mut prestat)), OK);
    is(seen(&prestat), [0, 12]);
    let mut name = [0_u8; 20];
    is(fd_prestat_dir_name(DIR, at_mut(&mut name), 12), OK);
    is(&seen(&name), b"fs-tests.dir\0\0\0\0\0\0\0\0");
    is(fd_prestat_dir_name(DIR, at_mut(&mut name), 20), OK);
    is(fd_prestat_dir_name(DIR, at_mut(&mut name), 11), NAMETOOLONG);
    is(fd_prestat_dir_name(DIR, NOWHERE, 20), FAULT);
    is(fd_prestat_get(DIR, NOWHERE), FAULT);
    is(fd_prestat_get(NONE, at_mut(&mut prestat)), BADF);
    is(fd_prestat_get(fd, at_mut(&mut prestat)), BADF);
    is(fd_prestat_dir_name(NONE, at_mut(&mut name), 20), BADF);

    is(fd_close(fd), OK);
    is(fd_close(read_only), OK);
    is(unlink("attributes.cleanup"), OK);
}
