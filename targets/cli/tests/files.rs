//! Files that the command writes: the whole new one, or the old one.
#![cfg(all(feature = "jit", feature = "text", target_os = "linux"))]

mod common;

use common::{Ended, command, dunlin, example, folder, wait};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

#[track_caller]
fn compile_to(path: &Path) -> Ended {
    dunlin(&["compile", "-o", path.to_str().unwrap(), &example("wasm/hello.wasm")])
}

/// What a folder has in it, but for what is known to be there.
fn others(folder: &Path, known: &[&str]) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !known.contains(&&**name)).collect()
}

fn is_compiled(path: &Path) -> bool {
    fs::read(path).unwrap().starts_with(b"\0dunlin")
}

#[test]
fn a_new_file_takes_the_old_ones_place() {
    let folder = folder("a_new_file_takes");
    let file = folder.join("app.dun");
    compile_to(&file).code(0);
    let umask = fs::metadata(&file).unwrap().mode() & 0o777;
    fs::write(folder.join("plain"), "").unwrap();
    assert_eq!(umask, fs::metadata(folder.join("plain")).unwrap().mode() & 0o777, "as any file");
    // Who has the old one open keeps it.
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o751)).unwrap();
    let old = fs::File::open(&file).unwrap();
    compile_to(&file).code(0);
    assert!(is_compiled(&file));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o751);
    assert_eq!(std::io::read_to_string(old).unwrap(), "old");
    assert_eq!(others(&folder, &["app.dun", "plain"]), [""; 0]);
}

#[test]
fn what_a_killed_process_left_is_in_nobodys_way() {
    let folder = folder("what_a_killed_process_left");
    // With the number that this process will have; the names end in 0 to 100.
    let script = r#"for i in $(seq 0 $3); do echo left > .dunlin-$$-$i; done
        exec "$0" compile -o $2 "$1""#;
    let run = |output: &str, last: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, env!("CARGO_BIN_EXE_dunlin"), &example("wasm/hello.wasm"), output, last]);
        shell.current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        wait(shell.spawn().unwrap())
    };
    for (output, last) in [("one.dun", "0"), ("most.dun", "99")] {
        run(output, last).code(0);
        assert!(is_compiled(&folder.join(output)));
    }
    run("refused.dun", "100").code(1).one_sentence().says("refused.dun: File exists");
    let left = others(&folder, &["one.dun", "most.dun"]);
    assert_eq!(left.len(), 1 + 100 + 101);
    assert!(left.iter().all(|name| fs::read(folder.join(name)).unwrap() == b"left\n"), "{left:?}");
}

/// A name without a folder is of a file in the current one.
#[test]
fn a_name_alone_is_enough() {
    let folder = folder("a_name_alone");
    let hello = example("wasm/hello.wasm");
    let compile_here = |output: &str| {
        let mut command = command(&["compile", "-o", output, &hello]);
        wait(command.current_dir(&folder).spawn().unwrap())
    };
    fs::write(folder.join("app.dun"), "old").unwrap();
    let old = fs::File::open(folder.join("app.dun")).unwrap();
    compile_here("app.dun").code(0);
    assert!(is_compiled(&folder.join("app.dun")));
    assert_eq!(std::io::read_to_string(old).unwrap(), "old", "it was replaced");
    symlink("app.dun", folder.join("link")).unwrap();
    compile_here("link").code(0);
    assert!(folder.join("link").is_symlink());
    compile_here("").code(1).one_sentence().says("-o : is a directory").prints("");
    assert_eq!(others(&folder, &["app.dun", "link"]), [""; 0]);
}

