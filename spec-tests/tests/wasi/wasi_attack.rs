//! Paths that try to lead out of the directory that a guest is given.

use crate::proxy::{ACCES, CREAT, DIRECTORY, EXCL, FOLLOW, PERM, Proxy, READ, TRUNC, WRITE};
use crate::random::Random;
use crate::tree::Tree;
use dunlin_wasi_lite::{DirPerms, FilePerms, WasiCtxBuilder};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const SECRET: &[u8] = b"nobody inside may read this";

/// A host with something to protect, and directories beside it for the guest.
struct Host {
    dir: TempDir,
    canary: Tree,
    inodes: BTreeSet<u64>,
}

/// Two directories that the guest may change, and one that it may only read.
const ROOTS: [&str; 3] = ["root", "second", "readonly"];
const FIRST: u32 = 3;

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir_all(outside.join("dir/sub")).unwrap();
        for name in ["secret", "file", "dir/secret", "dir/file"] {
            fs::write(outside.join(name), SECRET).unwrap();
        }
        symlink("secret", outside.join("link")).unwrap();
        let canary = Tree::of(&outside);
        let mut inodes = canary.inodes();
        for above in [Path::new("/"), Path::new("/proc"), Path::new("/etc"), dir.path()] {
            inodes.insert(fs::metadata(above).unwrap().ino());
        }
        let host = Self { dir, canary, inodes };
        host.fill();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes the guest's directories anew, with links of all kinds that the host has put there.
    fn fill(&self) {
        let outside = self.path("outside");
        for root in ROOTS {
            let root = self.path(root);
            if root.exists() {
                fs::remove_dir_all(&root).unwrap();
            }
            fs::create_dir_all(root.join("dir/sub/deep")).unwrap();
            for name in ["file", "dir/file", "dir/sub/file"] {
                fs::write(root.join(name), "harmless").unwrap();
            }
            let link = |target: &Path, name: &str| symlink(target, root.join(name)).unwrap();
            let relative = |target: &str, name: &str| link(Path::new(target), name);
            relative("file", "inner");
            relative("dir/sub", "innerdir");
            relative("..", "up");
            relative("../outside", "out");
            relative("../outside/secret", "outsecret");
            relative("../../outside", "dir/out");
            relative("sub/../../..", "dir/upup");
            relative("nothing", "dangling");
            relative("../outside/new", "dangling-out");
            relative("loop2", "loop1");
            relative("loop1", "loop2");
            relative("dir/sub/deep/../../../out", "detour");
            link(&outside, "abs");
            link(&outside.join("secret"), "abssecret");
            link(Path::new("/"), "slash");
            link(Path::new("/proc/self/root"), "magic");
            link(Path::new("/proc/self/cwd"), "cwd");
            link(&root.join("file"), "absinner");
            for number in 0..50 {
                relative(&format!("chain{}", number + 1), &format!("chain{number}"));
            }
            relative("../outside", "chain50");
        }
    }

    fn guest(&self) -> Proxy {
        let mut builder = WasiCtxBuilder::new();
        for root in ROOTS {
            let (dir_perms, file_perms) = match root {
                "readonly" => (DirPerms::READ, FilePerms::READ),
                _ => (DirPerms::all(), FilePerms::all()),
            };
            builder.preopened_dir(self.path(root), root, dir_perms, file_perms).unwrap();
        }
        Proxy::new(builder.build())
    }

    #[track_caller]
    fn check(&self, after: &str) {
        self.canary.assert_untouched(&self.path("outside"), after);
    }
}

fn path(random: &mut Random, host: &Host) -> Vec<u8> {
    const NAMES: [&str; 31] = [
        "..",
        "..",
        "..",
        ".",
        "",
        "file",
        "dir",
        "sub",
        "deep",
        "secret",
        "outside",
        "new",
        "new2",
        "inner",
        "innerdir",
        "up",
        "out",
        "outsecret",
        "upup",
        "dangling",
        "dangling-out",
        "loop1",
        "detour",
        "abs",
        "abssecret",
        "slash",
        "magic",
        "cwd",
        "absinner",
        "chain0",
        "chain30",
    ];
    let mut path = String::new();
    match random.below(12) {
        0 => path.push('/'),
        1 => path = host.path("outside/").to_str().unwrap().to_owned(),
        2 => path.push_str("../outside/"),
        3 => path.push_str("dir/../../outside/"),
        _ => (),
    }
    for part in 0..1 + random.below(6) {
        if part > 0 {
            path.push_str(random.pick(&["/", "/", "/", "/", "//", "/./"]));
        }
        path.push_str(random.pick(&NAMES));
    }
    path.push_str(random.pick(&["", "", "", "", "/", "//", "/.", "/..", "\0", "\0/../.."]));
    if random.once_in(60) {
        path = format!("{}file", "dir/../".repeat(random.below(600)));
    }
    if random.once_in(100) {
        path = "x".repeat(random.below(5000));
    }
    path.into_bytes()
}

