//! Containers of WebAssembly in a real containerd: `test.sh` installs what this needs, and runs it as root.
//!
//! `CONTAINERD_BIN` is a folder with another containerd than the system's: artifacts need 1.7.7.

mod basics;
mod daemon;
mod ends;
mod guests;
mod image;
mod many;
mod registry;
mod trust;

use daemon::Containerd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// What a test is given.
struct Context {
    daemon: Containerd,
    /// Another containerd's programs.
    programs: Option<PathBuf>,
}

/// A test passes, or can't be made here, which it says.
type Outcome = Result<(), String>;

/// A test and its name.
type Test = (&'static str, fn(&Context) -> Outcome);

/// Whether a program can be run.
fn there_is(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok()
}

fn main() -> ExitCode {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let tests = [basics::TESTS, ends::TESTS, many::TESTS, registry::TESTS, trust::TESTS].concat();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    let tests: Vec<Test> = tests.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    let programs = std::env::var_os("CONTAINERD_BIN").map(PathBuf::from);
    if let Some(why) = impossible(&programs) {
        println!("skipped: {why}");
        println!("\ntest result: ok. 0 passed; 0 failed; {} skipped", tests.len());
        return ExitCode::SUCCESS;
    }
    let daemon = Containerd::start("main", programs.clone(), &[]);
    let context = Context { daemon, programs };
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    for (name, test) in tests {
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&context)));
        match outcome {
            Ok(Ok(())) => {
                passed += 1;
                println!("test {name} ... ok");
            }
            Ok(Err(why)) => {
                skipped += 1;
                println!("test {name} ... skipped: {why}");
            }
            Err(_) => {
                failed.push(name);
                println!("test {name} ... FAILED");
            }
        }
    }
    if !failed.is_empty() {
        println!("\nfailed: {}\ncontainerd said:\n{}", failed.join(", "), context.daemon.log());
    }
    let result = if failed.is_empty() { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {} failed; {skipped} skipped", failed.len());
    ExitCode::from(u8::from(!failed.is_empty()))
}

/// Why nothing can be tested here.
fn impossible(programs: &Option<PathBuf>) -> Option<String> {
    let root = std::fs::read_to_string("/proc/self/status").unwrap();
    if !root.lines().any(|line| line.starts_with("Uid:\t0\t0")) {
        return Some("containers need root".into());
    }
    if Containerd::version(programs).is_none() {
        return Some("there is no containerd: test.sh installs it".into());
    }
    None
}
