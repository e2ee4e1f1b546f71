//! The container's module: a file in it, or a layer of its image.

use anyhow::{Context, Result, bail};
use containerd_shim_wasm::sandbox::context::{RuntimeContext, Source};
use dunlin_jit::aot::{self, Opened};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Where a module is.
pub(crate) enum Module<'a> {
    /// In a file of the container.
    File(PathBuf),
    /// In memory. Machine code behind it is this shim's own.
    Layer { bytes: &'a [u8], precompiled: bool },
}

impl<'a> Module<'a> {
    /// Finds the module that the container's entrypoint names.
    pub(crate) fn find(context: &'a impl RuntimeContext) -> Result<Self> {
        match context.entrypoint().source {
            Source::File(name) => {
                let path = path(context.envs());
                let found = resolve(&name, path);
                let found = found
                    .with_context(|| format!("{}: there is no such file in the container", name.display()));
                found.map(Self::File)
            }
            Source::Oci([layer]) => Ok(Self::Layer { bytes: &layer.layer, precompiled: layer.precompiled }),
            Source::Oci(layers) => bail!("the image has {} modules, and a program is one", layers.len()),
        }
    }

    /// Makes a file of it. Machine code is left out if it isn't wanted.
    pub(crate) fn open(self, without_code: bool) -> Result<OpenModule> {
        let Self::Layer { bytes, precompiled } = self else {
            let Self::File(path) = self else { unreachable!() };
            return Ok(OpenModule { path, file: None, trusted: false });
        };
        let mut file = File::from(memfd_create("module", MemfdFlags::CLOEXEC)?);
        match aot::open(bytes) {
            Ok(Opened::Precompiled(mut reader)) if without_code => drop(io::copy(&mut reader, &mut file)?),
            _ => file.write_all(bytes)?,
        }
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        if !path.exists() {
            bail!("the container has no /proc, without which a module that is a layer can't be opened");
        }
        Ok(OpenModule { path, file: Some(file), trusted: precompiled && !without_code })
    }
}

/// A module that can be opened by its path.
pub(crate) struct OpenModule {
    /// The path.
    pub(crate) path: PathBuf,
    /// What is at it, if that is in memory.
    file: Option<File>,
    /// Whether there is machine code in it that this shim made.
    pub(crate) trusted: bool,
}

impl OpenModule {
    /// How many bytes of the container's memory it takes.
    pub(crate) fn held(&self) -> u64 {
        let size = |file: &File| file.metadata().map_or(0, |data| data.len());
        self.file.as_ref().map_or(0, size)
    }
}

/// The folders where a name without a folder is looked for.
fn path(environment: &[String]) -> &str {
    environment.iter().find_map(|variable| variable.strip_prefix("PATH=")).unwrap_or_default()
}

/// Where a program is: as shells do it, and at last in the working folder.
fn resolve(name: &Path, path: &str) -> Option<PathBuf> {
    let folders = path.split(':').filter(|folder| !folder.is_empty() && name.components().count() == 1);
    let found = |path: PathBuf| path.canonicalize().ok().filter(|path| path.is_file());
    folders.map(Path::new).chain([Path::new("")]).find_map(|folder| found(folder.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_shells_do() {
        let folder = std::env::temp_dir().join(format!("dunlin-shim-module-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("bin")).unwrap();
        let file = folder.canonicalize().unwrap().join("bin/a.wasm");
        std::fs::write(&file, b"\0asm").unwrap();
        let path = format!("/nowhere:{}", folder.join("bin").display());
        assert_eq!(resolve(Path::new("a.wasm"), &path), Some(file.clone()));
        assert_eq!(resolve(&file, ""), Some(file));
        assert_eq!(resolve(Path::new("a.wasm"), ""), None);
        // A name with a folder is not looked for in others, and a folder is no program.
        assert_eq!(resolve(Path::new("./a.wasm"), &path), None);
        assert_eq!(resolve(&folder, ""), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
