//! What a guest has open goes on elsewhere.

use crate::abi::{Fdflags, Oflags, Rights};
use crate::ctx::InterruptedWait;
use crate::errno::Errno;
use crate::fds::FdKind;
use crate::fds::{DirFd, Fd, FileFd};
use crate::host::dir::Dir;
use crate::host::open::Opening;
use crate::host::seek_to;
use crate::{DirPerms, FilePerms, WasiCtx};
use dunlin::Budget;
use std::path::Path;

fn context(dir: &Path, name: &str, file_perms: FilePerms) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder.arg("tool").env("A", "1");
    builder.preopened_dir(dir, name, DirPerms::all(), file_perms).unwrap();
    builder.build()
}

/// Opens something below descriptor 3.
fn open(ctx: &mut WasiCtx, path: &str, oflags: Oflags, fdflags: Fdflags) -> u32 {
    let grant = ctx.fds.dir(3, Rights::empty()).unwrap();
    let how =
        Opening { follow: false, oflags, fdflags, reads: true, writes: !oflags.contains(Oflags::DIRECTORY) };
    let file = grant.dir.open(path, &how).unwrap();
    let (filetype, perms) = (file.stat().unwrap().filetype, grant.file_perms);
    let kind = match how.is_directory() {
        true => FdKind::Dir(DirFd::new(Dir::from_file(file), None, grant.dir_perms, perms)),
        false => FdKind::File(FileFd { file, filetype, perms, writable: true, waits: filetype.waits() }),
    };
    ctx.fds.insert(Fd::new(kind, Rights::FILE, Rights::empty()))
}

fn file(ctx: &WasiCtx, fd: u32) -> &FileFd {
    match &ctx.fds.get(fd).unwrap().kind {
        FdKind::File(file) => file,
        _ => panic!("it is no file"),
    }
}

#[test]
fn files_are_opened_again_where_they_are_now() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/log"), "0123456789").unwrap();
    std::fs::write(dir.path().join("other"), "abc").unwrap();
    let mut ctx = context(dir.path(), "/data", FilePerms::all());
    let log = open(&mut ctx, "sub/log", Oflags::empty(), Fdflags::APPEND);
    let sub = open(&mut ctx, "sub", Oflags::DIRECTORY, Fdflags::empty());
    let other = open(&mut ctx, "other", Oflags::empty(), Fdflags::empty());
    seek_to(&file(&ctx, log).file, Some(7)).unwrap();
    ctx.fds.renumber(other, log + 20).unwrap_err();
    ctx.fds.get_mut(sub).unwrap().base = Rights::FD_READDIR;
    // It may be renamed while it is open.
    std::fs::rename(dir.path().join("other"), dir.path().join("sub/renamed")).unwrap();
    let call = [1, 2, 3, 4];
    ctx.interrupted = Some(InterruptedWait { call, began: 0 });
    let before = ctx.clocks.elapsed();
    let state = ctx.save().unwrap();
    // The file's time of change is another then.
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(dir.path().join("sub/renamed"), "abcd").unwrap();

    let budget = Budget::new(1 << 20);
    let mut next = context(dir.path(), "/data", FilePerms::all());
    (next.args, next.env) = (Vec::new(), Vec::new());
    assert_eq!(next.restore(&state, &budget).unwrap(), ["sub/renamed"]);
    assert_eq!((&next.args, &next.env), (&ctx.args, &ctx.env));
    assert_eq!(seek_to(&file(&next, log).file, None), Ok(7));
    assert_eq!(file(&next, log).file.flags(), Ok(Fdflags::APPEND));
    let mut bytes = [0; 8];
    assert_eq!(file(&next, other).file.read(&mut bytes), Ok(4));
    assert_eq!(next.fds.get(sub).unwrap().base, Rights::FD_READDIR);
    assert_eq!(next.fds.get(other + 1).err(), Some(Errno::BADF));
    assert!(budget.used() > 0);
    assert!(next.clocks.elapsed() >= before);
    // It has waited as long as it had, and a little more.
    let wait = next.interrupted.unwrap();
    assert!(wait.call == call && wait.began < next.clocks.elapsed(), "{wait:?}");
    // What was restored can be kept again.
    assert_eq!(next.save().unwrap().len(), state.len());
}

