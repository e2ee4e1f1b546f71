//! Random operations on descriptors, compared with a model of what they should do.

use crate::proxy::{APPEND, BADF, CREAT, EXCL, INVAL, Proxy, READ, TRUNC, WRITE};
use crate::random::Random;
use dunlin_wasi_lite::{DirPerms, FilePerms, WasiCtxBuilder};
use std::collections::{BTreeMap, HashMap};

const EXIST: u16 = 20;
const NOENT: u16 = 44;
const DIR: u32 = 3;

/// A descriptor of the model.
#[derive(Clone)]
struct Open {
    name: usize,
    position: u64,
    read: bool,
    write: bool,
    append: bool,
}

/// What the guest should see.
#[derive(Default)]
struct Model {
    /// By numbers, for a removed file lives on while it is open.
    files: HashMap<usize, Vec<u8>>,
    names: BTreeMap<&'static str, usize>,
    open: BTreeMap<u32, Open>,
    made: usize,
}

type Result<T = (), E = u16> = std::result::Result<T, E>;

impl Model {
    fn get(&self, fd: u32) -> Result<&Open> {
        self.open.get(&fd).ok_or(BADF)
    }

    fn open(&mut self, name: &'static str, oflags: u32, rights: u64, fdflags: u32) -> Result<u32> {
        let (read, write) = (rights & READ != 0, rights & WRITE != 0);
        let number = match self.names.get(name) {
            Some(_) if oflags & EXCL != 0 && oflags & CREAT != 0 => return Err(EXIST),
            Some(number) => *number,
            None if oflags & CREAT != 0 => {
                self.made += 1;
                self.names.insert(name, self.made);
                self.files.insert(self.made, Vec::new());
                self.made
            }
            None => return Err(NOENT),
        };
        if oflags & TRUNC != 0 {
            self.files.get_mut(&number).unwrap().clear();
        }
        let fd = (0..).find(|fd| *fd > DIR && !self.open.contains_key(fd)).unwrap();
        self.open.insert(fd, Open { name: number, position: 0, read, write, append: fdflags & APPEND != 0 });
        Ok(fd)
    }

    fn read(&mut self, fd: u32, len: u32, offset: Option<u64>) -> Result<Vec<u8>> {
        let open = self.get(fd)?.clone();
        if !open.read {
            return Err(BADF);
        }
        let file = &self.files[&open.name];
        let from = (offset.unwrap_or(open.position) as usize).min(file.len());
        let bytes = file[from..(from + len as usize).min(file.len())].to_vec();
        if offset.is_none() {
            self.open.get_mut(&fd).unwrap().position += bytes.len() as u64;
        }
        Ok(bytes)
    }

    fn write(&mut self, fd: u32, bytes: &[u8], offset: Option<u64>) -> Result<u32> {
        let open = self.get(fd)?.clone();
        if !open.write {
            return Err(BADF);
        }
        let file = self.files.get_mut(&open.name).unwrap();
        // Linux appends even what names an offset.
        let at = if open.append { file.len() as u64 } else { offset.unwrap_or(open.position) } as usize;
        if !bytes.is_empty() {
            file.resize(file.len().max(at + bytes.len()), 0);
            file[at..at + bytes.len()].copy_from_slice(bytes);
            if offset.is_none() {
                self.open.get_mut(&fd).unwrap().position = (at + bytes.len()) as u64;
            }
        }
        Ok(bytes.len() as u32)
    }

    fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64> {
        let open = self.get(fd)?;
        let from = match whence {
            0 => 0,
            1 => open.position as i64,
            _ => self.files[&open.name].len() as i64,
        };
        let position = u64::try_from(from + offset).map_err(|_| INVAL)?;
        self.open.get_mut(&fd).unwrap().position = position;
        Ok(position)
    }

    fn set_size(&mut self, fd: u32, size: u64) -> Result {
        let open = self.get(fd)?.clone();
        if !open.write {
            return Err(INVAL);
        }
        self.files.get_mut(&open.name).unwrap().resize(size as usize, 0);
        Ok(())
    }

    fn renumber(&mut self, from: u32, to: u32) -> Result {
        self.get(to)?;
        let open = self.open.remove(&from).ok_or(BADF)?;
        self.open.insert(to, open);
        Ok(())
    }

    fn flags(&mut self, fd: u32, flags: u32) -> Result {
        self.open.get_mut(&fd).ok_or(BADF)?.append = flags & APPEND != 0;
        Ok(())
    }
}