/// Does something at random, and checks what the guest learns from it.
fn attack(random: &mut Random, host: &Host, guest: &mut Proxy) -> String {
    let (dir, other) = (FIRST + random.below(3) as u32, FIRST + random.below(3) as u32);
    let (one, two) = (path(random, host), path(random, host));
    let lookup = if random.once_in(2) { FOLLOW } else { 0 };
    let shown =
        format!("{dir} {:?} {other} {:?}", String::from_utf8_lossy(&one), String::from_utf8_lossy(&two));
    let learned = |stat: crate::proxy::Stat| {
        assert!(!host.inodes.contains(&stat.ino), "the guest sees {stat:?} by {shown}");
    };
    match random.below(12) {
        0..=3 => {
            let oflags =
                random.pick(&[0, 0, CREAT, CREAT | EXCL, TRUNC, CREAT | TRUNC, DIRECTORY, DIRECTORY]);
            let rights = random.pick(&[READ, READ, WRITE, READ | WRITE, 0]);
            let fdflags = random.below(32) as u32;
            if let Ok(fd) = guest.path_open((dir, lookup), &one, oflags, rights, fdflags) {
                learned(guest.fd_filestat_get(fd).unwrap());
                let _ = guest.write(fd, b"overwritten", None);
                if let Ok(bytes) = guest.read(fd, 100, Some(0)) {
                    assert_ne!(bytes, SECRET, "{shown}");
                }
                // And from there.
                if let Ok(stat) = guest.path_filestat_get((fd, lookup), &two) {
                    learned(stat);
                }
                if let Ok(inner) = guest.path_open((fd, lookup), &two, CREAT, READ | WRITE, 0) {
                    learned(guest.fd_filestat_get(inner).unwrap());
                    guest.close(inner).unwrap();
                }
                guest.close(fd).unwrap();
            }
        }
        4 => drop(guest.path_filestat_get((dir, lookup), &one).map(learned)),
        5 => drop(guest.path_filestat_set_times((dir, lookup), &one)),
        6 => drop(guest.path_readlink(dir, &one)),
        7 => drop(guest.path_symlink(&one, dir, &two)),
        8 => drop(guest.path_rename((dir, &one), (other, &two))),
        9 => drop(guest.path_link((dir, lookup, &one), (other, &two))),
        10 => {
            let name = random.pick(&["path_remove_directory", "path_unlink_file"]);
            let _ = guest.change(name, dir, &one);
        }
        _ => drop(guest.change("path_create_directory", dir, &one)),
    }
    shown
}

#[test]
fn random_paths_lead_nowhere() {
    const CASES: usize = 24_000;
    let host = Host::new();
    let mut random = Random(1);
    let mut readonly = Tree::of(&host.path("readonly"));
    let mut guest = host.guest();
    for case in 0..CASES {
        // Meanwhile the guest has moved and removed much of what there was.
        if case % 500 == 0 {
            host.fill();
            guest = host.guest();
            readonly = Tree::of(&host.path("readonly"));
        }
        let shown = attack(&mut random, &host, &mut guest);
        if case % 50 == 49 {
            host.check(&format!("case {case}, at most 49 before: {shown}"));
            readonly.assert_untouched(&host.path("readonly"), &format!("case {case}: {shown}"));
        }
    }
    host.check("all");
}