#[test]
fn links_stay_what_they_are() {
    let folder = folder("links_stay");
    let (inner, link) = (folder.join("inner"), folder.join("link"));
    fs::create_dir(&inner).unwrap();
    // To nothing yet, then to a file.
    symlink("inner/app.dun", &link).unwrap();
    for _ in 0..2 {
        compile_to(&link).code(0);
        assert!(link.is_symlink() && is_compiled(&inner.join("app.dun")));
    }
    // Another name of the same file is of the same file afterwards.
    fs::hard_link(inner.join("app.dun"), folder.join("second")).unwrap();
    fs::write(folder.join("second"), "old").unwrap();
    compile_to(&inner.join("app.dun")).code(0);
    assert!(is_compiled(&folder.join("second")));
    // A link that leads nowhere, and one that leads to itself.
    symlink("missing/x", folder.join("broken")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    compile_to(&folder.join("broken")).code(1).one_sentence().says("No such file or directory");
    compile_to(&folder.join("loop")).code(1).one_sentence().says("Too many levels of symbolic links");
    assert_eq!(others(&folder, &["broken", "inner", "link", "loop", "second"]), [""; 0]);
    assert_eq!(others(&inner, &["app.dun"]), [""; 0]);
}

#[test]
fn what_is_no_file_is_written_as_it_is() {
    let folder = folder("what_is_no_file");
    let hello = &example("wasm/hello.wasm");
    let expected = folder.join("app.dun");
    compile_to(&expected).code(0);
    let expected = fs::read(expected).unwrap();
    // A FIFO stays one.
    let fifo = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let child = command(&["compile", "-o", fifo.to_str().unwrap(), hello]).spawn().unwrap();
    assert!(fs::read(&fifo).unwrap() == expected);
    wait(child).code(0);
    assert!(!fs::metadata(&fifo).unwrap().is_file());
    // Standard output, by all its names, to a pipe and to a file; nothing else is written there.
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let output = command(&["compile", "-o", name, hello]).output().unwrap();
        assert!(output.status.success() && output.stdout == expected, "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("functions compiled for"));
        let file = folder.join("redirected");
        let mut out = fs::File::create(&file).unwrap();
        std::io::Write::write_all(&mut out, b"before\n").unwrap();
        wait(command(&["compile", "-o", name, hello]).stdout(out).spawn().unwrap()).code(0);
        assert!(fs::read(&file).unwrap() == [b"before\n", &expected[..]].concat(), "{name}");
    }
    // A descriptor of somebody else's is written where it leads, and nothing else is left there.
    let file = folder.join("third");
    fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
    let script = "exec 3<>\"$2\" && \"$0\" compile -o /dev/fd/3 \"$1\" && cmp \"$2\" \"$3\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_dunlin"), hello]).args([&file, &folder.join("app.dun")]);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    compile_to(Path::new("/dev/full")).code(1).one_sentence().says("No space left");
    compile_to(&folder).code(1).one_sentence().says("Is a directory");
    compile_to(&folder.join("missing/x")).code(1).one_sentence().says("No such file or directory");
    compile_to(&folder.join("missing/..")).code(1).one_sentence().says("/..: is a directory");
    assert_eq!(others(&folder, &["app.dun", "fifo", "redirected", "third"]), [""; 0]);
}

/// Runs it without the rights of root, if that is who we are.
fn unprivileged(args: &[&str]) -> Option<Command> {
    let dunlin = env!("CARGO_BIN_EXE_dunlin");
    let mut command = Command::new(dunlin);
    if rustix::process::getuid().is_root() {
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--clear-groups", "--"]).arg(dunlin);
        let works = Command::new("setpriv").args(command.get_args()).arg("--version").output();
        if !works.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: dunlin can't be run as another user here");
            return None;
        }
    }
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

#[test]
fn a_file_in_a_folder_that_is_not_ours() {
    let folder = folder("a_file_in_a_folder");
    let (writable, protected) = (folder.join("writable"), folder.join("protected"));
    let module = folder.join("hello.wasm");
    fs::copy(example("wasm/hello.wasm"), &module).unwrap();
    for (file, mode) in [(&writable, 0o666), (&protected, 0o444), (&module, 0o444)] {
        if file != &module {
            fs::write(file, "old").unwrap();
        }
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let run = |output: &Path| {
        let args = ["compile", "-o", output.to_str().unwrap(), module.to_str().unwrap()];
        unprivileged(&args).map(|mut command| wait(command.spawn().unwrap()))
    };
    let inode = fs::metadata(&writable).unwrap().ino();
    if let Some(ended) = run(&writable) {
        ended.code(0);
        assert!(is_compiled(&writable));
        assert_eq!(fs::metadata(&writable).unwrap().ino(), inode);
        run(&protected).unwrap().code(1).one_sentence().says("protected: Permission denied");
        run(&folder.join("new")).unwrap().code(1).one_sentence().says("new: Permission denied");
        // What may not be written isn't replaced either, where the folder would allow it.
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        run(&protected).unwrap().code(1).one_sentence().says("protected: Permission denied");
        // A file stays its owner's.
        let owner = fs::metadata(&writable).unwrap().uid();
        run(&writable).unwrap().code(0);
        assert_eq!(fs::metadata(&writable).unwrap().uid(), owner);
        assert_eq!(fs::read_to_string(&protected).unwrap(), "old");
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(others(&folder, &["writable", "protected", "hello.wasm"]), [""; 0]);
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = folder("a_full_disk_leaves");
    // A file system of its own, which only the shell and what it starts see.
    let script = r#"mount -t tmpfs -o size=128k tmpfs . && cd "$PWD" || exit 99
        echo old > app.dun; ln -s app.dun link
        head -c 80000 /dev/zero > much
        for output in app.dun link new.dun; do
            "$0" compile -o $output "$1" && exit 1
        done
        head -c 80000 /dev/zero >> much 2> /dev/null
        "$0" run --report r.json "$1" && exit 2
        cat app.dun; ls -A"#;
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, env!("CARGO_BIN_EXE_dunlin"), &example("wasm/hello.wasm")])
        .current_dir(&folder)
        .output();
    let Some(output) = output.ok().filter(|output| output.status.code() != Some(99)) else {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    };
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    if err.contains("unshare") {
        eprintln!("SKIPPED: no file system can be mounted here: {err}");
        return;
    }
    assert!(output.status.success(), "{out} {err}");
    assert_eq!(out, "Hello, world!\nold\napp.dun\nlink\nmuch\n", "{err}");
    assert_eq!(err.matches("No space left on device").count(), 4, "{err}");
}
