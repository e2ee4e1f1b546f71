//! Directories read through buffers of every size, while they change.

use crate::proxy::{CREAT, DIRECTORY, FAULT, MEMORY, Proxy, READ, WRITE};
use crate::random::Random;
use dunlin_wasi_lite::{DirPerms, FilePerms, WasiCtxBuilder};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const DIR: u32 = 3;

/// Names, types, and the cookie that each is followed by.
fn entries(bytes: &[u8]) -> Vec<(String, u8, u64)> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 24 {
        let len = u32::from_le_bytes(rest[16..20].try_into().unwrap()) as usize;
        let Some(name) = rest.get(24..24 + len) else { break };
        let next = u64::from_le_bytes(rest[..8].try_into().unwrap());
        entries.push((String::from_utf8(name.to_vec()).unwrap(), rest[20], next));
        rest = &rest[24 + len..];
    }
    entries
}

fn guest(dir: &Path) -> Proxy {
    let mut builder = WasiCtxBuilder::new();
    builder.preopened_dir(dir, "/", DirPerms::all(), FilePerms::all()).unwrap();
    Proxy::new(builder.build())
}

/// Reads a whole directory as a C library does, doing something after each buffer.
fn list(guest: &mut Proxy, fd: u32, len: u32, mut meanwhile: impl FnMut(&mut Proxy, &str)) -> Vec<String> {
    let (mut names, mut cookie) = (Vec::new(), 0);
    loop {
        let bytes = guest.readdir(fd, len, cookie).unwrap();
        let full = bytes.len() == len as usize;
        let found = entries(&bytes);
        if let Some((_, _, next)) = found.last() {
            cookie = *next;
        }
        assert!(!full || !found.is_empty(), "no entry fits {len} bytes");
        names.extend(found.into_iter().map(|(name, ..)| name));
        if !full {
            return names;
        }
        meanwhile(guest, names.last().unwrap());
    }
}

#[test]
fn buffers_of_every_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected: BTreeSet<_> = [".".to_owned(), "..".to_owned()].into();
    for number in 0..40_usize {
        let name = format!("{number}{}", "n".repeat(number * 5));
        fs::write(dir.path().join(&name), "").unwrap();
        expected.insert(name);
    }
    let longest = expected.iter().map(String::len).max().unwrap() as u32;
    let mut guest = guest(dir.path());
    for len in 24 + longest..1200 {
        let names = list(&mut guest, DIR, len, |_, _| ());
        assert_eq!(names.len(), expected.len(), "{len}");
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected, "{len}");
    }
    // What doesn't fit is cut off, and begins with the same bytes.
    let all = guest.readdir(DIR, 8000, 0).unwrap();
    for len in 0..24 + longest {
        assert_eq!(guest.readdir(DIR, len, 0).unwrap(), all[..len as usize]);
    }
    assert_eq!(guest.call("fd_readdir", &[DIR.into(), (MEMORY - 9).into(), 10, 0, 0]), Err(FAULT));
    assert_eq!(guest.call("fd_readdir", &[DIR.into(), 0, u32::MAX.into(), 0, 0]), Err(FAULT));
    assert_eq!(guest.call("fd_readdir", &[DIR.into(), 0, 10, 0, (MEMORY - 3).into()]), Err(FAULT));
}

#[test]
fn cookies_survive_change() {
    let mut random = Random(5);
    for round in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let mut stays = BTreeSet::new();
        for number in 0..300 {
            let name = format!("{number:03}");
            fs::write(dir.path().join(&name), "").unwrap();
            if number % 3 == 0 {
                stays.insert(name);
            }
        }
        let mut guest = guest(dir.path());
        let mut made = 0;
        let names = list(&mut guest, DIR, 200 + round * 10, |guest, last| {
            for _ in 0..10 {
                match random.below(3) {
                    0 => {
                        let name = format!("new{made}");
                        made += 1;
                        let fd = guest.path_open((DIR, 0), name.as_bytes(), CREAT, READ | WRITE, 0).unwrap();
                        guest.close(fd).unwrap();
                    }
                    1 => {
                        // Also those that were just read.
                        let name = format!("{:03}", random.below(100) * 3 + 1 + random.below(2));
                        let _ = guest.change("path_unlink_file", DIR, name.as_bytes());
                    }
                    _ if !stays.contains(last) => {
                        let _ = guest.change("path_unlink_file", DIR, last.as_bytes());
                    }
                    _ => (),
                }
            }
        });
        let mut seen = BTreeSet::new();
        for name in &names {
            assert!(seen.insert(name.clone()), "{name} twice");
        }
        let missing: Vec<_> = stays.difference(&seen).collect();
        assert!(missing.is_empty(), "{missing:?} were there all the time");
    }
}

#[test]
fn cookies_that_nobody_gave_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..20 {
        fs::create_dir(dir.path().join(format!("dir{number}"))).unwrap();
    }
    let mut guest = guest(dir.path());
    let fd = guest.path_open((DIR, 0), b".", DIRECTORY, READ, 0).unwrap();
    let mut random = Random(9);
    for _ in 0..5000 {
        let cookie = random.next() >> random.below(64);
        if let Ok(bytes) = guest.readdir(fd, 500, cookie) {
            for (name, filetype, _) in entries(&bytes) {
                assert!(filetype == 3 && (name.starts_with("dir") || name.starts_with('.')), "{name}");
            }
        }
    }
    assert_eq!(entries(&guest.readdir(fd, 8000, 0).unwrap()).len(), 22);
}
