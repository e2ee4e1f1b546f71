//! Tests of the functions as the guest calls them, but without a guest.

mod asked;
mod charges;
mod files;
mod moved;
mod path_ends;
mod paths;
mod poll;
mod readonly;
mod refusing;
mod replay;
mod results;
mod rights;
mod snapshot;
mod sockets;
mod stdio;
mod transfers;

use crate::abi::{Filetype, Rights, Snapshot};
use crate::errno::{Errno, Fail, Result};
use crate::guest::Guest;
use crate::host::interrupt::Interrupt;
use crate::{DirPerms, FilePerms, WasiCtx, WasiCtxBuilder};
use dunlin::Budget;
use std::io::{PipeReader, PipeWriter, Write};
use std::os::fd::AsFd;
use tempfile::TempDir;

pub(crate) fn get_u16(memory: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(memory[at..at + 2].try_into().unwrap())
}

pub(crate) fn get_u32(memory: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(memory[at..at + 4].try_into().unwrap())
}

pub(crate) fn get_u64(memory: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(memory[at..at + 8].try_into().unwrap())
}

/// Where the helpers below put what they pass; results are at 0.
const PATH: u32 = 1000;
const PATH2: u32 = 6000;
const IOVS: u32 = 200;
const BUF: u32 = 12_000;

/// Descriptor 3, where there is a directory.
pub(crate) const DIR: u32 = 3;

pub(crate) const READ: u64 = Rights::FD_READ.bits();
pub(crate) const WRITE: u64 = Rights::FD_WRITE.bits();
pub(crate) const CREAT: u32 = 1;
pub(crate) const DIRECTORY: u32 = 2;
pub(crate) const EXCL: u32 = 4;
pub(crate) const TRUNC: u32 = 8;
pub(crate) const APPEND: u32 = 1;
pub(crate) const NONBLOCK: u32 = 4;
pub(crate) const FOLLOW: u32 = 1;

/// A context, a memory, and a way to interrupt.
pub(crate) struct Sandbox {
    pub(crate) ctx: WasiCtx,
    pub(crate) memory: Vec<u8>,
    pub(crate) snapshot: Snapshot,
    pub(crate) budget: Budget,
    interrupt: (PipeReader, PipeWriter),
    /// On the host; the guest has the directory `root` in it.
    pub(crate) host: TempDir,
}

/// What the guest learns of a file.
#[derive(Debug, PartialEq, Clone, Copy)]
pub(crate) struct Stat {
    pub(crate) ino: u64,
    pub(crate) filetype: u8,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
}

