//! wasm3, built with the machine's C compiler: its Rust bindings hold an old version that lacks bulk memory.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of the source package.
pub(crate) const VERSION: &str = "0.5.0";

const WORKER: &str = include_str!("wasm3.c");

/// Builds wasm3's worker in that folder. Its sources come from the folder that the variable `WASM3_SOURCE` names, or
/// from Python's package index. Returns the program and the compiler's name.
pub(crate) fn build(folder: &Path) -> Result<(PathBuf, String), String> {
    let source = match env::var_os("WASM3_SOURCE") {
        Some(source) => source.into(),
        None => download(folder)?,
    };
    let main = folder.join("worker.c");
    fs::write(&main, WORKER).map_err(|error| error.to_string())?;
    let mut files = vec![main];
    for entry in fs::read_dir(&source).map_err(|error| format!("{}: {error}", source.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            files.push(path);
        }
    }
    let program = folder.join("wasm3-worker");
    let compilers = env::var("CC")
        .map_or_else(|_| ["clang-19", "clang", "cc"].map(str::to_owned).to_vec(), |compiler| vec![compiler]);
    for compiler in compilers {
        let mut command = Command::new(&compiler);
        // The flags are those of wasm3's own builds.
        command.args(["-O3", "-DNDEBUG", "-fomit-frame-pointer", "-fno-stack-check", "-fno-stack-protector"]);
        command.arg("-I").arg(&source).args(&files).arg("-lm").arg("-o").arg(&program);
        match command.output() {
            Ok(output) if output.status.success() => return Ok((program, compiler)),
            Ok(output) => return Err(format!("{compiler}: {}", String::from_utf8_lossy(&output.stderr))),
            Err(_) => {}
        }
    }
    Err("no C compiler was found".to_owned())
}

fn download(folder: &Path) -> Result<PathBuf, String> {
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let package = format!("pywasm3=={VERSION}");
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"])
        .arg(folder)
        .arg(&package))
    .map_err(|error| format!("its sources cannot be fetched (set WASM3_SOURCE to their folder): {error}"))?;
    run(Command::new("tar")
        .arg("-xzf")
        .arg(folder.join(format!("pywasm3-{VERSION}.tar.gz")))
        .arg("-C")
        .arg(folder))?;
    Ok(folder.join(format!("pywasm3-{VERSION}/wasm3")))
}
