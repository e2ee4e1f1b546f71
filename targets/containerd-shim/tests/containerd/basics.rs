//! What a program is given, and how it ends.

use crate::daemon::DUNLIN;
use crate::image::{WASM, image};
use crate::{Context, Outcome, Test, guests};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

pub(crate) const TESTS: &[Test] = &[
    ("a_program_prints_and_exits", a_program_prints_and_exits),
    ("arguments_and_environment", arguments_and_environment),
    ("an_entrypoint_is_a_function", an_entrypoint_is_a_function),
    ("standard_input", standard_input),
    ("wasi_before_its_first_preview", wasi_before_its_first_preview),
    ("folders", folders),
    ("a_trap", a_trap),
    ("no_such_program", no_such_program),
    ("its_own_process_is_closed", its_own_process_is_closed),
    ("a_user_without_rights", a_user_without_rights),
    ("requests", requests),
];

fn a_program_prints_and_exits(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/hello:1", WASM, &guests::hello(), ""));
    daemon.run(&[], "test/hello:1", "hello", &[]).code(7).prints("hello\n");
    assert_eq!(daemon.left(), [""; 0]);
    Ok(())
}

fn arguments_and_environment(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/surroundings:1", WASM, &guests::surroundings("_start"), ""));
    let options = ["--env", "A=b=c", "--env", "EMPTY="];
    let ended =
        daemon.run(&options, "test/surroundings:1", "surroundings", &["/app", "one", "--two", ""]).code(0);
    assert!(ended.out.starts_with("/app\none\n--two\n\n"), "{ended:#?}");
    for variable in ["\nOF_THE_IMAGE=yes\n", "\nA=b=c\n", "\nEMPTY=\n"] {
        assert!(ended.out.contains(variable), "{variable} isn't in {ended:#?}");
    }
    Ok(())
}

fn an_entrypoint_is_a_function(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/entrypoint:1", WASM, &guests::surroundings("serve"), "#serve"));
    let ended = daemon.run(&[], "test/entrypoint:1", "entrypoint", &["/app#serve", "one"]).code(0);
    assert!(ended.out.starts_with("/app#serve\none\n"), "{ended:#?}");
    daemon.import(&image("test/entrypoint:2", WASM, &guests::surroundings("serve"), "#other"));
    daemon.run(&[], "test/entrypoint:2", "entrypoint2", &[]).code(2).complains("the module has no other");
    Ok(())
}

fn standard_input(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/echo:1", WASM, &guests::echo(), ""));
    let run = ["run", "--rm", "--platform", "wasip1/wasm", "--runtime", DUNLIN, "test/echo:1", "echo"];
    daemon.ctr_with(&run, b"one\ntwo\n").code(0).prints("one\ntwo\n");
    Ok(())
}

fn wasi_before_its_first_preview(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/unstable:1", WASM, &guests::unstable(), ""));
    daemon.run(&[], "test/unstable:1", "unstable", &[]).code(0).prints("hello\n");
    Ok(())
}

fn folders(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/files:1", WASM, &guests::files(), ""));
    let volume = daemon.folder.join("volume");
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("in"), "of the host\n").unwrap();
    let mount = |options: &str| format!("type=bind,src={},dst=/data,options={options}", volume.display());
    let run = |options: &str, id| daemon.run(&["--mount", &mount(options)], "test/files:1", id, &[]);
    run("rbind:rw", "files").code(0).prints("of the host\n");
    assert_eq!(fs::read_to_string(volume.join("out")).unwrap(), "written");
    // WASI's number for a file system that is only read.
    run("rbind:ro", "files-ro").code(69).prints("of the host\n");
    // Without the volume there is no such file.
    daemon.run(&[], "test/files:1", "files-none", &[]).code(44).prints("");
    Ok(())
}

fn a_trap(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/trap:1", WASM, &guests::trapping(), ""));
    daemon.run(&[], "test/trap:1", "trap", &[]).code(134).complains("unreachable");
    Ok(())
}

fn no_such_program(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/nowhere:1", WASM, &guests::hello(), "s/elsewhere"));
    daemon.run(&[], "test/nowhere:1", "nowhere", &[]).code(1).complains("dunlin");
    assert!(daemon.log().contains("/apps/elsewhere: there is no such file in the container"));
    daemon.import(&image("test/nothing:1", WASM, b"not a module", ""));
    daemon.run(&[], "test/nothing:1", "nothing", &[]).code(1).complains("/app");
    assert_eq!(daemon.left(), [""; 0]);
    Ok(())
}

fn its_own_process_is_closed(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/own-memory:1", WASM, &guests::own_memory(), ""));
    let ended = daemon.run(&[], "test/own-memory:1", "own-memory", &[]);
    assert!(matches!(ended.code, Some(2 | 63 | 76)), "{ended:#?}");
    Ok(())
}

fn a_user_without_rights(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/hello:1", WASM, &guests::hello(), ""));
    let options = ["--seccomp", "--read-only", "--cap-drop", "CAP_SYS_CHROOT", "--memory-limit", "67108864"];
    daemon.run(&options, "test/hello:1", "rights", &[]).code(7).prints("hello\n");
    Ok(())
}

fn requests(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/cgi:1", WASM, &guests::cgi(), ""));
    // A port that is free now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    daemon.detach(&["--net-host", "--env", &format!("DUNLIN_SERVE={address}")], "test/cgi:1", "cgi");
    daemon.until("it listens", |_| TcpStream::connect(address).is_ok());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("served"), "{answer}");
    daemon.ctr(&["task", "kill", "--signal", "SIGTERM", "cgi"]).code(0);
    daemon.until("it stops", |daemon| daemon.state("cgi").as_deref() == Some("STOPPED"));
    daemon.ctr(&["task", "rm", "cgi"]);
    daemon.ctr(&["container", "rm", "cgi"]).code(0);
    Ok(())
}
