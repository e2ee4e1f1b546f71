//! What a program costs that ends soon: nothing is made for it that only others need.
#![cfg(target_os = "linux")]

mod common;

use common::{command, example, wait};
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A guest that has begun, and waits for its standard input.
fn waiting(options: &[&str]) -> Child {
    let module = example("wasm/wc.wasm");
    let mut args = vec!["run"];
    args.extend(options);
    args.push(&module);
    let mut child = command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.as_mut().unwrap();
    input.write_all(b"a\n").unwrap();
    while rustix::io::ioctl_fionread(&*input).unwrap() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// A file about the process in `/proc`.
fn about(child: &Child, name: &str) -> String {
    std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap()
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    wait(child).code(0);
}

#[test]
fn a_small_guest_has_one_thread_and_little_memory() {
    let child = waiting(&[]);
    let status = about(&child, "status");
    let number = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    assert_eq!(number("Threads:"), 1, "{status}");
    // Of the process's own; pages of files depend on what the system has at hand.
    assert!(number("RssAnon:") < 1 << 10, "{status}");
    let maps = about(&child, "maps");
    assert!(maps.lines().count() < 40, "{maps}");
    end(child);
}

#[test]
fn a_thread_is_made_for_what_needs_one() {
    for options in [&["--timeout", "60s"][..], &["--report", "/dev/null"]] {
        let child = waiting(options);
        let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count();
        assert_eq!(threads, 2, "{options:?}");
        end(child);
    }
}
