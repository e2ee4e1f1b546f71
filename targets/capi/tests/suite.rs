//! The library as C programs get it: installed, compiled against by the system's C compiler, and run.
//! `test.sh` has the C programs run under tools, and for aarch64.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

struct Installed {
    folder: TempDir,
}

/// What cargo built together with this test, installed once.
static INSTALLED: LazyLock<Installed> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let archive = built_with_this_test();
    let script = here().join("install.sh");
    run(Command::new(script).arg("--archive").arg(archive).arg(folder.path()));
    let modules = folder.path().join("modules");
    fs::create_dir(&modules).unwrap();
    for entry in fs::read_dir(here().join("tests/c")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            let name = path.with_extension("wasm").file_name().unwrap().to_owned();
            fs::write(modules.join(name), wat::parse_file(&path).unwrap()).unwrap();
        }
    }
    Installed { folder }
});

/// The newest archive beside this test: cargo puts a hash in its name, and leaves those of other features there.
fn built_with_this_test() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let archives = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let archives =
        archives.filter(|path| name(path).starts_with("libdunlin_capi") && name(path).ends_with(".a"));
    archives.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap()).expect("cargo built it")
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ({}):\n{stdout}{stderr}", output.status);
    output
}

fn tool(variable: &str, otherwise: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| otherwise.to_owned())
}

impl Installed {
    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn compile(&self, source: &str, compiler: String, options: &[&str], library: &str) -> PathBuf {
        let program = self.path(&format!("{}-{library}", source.replace('/', "-")));
        let mut command = Command::new(compiler);
        command.args(["-Wall", "-Wextra", "-Werror", "-g", "-o"]).arg(&program).args(options);
        command.arg(here().join(source)).arg("-I").arg(self.path("include"));
        match library {
            "shared" => {
                command.arg("-L").arg(self.path("lib")).arg("-ldunlin");
                command.arg(format!("-Wl,-rpath,{}", self.path("lib").display()));
            }
            _ => {
                command.arg(self.path("lib/libdunlin.a"));
                let file = fs::read_to_string(self.path("lib/pkgconfig/dunlin.pc")).unwrap();
                let libs = file.lines().find_map(|line| line.strip_prefix("Libs.private: ")).unwrap();
                command.args(libs.split(' '));
            }
        }
        run(command.arg("-lpthread"));
        program
    }

    fn c(&self, source: &str, library: &str) -> PathBuf {
        self.compile(source, tool("CC", "cc"), &["-std=gnu11"], library)
    }

    /// What a program prints.
    fn execute(&self, program: &Path, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path());
        String::from_utf8(run(&mut command).stdout).unwrap()
    }

    fn modules(&self) -> String {
        self.path("modules").to_str().unwrap().to_owned()
    }
}

#[test]
fn the_standard_api_does_what_it_says() {
    for library in ["shared", "static"] {
        let program = INSTALLED.c("tests/c/standard.c", library);
        INSTALLED.execute(&program, &[&INSTALLED.modules()]);
    }
}

#[test]
fn what_dunlin_adds_does_what_it_says() {
    let program = INSTALLED.c("tests/c/extended.c", "shared");
    INSTALLED.execute(&program, &[&INSTALLED.modules()]);
}

#[test]
fn misuse_gives_errors() {
    let program = INSTALLED.c("tests/c/misuse.c", "shared");
    INSTALLED.execute(&program, &[]);
}

#[test]
fn the_cpp_header_frees_what_it_has() {
    let options = ["-std=c++17", "-pedantic"];
    let program = INSTALLED.compile("tests/c/cpp.cc", tool("CXX", "c++"), &options, "shared");
    INSTALLED.execute(&program, &[]);
}

#[test]
fn the_examples_print_what_they_promise() {
    for (name, expected) in [
        ("hello", "Hello from the host: 42\n"),
        ("from_wasm3", "fib(20) = 6765\n"),
        ("from_wamr", "the guest said: hello, native\nsum = 42\n"),
        ("budget", "stopped: all fuel consumed\nrefused: "),
        ("wasi", "exit status 0, captured 14 bytes: Hello, world!\n"),
    ] {
        let program = INSTALLED.c(&format!("examples/{name}.c"), "shared");
        let wasm = here().join("../../examples/wasm/hello.wasm");
        let printed = INSTALLED.execute(&program, &[wasm.to_str().unwrap()]);
        assert!(printed.starts_with(expected), "{name}: {printed}");
    }
}

/// Symbols that the shared library exports, with their versions.
fn exported() -> Vec<String> {
    let library = INSTALLED.path("lib/libdunlin.so");
    let output = run(Command::new(tool("NM", "nm")).args(["-D", "--defined-only"]).arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
}

#[test]
fn only_the_api_is_exported_and_has_a_version() {
    let symbols = exported();
    assert!(symbols.len() > 300, "{}", symbols.len());
    for symbol in symbols.iter().filter(|symbol| *symbol != "DUNLIN_0.1") {
        let (name, version) = symbol.split_once("@@").unwrap_or_else(|| panic!("{symbol} has no version"));
        assert!(name.starts_with("wasm_") || name.starts_with("dunlin_"), "{symbol}");
        assert_eq!(version, "DUNLIN_0.1");
    }
}

#[test]
fn python_calls_it_through_ctypes() {
    let library = INSTALLED.path("lib/libdunlin.so");
    let output = run(Command::new("python3").arg(here().join("tests/ctypes_call.py")).arg(library));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "42\ninteger divide by zero\n");
}

#[test]
fn python_calls_it_through_cffi() {
    if !Command::new("python3").args(["-c", "import cffi"]).output().is_ok_and(|found| found.status.success())
    {
        eprintln!("skipped: there is no cffi for Python");
        return;
    }
    let mut preprocess = Command::new(tool("CC", "cc"));
    preprocess
        .args(["-E", "-P", "-x", "c", "-include", "dunlin.h", "/dev/null", "-I"])
        .arg(INSTALLED.path("include"));
    let header = INSTALLED.path("dunlin-declarations.h");
    fs::write(&header, own_declarations(&String::from_utf8(run(&mut preprocess).stdout).unwrap())).unwrap();
    let script = here().join("tests/cffi_call.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(INSTALLED.path("lib/libdunlin.so")).stdin(fs::File::open(header).unwrap());
    assert_eq!(String::from_utf8(run(&mut python).stdout).unwrap(), "42\na negative number\n");
}

/// What our headers declare, of a preprocessed text. The system's come first: their types are cffi's own.
fn own_declarations(text: &str) -> &str {
    &text[text.find("typedef char byte_t;").expect("wasm.h begins so")..]
}
