//! What the test programs share: the functions of WASI, with addresses as numbers so that wrong ones can be passed, and
//! a way to say what is expected.

#![allow(dead_code)]

use core::fmt::{self, Write};

macro_rules! functions {
    ($($name:ident($($arg:ident: $ty:ty),*);)*) => {
        mod raw {
            #[link(wasm_import_module = "wasi_snapshot_preview1")]
            unsafe extern "C" {
                $(pub(super) fn $name($($arg: $ty),*) -> u32;)*
                pub(super) fn proc_exit(code: u32) -> !;
            }
        }
        $(pub fn $name($($arg: $ty),*) -> u32 {
            // SAFETY: the host writes only where it is told to, and the tests tell it of nothing but their own buffers.
            unsafe { raw::$name($($arg),*) }
        })*
    };
}

functions! {
    args_get(argv: u32, buf: u32);
    args_sizes_get(argc: u32, size: u32);
    environ_get(environ: u32, buf: u32);
    environ_sizes_get(count: u32, size: u32);
    clock_res_get(id: u32, resolution: u32);
    clock_time_get(id: u32, precision: u64, time: u32);
    fd_advise(fd: u32, offset: u64, len: u64, advice: u32);
    fd_allocate(fd: u32, offset: u64, len: u64);
    fd_close(fd: u32);
    fd_datasync(fd: u32);
    fd_fdstat_get(fd: u32, stat: u32);
    fd_fdstat_set_flags(fd: u32, flags: u32);
    fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64);
    fd_filestat_get(fd: u32, stat: u32);
    fd_filestat_set_size(fd: u32, size: u64);
    fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, flags: u32);
    fd_pread(fd: u32, iovs: u32, len: u32, offset: u64, nread: u32);
    fd_prestat_get(fd: u32, prestat: u32);
    fd_prestat_dir_name(fd: u32, path: u32, len: u32);
    fd_pwrite(fd: u32, iovs: u32, len: u32, offset: u64, nwritten: u32);
    fd_read(fd: u32, iovs: u32, len: u32, nread: u32);
    fd_readdir(fd: u32, buf: u32, len: u32, cookie: u64, used: u32);
    fd_renumber(from: u32, to: u32);
    fd_seek(fd: u32, offset: i64, whence: u32, position: u32);
    fd_sync(fd: u32);
    fd_tell(fd: u32, position: u32);
    fd_write(fd: u32, iovs: u32, len: u32, nwritten: u32);
    path_create_directory(fd: u32, path: u32, len: u32);
    path_filestat_get(fd: u32, flags: u32, path: u32, len: u32, stat: u32);
    path_filestat_set_times(fd: u32, flags: u32, path: u32, len: u32, atim: u64, mtim: u64, fst: u32);
    path_link(fd: u32, flags: u32, path: u32, len: u32, to: u32, to_path: u32, to_len: u32);
    path_open(fd: u32, dirflags: u32, path: u32, len: u32, oflags: u32, base: u64, inheriting: u64, fdflags: u32, opened: u32);
    path_readlink(fd: u32, path: u32, len: u32, buf: u32, buf_len: u32, used: u32);
    path_remove_directory(fd: u32, path: u32, len: u32);
    path_rename(fd: u32, path: u32, len: u32, to: u32, to_path: u32, to_len: u32);
    path_symlink(target: u32, target_len: u32, fd: u32, path: u32, len: u32);
    path_unlink_file(fd: u32, path: u32, len: u32);
    poll_oneoff(subscriptions: u32, events: u32, count: u32, happened: u32);
    proc_raise(signal: u32);
    random_get(buf: u32, len: u32);
    sched_yield();
    sock_accept(fd: u32, flags: u32, accepted: u32);
    sock_recv(fd: u32, iovs: u32, len: u32, flags: u32, nread: u32, roflags: u32);
    sock_send(fd: u32, iovs: u32, len: u32, flags: u32, nwritten: u32);
    sock_shutdown(fd: u32, how: u32);
}

pub const OK: u32 = 0;
pub const AGAIN: u32 = 6;
pub const BADF: u32 = 8;
pub const EXIST: u32 = 20;
pub const FAULT: u32 = 21;
pub const ILSEQ: u32 = 25;
pub const INVAL: u32 = 28;
pub const ISDIR: u32 = 31;
pub const LOOP: u32 = 32;
pub const NAMETOOLONG: u32 = 37;
pub const NOENT: u32 = 44;
pub const NOTDIR: u32 = 54;
pub const NOTEMPTY: u32 = 55;
pub const NOTSOCK: u32 = 57;
pub const NOTSUP: u32 = 58;
pub const PERM: u32 = 63;
pub const SPIPE: u32 = 70;
pub const NOTCAPABLE: u32 = 76;

pub const READ: u64 = 1 << 1;
pub const WRITE: u64 = 1 << 6;
/// All rights that there are.
pub const ALL: u64 = (1 << 30) - 1;
/// The directory that the tests are given.
pub const DIR: u32 = 3;
/// No descriptor.
pub const NONE: u32 = 99;
/// Not in memory.
pub const NOWHERE: u32 = 0xffff_fff0;

pub const CREAT: u32 = 1;
pub const DIRECTORY: u32 = 2;
pub const EXCL: u32 = 4;
pub const TRUNC: u32 = 8;
pub const FOLLOW: u32 = 1;
pub const APPEND: u32 = 1;
pub const NONBLOCK: u32 = 4;

