//! What a guest was given and has open, so that it goes on elsewhere.
//!
//! Files and directories are named by the preopened directory that they are below, and by the path from there that the system has
//! for them when this is asked for: nothing is kept while the guest runs.

mod bytes;

use crate::WasiCtx;
use crate::abi::{Fdflags, Filetype, Oflags, Rights};
use crate::ctx::InterruptedWait;
use crate::errno::Errno;
use crate::fds::{DirFd, DirPerms, Fd, FdKind, Fds, FileFd, FilePerms};
use crate::host::clocks::MONOTONIC;
use crate::host::dir::Dir;
use crate::host::open::Opening;
use crate::host::seek_to;
use crate::host::stdio::Stdio;
use bytes::{Put, Take};
use dunlin::Budget;
use std::fmt::{self, Display};
use std::path::PathBuf;

/// Why what a guest has open can't be had elsewhere.
#[derive(Debug)]
pub struct MoveError(String);

impl Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MoveError {}

fn because(what: impl Display) -> MoveError {
    MoveError(what.to_string())
}

fn damaged() -> MoveError {
    because("what was kept of WASI is damaged")
}

/// The version of what is kept.
const VERSION: u32 = 2;

const STREAM: u8 = 0;
const GRANT: u8 = 1;
const DIRECTORY: u8 = 2;
const FILE: u8 = 3;

/// The most descriptors that are restored.
const MOST: u32 = 1 << 16;

impl WasiCtx {
    /// What the guest was given and has open, for [`WasiCtx::restore`]: its arguments, its environment, its descriptors (files and
    /// directories by the names of what was granted, and paths from there), what its monotonic clock shows, and how long it has waited
    /// already. Clocks and sources of random
    /// bytes that the embedder gave aren't in it, nor what is in the embedder's pipes.
    ///
    /// # Errors
    ///
    /// If something is open that can't be named: a socket, a device, or a file that was removed.
    pub fn save(&mut self) -> Result<Vec<u8>, MoveError> {
        let mut put = Put::default();
        put.u32(VERSION);
        for list in [&self.args, &self.env] {
            put.u32(list.len() as u32);
            list.iter().for_each(|text| put.text(text));
        }
        put.u8(self.interrupted.is_some().into());
        if let Some(wait) = &self.interrupted {
            wait.call.iter().for_each(|argument| put.u32(*argument));
            put.u64(self.clocks.now(MONOTONIC).map_or(0, |now| now.saturating_sub(wait.began)));
        }
        put.u64(self.clocks.elapsed());
        let grants = self.grants();
        put.u32(self.fds.numbers().count() as u32);
        for number in self.fds.numbers().collect::<Vec<_>>() {
            let fd = self.fds.get(number).map_err(|_| damaged())?;
            put.u32(number);
            put.u64(fd.base.bits());
            put.u64(fd.inheriting.bits());
            put.u8(fd.nonblock.into());
            self.descriptor(&mut put, &grants, number, fd)?;
        }
        Ok(put.finish())
    }

    /// The preopened directories, by their names and their paths on the host.
    fn grants(&self) -> Vec<(String, PathBuf)> {
        let dirs = self.fds.numbers().filter_map(|number| match &self.fds.get(number).ok()?.kind {
            FdKind::Dir(DirFd { dir, name: Some(name), .. }) => Some((name.clone(), dir.path().ok()?)),
            _ => None,
        });
        dirs.collect()
    }

    fn descriptor(
        &self,
        put: &mut Put,
        grants: &[(String, PathBuf)],
        number: u32,
        fd: &Fd,
    ) -> Result<(), MoveError> {
        let unnamed = |what: &str| because(format_args!("descriptor {number} is {what}"));
        match &fd.kind {
            FdKind::Stdio(stdio) => {
                put.u8(STREAM);
                put.u8(stdio.number().unwrap_or(number.min(2) as u8));
            }
            FdKind::Dir(DirFd { name: Some(name), .. }) => {
                put.u8(GRANT);
                put.text(name);
            }
            FdKind::Dir(DirFd { dir, .. }) => {
                put.u8(DIRECTORY);
                let stat = dir.stat().map_err(|_| unnamed("a folder that can't be looked at"))?;
                let named = self.named(grants, dir.path(), (stat.dev, stat.ino));
                let (grant, path) = named.ok_or_else(|| unnamed("a folder that can't be found any more"))?;
                put.text(&grant);
                put.text(&path);
            }
            FdKind::File(FileFd { file, filetype, writable, .. }) => {
                if *filetype != Filetype::RegularFile {
                    return Err(unnamed("a device or a FIFO"));
                }
                put.u8(FILE);
                let stat = file.stat().map_err(|_| unnamed("a file that can't be looked at"))?;
                let named = self.named(grants, file.path(), (stat.dev, stat.ino));
                let (grant, path) = named.ok_or_else(|| unnamed("a file that can't be found any more"))?;
                let state = || Ok::<_, Errno>((seek_to(file, None)?, file.flags()?, file.reads()?));
                let (offset, flags, reads) =
                    state().map_err(|_| unnamed("a file that can't be looked at"))?;
                put.text(&grant);
                put.text(&path);
                put.u8(reads.into());
                put.u8((*writable).into());
                put.u32(flags.bits().into());
                put.u64(offset);
                put.u64(stat.size);
                put.u64(stat.mtim);
            }
            FdKind::Socket(_) => return Err(unnamed("a socket")),
        }
        Ok(())
    }

