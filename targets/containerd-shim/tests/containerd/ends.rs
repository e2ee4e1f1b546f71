//! Limits, and containers that others end.

use crate::daemon::{ended, processes};
use crate::image::{WASM, image};
use crate::{Context, Outcome, Test, guests};
use std::process::Command;

pub(crate) const TESTS: &[Test] = &[
    ("what_does_not_fit_is_refused", what_does_not_fit_is_refused),
    ("memory_grows_up_to_the_limit", memory_grows_up_to_the_limit),
    ("a_loop_is_killed", a_loop_is_killed),
    ("a_loop_is_asked_to_end", a_loop_is_asked_to_end),
    ("nothing_else_is_executed", nothing_else_is_executed),
    ("a_dead_shim_leaves_nothing", a_dead_shim_leaves_nothing),
];

const MIB: u32 = 1 << 20;

/// Pages of WebAssembly in a MiB.
const PAGES: u32 = 16;

fn limited(Context { daemon, .. }: &Context, mib: u32, image: &str, id: &str) -> crate::daemon::Ended {
    daemon.run(&["--memory-limit", &(mib * MIB).to_string()], image, id, &[])
}

fn what_does_not_fit_is_refused(context: &Context) -> Outcome {
    context.daemon.import(&image("test/large:1", WASM, &guests::large(40 * PAGES), ""));
    limited(context, 32, "test/large:1", "large")
        .code(126)
        .prints("")
        .complains("a memory budget of 29360128 bytes is too small")
        .complains("the container's memory limit is 33554432 bytes");
    limited(context, 64, "test/large:1", "large-fits").code(0);
    Ok(())
}

fn memory_grows_up_to_the_limit(context: &Context) -> Outcome {
    context.daemon.import(&image("test/growing:1", WASM, &guests::growing(24 * PAGES), ""));
    // The guest is refused; nobody is killed for it.
    limited(context, 24, "test/growing:1", "growing").code(3);
    limited(context, 32, "test/growing:1", "growing-fits").code(0);
    Ok(())
}

fn a_loop_is_killed(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/endless:1", WASM, &guests::endless(), ""));
    ends_by(daemon, "SIGKILL", 137)
}

fn a_loop_is_asked_to_end(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/endless:1", WASM, &guests::endless(), ""));
    ends_by(daemon, "SIGTERM", 143)
}

fn ends_by(daemon: &crate::daemon::Containerd, signal: &str, code: i32) -> Outcome {
    let id = format!("endless-{code}");
    let run = daemon.spawn(&[
        "run",
        "--rm",
        "--platform",
        "wasip1/wasm",
        "--runtime",
        crate::daemon::DUNLIN,
        "test/endless:1",
        &id,
    ]);
    daemon.until("it runs", |daemon| daemon.state(&id).as_deref() == Some("RUNNING"));
    // A process that has only begun ignores what it doesn't know yet.
    daemon.until("it ends", |daemon| {
        daemon.ctr(&["task", "kill", "--signal", signal, &id]);
        daemon.state(&id).as_deref() != Some("RUNNING")
    });
    ended(run).code(code);
    assert_eq!(daemon.left(), [""; 0]);
    Ok(())
}

fn nothing_else_is_executed(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/sleeper:1", WASM, &guests::sleeper(), ""));
    daemon.detach(&[], "test/sleeper:1", "exec");
    daemon.ctr(&["task", "exec", "--exec-id", "more", "exec", "/app"]).code(1).complains("is not supported");
    assert_eq!(daemon.state("exec").as_deref(), Some("RUNNING"));
    remove(daemon, "exec");
    Ok(())
}

fn a_dead_shim_leaves_nothing(Context { daemon, .. }: &Context) -> Outcome {
    daemon.import(&image("test/endless:1", WASM, &guests::endless(), ""));
    daemon.detach(&[], "test/endless:1", "orphan");
    let shims = processes(&daemon.folder.join("sock"));
    // The shim is the first; what it made came later, with the same command line.
    let shim = shims.iter().min_by_key(|pid| pid.parse::<u32>().unwrap()).unwrap();
    assert!(Command::new("kill").args(["-KILL", shim]).status().unwrap().success());
    daemon.until("nothing is left", |daemon| daemon.left().is_empty());
    daemon.ctr(&["container", "rm", "orphan"]).code(0);
    // And there can be one of the same name.
    daemon.import(&image("test/hello:1", WASM, &guests::hello(), ""));
    daemon.run(&[], "test/hello:1", "orphan", &[]).code(7);
    Ok(())
}

/// Ends a container and removes it.
pub(crate) fn remove(daemon: &crate::daemon::Containerd, id: &str) {
    daemon.ctr(&["task", "kill", "--signal", "SIGKILL", id]).code(0);
    daemon.until("it ends", |daemon| daemon.state(id).as_deref() == Some("STOPPED"));
    daemon.ctr(&["task", "rm", id]);
    daemon.ctr(&["container", "rm", id]).code(0);
}
