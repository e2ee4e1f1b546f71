//! `dunlin pull` and `push`, and modules in registries wherever a module stands.
//! `cargo test -p dunlin-cli --features hosts --test oci`
#![cfg(feature = "hosts")]

#[path = "../common/mod.rs"]
mod common;
mod registry;

use common::bundle::bundle;
use common::serving::Serving;
use common::{Ended, command, ended, example, folder};
use registry::{Faults, Guarded, Registry};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const CONFIG: (&str, &str) = ("application/vnd.wasm.config.v0+json", "{}");

/// A user: a folder for the cache, one for Docker's configuration, and where the user is.
struct User(PathBuf);

impl User {
    fn new(test: &str) -> Self {
        let folder = folder(test);
        for name in ["cache", "docker", "here"] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join("here").join(name).to_str().unwrap().into()
    }

    #[track_caller]
    fn dunlin(&self, args: &[&str]) -> Ended {
        self.dunlin_with(args, &[])
    }

    /// A command of this user's.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("DUNLIN_CACHE", self.0.join("cache")).env("DOCKER_CONFIG", self.0.join("docker"));
        command.current_dir(self.0.join("here"));
        command
    }

    #[track_caller]
    fn dunlin_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let output = self.command(args).envs(variables.iter().copied()).output();
        ended(output.unwrap(), Instant::now())
    }
}

/// A registry with a program at `user/hello:v1`.
fn with_hello() -> (Registry, String) {
    let registry = Registry::start();
    let hello = std::fs::read(example("wasm/hello.wasm")).unwrap();
    registry.artifact("user/hello", "v1", CONFIG, &[("application/wasm", &hello)]);
    let reference = format!("oci://{}", registry.reference("user/hello:v1"));
    (registry, reference)
}

#[test]
fn a_module_in_a_registry_is_one_for_every_command() {
    let (registry, hello) = with_hello();
    let user = User::new("every_command");
    let file = example("wasm/hello.wasm");
    let size = std::fs::read(&file).unwrap().len();
    let printed = user.dunlin(&["run", &file, "Ada"]).code(0).out;
    for _ in 0..2 {
        user.dunlin(&["run", &hello, "Ada"]).code(0).prints(&printed);
    }
    user.dunlin(&[&hello, "Ada"]).code(0).prints(&printed);
    assert_eq!(registry.asked().iter().filter(|asked| asked.contains("/blobs/")).count(), 1);
    let validated = user.dunlin(&["validate", &hello]).code(0).out;
    assert!(validated.starts_with(&format!("{hello}: valid, {size} bytes, ")), "{validated}");
    let inspected = user.dunlin(&["inspect", &file]).code(0).out.replace(&file, &hello);
    user.dunlin(&["inspect", &hello]).code(0).prints(&inspected);
    assert!(user.dunlin(&["inspect", "--budget", &hello]).code(0).out.contains("bytes"));
    if cfg!(feature = "jit") {
        let compiled = user.path("hello.dun");
        user.dunlin(&["compile", &hello]).code(2).one_sentence().says("-o is missing");
        user.dunlin(&["compile", &hello, "-o", &compiled]).code(0);
        user.dunlin(&["run", "--require-precompiled", &compiled, "Ada"]).code(0).prints(&printed);
    }
    // What a program is called.
    let argv = r#"(module
        (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "\40\00\00\00\05\00\00\00")
        (func (export "_start")
            (drop (call $get (i32.const 32) (i32.const 64)))
            (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 24)))))"#;
    registry.artifact("a/named", "v2", CONFIG, &[("application/wasm", argv.as_bytes())]);
    if cfg!(feature = "text") {
        user.dunlin(&["run", &format!("oci://{}", registry.reference("a/named:v2"))]).code(0).prints("named");
    }
}