#[test]
fn random_operations_do_what_the_model_does() {
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = WasiCtxBuilder::new();
        builder.preopened_dir(dir.path(), "/", DirPerms::all(), FilePerms::all()).unwrap();
        let (mut guest, mut model, mut random) =
            (Proxy::new(builder.build()), Model::default(), Random(seed));
        for step in 0..6000 {
            let fd = DIR + 1 + random.below(8) as u32;
            let offset = random.once_in(3).then(|| random.below(3000) as u64);
            let name = random.pick(&NAMES);
            let what = random.below(16);
            let context = format!("seed {seed}, step {step}: {what} with {fd}, {offset:?}, {name}");
            match what {
                0..=2 => {
                    let oflags = random.pick(&[0, CREAT, CREAT | EXCL, CREAT | TRUNC]);
                    // What is truncated is opened for writing by the host.
                    let rights = random.pick(&[READ, WRITE, READ | WRITE]);
                    let fdflags = if random.once_in(4) { APPEND } else { 0 };
                    if model.open.len() < 8 {
                        let opened = guest.path_open((DIR, 0), name.as_bytes(), oflags, rights, fdflags);
                        assert_eq!(opened, model.open(name, oflags, rights, fdflags), "{context}");
                    }
                }
                3..=5 => {
                    let len = random.below(2000) as u32;
                    assert_eq!(guest.read(fd, len, offset), model.read(fd, len, offset), "{context}");
                }
                6..=8 => {
                    let byte = random.next() as u8;
                    let bytes = vec![byte; random.below(500)];
                    assert_eq!(guest.write(fd, &bytes, offset), model.write(fd, &bytes, offset), "{context}");
                }
                9..=10 => {
                    let (offset, whence) = (random.below(4000) as i64 - 1000, random.below(3) as u32);
                    assert_eq!(guest.seek(fd, offset, whence), model.seek(fd, offset, whence), "{context}");
                }
                11 => {
                    let told = guest.call("fd_tell", &[fd.into(), 0]).map(|()| guest.u64_at(0));
                    assert_eq!(told, model.get(fd).map(|open| open.position), "{context}");
                }
                12 => {
                    let size = random.below(3000) as u64;
                    let result = guest.call("fd_filestat_set_size", &[fd.into(), size]);
                    assert_eq!(result, model.set_size(fd, size), "{context}");
                }
                13 => {
                    let to = DIR + 1 + random.below(8) as u32;
                    let result = guest.call("fd_renumber", &[fd.into(), to.into()]);
                    assert_eq!(result, model.renumber(fd, to), "{context}");
                }
                14 => {
                    let flags = if random.once_in(2) { APPEND } else { 0 };
                    let result = guest.call("fd_fdstat_set_flags", &[fd.into(), flags.into()]);
                    assert_eq!(result, model.flags(fd, flags), "{context}");
                }
                _ if random.once_in(3) => {
                    let removed = guest.change("path_unlink_file", DIR, name.as_bytes());
                    assert_eq!(removed, model.names.remove(name).map(drop).ok_or(NOENT), "{context}");
                }
                _ => {
                    let closed = guest.close(fd);
                    assert_eq!(closed, model.open.remove(&fd).map(drop).ok_or(BADF), "{context}");
                }
            }
            if let Ok(open) = model.get(fd) {
                let size = guest.fd_filestat_get(fd).unwrap().size;
                assert_eq!(size, model.files[&open.name].len() as u64, "{context}");
            }
        }
        for (name, number) in &model.names {
            assert!(
                std::fs::read(dir.path().join(name)).unwrap() == model.files[number],
                "seed {seed}: {name}"
            );
        }
    }
}

#[test]
fn offsets_past_four_gigabytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.preopened_dir(dir.path(), "/", DirPerms::all(), FilePerms::all()).unwrap();
    let mut guest = Proxy::new(builder.build());
    let fd = guest.path_open((DIR, 0), b"big", CREAT, READ | WRITE, 0).unwrap();
    let far = (5 << 30) + 7;
    assert_eq!(guest.seek(fd, far, 0), Ok(far as u64));
    guest.write(fd, b"far", None).unwrap();
    guest.write(fd, b"further", Some(far as u64 + 100)).unwrap();
    assert_eq!(guest.seek(fd, -4, 1), Ok(far as u64 - 1));
    assert_eq!(guest.read(fd, 4, None).unwrap(), b"\0far");
    assert_eq!(guest.read(fd, 100, Some(far as u64 + 100)).unwrap(), b"further");
    assert_eq!(guest.fd_filestat_get(fd).unwrap().size, far as u64 + 107);
    guest.call("fd_filestat_set_size", &[fd.into(), 6 << 30]).unwrap();
    assert_eq!(guest.seek(fd, 0, 2), Ok(6 << 30));
}
