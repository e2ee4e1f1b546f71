//! Runs the built command as a user would.

// Each test file uses some of this.
#![allow(dead_code)]

#[cfg(feature = "hosts")]
pub(crate) mod bundle;
#[cfg(feature = "hosts")]
pub(crate) mod policy;
#[cfg(feature = "hosts")]
pub(crate) mod serving;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) time: Duration,
}

impl Ended {
    /// Checks the exit code, and shows everything if it is another one.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Checks that standard error contains this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "not said: {text}\n{self:#?}");
        self
    }

    /// Checks that standard error is one sentence of ours, in one line.
    #[track_caller]
    pub(crate) fn one_sentence(self) -> Self {
        let lines: Vec<_> = self.err.lines().collect();
        assert!(lines.len() == 1 && lines[0].starts_with("dunlin: "), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert_eq!(self.out, text, "{self:#?}");
        self
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dunlin"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `dunlin` with empty standard input.
#[track_caller]
pub(crate) fn dunlin(args: &[&str]) -> Ended {
    let started = Instant::now();
    ended(command(args).output().unwrap(), started)
}

/// Runs `dunlin` with this on standard input.
#[track_caller]
pub(crate) fn dunlin_with(args: &[&str], stdin: &[u8]) -> Ended {
    let started = Instant::now();
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may well end before it has read everything.
        scope.spawn(move || pipe.write_all(stdin));
        child.wait_with_output().unwrap()
    });
    ended(output, started)
}

/// Waits for a command that was started by a test itself.
#[track_caller]
pub(crate) fn wait(child: Child) -> Ended {
    let started = Instant::now();
    ended(child.wait_with_output().unwrap(), started)
}

/// Sends a signal, by its name.
#[track_caller]
pub(crate) fn send(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[track_caller]
pub(crate) fn ended(output: Output, started: Instant) -> Ended {
    let ended = Ended {
        code: output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}")),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        time: started.elapsed(),
    };
    assert!(!ended.err.contains("panicked") && !ended.err.contains("RUST_BACKTRACE"), "{ended:#?}");
    ended
}

/// The path of something in the examples' folder.
pub(crate) fn example(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/examples").join(name);
    assert!(path.exists(), "{}", path.display());
    path.to_str().unwrap().to_owned()
}

/// Every module among the examples, with its name.
pub(crate) fn modules() -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(example("wasm")).unwrap();
    let mut modules: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    modules.sort();
    assert!(modules.len() >= 10);
    modules
}

/// A new empty folder for one test.
pub(crate) fn folder(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Reads JSON.
#[track_caller]
pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// Says what isn't tested, past the capture of what tests print.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
