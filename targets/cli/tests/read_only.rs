//! What `--dir-ro` keeps a program from.
#![cfg(feature = "text")]

mod common;

use common::{dunlin, folder};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Every call that could change a folder or a file in it, on descriptor 3: its name, its parameters' types, and what is passed.
/// At 0 there is "file", at 8 "dir", at 16 "new", at 24 "link".
const CALLS: [(&str, &str, &str); 18] = [
    ("path_unlink_file", "i32 i32 i32", "(i32.const 3) (i32.const 0) (i32.const 4)"),
    ("path_unlink_file", "i32 i32 i32", "(i32.const 3) (i32.const 24) (i32.const 4)"),
    ("path_remove_directory", "i32 i32 i32", "(i32.const 3) (i32.const 8) (i32.const 3)"),
    ("path_create_directory", "i32 i32 i32", "(i32.const 3) (i32.const 16) (i32.const 3)"),
    (
        "path_rename",
        "i32 i32 i32 i32 i32 i32",
        "(i32.const 3) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 3)",
    ),
    (
        "path_rename",
        "i32 i32 i32 i32 i32 i32",
        "(i32.const 3) (i32.const 8) (i32.const 3) (i32.const 3) (i32.const 16) (i32.const 3)",
    ),
    (
        "path_link",
        "i32 i32 i32 i32 i32 i32 i32",
        "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 3)",
    ),
    (
        "path_symlink",
        "i32 i32 i32 i32 i32",
        "(i32.const 0) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 3)",
    ),
    (
        "path_filestat_set_times",
        "i32 i32 i32 i32 i64 i64 i32",
        "(i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 5)",
    ),
    (
        "path_filestat_set_times",
        "i32 i32 i32 i32 i64 i64 i32",
        "(i32.const 3) (i32.const 0) (i32.const 24) (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 5)",
    ),
    ("fd_filestat_set_times", "i32 i64 i64 i32", "(i32.const 3) (i64.const 0) (i64.const 0) (i32.const 5)"),
    // With these flags, or to write.
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 0) (i32.const 16) (i32.const 3) (i32.const 1) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 100)",
    ),
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 0) (i32.const 16) (i32.const 3) (i32.const 5) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 100)",
    ),
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 100)",
    ),
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 100)",
    ),
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 1) (i32.const 24) (i32.const 4) (i32.const 0) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 100)",
    ),
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 64) (i64.const 0) (i32.const 1) (i32.const 100)",
    ),
    (
        "path_open",
        OPEN,
        "(i32.const 3) (i32.const 1) (i32.const 24) (i32.const 4) (i32.const 9) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 100)",
    ),
];

const OPEN: &str = "i32 i32 i32 i32 i32 i64 i64 i32 i32";

fn module(call: (&str, &str, &str)) -> String {
    let (name, params, args) = call;
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "{name}" (func $call (param {params}) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "file") (data (i32.const 8) "dir") (data (i32.const 16) "new") (data (i32.const 24) "link")
        (func (export "_start") (call $exit (call $call {args}))))"#
    )
}

/// What is in a folder, with all that a program could change.
fn tree(folder: &Path) -> BTreeMap<String, (u32, u64, i64, i64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut add = |path: &Path| {
        let metadata = path.symlink_metadata().unwrap();
        let contents = if metadata.is_file() { std::fs::read(path).unwrap() } else { vec![] };
        let what = (metadata.mode(), metadata.nlink(), metadata.mtime(), metadata.mtime_nsec(), contents);
        all.insert(path.to_str().unwrap().to_owned(), what);
    };
    add(folder);
    for entry in std::fs::read_dir(folder).unwrap() {
        add(&entry.unwrap().path());
    }
    all
}

#[test]
fn nothing_in_it_can_be_changed() {
    let folder = folder("nothing_in_it_can_be_changed");
    let (root, file) = (folder.join("root"), folder.join("module.wat"));
    let furnish = || {
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(root.join("dir")).unwrap();
        std::fs::write(root.join("file"), "contents").unwrap();
        std::os::unix::fs::symlink("file", root.join("link")).unwrap();
    };
    let run = |option: &str, call| {
        std::fs::write(&file, module(call)).unwrap();
        let dir = format!("{}::/", root.display());
        dunlin(&["run", option, &dir, file.to_str().unwrap()])
    };
    furnish();
    let before = tree(&root);
    for call in CALLS {
        let ended = run("--dir-ro", call);
        assert_eq!(ended.code, 63, "{call:?}: EPERM, not {ended:#?}");
        assert!(tree(&root) == before, "{call:?}");
    }
    // Where it may be, each of them does what it should have done: they are refused for no other reason.
    for call in CALLS {
        furnish();
        run("--dir", call).code(0);
    }
}
