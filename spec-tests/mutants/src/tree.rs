//! The copy of the workspace that faults are put into.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::modules::Sources;
use crate::subjects::Subject;

/// The copy and what is made of it, below the workspace's `target`.
pub(crate) struct Copy {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) logs: PathBuf,
    switch: PathBuf,
}

impl Copy {
    /// Turns a fault on in all processes that begin from now on (0: none).
    pub(crate) fn turn_on(&self, fault: usize) -> Result<(), String> {
        let path = self.switch.join("fault");
        fs::write(&path, fault.to_string()).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Does something, and gives a byte for each fault: 1 if a process came to its place.
    pub(crate) fn watch(
        &self,
        faults: usize,
        f: impl FnOnce() -> Result<(), String>,
    ) -> Result<Vec<u8>, String> {
        let path = self.switch.join("reached");
        fs::write(&path, vec![0; faults + 1]).map_err(|error| error.to_string())?;
        let done = f();
        let reached = fs::read(&path).map_err(|error| error.to_string());
        fs::remove_file(&path).map_err(|error| error.to_string())?;
        done?;
        reached
    }
}

/// The folder of the workspace that this program was built in.
pub(crate) fn workspace() -> Result<PathBuf, String> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies two folders deep");
    root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))
}

/// Makes or renews the copy, but for what the subject's faults change. A file that is as it should be isn't touched, so
/// that cargo needn't build it again.
pub(crate) fn copy(root: &Path, subject: &Subject, woven: &Sources) -> Result<Copy, String> {
    let base = root.join("target/mutants");
    let manifest = Path::new(subject.folder).join("Cargo.toml");
    let copy = Copy {
        root: base.join("tree"),
        target: base.join("build"),
        logs: base.join("logs"),
        switch: base.join("switch"),
    };
    let files = git(root, &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    let files: Vec<_> = files.lines().map(PathBuf::from).filter(|file| root.join(file).exists()).collect();
    for file in files.iter().filter(|file| **file != manifest && !woven.contains_key(*file)) {
        let failed = |error| format!("{}: {error}", file.display());
        if let Ok(target) = fs::read_link(root.join(file)) {
            link(&target, &copy.root.join(file)).map_err(failed)?;
            continue;
        }
        write(&copy.root.join(file), &fs::read(root.join(file)).map_err(failed)?)?;
        copy_mode(&root.join(file), &copy.root.join(file))?;
    }
    remove_others(&copy.root, &copy.root, &files.into_iter().collect())?;
    depend_on_switch(root, &copy, &manifest)?;
    write(&copy.switch.join("lib.rs"), include_bytes!("../switch/lib.rs"))?;
    write(&copy.switch.join("Cargo.toml"), include_bytes!("../switch/manifest.txt"))?;
    if copy.logs.exists() {
        fs::remove_dir_all(&copy.logs).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&copy.logs).map_err(|error| error.to_string())?;
    Ok(copy)
}

/// Lets the crate ask which fault is on.
fn depend_on_switch(root: &Path, copy: &Copy, manifest: &Path) -> Result<(), String> {
    let text = fs::read_to_string(root.join(manifest)).map_err(|error| error.to_string())?;
    let line = format!("[dependencies]\nmutant_switch = {{ path = {:?} }}\n", copy.switch);
    write(&copy.root.join(manifest), text.replacen("[dependencies]\n", &line, 1).as_bytes())
}

/// Writes a file unless it is so already.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes a symbolic link unless it is there already. Those of the workspace lead to other places in it.
fn link(target: &Path, path: &Path) -> io::Result<()> {
    if fs::read_link(path).is_ok_and(|there| there == target) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
    fs::remove_file(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    symlink(target, path)
}

fn copy_mode(from: &Path, to: &Path) -> Result<(), String> {
    let mode = |path: &Path| fs::metadata(path).map(|metadata| metadata.permissions());
    mode(from)
        .and_then(|mode| fs::set_permissions(to, mode))
        .map_err(|error| format!("{}: {error}", to.display()))
}

fn remove_others(root: &Path, folder: &Path, wanted: &HashSet<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() && !path.is_symlink() {
            remove_others(root, &path, wanted)?;
        } else if !path.strip_prefix(root).is_ok_and(|path| wanted.contains(path)) {
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Lines of Rust files that a revision doesn't have.
pub(crate) fn changed_lines(root: &Path, revision: &str) -> Result<HashSet<(PathBuf, usize)>, String> {
    let diff = git(root, &["diff", "-U0", "--no-ext-diff", revision, "--", "*.rs"])?;
    let mut lines = HashSet::new();
    let mut file = PathBuf::new();
    for line in diff.lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            file = PathBuf::from(name);
        } else if let Some(added) = line.strip_prefix("@@ ").and_then(|rest| rest.split(' ').nth(1)) {
            let mut numbers =
                added.trim_start_matches('+').split(',').map(|number| number.parse().unwrap_or(0));
            let (first, count) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(1));
            lines.extend((first..first + count).map(|line| (file.clone(), line)));
        }
    }
    Ok(lines)
}

fn git(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").current_dir(root).args(arguments).output();
    let output = output.map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("git: {error}"))
}
