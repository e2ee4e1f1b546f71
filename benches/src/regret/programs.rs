//! The programs that `regret` runs, each in a process of the command's.

use dunlin_benches::workloads::{WORKLOADS, Workload};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where `fetch-programs.sh` puts programs, unless it is told another folder.
pub(crate) const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/programs");

/// What the fetched programs work on. They see this folder as `/in`.
const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");

/// Which programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Programs of others, from package registries.
    Real,
    /// The workloads, and some examples.
    Own,
    /// The same with less to do, for tests.
    Tiny,
}

/// When a program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Never.
    Off,
    /// All of it before the first instruction.
    Eager,
    /// As the command decides without being asked.
    Default,
}

/// A program, and how the command is to run it.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    source: Source,
}

enum Source {
    Fetched { module: &'static str, options: &'static [&'static str], arguments: &'static [&'static str] },
    Example { wasm: &'static [u8], arguments: &'static [&'static str] },
    Workload { workload: &'static Workload, small: bool },
}

const fn fetched(
    name: &'static str,
    module: &'static str,
    options: &'static [&'static str],
    arguments: &'static [&'static str],
) -> Program {
    Program { name, source: Source::Fetched { module, options, arguments } }
}

const fn real() -> [Program; 6] {
    [
        fetched("quickjs", "quickjs.wasm", &[], &["/in/script.js"]),
        fetched("python3.12", "python3.12.wasm", &[], &["-c", "pass"]),
        fetched(
            "python3.11",
            "python3.11.wasm",
            &["--dir-ro", "python3.11::/python", "--env", "PYTHONHOME=/python"],
            &["-c", "pass"],
        ),
        fetched("cc1", "cc1.wasm", &[], &["-quiet", "-O2", "/in/function.c", "-o", "-"]),
        fetched(
            "yosys",
            "yosys.wasm",
            &["--dir-ro", "yosys-share::/share"],
            &["-Q", "-T", "-p", "read_verilog /in/counter.v; synth -run begin:fine; stat"],
        ),
        fetched("resvg", "resvg.wasm", &[], &["/in/picture.svg", "-c"]),
    ]
}

macro_rules! example {
    ($name:literal, $arguments:expr) => {
        Program {
            name: $name,
            source: Source::Example {
                wasm: include_bytes!(concat!("../../../examples/wasm/", $name, ".wasm")),
                arguments: $arguments,
            },
        }
    };
}

/// The programs of a set.
pub(crate) fn programs(set: Set) -> Vec<Program> {
    let small = match set {
        Set::Real => return real().into(),
        Set::Own => false,
        Set::Tiny => true,
    };
    let mut all = vec![example!("hello", &["Ada"]), example!("nqueens", if small { &["4"] } else { &["8"] })];
    all.extend(
        WORKLOADS
            .iter()
            .map(|workload| Program { name: workload.name, source: Source::Workload { workload, small } }),
    );
    all
}

impl Program {
    /// Puts the module where the command will find it.
    pub(crate) fn prepare(&self, fetched: &Path, scratch: &Path) -> Result<(), String> {
        let path = self.path(fetched, scratch);
        let wasm = match self.source {
            Source::Fetched { .. } if path.is_file() => return Ok(()),
            Source::Fetched { .. } => {
                return Err(format!("{} isn't there: run benches/fetch-programs.sh before", path.display()));
            }
            Source::Example { wasm, .. } => wasm,
            Source::Workload { workload, .. } => workload.wasm,
        };
        fs::write(&path, wasm).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn path(&self, fetched: &Path, scratch: &Path) -> std::path::PathBuf {
        match self.source {
            Source::Fetched { module, .. } => fetched.join(module),
            _ => scratch.join(self.name).with_extension("wasm"),
        }
    }

    /// The command line.
    pub(crate) fn command(&self, dunlin: &Path, way: Way, fetched: &Path, scratch: &Path) -> Command {
        let mut command = Command::new(dunlin);
        command.arg("run");
        command.args(match way {
            Way::Off => &["--jit", "off"][..],
            Way::Eager => &["--jit", "eager"],
            Way::Default => &[],
        });
        let path = self.path(fetched, scratch);
        match self.source {
            Source::Fetched { options, arguments, .. } => {
                command.current_dir(fetched).args(["--dir-ro", &format!("{INPUTS}::/in")]);
                command.args(options).arg(path).args(arguments)
            }
            Source::Example { arguments, .. } => command.arg(path).args(arguments),
            Source::Workload { workload, small } => {
                let n = if small { workload.small_n } else { workload.n };
                command.args(["--invoke", "run"]).arg(path).arg(n.to_string())
            }
        };
        command
    }

    /// What it must print, where that is known.
    pub(crate) fn expected(&self) -> Option<String> {
        match self.source {
            Source::Workload { workload, small } => {
                Some(format!("{}\n", if small { workload.small_result } else { workload.result }))
            }
            _ => None,
        }
    }
}