#[test]
fn modules_are_pulled_and_pushed() {
    let registry = Registry::start();
    let user = User::new("pulled_and_pushed");
    let name = registry.reference("user/app:v1");
    let hello = example("wasm/hello.wasm");
    let pinned = user.dunlin(&["push", &hello, &name]).code(0).out;
    let pinned = pinned.trim();
    assert!(pinned.starts_with(&format!("oci://{name}@sha256:")), "{pinned}");
    let ended = user.dunlin(&["pull", &name]).code(0);
    let size = std::fs::read(&hello).unwrap().len();
    assert_eq!(ended.out, format!("{pinned}: {size} bytes in app.wasm\n"));
    assert_eq!(std::fs::read(user.path("app.wasm")).unwrap(), std::fs::read(&hello).unwrap());
    user.dunlin(&["pull", pinned, "-o", "other.wasm"]).code(0);
    assert!(Path::new(&user.path("other.wasm")).exists());
    user.dunlin(&["run", pinned, "Ada"]).code(0);
    user.dunlin(&["pull", &name, "-o", "-"]).code(0).says("bytes in -");
    // What isn't valid isn't pushed.
    std::fs::write(user.path("no.wasm"), b"\0asm\x01\0\0\0\xff").unwrap();
    registry.asked();
    user.dunlin(&["push", "no.wasm", &name]).code(1).one_sentence();
    user.dunlin(&["push", &hello, "No:x"]).code(2).one_sentence().says("'No:x' is no reference");
    user.dunlin(&["push", &hello]).code(2).one_sentence().says("what it shall be called is missing");
    user.dunlin(&["pull"]).code(2).one_sentence().says("a module is missing");
    assert_eq!(registry.asked(), [""; 0]);
}

