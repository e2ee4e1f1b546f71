//! Runs suites in the layout of the official wasi-testsuite: modules, each with a specification in JSON beside it.
//!
//! The repository's own suite is always run. `WASI_TESTSUITE=DIR cargo test -p dunlin-spec-tests wasi` runs all that is
//! below `DIR` as well, such as a clone of the official suite's branch with the compiled tests.

use dunlin::{Engine, Error, Linker, Module, Store};
use dunlin_wasi_lite::{
    DirPerms, FilePerms, I32Exit, ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe, add_to_linker,
};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a test may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a test's JSON says. Fields that it leaves out are as the suite's documentation says.
#[derive(Debug, Default, PartialEq)]
struct Specification {
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// On the host, beside the module, and for the guest.
    dirs: Vec<(String, String)>,
    stdin: String,
    exit_code: i64,
    stdout: Option<String>,
    stderr: Option<String>,
}

impl Specification {
    /// Understands the old form, with everything in one object, and the new one, with a list of operations.
    fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut specification = Self::default();
        specification.fields(&json)?;
        for operation in json["operations"].as_array().into_iter().flatten() {
            let payload = operation["payload"].as_str().unwrap_or_default();
            match (operation["type"].as_str(), operation["id"].as_str()) {
                (Some("run" | "wait"), _) => specification.fields(operation)?,
                (Some("read"), Some("stdout")) => {
                    specification.stdout.get_or_insert_default().push_str(payload)
                }
                (Some("read"), Some("stderr")) => {
                    specification.stderr.get_or_insert_default().push_str(payload)
                }
                (Some("write"), _) => specification.stdin.push_str(payload),
                _ => return Err(format!("unknown operation {operation}")),
            }
        }
        Ok(specification)
    }

    fn fields(&mut self, json: &Value) -> Result<(), String> {
        let object = json.as_object().ok_or("it is no object")?;
        for (name, value) in object {
            let string =
                |value: &Value| value.as_str().map(str::to_owned).ok_or(format!("{name} has no string"));
            let strings =
                || value.as_array().into_iter().flatten().map(string).collect::<Result<Vec<_>, _>>();
            match name.as_str() {
                "args" => self.args = strings()?,
                "env" => {
                    let variables = value.as_object().ok_or("env is no object")?;
                    self.env = variables
                        .iter()
                        .map(|(key, value)| Ok((key.clone(), string(value)?)))
                        .collect::<Result<_, String>>()?;
                }
                "dirs" => self.dirs = strings()?.into_iter().map(|dir| (dir.clone(), dir)).collect(),
                "root" => self.dirs = vec![(string(value)?, "/".to_owned())],
                "exit_code" => self.exit_code = value.as_i64().ok_or("exit_code is no number")?,
                "stdout" => self.stdout = Some(string(value)?),
                "stderr" => self.stderr = Some(string(value)?),
                "operations" | "type" | "id" | "payload" | "wasi_functions" | "proposals" => (),
                _ => return Err(format!("unknown field {name}")),
            }
        }
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // What an earlier run of another runner has left isn't part of the suite.
        if entry.file_name().to_string_lossy().ends_with(".cleanup") {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else if entry.file_type().unwrap().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Runs the module as the command does, and returns its exit code.
fn execute(engine: &Engine, module: &Path, ctx: WasiCtx) -> Result<i64, Error> {
    let module = Module::from_file(engine, module)?;
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(engine, ctx);
    let handle = store.interrupt_handle();
    let (over, waiting) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        if waiting.recv_timeout(TIMEOUT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let result = linker
        .instantiate(&mut store, &module)
        .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start"))
        .and_then(|start| start.call(&mut store, ()));
    drop(over);
    match result {
        Ok(()) => Ok(0),
        Err(error) if error.trap().is_some() => Err(error),
        Err(error) => error.downcast::<I32Exit>().map(|exit| exit.0.into()),
    }
}

/// Runs one test, in copies of its directories; returns what is wrong.
fn run(engine: &Engine, module: &Path) -> Result<(), String> {
    let json = module.with_extension("json");
    let specification = match fs::read_to_string(&json) {
        Ok(text) => Specification::parse(&text)?,
        Err(_) => Specification::default(),
    };
    let (stdout, stderr) = (WritePipe::in_memory(1 << 20), WritePipe::in_memory(1 << 20));
    let mut builder = WasiCtxBuilder::new();
    builder
        .arg(module.file_name().unwrap().to_string_lossy())
        .args(&specification.args)
        .envs(&specification.env);
    builder.stdin(ReadPipe::from(specification.stdin.clone())).stdout(stdout.clone()).stderr(stderr.clone());
    let copies = tempfile::tempdir().unwrap();
    for (host, guest) in &specification.dirs {
        let dir = copies.path().join(host);
        copy(&module.with_file_name(host), &dir);
        builder
            .preopened_dir(dir, guest, DirPerms::all(), FilePerms::all())
            .map_err(|error| error.to_string())?;
    }
    let text = |pipe: WritePipe| String::from_utf8_lossy(&pipe.contents()).into_owned();
    let result = execute(engine, module, builder.build());
    let (stdout, stderr) = (text(stdout), text(stderr));
    let code = result.map_err(|error| format!("{error}\n{stdout}{stderr}"))?;
    if code != specification.exit_code {
        return Err(format!("exit code {code} instead of {}\n{stdout}{stderr}", specification.exit_code));
    }
    for (stream, expected, found) in
        [("stdout", specification.stdout, stdout), ("stderr", specification.stderr, stderr)]
    {
        if expected.as_ref().is_some_and(|expected| *expected != found) {
            return Err(format!("{stream} is {found:?} instead of {:?}", expected.unwrap()));
        }
    }
    Ok(())
}

/// All tests for preview 1 below a directory. Those for other versions of WASI lie in directories that say so.
fn tests(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let other = name.starts_with("wasm32-") && name != "wasm32-wasip1";
            if !other && name != ".git" {
                tests(&path, found);
            }
        } else if name.ends_with(".wasm") {
            found.push(path);
        }
    }
}

/// Runs all of a suite; returns how many tests passed, and shows what is wrong with the others.
fn run_suite(dir: &Path) -> (usize, usize) {
    let mut found = Vec::new();
    tests(dir, &mut found);
    found.sort();
    let engine = Engine::default();
    let mut passed = 0;
    for module in &found {
        match run(&engine, module) {
            Ok(()) => passed += 1,
            Err(problem) => eprintln!("{}: {problem}", module.strip_prefix(dir).unwrap().display()),
        }
    }
    println!("{}: {passed} of {} passed", dir.display(), found.len());
    (passed, found.len())
}

#[test]
fn our_own_suite() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasi/testsuite");
    let (passed, all) = run_suite(&dir);
    assert_eq!((passed, all), (OWN_TESTS, OWN_TESTS));
}

