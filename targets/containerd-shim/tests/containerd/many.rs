//! Many containers, and others beside them.

use crate::daemon::processes;
use crate::ends::remove;
use crate::image::{NATIVE, WASM, image};
use crate::{Context, Outcome, Test, guests, there_is};
use std::fs;
use std::process::Command;

pub(crate) const TESTS: &[Test] = &[
    ("fifty_at_once", fifty_at_once),
    ("beside_a_native_container", beside_a_native_container),
    ("two_in_a_pod", two_in_a_pod),
];

fn fifty_at_once(Context { daemon, .. }: &Context) -> Outcome {
    const COUNT: usize = 50;
    daemon.import(&image("test/sleeper:1", WASM, &guests::sleeper(), ""));
    let names: Vec<_> = (0..COUNT).map(|number| format!("many-{number}")).collect();
    std::thread::scope(|scope| {
        for part in names.chunks(COUNT.div_ceil(10)) {
            scope.spawn(move || part.iter().for_each(|id| daemon.detach(&[], "test/sleeper:1", id)));
        }
    });
    let tasks = daemon.ctr(&["task", "ls"]).out;
    let running = tasks.lines().filter(|line| line.starts_with("many-") && line.contains("RUNNING"));
    assert_eq!(running.count(), COUNT, "{tasks}");
    std::thread::scope(|scope| {
        for part in names.chunks(COUNT.div_ceil(10)) {
            scope.spawn(move || part.iter().for_each(|id| remove(daemon, id)));
        }
    });
    daemon.until("nothing is left", |daemon| daemon.left().is_empty());
    Ok(())
}

/// A program for this machine that needs nothing of an image: it says so, and waits if it has an argument.
fn native(Context { daemon, .. }: &Context) -> Result<Vec<u8>, String> {
    let (source, program) = (daemon.folder.join("native.c"), daemon.folder.join("native"));
    let text = "#include <stdio.h>\n#include <unistd.h>\n\
                int main(int count, char **given) { puts(\"native\"); fflush(stdout); if (count > 1) pause(); }\n";
    fs::write(&source, text).unwrap();
    let compiled = Command::new("cc").args(["-static", "-O2", "-o"]).args([&program, &source]).output();
    match compiled {
        Ok(output) if output.status.success() => Ok(fs::read(program).unwrap()),
        _ => Err("there is no C compiler that links statically".into()),
    }
}

fn beside_a_native_container(context: &Context) -> Outcome {
    if !there_is("runc", "--version") {
        return Err("there is no runc".into());
    }
    let daemon = &context.daemon;
    daemon.import(&image("test/native:1", NATIVE, &native(context)?, ""));
    daemon.import(&image("test/sleeper:1", WASM, &guests::sleeper(), ""));
    daemon.ctr(&["run", "--detach", "--null-io", "test/native:1", "beside-runc", "/app", "wait"]).code(0);
    daemon.detach(&[], "test/sleeper:1", "beside-dunlin");
    assert_eq!(daemon.state("beside-runc").as_deref(), Some("RUNNING"));
    assert_eq!(daemon.state("beside-dunlin").as_deref(), Some("RUNNING"));
    remove(daemon, "beside-runc");
    assert_eq!(daemon.state("beside-dunlin").as_deref(), Some("RUNNING"));
    remove(daemon, "beside-dunlin");
    Ok(())
}

/// As in a pod of Kubernetes, whose first container is a native program that does nothing.
fn two_in_a_pod(context: &Context) -> Outcome {
    let daemon = &context.daemon;
    daemon.import(&image("test/native:1", NATIVE, &native(context)?, ""));
    daemon.import(&image("test/sleeper:1", WASM, &guests::sleeper(), ""));
    let pod = ["--annotation", "io.kubernetes.cri.sandbox-id=pod"];
    let pause = ["run", "--detach", "--null-io", "--runtime", crate::daemon::DUNLIN];
    daemon.ctr(&[&pause[..], &pod, &["test/native:1", "pod", "/app", "wait"]].concat()).code(0);
    daemon.detach(&pod, "test/sleeper:1", "in-pod");
    // One shim has both.
    assert!(!processes(&daemon.folder.join("sock")).is_empty());
    assert_eq!(processes("in-pod".as_ref()), [""; 0]);
    remove(daemon, "in-pod");
    assert_eq!(daemon.state("pod").as_deref(), Some("RUNNING"));
    remove(daemon, "pod");
    daemon.until("nothing is left", |daemon| daemon.left().is_empty());
    Ok(())
}