#[test]
fn damaged_modules_do_not_run_and_leave_nothing() {
    let (registry, hello) = with_hello();
    let user = User::new("damaged");
    registry.state().faults = Faults { changes: true, ..Faults::default() };
    for command in
        [&["run"][..], &["inspect"], &["inspect", "--budget"], &["validate"], &["pull", "-o", "x.wasm"]]
    {
        let ended = user.dunlin(&[command, &[&hello]].concat()).code(1).one_sentence();
        let ended = ended.says("is not what it should be: its digest is sha256:").prints("");
        assert!(ended.err.starts_with(&format!("dunlin: {hello}: sha256:")), "{ended:?}");
    }
    assert!(!Path::new(&user.path("x.wasm")).exists());
    registry.state().faults = Faults { longer: 1, ..Faults::default() };
    user.dunlin(&["run", &hello]).code(1).one_sentence().says("it has more than").prints("");
    // One that isn't valid, but is what it should be.
    registry.artifact("user/hello", "v1", CONFIG, &[("application/wasm", b"\0asm\x01\0\0\0\xffabcdef")]);
    registry.state().faults = Faults::default();
    for command in ["run", "inspect", "validate", "pull"] {
        let ended = user.dunlin(&[command, &hello]).code(1).one_sentence();
        assert!(!ended.err.contains("digest") && ended.err.contains("section"), "{ended:?}");
    }
    let left = std::fs::read_dir(user.0.join("cache/new")).unwrap().count();
    assert_eq!((left, std::fs::read_dir(user.0.join("here")).unwrap().count()), (0, 0));
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Bundles of policies as `oras` and others push them: the only layer is the archive.
#[test]
fn a_bundle_in_a_registry_is_a_policy() {
    let registry = Registry::start();
    let user = User::new("bundles");
    let module = std::fs::read(example("hosts/policy.wasm")).unwrap();
    let whole = bundle(&[("/policy.wasm", &module), ("/admins/data.json", br#"["alice"]"#)]);
    let of_opa = ("application/vnd.cncf.openpolicyagent.config.v1+json", "{}");
    let of_image = ("application/vnd.oci.image.config.v1+json", "{}");
    let input = user.path("input.json");
    std::fs::write(&input, r#"{"user": "alice"}"#).unwrap();
    for (tag, config) in [("opa", of_opa), ("image", of_image)] {
        registry.artifact("policies/roles", tag, config, &[(LAYER, &whole)]);
        let reference = format!("oci://{}", registry.reference(&format!("policies/roles:{tag}")));
        let eval = ["policy", "eval", &reference, "-e", "roles/allow", "-i", &input];
        user.dunlin(&eval).code(0).prints("[{\"result\":true}]\n");
        let serving = Serving::start_command(user.command(&["serve", "--access-log", "off", &reference]));
        let alice = "/v1/data/roles/allow?input=%7B%22user%22:%22alice%22%7D";
        assert!(serving.get(alice).ends_with("\r\n\r\n{\"result\":true}"));
        assert!(serving.get("/v1/data/admins").ends_with("\r\n\r\n{\"result\":[\"alice\"]}"));
        assert_eq!(serving.end().0, Some(0));
        user.dunlin(&["pull", &reference]).code(0);
    }
    // What says that it is a bundle is pulled as one; an image is looked through for its module.
    assert_eq!(std::fs::read(user.path("roles.tar.gz")).unwrap(), whole);
    assert_eq!(std::fs::read(user.path("roles.wasm")).unwrap(), module);
    // Nothing is used whose digest is wrong, also where only what is behind the archive's end was changed.
    let user = User::new("damaged_bundles");
    let spaced = bundle(&[("/policy.wasm", &module), ("/z", &[0; 100])]);
    for (tag, layer) in [("a", &whole), ("b", &spaced)] {
        registry.artifact("policies/bad", tag, of_opa, &[(LAYER, layer)]);
        let reference = format!("oci://{}", registry.reference(&format!("policies/bad:{tag}")));
        for faults in
            [Faults { changes: true, ..Faults::default() }, Faults { longer: 1, ..Faults::default() }]
        {
            registry.state().faults = faults;
            for command in [&["policy", "eval", "--entrypoints"][..], &["pull", "-o", "x.tar.gz"], &["serve"]]
            {
                let ended = user.dunlin(&[command, &[&reference]].concat()).code(1).one_sentence().prints("");
                assert!(ended.err.contains("is not what it should be"), "{ended:?}");
            }
        }
    }
    let left = std::fs::read_dir(user.0.join("cache/new")).unwrap().count();
    assert_eq!((left, std::fs::read_dir(user.0.join("here")).unwrap().count()), (0, 0));
}

#[test]
fn what_is_served_may_come_from_a_registry() {
    let registry = Registry::start();
    let user = User::new("served");
    let page = std::fs::read(example("hosts/page.wasm")).unwrap();
    registry.artifact("user/page", "v1", CONFIG, &[("application/wasm", &page)]);
    let name = registry.reference("user/page:v1");
    let site = user.path("modules.toml");
    std::fs::write(&site, format!("[[module]]\nroute = \"/...\"\nmodule = \"oci:{name}\"\n")).unwrap();
    for what in [&format!("oci://{name}"), &site] {
        let mut serving = Serving::start_command(user.command(&["serve", "--access-log", "off", what]));
        assert!(serving.get("/").contains("Hello"));
        // The tag is asked for again. Where the registry doesn't answer, what was served before still is.
        serving.signal("-HUP");
        serving.message("what is served was loaded again");
        assert!(serving.get("/").contains("Hello"));
        assert_eq!(serving.end().0, Some(0));
    }
}

#[test]
fn what_cannot_be_pulled_is_said_in_a_sentence() {
    let (registry, hello) = with_hello();
    let user = User::new("said");
    let missing = format!("oci://{}", registry.reference("user/hello:v2"));
    user.dunlin(&["run", &missing]).code(1).one_sentence().says("the registry has no ");
    user.dunlin(&["run", "oci://localhost:1/a"]).code(1).one_sentence().says("can't be reached");
    user.dunlin(&["run", "oci://A"]).code(2).one_sentence().says("'oci://A' is no reference");
    user.dunlin(&["run", "--offline", &hello]).code(1).one_sentence().says("isn't in the cache");
    user.dunlin(&["run", &hello]).code(0);
    user.dunlin(&["run", "--offline", &hello]).code(0);
    registry.state().guarded = Guarded::ByPassword;
    user.dunlin(&["run", &hello]).code(1).one_sentence().says("refuses access").says("docker login");
    let secret = format!(r#"{{"auths": {{"{}": {{"auth": "YW5uOnNlY3JldA=="}}}}}}"#, registry.address);
    std::fs::write(user.0.join("docker/config.json"), secret).unwrap();
    user.dunlin(&["run", &hello]).code(0);
    std::fs::write(user.0.join("docker/config.json"), "{").unwrap();
    user.dunlin(&["run", &hello]).code(1).one_sentence().says("config.json: not what Docker writes");
    std::fs::remove_file(user.0.join("docker/config.json")).unwrap();
    registry.state().guarded = Guarded::No;
    registry.state().faults.status = Some(502);
    let ended = user.dunlin(&["run", &hello]).code(0).one_sentence();
    ended.says("dunlin: warning: the registry").says("what it was when it last answered is used: sha256:");
    user.dunlin_with(&["run", &hello], &[("DUNLIN_CACHE", "")]).code(1).one_sentence().says("status 502");
    let odd = [("DUNLIN_CACHE_SIZE", "much")];
    user.dunlin_with(&["run", &hello], &odd).code(2).one_sentence().says("DUNLIN_CACHE_SIZE takes a size");
}

#[test]
fn processes_share_the_cache() {
    let (_registry, hello) = with_hello();
    let user = User::new("share");
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| user.dunlin(&["run", &hello, "Ada"]).code(0).prints("Hello, Ada!\n"));
        }
    });
    let count = |folder: &str| std::fs::read_dir(user.0.join("cache").join(folder)).unwrap().count();
    assert_eq!((count("blobs/sha256"), count("names"), count("new")), (2, 1, 0));
}

#[test]
fn a_slow_registry_does_not_outlast_the_timeout() {
    let (registry, hello) = with_hello();
    registry.state().faults.stalls_at = Some(100);
    let user = User::new("slow");
    user.dunlin(&["run", "--timeout", "300ms", &hello])
        .code(124)
        .one_sentence()
        .says("before the module was loaded");
}

#[test]
fn only_what_is_signed_runs_if_that_is_asked_for() {
    let registry = Registry::start();
    let user = User::new("signed");
    // By openssl, for these tests only.
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAdNhNd/R1Xb1b5IiGReXUOFOf6HQ8PHQl2dZsG0y7VQ\n-----END PRIVATE KEY-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA3uCidLM6Ydo+trEMpnWyG3F1lWFSYkZENvGmHxc9KJM=\n-----END PUBLIC KEY-----\n";
    std::fs::write(user.path("key.pem"), private).unwrap();
    std::fs::write(user.path("pub.pem"), public).unwrap();
    let hello = example("wasm/hello.wasm");
    let name = registry.reference("app:v1");
    let module = format!("oci://{name}");
    user.dunlin(&["push", &hello, &name]).code(0);
    let verified = ["run", "--verify-key", "pub.pem", &module];
    user.dunlin(&verified).code(1).one_sentence().says("has no signature that the given key made").prints("");
    for file in [&*hello, "-"] {
        user.dunlin(&["run", "--verify-key", "pub.pem", file])
            .code(2)
            .one_sentence()
            .says("a file has no signature");
    }
    user.dunlin(&["push", "--sign-key", "key.pem", &hello, &name]).code(0);
    user.dunlin(&verified).code(0);
    user.dunlin(&["run", "--verify-key", "key.pem", &module])
        .code(1)
        .one_sentence()
        .says("key.pem: no Ed25519 key");
    user.dunlin(&["run", "--verify-key", "none.pem", &module]).code(1).one_sentence().says("none.pem: ");
    user.dunlin(&["push", "--sign-key", "pub.pem", &hello, &name]).code(1).one_sentence().says("PRIVATE KEY");
}

#[test]
fn help_says_how() {
    let user = User::new("help");
    for (command, word) in
        [("pull", "DUNLIN_CACHE_SIZE"), ("push", "openssl genpkey"), ("run", "--verify-key")]
    {
        assert!(user.dunlin(&[command, "--help"]).code(0).out.contains(word));
    }
}