const OWN_TESTS: usize = 13;

#[test]
fn the_suite_that_the_environment_names() {
    let Some(dir) = std::env::var_os("WASI_TESTSUITE") else {
        // Past the capture of what tests print.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the official WASI suite, for WASI_TESTSUITE names no folder"
        );
        return;
    };
    let (passed, all) = run_suite(Path::new(&dir));
    assert!(all > 0 && passed == all, "{passed} of {all} passed");
}

#[test]
fn specifications() {
    let parse = |text: &str| Specification::parse(text).unwrap();
    assert_eq!(parse("{}"), Specification::default());
    let full = r#"{"args": ["a", "b"], "dirs": ["d.dir"], "env": {"K": "V"}, "exit_code": 3, "stdout": "o", "stderr": ""}"#;
    let expected = Specification {
        args: vec!["a".into(), "b".into()],
        env: vec![("K".into(), "V".into())],
        dirs: vec![("d.dir".into(), "d.dir".into())],
        exit_code: 3,
        stdout: Some("o".into()),
        stderr: Some(String::new()),
        ..Specification::default()
    };
    assert_eq!(parse(full), expected);
    let operations = r#"{"root": "d.dir", "operations": [{"type": "run", "args": ["a"]}, {"type": "write", "id": "stdin",
        "payload": "in"}, {"type": "read", "id": "stdout", "payload": "o"}, {"type": "wait", "exit_code": 3}]}"#;
    let expected = Specification {
        args: vec!["a".into()],
        dirs: vec![("d.dir".into(), "/".into())],
        stdin: "in".into(),
        exit_code: 3,
        stdout: Some("o".into()),
        ..Specification::default()
    };
    assert_eq!(parse(operations), expected);
    for broken in
        ["", "[]", r#"{"arg": []}"#, r#"{"operations": [{"type": "connect"}]}"#, r#"{"exit_code": "0"}"#]
    {
        assert!(Specification::parse(broken).is_err(), "{broken}");
    }
}
