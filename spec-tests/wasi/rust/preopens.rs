//! What a guest is given from the start: which rights C libraries count on, and that these descriptors are like others.

#![no_std]
#![no_main]

mod guest;
use guest::*;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // Without the rights for names, C libraries take a directory for one that is of no use.
    let names = (1 << 28) - 1 - ((1 << 9) - 1) & !(1 << 19) & !(1 << 22) & !(1 << 27);
    let files = (1 << 9) - 1 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 27;
    let Fdstat { filetype, flags, base, inheriting } = fdstat(DIR);
    is((filetype, flags), (FOLDER, 0));
    is(base & names, names);
    is(base & (READ | WRITE | 1 << 2 | 1 << 5 | 1 << 22), 0);
    is(inheriting & (names | files), names | files);
    for fd in 0..3 {
        let stat = fdstat(fd);
        is(stat.base & (READ | WRITE), if fd == 0 { READ } else { WRITE });
    }

    // A directory opened with what it has is the same again, and passes on what it passed on.
    let mut again = 0;
    is(path_open(DIR, 0, at("."), 1, 0, base, inheriting, 0, at_mut(&mut again)), OK);
    let again = seen(&again);
    is((filestat(again).dev, filestat(again).ino), (filestat(DIR).dev, filestat(DIR).ino));
    is((fdstat(again).base, fdstat(again).inheriting), (base, inheriting));
    is(fd_prestat_get(again, at(&[0_u32; 2])), BADF);
    is(path_open(DIR, 0, at("."), 1, 0, 0, 0, NONBLOCK, at(&[0_u32])), OK);
    is(fd_close(again + 1), OK);

    // Two names for a file look the same, through descriptors as well.
    let file = open("preopens.cleanup", CREAT, READ, 0);
    is(link("preopens.cleanup", "second.cleanup"), OK);
    let second = open("second.cleanup", 0, READ, 0);
    let (one, two) = (filestat(file), filestat(second));
    is((one.dev, one.ino, one.nlink, one.size), (two.dev, two.ino, two.nlink, two.size));
    is((one.atim, one.mtim, one.ctim), (two.atim, two.mtim, two.ctim));
    is((fdstat(file).base, fdstat(file).inheriting), (fdstat(second).base, fdstat(second).inheriting));
    is(unlink("second.cleanup"), OK);

    // A file lives on without a name.
    is(unlink("preopens.cleanup"), OK);
    is((filestat(file).nlink, opens(DIR, 0, "preopens.cleanup", 0, READ)), (0, NOENT));

    // The standard streams can take other numbers, and lose theirs.
    is(fd_renumber(0, second), OK);
    is(fdstat(second).base & READ, READ);
    is(fd_fdstat_get(0, at(&[0_u64; 3])), BADF);
    is(open("preopens.cleanup", CREAT | TRUNC, READ | WRITE, 0), 0);
    is(fd_renumber(0, 1), OK);
    is(write(1, b"not seen outside"), 16);
    is(filestat(1).size, 16);
    is(unlink("preopens.cleanup"), OK);

    // So can the directory, and be closed.
    is(fd_renumber(again, DIR), OK);
    is(fd_fdstat_get(again, at(&[0_u64; 3])), BADF);
    is(fd_prestat_get(DIR, at(&[0_u32; 2])), BADF);
    is(opens(DIR, 0, ".", DIRECTORY, READ), OK);
    is(fd_close(DIR), OK);
    is(opens(DIR, 0, ".", DIRECTORY, READ), BADF);
}