/// Paths that lead out for certain, with every function.
#[test]
fn known_ways_out_are_closed() {
    let host = Host::new();
    let mut guest = host.guest();
    let absolute = host.path("outside/secret");
    let absolute = absolute.to_str().unwrap();
    let dots = format!("{}{absolute}", "../".repeat(40));
    let ways = [
        "..",
        "../",
        "../outside",
        "../outside/secret",
        "dir/../../outside/secret",
        "up/outside/secret",
        "out/secret",
        "outsecret",
        "dir/out/secret",
        "dir/upup/outside/secret",
        "detour/secret",
        "abs/secret",
        "abssecret",
        "slash/etc",
        "magic/etc",
        "cwd/x",
        "chain0/secret",
        "chain30/secret",
        absolute,
        &dots,
        "/",
        "//",
        "/proc/self/root",
        "out/../out/secret",
        "dir/sub/../../../outside/secret",
        "./../outside/secret",
        "innerdir/../../../outside/secret",
    ];
    let refused = |errno: Result<(), u16>, way: &str, what: &str| {
        // 32 is ELOOP, for a link that shan't be followed or a chain of too many; 28 is EINVAL and 54 is ENOTDIR, for
        // names that aren't of the kind that the function is for; 16 is EBUSY, for a directory that contains the root.
        let errno = errno.expect_err(&format!("{what} {way}"));
        assert!([PERM, ACCES, 32, 28, 54, 16].contains(&errno), "{what} {way}: {errno}");
    };
    for way in ways {
        let bytes = way.as_bytes();
        let follow = (FIRST, FOLLOW);
        for (oflags, rights) in [(0, READ), (CREAT, WRITE), (TRUNC, WRITE), (DIRECTORY, READ)] {
            refused(guest.path_open(follow, bytes, oflags, rights, 0).map(drop), way, "opening");
        }
        refused(guest.path_filestat_get(follow, bytes).map(drop), way, "looking at");
        refused(guest.path_filestat_set_times(follow, bytes), way, "changing the times of");
        // What names a link itself is inside.
        let inside = ["outsecret", "abssecret"].contains(&way);
        if !inside {
            refused(guest.path_readlink(FIRST, bytes).map(drop), way, "reading the link");
            refused(guest.change("path_unlink_file", FIRST, bytes), way, "removing");
            refused(guest.change("path_remove_directory", FIRST, bytes), way, "removing");
            refused(guest.path_rename((FIRST, bytes), (FIRST, b"stolen")), way, "moving");
            refused(guest.path_link((FIRST, 0, bytes), (FIRST, b"stolen")), way, "linking");
        }
        for (dir, name) in [(FIRST, "file"), (FIRST + 1, "file")] {
            let into = [way, "/stolen"].concat();
            refused(guest.path_rename((dir, name.as_bytes()), (FIRST, into.as_bytes())), way, "moving to");
            refused(guest.path_link((dir, 0, name.as_bytes()), (FIRST, into.as_bytes())), way, "linking to");
        }
        let into = [way, "/made"].concat();
        refused(guest.path_symlink(b"x", FIRST, into.as_bytes()), way, "making a link in");
        refused(guest.change("path_create_directory", FIRST, into.as_bytes()), way, "making a directory in");
        host.check(way);
    }
    // A link that leads out can be made, but not followed.
    guest.path_symlink(b"../outside/secret", FIRST, b"mine").unwrap();
    refused(guest.path_open((FIRST, FOLLOW), b"mine", 0, READ, 0).map(drop), "mine", "opening");
    assert_eq!(guest.path_symlink(absolute.as_bytes(), FIRST, b"absolute"), Err(PERM));
    // Creating through a link that leads to nothing.
    refused(
        guest.path_open((FIRST, FOLLOW), b"dangling-out", CREAT, WRITE, 0).map(drop),
        "dangling-out",
        "creating",
    );
    // From a directory below, the parent is inside; from the given one it isn't.
    let dir = guest.path_open((FIRST, 0), b"dir", DIRECTORY, READ, 0).unwrap();
    refused(guest.path_open((dir, FOLLOW), b"../file", 0, READ, 0).map(drop), "../file", "opening below");
    host.check("the rest");
}

/// While the guest resolves paths, a directory on the way is exchanged for a link that leads out, and back.
#[test]
fn races_are_lost() {
    let host = Host::new();
    let root = host.path("root");
    let (name, real, link) = (root.join("swap"), root.join("parked"), root.join("parked-link"));
    fs::create_dir_all(name.join("sub")).unwrap();
    fs::write(name.join("secret"), "harmless").unwrap();
    symlink("../outside/dir", &link).unwrap();
    let mut guest = host.guest();
    let over = AtomicBool::new(false);
    let (mut opened, mut refused, mut swaps) = (0, 0, 0_u64);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut swaps = 0_u64;
            while !over.load(Ordering::Relaxed) {
                fs::rename(&name, &real).unwrap();
                fs::rename(&link, &name).unwrap();
                fs::rename(&name, &link).unwrap();
                fs::rename(&real, &name).unwrap();
                swaps += 1;
            }
            swaps
        });
        for round in 0..12_000_u32 {
            let path: &[u8] =
                [&b"swap/secret"[..], b"swap/sub/../secret", b"dir/../swap/secret"][round as usize % 3];
            match guest.path_open((FIRST, FOLLOW), path, 0, READ, 0) {
                Ok(fd) => {
                    opened += 1;
                    assert_eq!(guest.read(fd, 100, None).unwrap(), b"harmless");
                    guest.close(fd).unwrap();
                }
                Err(_) => refused += 1,
            }
            let new = format!("swap/new{}", round % 7);
            match round % 6 {
                0 => drop(
                    guest
                        .path_open((FIRST, FOLLOW), new.as_bytes(), CREAT, WRITE, 0)
                        .map(|fd| guest.close(fd)),
                ),
                1 => drop(guest.change("path_create_directory", FIRST, new.as_bytes())),
                2 => drop(guest.change("path_unlink_file", FIRST, new.as_bytes())),
                3 => drop(guest.path_rename((FIRST, b"file"), (FIRST, new.as_bytes()))),
                4 => drop(guest.path_symlink(b"x", FIRST, new.as_bytes())),
                _ => drop(guest.path_filestat_set_times((FIRST, FOLLOW), b"swap/file")),
            }
        }
        over.store(true, Ordering::Relaxed);
        swaps = thread.join().unwrap();
    });
    host.check("the race");
    assert!(
        opened > 0 && refused > 0 && swaps > 100,
        "{opened} opened, {refused} refused, {swaps} exchanges"
    );
}