#[test]
fn what_cannot_be_had_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("log"), "0123456789").unwrap();
    let mut ctx = context(dir.path(), "/data", FilePerms::all());
    let log = open(&mut ctx, "log", Oflags::empty(), Fdflags::empty());
    let state = ctx.save().unwrap();
    let budget = Budget::unlimited();
    let restored =
        |mut ctx: WasiCtx, state: &[u8]| ctx.restore(state, &budget).map_err(|error| error.to_string());
    let elsewhere = context(dir.path(), "/other", FilePerms::all());
    assert_eq!(restored(elsewhere, &state), Err("the folder '/data' isn't granted here".into()));
    let less = context(dir.path(), "/data", FilePerms::READ);
    assert_eq!(restored(less, &state), Err("the file 'log' can't be opened: less is granted here".into()));
    for end in 0..state.len() {
        assert!(restored(context(dir.path(), "/data", FilePerms::all()), &state[..end]).is_err(), "{end}");
    }
    std::fs::remove_file(dir.path().join("log")).unwrap();
    assert!(restored(context(dir.path(), "/data", FilePerms::all()), &state).is_err());
    let refused = |ctx: &mut WasiCtx, fd: u32, what: &str| {
        let message = format!("descriptor {fd} is {what}");
        assert_eq!(ctx.save().map_err(|error| error.to_string()), Err(message));
        ctx.fds.close(fd).unwrap();
    };
    refused(&mut ctx, log, "a file that can't be found any more");
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let sub = open(&mut ctx, "sub", Oflags::DIRECTORY, Fdflags::empty());
    std::fs::remove_dir(dir.path().join("sub")).unwrap();
    refused(&mut ctx, sub, "a folder that can't be found any more");
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("fifo")).status();
    assert!(made.unwrap().success());
    let fifo = open(&mut ctx, "fifo", Oflags::empty(), Fdflags::empty());
    refused(&mut ctx, fifo, "a device or a FIFO");
    assert!(ctx.save().is_ok(), "what it has left can be moved");
}

#[test]
fn clones_have_arguments_of_their_own_and_no_file_to_write_in_common() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("read"), "0123456789").unwrap();
    let mut ctx = context(dir.path(), "/data", FilePerms::READ);
    let read = open(&mut ctx, "read", Oflags::empty(), Fdflags::empty());
    let FdKind::File(of) = &mut ctx.fds.get_mut(read).unwrap().kind else { panic!("it is a file") };
    of.writable = false;
    seek_to(&file(&ctx, read).file, Some(4)).unwrap();
    let state = ctx.save().unwrap();
    let clone = |arg: &str| {
        let mut builder = WasiCtx::builder();
        builder.arg(arg).env("B", arg);
        builder.preopened_dir(dir.path(), "/data", DirPerms::all(), FilePerms::all()).unwrap();
        builder.build()
    };
    let budget = Budget::unlimited();
    let mut clones = ["one", "two"].map(clone);
    for (ctx, name) in clones.iter_mut().zip(["one", "two"]) {
        assert!(ctx.adopt(&state, &budget).unwrap().is_empty());
        assert_eq!((&ctx.args, &ctx.env), (&vec![name.to_owned()], &vec![format!("B={name}")]));
        // Each has an offset of its own.
        let mut bytes = [0; 2];
        assert_eq!(file(ctx, read).file.read(&mut bytes), Ok(2));
        assert_eq!(bytes, *b"45");
    }
    open(&mut ctx, "read", Oflags::empty(), Fdflags::empty());
    let message = "the file 'read' can't be opened: it is open for writing, and each clone would write to it";
    let refused = clone("three").adopt(&ctx.save().unwrap(), &budget).map_err(|error| error.to_string());
    assert_eq!(refused, Err(message.into()));
}