    /// The grant that something is below, and the path from there, if that leads to it.
    fn named(
        &self,
        grants: &[(String, PathBuf)],
        path: Result<PathBuf, Errno>,
        identity: (u64, u64),
    ) -> Option<(String, String)> {
        let path = path.ok()?;
        let below = grants.iter().filter_map(|(name, grant)| Some((name, path.strip_prefix(grant).ok()?)));
        let (name, path) = below.min_by_key(|(_, path)| path.as_os_str().len())?;
        let path = path.to_str()?;
        let path = if path.is_empty() { "." } else { path };
        let dir = self.fds.grant(name)?;
        let stat = dir.dir.stat_at(path, false).ok()?;
        ((stat.dev, stat.ino) == identity).then(|| (name.clone(), path.to_owned()))
    }

    /// Gives the guest what [`WasiCtx::save`] has kept, in a context that was built anew with grants of the same names: what isn't granted
    /// here, it doesn't get. `budget` pays for descriptors, as everywhere. Gives the files whose size or time of modification
    /// isn't what it was.
    ///
    /// # Errors
    ///
    /// If something is missing here, or granted for less; or if `state` is damaged. The context is then of no use.
    pub fn restore(&mut self, state: &[u8], budget: &Budget) -> Result<Vec<String>, MoveError> {
        self.take_over(state, budget, Who::Itself)
    }

    /// Gives one of many clones of a guest what [`WasiCtx::save`] has kept, as [`WasiCtx::restore`] does, but for its arguments and its
    /// environment: these are the ones that this context was built with. (A guest may have looked at those of the original before.)
    ///
    /// # Errors
    ///
    /// As for [`WasiCtx::restore`]; or if a file is open for writing, to which all clones would write.
    pub fn adopt(&mut self, state: &[u8], budget: &Budget) -> Result<Vec<String>, MoveError> {
        self.take_over(state, budget, Who::Clone)
    }

    fn take_over(&mut self, state: &[u8], budget: &Budget, who: Who) -> Result<Vec<String>, MoveError> {
        let mut take = Take::new(state);
        if take.u32()? != VERSION {
            return Err(because("what was kept of WASI has another version"));
        }
        for list in [&mut self.args, &mut self.env] {
            let mut kept = Vec::new();
            for _ in 0..take.u32()? {
                kept.push(take.text()?.to_owned());
            }
            if who == Who::Itself {
                *list = kept;
            }
        }
        let waited = match take.u8()? {
            0 => None,
            _ => Some(([take.u32()?, take.u32()?, take.u32()?, take.u32()?], take.u64()?)),
        };
        self.clocks.continue_from(take.u64()?);
        self.interrupted = waited.and_then(|(call, waited)| {
            // A clock of the embedder's may have begun only now.
            let began = self.clocks.now(MONOTONIC).ok()?.checked_sub(waited)?;
            Some(InterruptedWait { call, began })
        });
        let mut given = std::mem::take(&mut self.fds);
        let mut changed = Vec::new();
        // What is opened needs the grants, so these are handed over last.
        let mut later = Vec::new();
        for _ in 0..take.u32()? {
            let number = take.u32()?;
            let mut rights = || Ok::<_, MoveError>(Rights::from_bits_truncate(take.u64()?));
            let (base, inheriting) = (rights()?, rights()?);
            let nonblock = take.u8()? != 0;
            if number >= MOST {
                return Err(damaged());
            }
            let kind = match take.u8()? {
                STREAM => {
                    later.push((number, base, inheriting, nonblock, Later::Stream(take.u8()?)));
                    continue;
                }
                GRANT => {
                    let name = take.text()?.to_owned();
                    later.push((number, base, inheriting, nonblock, Later::Grant(name)));
                    continue;
                }
                DIRECTORY => {
                    let (grant, path) = (granted(&given, take.text()?)?, take.text()?);
                    FdKind::Dir(directory(grant, path)?)
                }
                FILE => FdKind::File(file(&given, &mut take, &mut changed, who)?),
                _ => return Err(damaged()),
            };
            self.put_back(number, Fd { kind, base, inheriting, nonblock }, budget)?;
        }
        take.end()?;
        for (number, base, inheriting, nonblock, what) in later {
            let found = match &what {
                // In a new context, the streams have their numbers.
                Later::Stream(stream) => {
                    given.take_if((*stream).into(), |kind| matches!(kind, FdKind::Stdio(_)))
                }
                Later::Grant(name) => given.take_grant(name),
            };
            let kind = match (found, what) {
                (Some(fd), _) => fd.kind,
                (None, Later::Stream(_)) => FdKind::Stdio(Stdio::Null),
                (None, Later::Grant(name)) => {
                    return Err(because(format_args!("the folder '{name}' isn't granted here")));
                }
            };
            self.put_back(number, Fd { kind, base, inheriting, nonblock }, budget)?;
        }
        Ok(changed)
    }