/// An entry of a directory: name, type, inode, next cookie.
pub(crate) type Entry = (String, u8, u64, u64);

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::with(WasiCtx::builder().build())
    }

    pub(crate) fn with(ctx: WasiCtx) -> Self {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir(host.path().join("root")).unwrap();
        Self::on(host, ctx)
    }

    fn on(host: TempDir, ctx: WasiCtx) -> Self {
        Self {
            ctx,
            memory: vec![0; 1 << 16],
            snapshot: Snapshot::Preview1,
            budget: Budget::unlimited(),
            interrupt: std::io::pipe().unwrap(),
            host,
        }
    }

    /// With the directory on descriptor 3.
    pub(crate) fn with_dir(dir_perms: DirPerms, file_perms: FilePerms) -> Self {
        let mut sandbox = Self::new();
        sandbox.ctx = Self::dir_ctx(&sandbox.root(), dir_perms, file_perms);
        sandbox
    }

    fn dir_ctx(root: &std::path::Path, dir_perms: DirPerms, file_perms: FilePerms) -> WasiCtx {
        WasiCtxBuilder::new().preopened_dir(root, "/", dir_perms, file_perms).unwrap().build()
    }

    pub(crate) fn writable() -> Self {
        Self::with_dir(DirPerms::all(), FilePerms::all())
    }

    /// The same with what is in `host`.
    pub(crate) fn writable_in(host: TempDir) -> Self {
        let ctx = Self::dir_ctx(&host.path().join("root"), DirPerms::all(), FilePerms::all());
        Self::on(host, ctx)
    }

    pub(crate) fn root(&self) -> std::path::PathBuf {
        self.host.path().join("root")
    }

    pub(crate) fn call(&mut self, call: impl FnOnce(&mut WasiCtx, &mut Guest<'_>) -> Result) -> Result {
        let interrupt = Interrupt::by(Some(self.interrupt.0.as_fd()));
        call(&mut self.ctx, &mut Guest::new(&mut self.memory, self.snapshot, interrupt, &self.budget))
    }

    #[track_caller]
    pub(crate) fn fails(&mut self, errno: Errno, call: impl FnOnce(&mut WasiCtx, &mut Guest<'_>) -> Result) {
        assert_eq!(self.call(call), Err(Fail::Errno(errno)));
    }

    pub(crate) fn interrupt(&mut self) {
        self.interrupt.1.write_all(&[0]).unwrap();
    }

    /// Something that interrupts, on another thread.
    pub(crate) fn interrupter(&self) -> PipeWriter {
        self.interrupt.1.try_clone().unwrap()
    }

    pub(crate) fn path(&mut self, path: &str) -> (u32, u32) {
        self.memory[PATH as usize..][..path.len()].copy_from_slice(path.as_bytes());
        (PATH, path.len() as u32)
    }

    pub(crate) fn path2(&mut self, path: &str) -> (u32, u32) {
        self.memory[PATH2 as usize..][..path.len()].copy_from_slice(path.as_bytes());
        (PATH2, path.len() as u32)
    }

    fn result(&self) -> u32 {
        get_u32(&self.memory, 0)
    }

    /// Writes an array of buffers that lie behind each other.
    fn iovs(&mut self, lens: &[usize]) -> (u32, u32) {
        let mut buf = BUF;
        for (index, &len) in lens.iter().enumerate() {
            let at = IOVS as usize + index * 8;
            self.memory[at..at + 4].copy_from_slice(&buf.to_le_bytes());
            self.memory[at + 4..at + 8].copy_from_slice(&(len as u32).to_le_bytes());
            buf = buf.wrapping_add(len as u32);
        }
        (IOVS, lens.len() as u32)
    }

    pub(crate) fn open_with(
        &mut self,
        (dir, lookup): (u32, u32),
        path: &str,
        oflags: u32,
        rights: u64,
        fdflags: u32,
    ) -> Result<u32, Errno> {
        let (path, len) = self.path(path);
        let inheriting = Rights::all().bits();
        self.done(|ctx, guest| {
            ctx.path_open(guest, dir, lookup, path, len, oflags, rights, inheriting, fdflags, 0)
        })?;
        Ok(self.result())
    }

    /// Like `call`, where neither exits nor interruptions are expected.
    #[track_caller]
    pub(crate) fn done(
        &mut self,
        call: impl FnOnce(&mut WasiCtx, &mut Guest<'_>) -> Result,
    ) -> Result<(), Errno> {
        match self.call(call) {
            Ok(()) => Ok(()),
            Err(Fail::Errno(errno)) => Err(errno),
            Err(fail) => panic!("{fail:?}"),
        }
    }

    pub(crate) fn open(&mut self, path: &str, oflags: u32, rights: u64) -> Result<u32, Errno> {
        self.open_with((DIR, 0), path, oflags, rights, 0)
    }

    pub(crate) fn write(&mut self, fd: u32, parts: &[&[u8]]) -> Result<u32> {
        let bytes = parts.concat();
        self.memory[BUF as usize..][..bytes.len()].copy_from_slice(&bytes);
        let (iovs, len) = self.iovs(&parts.iter().map(|part| part.len()).collect::<Vec<_>>());
        self.call(|ctx, guest| ctx.fd_write(guest, fd, iovs, len, 0))?;
        Ok(self.result())
    }

    pub(crate) fn pwrite(&mut self, fd: u32, parts: &[&[u8]], offset: u64) -> Result<u32> {
        let bytes = parts.concat();
        self.memory[BUF as usize..][..bytes.len()].copy_from_slice(&bytes);
        let (iovs, len) = self.iovs(&parts.iter().map(|part| part.len()).collect::<Vec<_>>());
        self.call(|ctx, guest| ctx.fd_pwrite(guest, fd, iovs, len, offset, 0))?;
        Ok(self.result())
    }

    fn read_bytes(&self) -> Vec<u8> {
        self.memory[BUF as usize..][..self.result() as usize].to_vec()
    }

    pub(crate) fn read(&mut self, fd: u32, lens: &[usize]) -> Result<Vec<u8>> {
        let (iovs, len) = self.iovs(lens);
        self.call(|ctx, guest| ctx.fd_read(guest, fd, iovs, len, 0))?;
        Ok(self.read_bytes())
    }

    pub(crate) fn pread(&mut self, fd: u32, lens: &[usize], offset: u64) -> Result<Vec<u8>> {
        let (iovs, len) = self.iovs(lens);
        self.call(|ctx, guest| ctx.fd_pread(guest, fd, iovs, len, offset, 0))?;
        Ok(self.read_bytes())
    }

    pub(crate) fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64, Errno> {
        self.done(|ctx, guest| ctx.fd_seek(guest, fd, offset, whence, 0))?;
        Ok(get_u64(&self.memory, 0))
    }

    fn get_stat(&self) -> Stat {
        let field = |index: usize| get_u64(&self.memory, index * 8);
        Stat {
            ino: field(1),
            filetype: self.memory[16],
            nlink: field(3),
            size: field(4),
            atim: field(5),
            mtim: field(6),
        }
    }

    pub(crate) fn stat(&mut self, path: &str, lookup: u32) -> Result<Stat, Errno> {
        let (path, len) = self.path(path);
        self.done(|ctx, guest| ctx.path_filestat_get(guest, DIR, lookup, path, len, 0))?;
        Ok(self.get_stat())
    }

    pub(crate) fn fstat(&mut self, fd: u32) -> Result<Stat, Errno> {
        self.done(|ctx, guest| ctx.fd_filestat_get(guest, fd, 0))?;
        Ok(self.get_stat())
    }

    /// File type, flags, and rights.
    pub(crate) fn fdstat(&mut self, fd: u32) -> Result<(u8, u16, u64, u64), Errno> {
        self.done(|ctx, guest| ctx.fd_fdstat_get(guest, fd, 0))?;
        let memory = &self.memory;
        Ok((memory[0], get_u16(memory, 2), get_u64(memory, 8), get_u64(memory, 16)))
    }

    pub(crate) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.done(|ctx, guest| ctx.fd_close(guest, fd))
    }

    pub(crate) fn mkdir(&mut self, path: &str) -> Result<(), Errno> {
        let (path, len) = self.path(path);
        self.done(|ctx, guest| ctx.path_create_directory(guest, DIR, path, len))
    }

    pub(crate) fn rmdir(&mut self, path: &str) -> Result<(), Errno> {
        let (path, len) = self.path(path);
        self.done(|ctx, guest| ctx.path_remove_directory(guest, DIR, path, len))
    }

    pub(crate) fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        let (path, len) = self.path(path);
        self.done(|ctx, guest| ctx.path_unlink_file(guest, DIR, path, len))
    }

    pub(crate) fn rename(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        let ((old, old_len), (new, new_len)) = (self.path(old), self.path2(new));
        self.done(|ctx, guest| ctx.path_rename(guest, DIR, old, old_len, DIR, new, new_len))
    }

    pub(crate) fn link(&mut self, old: &str, new: &str, lookup: u32) -> Result<(), Errno> {
        let ((old, old_len), (new, new_len)) = (self.path(old), self.path2(new));
        self.done(|ctx, guest| ctx.path_link(guest, DIR, lookup, old, old_len, DIR, new, new_len))
    }

    pub(crate) fn symlink(&mut self, target: &str, path: &str) -> Result<(), Errno> {
        let ((target, target_len), (path, len)) = (self.path(target), self.path2(path));
        self.done(|ctx, guest| ctx.path_symlink(guest, target, target_len, DIR, path, len))
    }

    pub(crate) fn readlink(&mut self, path: &str, buf_len: u32) -> Result<String, Errno> {
        let (path, len) = self.path(path);
        self.done(|ctx, guest| ctx.path_readlink(guest, DIR, path, len, BUF, buf_len, 0))?;
        Ok(String::from_utf8(self.read_bytes()).unwrap())
    }

    /// Entries from `cookie` on that fit a buffer whole, and whether that were all.
    pub(crate) fn readdir(
        &mut self,
        fd: u32,
        cookie: u64,
        buf_len: u32,
    ) -> Result<(Vec<Entry>, bool), Errno> {
        self.done(|ctx, guest| ctx.fd_readdir(guest, fd, BUF, buf_len, cookie, 0))?;
        let bytes = self.read_bytes();
        let end = self.result() < buf_len;
        let mut rest = &bytes[..];
        let mut entries = Vec::new();
        while rest.len() >= 24 {
            let len = get_u32(rest, 16) as usize;
            if rest.len() < 24 + len {
                break;
            }
            let name = String::from_utf8(rest[24..24 + len].to_vec()).unwrap();
            entries.push((name, rest[20], get_u64(rest, 8), get_u64(rest, 0)));
            rest = &rest[24 + len..];
        }
        assert!(!end || rest.is_empty(), "whole entries at the end");
        Ok((entries, end))
    }
}

pub(crate) const REGULAR: u8 = Filetype::RegularFile as u8;
pub(crate) const FOLDER: u8 = Filetype::Directory as u8;
pub(crate) const SYMLINK: u8 = Filetype::SymbolicLink as u8;
