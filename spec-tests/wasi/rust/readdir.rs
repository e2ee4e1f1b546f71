//! `fd_readdir`.

#![no_std]
#![no_main]

mod guest;
use guest::*;

const HEAD: usize = 24;

/// Calls `f` with each entry that fits `buf` whole; returns the cookie after the last, and whether there are more.
fn entries(fd: u32, buf: &mut [u8], cookie: u64, mut f: impl FnMut(&[u8], u8, u64)) -> (u64, bool) {
    let mut used = 0;
    let (len, place) = (buf.len() as u32, at_mut(buf));
    is(fd_readdir(fd, place, len, cookie, at_mut(&mut used)), OK);
    let used = seen(&used) as usize;
    let (mut cookie, mut rest) = (cookie, &buf[..used]);
    while rest.len() >= HEAD {
        let len = u32::from_le_bytes([rest[16], rest[17], rest[18], rest[19]]) as usize;
        if rest.len() < HEAD + len {
            break;
        }
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&rest[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        f(&rest[HEAD..HEAD + len], rest[20], word(8));
        cookie = word(0);
        rest = &rest[HEAD + len..];
    }
    (cookie, used == len_of(buf))
}

fn len_of(buf: &[u8]) -> usize {
    buf.len()
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    is(mkdir("readdir.cleanup"), OK);
    let dir = open("readdir.cleanup", DIRECTORY, READ, 0);
    let mut buf = [0; 300];
    let mut dots = 0;
    let own = filestat(dir).ino;
    let (_, more) = entries(dir, &mut buf, 0, |name, filetype, ino| {
        yes(name == b"." || name == b"..");
        is(filetype, FOLDER);
        yes(name == b".." || ino == own);
        dots += 1;
    });
    is((dots, more), (2, false));
    let mut name = *b"readdir.cleanup/f00";
    let number = |name: &mut [u8; 19], number: u8| {
        (name[17], name[18]) = (b'0' + number / 10, b'0' + number % 10);
        at(name)
    };
    for index in 0..60 {
        let (path, mut fd) = (number(&mut name, index), 0);
        is(path_open(DIR, 0, path, 19, CREAT, WRITE, 0, 0, at_mut(&mut fd)), OK);
        is(fd_close(seen(&fd)), OK);
    }
    // Everything once, also if what was read is removed meanwhile.
    let (mut found, mut cookie, mut rounds) = ([0_u8; 60], 0, 0);
    loop {
        let mut last = None;
        let (next, more) = entries(dir, &mut buf, cookie, |name, filetype, ino| {
            if let [b'f', tens, ones] = *name {
                let index = (tens - b'0') * 10 + ones - b'0';
                found[usize::from(index)] += 1;
                is(filetype, FILE);
                yes(ino != 0);
                last = Some(index);
            }
        });
        if !more {
            break;
        }
        yes(next != cookie);
        cookie = next;
        rounds += 1;
        if let Some(index) = last {
            is(path_unlink_file(DIR, number(&mut name, index), 19), OK);
        }
    }
    is(found, [1; 60]);
    yes(rounds > 3);
    // From the start again, there are fewer.
    let mut left = 0;
    cookie = 0;
    loop {
        let (next, more) = entries(dir, &mut buf, cookie, |name, _, _| left += u32::from(name[0] == b'f'));
        if !more {
            break;
        }
        cookie = next;
    }
    is(left, 60 - rounds);
    let used = [0_u32];
    is(fd_readdir(NONE, at(&buf), 300, 0, at(&used)), BADF);
    is(fd_readdir(1, at(&buf), 300, 0, at(&used)), BADF);
    is(fd_readdir(dir, NOWHERE, 300, 0, at(&used)), FAULT);
    is(fd_readdir(dir, at(&buf), 300, 0, NOWHERE), FAULT);
    is(fd_readdir(dir, at(&buf), 300, u64::MAX, at(&used)), INVAL);
    let file = open("readdir.cleanup/file", CREAT, READ, 0);
    is(fd_readdir(file, at(&buf), 300, 0, at(&used)), NOTDIR);
    is(fd_close(file), OK);
    is(unlink("readdir.cleanup/file"), OK);
    for index in 0..60 {
        let errno = path_unlink_file(DIR, number(&mut name, index), 19);
        yes(errno == OK || errno == NOENT);
    }
    is(fd_close(dir), OK);
    is(rmdir("readdir.cleanup"), OK);
}