    fn put_back(&mut self, number: u32, fd: Fd, budget: &Budget) -> Result<(), MoveError> {
        match self.fds.place(number, fd, budget) {
            Ok(()) => Ok(()),
            Err(Errno::NOMEM) => Err(because("the memory budget has no room for the guest's descriptors")),
            Err(_) => Err(damaged()),
        }
    }
}

/// Who goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Itself,
    Clone,
}

/// What takes over something that was given here.
enum Later {
    Stream(u8),
    Grant(String),
}

fn granted<'f>(given: &'f Fds, name: &str) -> Result<&'f DirFd, MoveError> {
    given.grant(name).ok_or_else(|| because(format_args!("the folder '{name}' isn't granted here")))
}

fn directory(grant: &DirFd, path: &str) -> Result<DirFd, MoveError> {
    grant.require(DirPerms::READ).map_err(|_| because(format_args!("'{path}' can't be opened here")))?;
    let how = Opening {
        follow: false,
        oflags: Oflags::DIRECTORY,
        fdflags: Fdflags::empty(),
        reads: true,
        writes: false,
    };
    let opened = grant.dir.open(path, &how).and_then(|file| match file.stat()?.filetype {
        Filetype::Directory => Ok(Dir::from_file(file)),
        _ => Err(Errno::NOTDIR),
    });
    let opened =
        opened.map_err(|error| because(format_args!("the folder '{path}' can't be opened: {error:?}")))?;
    Ok(DirFd::new(opened, None, grant.dir_perms, grant.file_perms))
}

fn file(given: &Fds, take: &mut Take<'_>, changed: &mut Vec<String>, who: Who) -> Result<FileFd, MoveError> {
    let (grant, path) = (granted(given, take.text()?)?, take.text()?);
    let (reads, writes) = (take.u8()? != 0, take.u8()? != 0);
    let fdflags = Fdflags::from_bits_truncate(take.u32()? as u16);
    let (offset, size, mtim) = (take.u64()?, take.u64()?, take.u64()?);
    let refused = |why: &dyn Display| because(format_args!("the file '{path}' can't be opened: {why}"));
    if writes && who == Who::Clone {
        return Err(refused(&"it is open for writing, and each clone would write to it"));
    }
    let mut wanted = FilePerms::empty();
    wanted.set(FilePerms::READ, reads);
    wanted.set(FilePerms::WRITE, writes);
    if !grant.dir_perms.contains(DirPerms::READ) || !grant.file_perms.contains(wanted) {
        return Err(refused(&"less is granted here"));
    }
    let how = Opening { follow: false, oflags: Oflags::empty(), fdflags, reads, writes };
    let opened = grant.dir.open(path, &how).and_then(|file| {
        let stat = file.stat()?;
        seek_to(&file, Some(offset))?;
        Ok((file, stat))
    });
    let (file, stat) = opened.map_err(|error| refused(&format_args!("{error:?}")))?;
    if stat.filetype != Filetype::RegularFile {
        return Err(refused(&"it is no file"));
    }
    if (stat.size, stat.mtim) != (size, mtim) {
        changed.push(path.to_owned());
    }
    let (filetype, perms, waits) = (stat.filetype, grant.file_perms, false);
    Ok(FileFd { file, filetype, perms, writable: writes, waits })
}
