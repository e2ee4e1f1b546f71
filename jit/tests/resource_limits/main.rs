//! Tests on machines and threads with little address space, or with small stacks.
#![cfg(feature = "compiler")]

mod address_space;
mod refused_growth;
mod thread_stacks;

use std::process::Command;

/// The environment variable that is set in child processes with limits.
const CHILD: &str = "DUNLIN_TEST_CHILD";

/// Runs the test of this name again, in a child with at most `kib` KiB of address space, where `in_child` is true.
/// Returns what it prints after `= `.
fn within(kib: u64, test: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let script = format!("ulimit -v {kib} && exec \"$0\" --exact {test} --nocapture --test-threads 1");
    let child = Command::new("sh").args(["-c", &script]).arg(program).env(CHILD, "1").output().unwrap();
    let text = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(
        child.status.success(),
        "{kib} KiB: {}\n{text}\n{}",
        child.status,
        String::from_utf8_lossy(&child.stderr)
    );
    // The harness doesn't end its line before a test prints.
    text.lines().filter_map(|line| Some(line.split_once("= ")?.1.to_owned())).collect()
}

fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}
