//! Machines and threads with little: of address space, or of stack.
#![cfg(feature = "compiler")]

mod guards;
mod stacks;
mod starved;

use std::process::Command;

/// Says in a process of its own what there is no more than, in the words of `ulimit`.
const CHILD: &str = "DUNLIN_TEST_CHILD";

/// Runs the test of this name once more, in a child that has no more than `kib` KiB of address space, and gives what it prints behind
/// `= `. There `in_child` is true.
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
    // The harness doesn't end its own line before a test prints.
    text.lines().filter_map(|line| Some(line.split_once("= ")?.1.to_owned())).collect()
}

fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}
