//! How much memory the container may have, by its control group.

use rustix::fs::{Mode, OFlags, openat};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// Where control groups are.
const MOUNT: &str = "/sys/fs/cgroup";

/// What the process takes beside what a budget counts: measured, and rounded up.
const OWN: u64 = 4 << 20;

/// From there on, a number means that there is no limit: version 1 has a number for that, too.
const UNLIMITED: u64 = 1 << 62;

/// The host's control groups. A container may not see them, so they are opened before there is one. The guest can't
/// reach it: it is given folders, and no descriptors.
static HIERARCHY: OnceLock<File> = OnceLock::new();

/// Keeps the host's control groups open for the processes that this one will make.
pub(crate) fn keep_hierarchy() {
    if let Ok(folder) = File::open(MOUNT) {
        let _ = HIERARCHY.set(folder);
    }
}

/// The limit of a container's memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemoryLimit(pub(crate) u64);

impl MemoryLimit {
    /// The budget that it leaves for the guest, where the process already holds `held` bytes for it.
    pub(crate) fn budget(self, held: u64) -> u64 {
        self.0.saturating_sub(OWN).saturating_sub(held)
    }
}

/// The limit of this process: the lowest of its control group and of those around it that can be seen.
pub(crate) fn of_memory() -> Option<MemoryLimit> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let seen_here = File::open(MOUNT).ok();
    let roots = [HIERARCHY.get(), seen_here.as_ref()];
    roots.into_iter().flatten().filter_map(|root| lowest(root, &groups)).min()
}

/// The lowest limit under a root, where `groups` is what `/proc/self/cgroup` contains.
fn lowest(root: &File, groups: &str) -> Option<MemoryLimit> {
    let (group, file) = group(groups)?;
    let limits = group.ancestors().filter_map(|group| read(root, &group.join(file)));
    limits.filter(|limit| *limit < UNLIMITED).min().map(MemoryLimit)
}

/// Where the process's limit is: of version 1 if memory is limited by that, else of version 2.
fn group(groups: &str) -> Option<(PathBuf, &'static str)> {
    let mut unified = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        // A path with `..` leads out of what the process may see.
        let path = Path::new(path.trim_start_matches('/'));
        if path.components().any(|part| part == Component::ParentDir) {
            continue;
        }
        if controllers.split(',').any(|name| name == "memory") {
            return Some((Path::new("memory").join(path), "memory.limit_in_bytes"));
        }
        if number == "0" && controllers.is_empty() {
            unified = Some((path.to_owned(), "memory.max"));
        }
    }
    unified
}

/// A number in a file; none if there is no such file, or another text in it.
fn read(root: impl AsFd, path: &Path) -> Option<u64> {
    let opened = openat(root, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = String::new();
    File::from(opened).take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(groups: &str) -> Option<(String, &'static str)> {
        group(groups).map(|(path, file)| (path.display().to_string(), file))
    }

    #[test]
    fn both_versions_of_control_groups_are_understood() {
        let hybrid = "5:cpu,cpuacct:/a\n4:memory:/default/box\n0::/default/box\n";
        assert_eq!(there(hybrid), Some(("memory/default/box".into(), "memory.limit_in_bytes")));
        assert_eq!(there("0::/kubepods/x:y\n"), Some(("kubepods/x:y".into(), "memory.max")));
        assert_eq!(there("0::/\n"), Some((String::new(), "memory.max")));
        assert_eq!(there("0::/../other\n"), None);
        assert_eq!(there(""), None);
    }

    #[test]
    fn the_lowest_limit_of_the_groups_around_counts() {
        let folder = std::env::temp_dir().join(format!("dunlin-shim-limit-{}", std::process::id()));
        fs::create_dir_all(folder.join("pod/box")).unwrap();
        let root = File::open(&folder).unwrap();
        let with = |pod: &str, container: &str| {
            fs::write(folder.join("pod/memory.max"), pod).unwrap();
            fs::write(folder.join("pod/box/memory.max"), container).unwrap();
            lowest(&root, "0::/pod/box\n")
        };
        assert_eq!(with("max\n", "1000\n"), Some(MemoryLimit(1000)));
        assert_eq!(with("999\n", "1000\n"), Some(MemoryLimit(999)));
        assert_eq!(with("9223372036854771712\n", "max\n"), None);
        // A group that isn't seen under its name may be the root.
        fs::write(folder.join("memory.max"), "7\n").unwrap();
        assert_eq!(lowest(&root, "0::/elsewhere\n"), Some(MemoryLimit(7)));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_budget_leaves_room_for_the_process_itself() {
        assert_eq!(MemoryLimit(OWN + 100).budget(40), 60);
        assert_eq!(MemoryLimit(OWN).budget(1), 0);
    }
}
