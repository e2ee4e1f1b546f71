//! The test programs: built once, run for each fault.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::subjects::Subject;
use crate::tree::Copy;
use crate::weave;

pub(crate) struct Program {
    pub(crate) name: String,
    path: PathBuf,
    folder: PathBuf,
}

pub(crate) enum End {
    Passed,
    Failed,
    /// It took longer than it may, or more memory.
    Killed,
}

/// More than any of the tests takes.
const MOST_MEMORY: u64 = 4 << 30;

/// Builds the subject's tests.
pub(crate) fn build(copy: &Copy, subject: &Subject) -> Result<Vec<Program>, String> {
    let mut cargo = weave::cargo(copy);
    cargo.args(["test", "--release", "--no-run", "--message-format=json"]);
    for package in subject.tests {
        cargo.args(["-p", package]);
    }
    let output = cargo.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err("the tests don't build in the copy".into());
    }
    let mut programs = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let target = message["target"]["name"].as_str().unwrap_or_default();
        let (Some(path), Some(manifest)) =
            (message["executable"].as_str(), message["manifest_path"].as_str())
        else {
            continue;
        };
        if message["profile"]["test"] != true
            || subject.skipped_tests.iter().any(|(skipped, _)| *skipped == target)
        {
            continue;
        }
        let folder = Path::new(manifest).parent().expect("a manifest is in a folder");
        let package = folder.file_name().unwrap_or_default().to_string_lossy();
        programs.push(Program {
            name: format!("{package}-{target}"),
            path: path.into(),
            folder: folder.into(),
        });
    }
    Ok(programs)
}

impl Program {
    /// The names of its tests.
    pub(crate) fn tests(&self) -> Result<Vec<String>, String> {
        let output = self.command().args(["--list", "--format", "terse"]).output();
        let output = output.map_err(|error| format!("{}: {error}", self.path.display()))?;
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder).env("CARGO", env!("CARGO"));
        command.stdin(Stdio::null());
        command
    }

    /// Runs some of its tests. Their output goes to `log`.
    pub(crate) fn run(&self, tests: &[&str], log: &Path, most: Duration) -> Result<End, String> {
        let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let mut command = self.command();
        command.arg("--exact").args(tests);
        command.stdout(output).stderr(errors).process_group(0);
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.path.display()))?;
        let start = Instant::now();
        let end = loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break if status.success() { End::Passed } else { End::Failed };
            }
            if has_failed(log) {
                break End::Failed;
            }
            if start.elapsed() > most || resident(&child) > MOST_MEMORY {
                break End::Killed;
            }
            thread::sleep(Duration::from_millis(20));
        };
        // With all that it left behind.
        if let Some(group) = Pid::from_raw(child.id() as i32) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
        Ok(end)
    }
}

/// Whether the output has a test that failed, so that the others needn't be waited for.
fn has_failed(log: &Path) -> bool {
    let output = fs::read(log).unwrap_or_default();
    output
        .split(|&byte| byte == b'\n')
        .any(|line| line.starts_with(b"test ") && line.ends_with(b"... FAILED"))
}

fn resident(child: &Child) -> u64 {
    let sizes = fs::read_to_string(format!("/proc/{}/statm", child.id())).unwrap_or_default();
    sizes.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