/// Says where in the source something else was expected, and ends with 1.
#[track_caller]
pub fn fail(message: fmt::Arguments<'_>) -> ! {
    let location = core::panic::Location::caller();
    let _ = writeln!(Stream(2), "{}:{}: {message}", location.file(), location.line());
    exit(1)
}

pub fn exit(code: u32) -> ! {
    // SAFETY: it takes a number and doesn't return.
    unsafe { raw::proc_exit(code) }
}

/// Expects that two values are the same.
#[track_caller]
pub fn is<T: PartialEq + fmt::Debug>(found: T, expected: T) {
    if found != expected {
        fail(format_args!("{found:?} instead of {expected:?}"));
    }
}

/// Expects that something is so.
#[track_caller]
pub fn yes(so: bool) {
    if !so {
        fail(format_args!("it isn't so"));
    }
}

#[panic_handler]
fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Stream(2), "{info}");
    exit(1)
}

/// Writes to a descriptor.
pub struct Stream(pub u32);

impl Write for Stream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let iovs = [at(text), text.len() as u32];
        let mut written = 0_u32;
        match fd_write(self.0, at(&iovs), 1, at_mut(&mut written)) {
            OK => Ok(()),
            _ => Err(fmt::Error),
        }
    }
}

/// Where something lies.
pub fn at<T: ?Sized>(value: &T) -> u32 {
    core::ptr::from_ref(value).addr() as u32
}

/// Where the host shall put something.
pub fn at_mut<T: ?Sized>(value: &mut T) -> u32 {
    core::ptr::from_mut(value).expose_provenance() as u32
}

/// What the host has put somewhere.
pub fn seen<T: Copy>(value: &T) -> T {
    core::hint::black_box(*value)
}

/// Opens a file and expects that to work.
#[track_caller]
pub fn open(path: &str, oflags: u32, rights: u64, fdflags: u32) -> u32 {
    let mut fd = NONE;
    is(
        path_open(DIR, 0, at(path), path.len() as u32, oflags, rights, ALL, fdflags, at_mut(&mut fd)),
        OK,
    );
    seen(&fd)
}

/// What `path_open` answers.
pub fn opens(dir: u32, lookup: u32, path: &str, oflags: u32, rights: u64) -> u32 {
    let mut fd = NONE;
    let errno =
        path_open(dir, lookup, at(path), path.len() as u32, oflags, rights, ALL, 0, at_mut(&mut fd));
    if errno == OK {
        is(fd_close(seen(&fd)), OK);
    }
    errno
}

pub fn unlink(path: &str) -> u32 {
    path_unlink_file(DIR, at(path), path.len() as u32)
}

pub fn mkdir(path: &str) -> u32 {
    path_create_directory(DIR, at(path), path.len() as u32)
}

pub fn rmdir(path: &str) -> u32 {
    path_remove_directory(DIR, at(path), path.len() as u32)
}

pub fn symlink(target: &str, path: &str) -> u32 {
    path_symlink(at(target), target.len() as u32, DIR, at(path), path.len() as u32)
}

pub fn rename(from: &str, to: &str) -> u32 {
    path_rename(DIR, at(from), from.len() as u32, DIR, at(to), to.len() as u32)
}

pub fn link(from: &str, to: &str) -> u32 {
    path_link(DIR, 0, at(from), from.len() as u32, DIR, at(to), to.len() as u32)
}

/// Writes a buffer, and returns how much of it was written.
#[track_caller]
pub fn write(fd: u32, bytes: &[u8]) -> u32 {
    let iovs = [at(bytes), bytes.len() as u32];
    let mut written = 0;
    is(fd_write(fd, at(&iovs), 1, at_mut(&mut written)), OK);
    seen(&written)
}

/// Reads into a buffer, and returns how much.
#[track_caller]
pub fn read(fd: u32, buf: &mut [u8]) -> u32 {
    let iovs = [at_mut(buf), buf.len() as u32];
    let mut read = 0;
    is(fd_read(fd, at(&iovs), 1, at_mut(&mut read)), OK);
    seen(&read)
}

/// As `filestat` lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Filestat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: u8,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

/// As `fdstat` lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Fdstat {
    pub filetype: u8,
    pub flags: u16,
    pub base: u64,
    pub inheriting: u64,
}

#[track_caller]
pub fn fdstat(fd: u32) -> Fdstat {
    let mut stat = Fdstat::default();
    is(fd_fdstat_get(fd, at_mut(&mut stat)), OK);
    seen(&stat)
}

#[track_caller]
pub fn filestat(fd: u32) -> Filestat {
    let mut stat = Filestat::default();
    is(fd_filestat_get(fd, at_mut(&mut stat)), OK);
    seen(&stat)
}

#[track_caller]
pub fn stat(path: &str, lookup: u32) -> Filestat {
    let mut stat = Filestat::default();
    is(path_filestat_get(DIR, lookup, at(path), path.len() as u32, at_mut(&mut stat)), OK);
    seen(&stat)
}

pub const DEVICE: u8 = 2;
pub const FOLDER: u8 = 3;
pub const FILE: u8 = 4;
pub const LINK: u8 = 7;
