//! `path_create_directory`, `path_remove_directory`, `path_unlink_file`, `path_rename`, `path_link`, `path_symlink`,
//! `path_readlink`.

#![no_std]
#![no_main]

mod guest;
use guest::*;

fn touch(path: &str) {
    is(fd_close(open(path, CREAT, WRITE, 0)), OK);
}

fn readlink(path: &str, buf: &mut [u8]) -> (u32, u32) {
    let mut used = 0;
    let (buf_len, buf) = (buf.len() as u32, at_mut(buf));
    let errno = path_readlink(DIR, at(path), path.len() as u32, buf, buf_len, at_mut(&mut used));
    (errno, seen(&used))
}

/// What all functions that take names answer to wrong ones.
fn wrong_names(call: fn(u32, u32, u32) -> u32) {
    let (name, latin, long) = ("n.cleanup", [b'n', 0xe9], [b'n'; 5000]);
    is(call(NONE, at(name), 9), BADF);
    is(call(DIR, NOWHERE, 100), FAULT);
    is(call(DIR, at(&latin), 2), ILSEQ);
    is(call(DIR, at("n\0"), 2), INVAL);
    is(call(DIR, at(&long), 5000), NAMETOOLONG);
    is(call(DIR, at(&long), 300), NAMETOOLONG);
    is(call(DIR, at("../n.cleanup"), 12), PERM);
    is(call(DIR, at("/n.cleanup"), 10), PERM);
    is(call(DIR, at(""), 0), NOENT);
    let file = open("file.cleanup", CREAT, READ, 0);
    is(call(file, at(name), 9), NOTDIR);
    is(fd_close(file), OK);
    is(unlink("file.cleanup"), OK);
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // Directories.
    is(mkdir("d.cleanup"), OK);
    is(stat("d.cleanup", 0).filetype, FOLDER);
    is(mkdir("d.cleanup"), EXIST);
    is(mkdir("d.cleanup/"), EXIST);
    is(mkdir("none.cleanup/d"), NOENT);
    touch("d.cleanup/f");
    is(mkdir("d.cleanup/f/d"), NOTDIR);
    is(rmdir("d.cleanup"), NOTEMPTY);
    is(rmdir("d.cleanup/f"), NOTDIR);
    is(rmdir("none.cleanup"), NOENT);
    is(unlink("d.cleanup"), ISDIR);
    is(unlink("d.cleanup/"), ISDIR);
    is(unlink("d.cleanup/f/"), NOTDIR);
    is(unlink("d.cleanup/none"), NOENT);
    is(unlink("d.cleanup/f"), OK);
    is(rmdir("d.cleanup/"), OK);
    wrong_names(path_create_directory);
    wrong_names(path_remove_directory);
    wrong_names(path_unlink_file);

    // Other names.
    touch("a.cleanup");
    let ino = stat("a.cleanup", 0).ino;
    is(rename("a.cleanup", "b.cleanup"), OK);
    is(stat("b.cleanup", 0).ino, ino);
    is(rename("a.cleanup", "c.cleanup"), NOENT);
    touch("a.cleanup");
    is(rename("b.cleanup", "a.cleanup"), OK);
    is(stat("a.cleanup", 0).ino, ino);
    is(mkdir("d.cleanup"), OK);
    is(rename("a.cleanup", "d.cleanup"), ISDIR);
    is(rename("d.cleanup", "a.cleanup"), NOTDIR);
    is(rename("d.cleanup", "d.cleanup/x"), INVAL);
    is(rename("d.cleanup/", "e.cleanup/"), OK);
    is(rename("e.cleanup", "d.cleanup/"), OK);
    is(rename("d.cleanup/", "e.cleanup"), OK);
    // Only a directory may be called with a slash at the end.
    is(rename("a.cleanup/", "b.cleanup"), NOTDIR);
    is(rename("a.cleanup", "b.cleanup/"), NOTDIR);
    is(rename("a.cleanup/", "b.cleanup/"), NOTDIR);
    is(rmdir("a.cleanup/"), NOTDIR);
    is(mkdir("d.cleanup"), OK);
    is(rename("d.cleanup", "e.cleanup"), OK);
    is(mkdir("d.cleanup"), OK);
    touch("e.cleanup/f");
    is(rename("d.cleanup", "e.cleanup"), NOTEMPTY);
    is(rename("a.cleanup", "../a.cleanup"), PERM);
    is(rename("../a.cleanup", "a.cleanup"), PERM);
    is(rename("e.cleanup/f", "d.cleanup/g"), OK);
    is(unlink("d.cleanup/g"), OK);
    wrong_names(|fd, path, len| path_rename(fd, path, len, DIR, at("x"), 1));

    // More names for the same file.
    is(link("a.cleanup", "l.cleanup"), OK);
    is((stat("l.cleanup", 0).ino, stat("a.cleanup", 0).nlink), (ino, 2));
    is(link("a.cleanup", "l.cleanup"), EXIST);
    is(link("a.cleanup", "d.cleanup"), EXIST);
    is(link("d.cleanup", "m.cleanup"), PERM);
    is(link("none.cleanup", "m.cleanup"), NOENT);
    is(link("a.cleanup", "m.cleanup/"), NOENT);
    is(path_link(DIR, FOLLOW, at("a.cleanup"), 9, DIR, at("m.cleanup"), 9), INVAL);
    is(path_link(DIR, 2, at("a.cleanup"), 9, DIR, at("m.cleanup"), 9), INVAL);
    is(path_link(DIR, 0, at("a.cleanup"), 9, NONE, at("m.cleanup"), 9), BADF);
    is(unlink("l.cleanup"), OK);
    wrong_names(|fd, path, len| path_link(fd, 0, path, len, DIR, at("x"), 1));

    // Names for names.
    is(symlink("a.cleanup", "s.cleanup"), OK);
    is((stat("s.cleanup", 0).filetype, stat("s.cleanup", FOLLOW).ino), (LINK, ino));
    let mut buf = [0; 16];
    is(readlink("s.cleanup", &mut buf), (OK, 9));
    is(&seen(&buf), b"a.cleanup\0\0\0\0\0\0\0");
    let mut short = [0; 3];
    is(readlink("s.cleanup", &mut short), (OK, 3));
    is(&seen(&short), b"a.c");
    is(readlink("s.cleanup", &mut []), (OK, 0));
    is(readlink("a.cleanup", &mut buf).0, INVAL);
    is(readlink("none.cleanup", &mut buf).0, NOENT);
    is(path_readlink(DIR, at("s.cleanup"), 9, NOWHERE, 100, at(&[0_u32])), FAULT);
    is(path_readlink(DIR, at("s.cleanup"), 9, at(&[0_u32]), 4, NOWHERE), FAULT);
    is(symlink("a.cleanup", "s.cleanup"), EXIST);
    is(symlink("a.cleanup", "none.cleanup/s"), NOENT);
    is(symlink("a.cleanup", "t.cleanup/"), NOENT);
    is(symlink("a.cleanup", "d.cleanup/"), EXIST);
    is(symlink("s.cleanup", "a.cleanup/"), NOTDIR);
    is(symlink("/etc", "t.cleanup"), PERM);
    wrong_names(|fd, path, len| path_symlink(at("x"), 1, fd, path, len));
    wrong_names(|fd, path, len| path_readlink(fd, path, len, at(&[0_u32]), 4, at(&[0_u32])));
    is(symlink("nothing", "dangling.cleanup"), OK);
    is(link("a.cleanup", "dangling.cleanup"), EXIST);
    is(link("dangling.cleanup", "m.cleanup"), OK);
    is(stat("m.cleanup", 0).filetype, LINK);
    is(rename("m.cleanup", "dangling.cleanup"), OK);

    // Rights that were given up.
    let dir = open("d.cleanup", DIRECTORY, READ, 0);
    is(fd_fdstat_set_rights(dir, 0, 0), OK);
    let (x, used) = ("x", [0_u32]);
    is(path_create_directory(dir, at(x), 1), NOTCAPABLE);
    is(path_remove_directory(dir, at(x), 1), NOTCAPABLE);
    is(path_unlink_file(dir, at(x), 1), NOTCAPABLE);
    is(path_rename(dir, at(x), 1, DIR, at(x), 1), NOTCAPABLE);
    is(path_rename(DIR, at(x), 1, dir, at(x), 1), NOTCAPABLE);
    is(path_link(dir, 0, at(x), 1, DIR, at(x), 1), NOTCAPABLE);
    is(path_link(DIR, 0, at(x), 1, dir, at(x), 1), NOTCAPABLE);
    is(path_symlink(at(x), 1, dir, at(x), 1), NOTCAPABLE);
    is(path_readlink(dir, at(x), 1, at(&used), 4, at(&used)), NOTCAPABLE);
    is(fd_close(dir), OK);

    // Renaming one name of a file to another changes nothing, so both are still there.
    for file in ["a.cleanup", "s.cleanup", "dangling.cleanup", "m.cleanup"] {
        is(unlink(file), OK);
    }
    for dir in ["d.cleanup", "e.cleanup"] {
        is(rmdir(dir), OK);
    }
}
