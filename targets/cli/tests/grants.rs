//! `--allow` and `--deny`: for each capability, a module that imports one function of it and nothing else.
#![cfg(feature = "text")]

mod common;

use common::{dunlin_with, json};
use dunlin_wasi_lite::Capability;

/// A function of each capability, by the capability's name, with its type.
const FUNCTIONS: [(&str, &str, &str); 10] = [
    ("arguments", "args_get", "(param i32 i32) (result i32)"),
    ("io", "fd_write", "(param i32 i32 i32 i32) (result i32)"),
    ("open", "path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"),
    ("list", "fd_readdir", "(param i32 i32 i32 i64 i32) (result i32)"),
    ("change", "path_unlink_file", "(param i32 i32 i32) (result i32)"),
    ("clock", "clock_time_get", "(param i32 i64 i32) (result i32)"),
    ("random", "random_get", "(param i32 i32) (result i32)"),
    ("wait", "poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
    ("exit", "proc_exit", "(param i32)"),
    ("sockets", "sock_recv", "(param i32 i32 i32 i32 i32 i32) (result i32)"),
];

const FILES: [&str; 3] = ["open", "list", "change"];

#[test]
fn each_capability_is_granted_by_its_name() {
    let mut known: Vec<_> = Capability::ALL.iter().map(|capability| capability.name()).collect();
    let mut here = FUNCTIONS.map(|(name, ..)| name);
    known.sort();
    here.sort();
    assert_eq!(known, here);
    for (capability, function, ty) in FUNCTIONS {
        let others: Vec<_> = here.iter().filter(|name| **name != capability).copied().collect();
        let others = &others.join(",");
        for from in ["wasi_snapshot_preview1", "wasi_unstable"] {
            let text =
                format!("(module (import \"{from}\" \"{function}\" (func {ty})) (func (export \"_start\")))");
            let run = |options: &[&str]| dunlin_with(&[&["run"], options, &["-"]].concat(), text.as_bytes());
            let refused = |options: &[&str], why: &str| {
                let ended = run(options).code(1).one_sentence().says(why);
                assert!(
                    ended.err.contains(&format!("it imports {function}, for a program that ")),
                    "{ended:#?}"
                );
            };
            run(&[]).code(0);
            refused(&["--deny", capability], &format!("--deny {capability} refuses"));
            run(&["--deny", others]).code(0);
            run(&["--allow", capability]).code(0);
            run(&["--allow", "io", "--allow", capability]).code(0);
            refused(&["--allow", others], &format!("without --allow {capability} is refused"));
            refused(&["--allow", capability, "--deny", capability], &format!("--deny {capability} refuses"));
            if FILES.contains(&capability) {
                refused(&["--deny", "files"], &format!("--deny {capability} refuses"));
                run(&["--allow", "files"]).code(0);
            } else {
                run(&["--deny", "files"]).code(0);
                refused(&["--allow", "files"], &format!("without --allow {capability} is refused"));
            }
            let shown = json(&dunlin_with(&["inspect", "--json", "-"], text.as_bytes()).code(0).out);
            assert_eq!(shown["imports"][0]["capability"], capability);
        }
        // A function of the same name from elsewhere is nobody's capability.
        let text = format!("(module (import \"env\" \"{function}\" (func {ty})) (func (export \"_start\")))");
        let args = ["run", "--unknown-imports", "trap", "--deny", capability, "-"];
        dunlin_with(&args, text.as_bytes()).code(0);
    }
}
