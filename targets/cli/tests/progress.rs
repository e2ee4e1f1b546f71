//! What a terminal shows beyond plain lines: how far work has come, and colours.
#![cfg(feature = "text")]

mod common;

use common::{command, dunlin, example, folder};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

/// Runs with both outputs on a terminal, which such variables describe, and gives what the terminal gets.
fn on_a_terminal(args: &[&str], variables: &[(&str, &str)]) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave: File = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap().into();
    let mut command = command(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut text = Vec::new();
    // Reading fails where nobody has the other side open.
    let _ = File::from(master).read_to_end(&mut text);
    child.wait().unwrap();
    String::from_utf8(text).unwrap()
}

const XTERM: (&str, &str) = ("TERM", "xterm");
const ERASE: &str = "\r\x1b[K";

/// Two scripts: their folder.
fn scripts() -> String {
    let folder = folder("progress_scripts");
    for name in ["a", "b"] {
        let text = r#"(module (func (export "f") (result i32) i32.const 1)) (assert_return (invoke "f") (i32.const 1))"#;
        std::fs::write(folder.join(name).with_extension("wast"), text).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

#[test]
fn scripts_are_counted_while_they_run() {
    let folder = &scripts();
    let shown = on_a_terminal(&["wast", folder], &[XTERM]);
    assert!(shown.starts_with(&format!("{ERASE}0 of 2 scripts: ")), "{shown:?}");
    // What is shown is erased before the result comes.
    let result = format!("{ERASE}{folder}/a.wast: 1 of 1 assertion passed\r\n");
    assert!(shown.contains(&result), "{shown:?}");
    assert!(shown.ends_with("\x1b[1;32mall passed\x1b[0m\r\n"), "{shown:?}");
    for variables in [&[("TERM", "dumb")][..], &[]] {
        let shown = on_a_terminal(&["wast", folder], variables);
        assert!(!shown.contains('\x1b') && shown.ends_with("all passed\r\n"), "{shown:?}");
    }
    let shown = on_a_terminal(&["wast", folder], &[XTERM, ("NO_COLOR", "1")]);
    assert!(shown.contains(ERASE) && shown.ends_with("\r\nall passed\r\n"), "{shown:?}");
}

#[cfg(feature = "jit")]
#[test]
fn functions_are_counted_while_they_are_compiled() {
    let out = folder("progress_compile").join("add.dun");
    let (module, out) = (&example("wasm/nqueens.wasm"), out.to_str().unwrap());
    let shown = on_a_terminal(&["compile", module, "-o", out], &[XTERM]);
    let (before, after) = shown.rsplit_once(ERASE).unwrap();
    assert!(before.starts_with(&format!("{ERASE}{module}: 1 of ")), "{shown:?}");
    assert!(after.starts_with(&format!("{out}: ")) && after.ends_with("of machine code\r\n"), "{shown:?}");
}

#[test]
fn messages_have_colours_on_terminals() {
    let args = ["run", "no-such-file.wasm"];
    let shown = on_a_terminal(&args, &[XTERM]);
    assert!(shown.starts_with("\x1b[1mdunlin:\x1b[0m no-such-file.wasm: "), "{shown:?}");
    assert!(on_a_terminal(&args, &[]).starts_with("dunlin: no-such-file.wasm: "));
    assert!(!dunlin(&args).code(1).err.contains('\x1b'));
    let mut forced = command(&args);
    let forced = forced.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1").stdout(Stdio::null());
    let err = forced.output().unwrap().stderr;
    assert!(err.starts_with(b"\x1b[1mdunlin:\x1b[0m "), "{err:?}");
    // A warning goes on.
    let add = example("add.wat");
    let shown = on_a_terminal(&["run", "--max-stack", "1", "--invoke", "add", &add, "1", "2"], &[XTERM]);
    assert!(shown.starts_with("\x1b[1mdunlin:\x1b[0m \x1b[1;33mwarning:\x1b[0m a stack of 1 "), "{shown:?}");
}
