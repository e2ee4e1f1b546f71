//! What a build that lacks parts says of them. `cargo test -p dunlin-cli --no-default-features --test small_build`
#![cfg(not(feature = "text"))]

mod common;

use common::{dunlin, dunlin_with, example, folder};

#[test]
fn another_build_is_named() {
    let text = example("add.wat");
    let inspect = if cfg!(feature = "inspect") { "inspect" } else { "run" };
    for command in ["run", inspect, "validate"] {
        let ended = dunlin(&[command, &text]).code(1).one_sentence();
        ended.says("add.wat: it is in the text format").says("build it with the feature 'text'");
    }
    dunlin_with(&["run", "-"], b";; a module\n(module)").code(1).says("text format");
    dunlin(&["wast", "x.wast"]).code(2).one_sentence().says("build it with the feature 'text'");
    let path = folder("another_build").join("x.dun");
    std::fs::write(&path, b"\0dunlin\x01\0\0\0\0\0\0\0\0").unwrap();
    let path = path.to_str().unwrap();
    if cfg!(not(feature = "precompiled")) {
        dunlin(&["run", path]).code(1).one_sentence().says("build it with the feature 'precompiled'");
        dunlin(&["run", "--allow-precompiled", path]).code(2).one_sentence().says("feature 'precompiled'");
    }
    for (here, args, feature) in [
        (cfg!(feature = "trace"), &["run", "--trace", "wasi", &text][..], "trace"),
        (cfg!(feature = "gdb"), &["run", "--gdb", "127.0.0.1:0", &text], "gdb"),
        (cfg!(feature = "inspect"), &["inspect", &text], "inspect"),
        (cfg!(feature = "manual"), &["man"], "manual"),
        (cfg!(feature = "manual"), &["completions", "bash"], "manual"),
        (cfg!(feature = "debug-info"), &["addr2line", &text, "0x20"], "debug-info"),
        (cfg!(feature = "coredump"), &["run", "--coredump", "core", &text], "coredump"),
        (cfg!(feature = "flamegraph"), &["run", "--profile", "p.svg", &text], "flamegraph"),
        (cfg!(feature = "debug-info"), &["run", "--profile", "p.json", &text], "debug-info"),
        (cfg!(feature = "precompiled"), &["run", "--profile", "perfmap", &text], "precompiled"),
        (cfg!(feature = "explore"), &["explore", &text, "-o", "-"], "explore"),
    ] {
        if !here {
            dunlin(args).code(2).one_sentence().says(&format!("build it with the feature '{feature}'"));
        }
    }
    if cfg!(not(feature = "jit")) {
        dunlin(&["compile", &text]).code(2).one_sentence().says("build it with the feature 'jit'");
        dunlin(&["run", "--jit", "sync", &text])
            .code(2)
            .one_sentence()
            .says("build it with the feature 'jit'");
    }
}

#[test]
fn help_lists_what_there_is() {
    let inspect = if cfg!(feature = "inspect") { "inspect --help" } else { "help" };
    let all = ["--help", "run --help", inspect, "validate --help"].map(|line| {
        let args: Vec<_> = line.split(' ').collect();
        dunlin(&args).code(0).out
    });
    let all = all.concat();
    assert!(!all.contains(".wat") && !all.contains("wast"), "{all}");
    for (part, words) in [
        (cfg!(feature = "jit"), &["--jit", "  compile   "][..]),
        (cfg!(feature = "precompiled"), &["--allow-precompiled", "--memory-guard"]),
        (cfg!(feature = "trace"), &["--trace"]),
        (cfg!(feature = "gdb"), &["--gdb"]),
        (cfg!(feature = "inspect"), &["  inspect "]),
        (cfg!(feature = "manual"), &["  completions", "  man "]),
        (cfg!(feature = "debug-info"), &["--no-debug-info", "  addr2line "]),
        (cfg!(feature = "coredump"), &["--coredump", "-D, --debug"]),
        (cfg!(feature = "explore"), &["  explore "]),
    ] {
        for word in words {
            assert_eq!(all.contains(word), part, "{word}: {all}");
        }
    }
    let version = dunlin(&["-V"]).code(0).out;
    assert!(!version.contains("text"), "{version}");
    assert_eq!(version.contains("precompiled files: none"), cfg!(not(feature = "precompiled")), "{version}");
}
