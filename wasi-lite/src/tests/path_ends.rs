//! What follows the last name of a path (`/`, `//`, `/.`, `/..`) means what it means to Linux: every function that takes a path
//! is compared with the system's own call, on every kind of file.

use super::refusing::without_openat2;
use super::*;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, openat2};
use rustix::fs::{linkat, mkdirat, openat, readlinkat, renameat, statat, symlinkat, unlinkat, utimensat};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

/// The time that is set.
const MARK: u64 = 1_234_567_890;

/// What is done with a path.
#[derive(Clone, Copy, Debug)]
enum Call {
    Stat {
        follow: bool,
    },
    SetTimes {
        follow: bool,
    },
    Open {
        follow: bool,
        oflags: u32,
        rights: u64,
    },
    CreateDirectory,
    RemoveDirectory,
    UnlinkFile,
    /// It is renamed to this.
    RenameTo(&'static str),
    /// This is renamed to it.
    RenameFrom(&'static str),
    /// It gets this as another name.
    LinkTo(&'static str),
    /// This gets it as another name.
    LinkFrom(&'static str),
    Symlink,
    Readlink,
}

fn calls() -> Vec<Call> {
    let mut calls =
        vec![Call::CreateDirectory, Call::RemoveDirectory, Call::UnlinkFile, Call::Symlink, Call::Readlink];
    for name in ["new", "new/", "other", "room/", "full/"] {
        calls.extend([Call::RenameTo(name), Call::LinkTo(name)]);
    }
    for name in ["other", "other/", "room", "room/", "nothing", "to-room/"] {
        calls.extend([Call::RenameFrom(name), Call::LinkFrom(name)]);
    }
    for follow in [false, true] {
        calls.extend([Call::Stat { follow }, Call::SetTimes { follow }]);
        for (oflags, rights) in [
            (0, READ),
            (0, WRITE),
            (0, READ | WRITE),
            (CREAT, WRITE),
            (CREAT, READ),
            (CREAT | EXCL, WRITE),
            (CREAT | TRUNC, WRITE),
            (TRUNC, WRITE),
            (DIRECTORY, READ),
            (DIRECTORY, READ | WRITE),
        ] {
            calls.push(Call::Open { follow, oflags, rights });
        }
    }
    calls
}

/// A directory with every kind of file, and if asked for, another such in it.
fn furnish(host: &Path, sub: bool) {
    fs::create_dir(host.join("outside")).unwrap();
    fs::write(host.join("outside/secret"), "secret").unwrap();
    fs::write(host.join("secret"), "secret").unwrap();
    for (dir, up) in [("root", ""), ("root/sub", "../")].into_iter().take(1 + usize::from(sub)) {
        let dir = host.join(dir);
        let _ = fs::create_dir(&dir);
        for name in ["dir", "empty", "room", "full"] {
            fs::create_dir(dir.join(name)).unwrap();
        }
        for name in ["file", "other", "dir/in", "full/in"] {
            fs::write(dir.join(name), name).unwrap();
        }
        for (target, name) in [
            ("file", "to-file"),
            ("dir", "to-dir"),
            ("dir/", "to-dir-slash"),
            ("file/", "to-file-slash"),
            ("dir/.", "to-dir-dot"),
            ("dir/..", "to-dir-up"),
            ("room", "to-room"),
            ("to-dir", "to-to-dir"),
            ("nowhere", "dangling"),
            ("nowhere/", "dangling-slash"),
            ("loop", "loop"),
        ] {
            symlink(target, dir.join(name)).unwrap();
        }
        symlink(format!("{up}../outside"), dir.join("out")).unwrap();
        symlink(format!("{up}../outside/"), dir.join("out-slash")).unwrap();
        symlink(format!("{up}../secret"), dir.join("out-file")).unwrap();
        symlink(format!("{up}../void"), dir.join("out-dangling")).unwrap();
    }
}

const KINDS: [&str; 18] = [
    "file",
    "dir",
    "empty",
    "to-file",
    "to-dir",
    "to-dir-slash",
    "to-file-slash",
    "to-dir-dot",
    "to-dir-up",
    "to-to-dir",
    "dangling",
    "dangling-slash",
    "loop",
    "missing",
    "out",
    "out-slash",
    "out-file",
    "out-dangling",
];

const SHAPES: [&str; 8] = ["", "/", "//", "/.", "/./", "/..", "/../", "/in"];

/// What is there, and what it looks like.
fn tree(host: &Path) -> BTreeMap<String, String> {
    fn walk(dir: &Path, name: &str, all: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
            let metadata = fs::symlink_metadata(entry.path()).unwrap();
            let mut what = format!("{:?}", metadata.file_type());
            if metadata.is_dir() {
                walk(&entry.path(), &name, all);
            } else if metadata.is_symlink() {
                write!(what, " to {:?}", fs::read_link(entry.path()).unwrap()).unwrap();
            } else {
                write!(what, " {:?} {}", fs::read(entry.path()).unwrap(), metadata.nlink()).unwrap();
            }
            if metadata.mtime() == MARK.cast_signed() {
                what.push_str(" marked");
            }
            all.insert(name, what);
        }
    }
    let mut all = BTreeMap::new();
    walk(host, "", &mut all);
    all
}

/// What the guest is answered.
fn guest(sandbox: &mut Sandbox, call: Call, path: &str) -> Result<String, Errno> {
    let lookup = |follow| if follow { FOLLOW } else { 0 };
    match call {
        Call::Stat { follow } => {
            let stat = sandbox.stat(path, lookup(follow))?;
            let size = if stat.filetype == REGULAR { stat.size } else { 0 };
            return Ok(format!("{} {size}", stat.filetype));
        }
        Call::SetTimes { follow } => {
            let (path, len) = sandbox.path(path);
            let time = MARK * 1_000_000_000;
            sandbox.done(|ctx, guest| {
                ctx.path_filestat_set_times(guest, DIR, lookup(follow), path, len, time, time, 1 | 4)
            })?;
        }
        Call::Open { follow, oflags, rights } => {
            let fd = sandbox.open_with((DIR, lookup(follow)), path, oflags, rights, 0)?;
            let filetype = sandbox.fdstat(fd)?.0;
            sandbox.close(fd)?;
            return Ok(filetype.to_string());
        }
        Call::CreateDirectory => sandbox.mkdir(path)?,
        Call::RemoveDirectory => sandbox.rmdir(path)?,
        Call::UnlinkFile => sandbox.unlink(path)?,
        Call::RenameTo(other) => sandbox.rename(path, other)?,
        Call::RenameFrom(other) => sandbox.rename(other, path)?,
        Call::LinkTo(other) => sandbox.link(path, other, 0)?,
        Call::LinkFrom(other) => sandbox.link(other, path, 0)?,
        Call::Symlink => sandbox.symlink("other", path)?,
        Call::Readlink => return sandbox.readlink(path, 100),
    }
    Ok(String::new())
}

/// What Linux answers.
fn linux(root: &OwnedFd, call: Call, path: &str) -> rustix::io::Result<String> {
    let lookup = |follow| if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    match call {
        Call::Stat { follow } => {
            let stat = statat(root, path, lookup(follow))?;
            let filetype = FileType::from_raw_mode(stat.st_mode);
            let size = if filetype == FileType::RegularFile { stat.st_size } else { 0 };
            return Ok(format!("{} {size}", Filetype::from(filetype) as u8));
        }
        Call::SetTimes { follow } => {
            let time = Timespec { tv_sec: MARK.cast_signed(), tv_nsec: 0 };
            let times = Timestamps { last_access: time, last_modification: time };
            utimensat(root, path, &times, lookup(follow))?;
        }
        Call::Open { follow, oflags, rights } => {
            let writes = rights & WRITE != 0 || oflags & (CREAT | TRUNC) != 0;
            let mut flags = match (rights & READ != 0 || !writes, writes) {
                (true, true) => OFlags::RDWR,
                (_, false) => OFlags::RDONLY,
                (false, true) => OFlags::WRONLY,
            };
            flags.set(OFlags::NOFOLLOW, !follow);
            flags.set(OFlags::CREATE, oflags & CREAT != 0);
            flags.set(OFlags::EXCL, oflags & EXCL != 0);
            flags.set(OFlags::TRUNC, oflags & TRUNC != 0);
            flags.set(OFlags::DIRECTORY, oflags & DIRECTORY != 0);
            let file = openat(root, path, flags | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::from(0o666))?;
            let filetype = FileType::from_raw_mode(rustix::fs::fstat(file)?.st_mode);
            return Ok((Filetype::from(filetype) as u8).to_string());
        }
        Call::CreateDirectory => mkdirat(root, path, Mode::from(0o777))?,
        Call::RemoveDirectory => unlinkat(root, path, AtFlags::REMOVEDIR)?,
        Call::UnlinkFile => unlinkat(root, path, AtFlags::empty())?,
        Call::RenameTo(other) => renameat(root, path, root, other)?,
        Call::RenameFrom(other) => renameat(root, other, root, path)?,
        Call::LinkTo(other) => linkat(root, path, root, other, AtFlags::empty())?,
        Call::LinkFrom(other) => linkat(root, other, root, path, AtFlags::empty())?,
        Call::Symlink => symlinkat("other", root, path)?,
        Call::Readlink => {
            let target = readlinkat(root, path, Vec::new())?;
            return Ok(std::ffi::OsStr::from_bytes(target.as_bytes()).to_str().unwrap().to_owned());
        }
    }
    Ok(String::new())
}

/// Whether the call has to follow a link out of the sandbox, which Linux does and the sandbox refuses.
fn leads_out(call: Call, prefix: &str, kind: &str, shape: &str) -> bool {
    let follows = match call {
        Call::Stat { follow } | Call::SetTimes { follow } => follow,
        // As `O_EXCL` says, nothing is followed.
        Call::Open { follow, oflags, .. } => follow && oflags & EXCL == 0,
        _ => false,
    };
    let looks_up = match call {
        Call::Stat { .. } | Call::SetTimes { .. } | Call::LinkTo(_) | Call::Readlink => true,
        // With a slash behind it, nothing is created.
        Call::Open { oflags, .. } => oflags & CREAT == 0,
        _ => false,
    };
    if kind.starts_with("out") {
        match shape {
            "" => follows,
            // Calls that make, move or remove a name don't look what is behind it.
            "/" | "//" => looks_up,
            _ => true,
        }
    } else {
        // The link leads to where it is itself.
        kind == "to-dir-up" && shape.starts_with("/..") && !prefix.contains("sub")
    }
}

/// Whether success changes what is there.
fn changes(call: Call) -> bool {
    match call {
        Call::Stat { .. } | Call::Readlink => false,
        Call::Open { oflags, .. } => oflags & (CREAT | TRUNC) != 0,
        _ => true,
    }
}

fn has_openat2() -> bool {
    openat2(CWD, ".", OFlags::PATH, Mode::empty(), ResolveFlags::BENEATH).is_ok()
}

/// Compares every call on every path.
fn compare() {
    let has_openat2 = has_openat2();
    // The library then asks the system to create a file that is a directory, if a link's text ends in a slash.
    let excepted = |call: Call, kind: &str, errno: Errno| {
        let creates = matches!(call, Call::Open { oflags, .. } if oflags & CREAT != 0);
        !has_openat2 && creates && kind.ends_with("-slash") && errno == Errno::INVAL
    };
    let mut compared = 0;
    let mut wrong = String::new();
    for prefix in ["", "to-dir/../sub/"] {
        for kind in KINDS {
            for shape in SHAPES {
                let path = format!("{prefix}{kind}{shape}");
                // They serve until something changes.
                let mut worlds = None;
                for call in calls() {
                    let (sandbox, twin, root) =
                        worlds.get_or_insert_with(|| worlds_alike(!prefix.is_empty()));
                    let answer = guest(sandbox, call, &path);
                    let out = leads_out(call, prefix, kind, shape);
                    let expected = match (out, call) {
                        // What is to get another name is looked up first.
                        (true, Call::LinkFrom(other)) => linux(root, Call::Stat { follow: false }, other)
                            .map_err(Errno::from)
                            .and(Err(Errno::PERM)),
                        (true, _) => Err(Errno::PERM),
                        // As POSIX and the official tests have it; Linux says that something is there.
                        (false, Call::Symlink) if kind == "file" && matches!(shape, "/" | "//") => {
                            Err(Errno::NOTDIR)
                        }
                        (false, _) => linux(root, call, &path).map_err(Errno::from),
                    };
                    let accepted = answer == expected
                        || answer.as_ref().is_err_and(|errno| excepted(call, kind, *errno));
                    if !accepted {
                        writeln!(wrong, "{path} {call:?}: {answer:?}, not {expected:?}").unwrap();
                    }
                    if changes(call) && (out || answer.is_ok() || expected.is_ok()) {
                        if tree(sandbox.host.path()) != tree(twin.path()) {
                            writeln!(wrong, "{path} {call:?}: leaves another tree").unwrap();
                        }
                        if !out {
                            worlds = None;
                        }
                    }
                    compared += 1;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{wrong}", wrong.lines().count());
    assert_eq!(compared, 2 * KINDS.len() * SHAPES.len() * calls().len());
}

/// A sandbox, and a directory with the same in it.
fn worlds_alike(sub: bool) -> (Sandbox, TempDir, OwnedFd) {
    // Some hundred thousand files are made, for which a disk would take minutes.
    let place = || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (host, twin) = (place(), place());
    furnish(host.path(), sub);
    furnish(twin.path(), sub);
    let root = openat(CWD, twin.path().join("root"), OFlags::PATH, Mode::empty()).unwrap();
    (Sandbox::writable_in(host), twin, root)
}

#[test]
fn as_linux_has_it() {
    compare();
}

#[test]
fn as_linux_has_it_without_openat2() {
    without_openat2(compare);
}

#[test]
fn the_directory_itself() {
    for path in ["", ".", "./", "./.", ".//"] {
        for call in calls() {
            let (mut sandbox, _twin, root) = worlds_alike(false);
            let expected = linux(&root, call, path).map_err(Errno::from);
            assert_eq!(guest(&mut sandbox, call, path), expected, "{path} {call:?}");
        }
    }
    let (mut sandbox, ..) = worlds_alike(true);
    let before = tree(sandbox.host.path());
    for path in ["/", "//", "/.", "..", "../", "../.", "/..", "./..", "sub/../..", "/file", "//dir/"] {
        for call in calls() {
            let answer = guest(&mut sandbox, call, path);
            // What is wrong with the other path may come first.
            let other = matches!(call, Call::LinkFrom(_)) && answer.is_err();
            assert!(answer == Err(Errno::PERM) || other, "{path} {call:?}: {answer:?}");
        }
    }
    assert!(tree(sandbox.host.path()) == before);
}

#[test]
fn odd_paths() {
    let name = |len| "n".repeat(len);
    let mut paths = vec![
        name(255),
        name(256),
        format!("{}/", name(256)),
        format!("{}/x", name(256)),
        format!("dir/{}", name(255)),
        // As long as there may be, and one byte more.
        format!("{}file", "./".repeat(2045)),
        format!("{}file//", "./".repeat(2045)),
        format!("file{}", "/".repeat(4091)),
        format!("dir{}", "/".repeat(4092)),
        "dir//in".into(),
        "dir/./in".into(),
        "./dir/../file".into(),
        "dir/../dir/in/..".into(),
        "dir/in/../in".into(),
        "to-dir//in".into(),
        "loop/in".into(),
        "dangling/in".into(),
        "...".into(),
        "dir/...".into(),
        ".../".into(),
        " ".into(),
        "\u{7f}\n".into(),
        "dir\0".into(),
        "file\0/".into(),
    ];
    // The system follows 40 symbolic links.
    paths.extend([39, 40, 41].map(|number| format!("chain{number}")));
    paths.extend([39, 40, 41].map(|number| format!("chain{number}/")));
    paths.extend([39, 40, 41].map(|number| format!("chain{number}/in")));
    let check = || {
        let mut wrong = String::new();
        let mut worlds = None;
        // The library follows one link fewer where it opens nothing.
        let has_openat2 = has_openat2();
        for path in paths.iter().filter(|path| has_openat2 || !path.starts_with("chain40")) {
            for call in calls() {
                let (sandbox, twin, root) = worlds.get_or_insert_with(|| {
                    let worlds = worlds_alike(false);
                    for host in [worlds.0.host.path(), worlds.1.path()] {
                        symlink("dir", host.join("root/chain1")).unwrap();
                        for number in 2..42 {
                            let to = format!("chain{}", number - 1);
                            symlink(to, host.join(format!("root/chain{number}"))).unwrap();
                        }
                    }
                    worlds
                });
                let answer = guest(sandbox, call, path);
                let expected = match path.len() {
                    // Before anything else is looked at.
                    4096.. => Err(Errno::NAMETOOLONG),
                    _ if path.contains('\0') => Err(Errno::INVAL),
                    // As POSIX has it.
                    _ if matches!(call, Call::Symlink) && path.starts_with("file//") => Err(Errno::NOTDIR),
                    _ => linux(root, call, path).map_err(Errno::from),
                };
                if answer != expected {
                    let shown = &path[..path.len().min(20)];
                    writeln!(wrong, "{shown} {call:?}: {answer:?}, not {expected:?}").unwrap();
                }
                if changes(call) && (answer.is_ok() || expected.is_ok()) {
                    if tree(sandbox.host.path()) != tree(twin.path()) {
                        writeln!(wrong, "{path} {call:?}: leaves another tree").unwrap();
                    }
                    worlds = None;
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    };
    check();
    without_openat2(check);
}
