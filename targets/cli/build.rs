//! How the command is linked on Linux with glibc: statically, and at a fixed address. A dynamic loader takes as long as a
//! small guest does, the shared libraries take more memory than it does, and the tables of handlers would be relocated,
//! which writes all of them.
//!
//! Without the archives of the C library, or if `DUNLIN_DYNAMIC` is set, the command is linked as other programs are.

use std::env::var;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// The libraries that Rust's library names, and the archives with what it wants of them.
const LIBRARIES: [(&str, &str); 7] = [
    ("gcc_s", "libgcc_eh.a libgcc.a"),
    ("c", "libc.a libgcc_eh.a libgcc.a"),
    ("m", "libm.a"),
    ("dl", "libdl.a"),
    ("rt", "librt.a"),
    ("util", "libutil.a"),
    ("pthread", "libpthread.a"),
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    for variable in ["DUNLIN_DYNAMIC", "RUSTC_LINKER"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let has_glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    // Sanitizers replace functions of a shared C library.
    let refused = var("DUNLIN_DYNAMIC").is_ok() || var("CARGO_CFG_SANITIZE").is_ok();
    if !has_glibc || refused || !has_archives() {
        return Ok(());
    }
    let folder = PathBuf::from(var("OUT_DIR").expect("Cargo sets it")).join("archives");
    lead_to_archives(&folder)?;
    for argument in ["-no-pie".into(), "-static".into(), format!("-L{}", folder.display())] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    Ok(())
}

/// Whether the C compiler that links has all the archives.
fn has_archives() -> bool {
    let compiler = var("RUSTC_LINKER").unwrap_or_else(|_| "cc".into());
    LIBRARIES.iter().flat_map(|(_, archives)| archives.split(' ')).all(|archive| {
        let found = Command::new(&compiler).arg(format!("-print-file-name={archive}")).output();
        // A name that it doesn't know is printed as it is.
        found.is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_absolute())
    })
}

/// Whether programs are linked statically is up to rustc's `crt-static`, for all crates of a build at once, and no build
/// with it can have a procedural macro. So what the linker finds under the names of shared libraries are scripts that
/// name archives.
fn lead_to_archives(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (library, archives) in LIBRARIES {
        let named: Vec<_> = archives.split(' ').map(|archive| format!("-l:{archive}")).collect();
        fs::write(folder.join(format!("lib{library}.so")), format!("GROUP({})\n", named.join(" ")))?;
    }
    Ok(())
}
