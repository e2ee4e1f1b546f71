//! Modules from files and from standard input.

use crate::failure::{Failure, io_reason};
use crate::reserve;
use dunlin::{Engine, Error, ErrorKind, Module, ModuleOptions};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};

/// Loads a module as it is read.
pub(crate) fn load(engine: &Engine, path: &OsStr) -> Result<Module, Failure> {
    load_with(engine, path, &ModuleOptions::new())
}

/// Loads a module as it is read, with options.
pub(crate) fn load_with(engine: &Engine, path: &OsStr, options: &ModuleOptions) -> Result<Module, Failure> {
    let name = display_name(path);
    let mut reader = Counted { reader: open(path)?, bytes: 0 };
    let loaded = reserve::during(|| Module::from_reader_with(engine, &mut reader, options))?;
    loaded.map_err(|error| match reader.bytes {
        0 if error.kind() == ErrorKind::Invalid => empty(&name),
        _ => unusable(&name, &error),
    })
}

/// Reads a whole module, which is loaded too, and gives its bytes in the binary format.
pub(crate) fn load_with_bytes(engine: &Engine, path: &OsStr) -> Result<(Module, Vec<u8>), Failure> {
    let name = display_name(path);
    let mut bytes = Vec::new();
    open(path)?
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
    if bytes.is_empty() {
        return Err(empty(&name));
    }
    let module = reserve::during(|| Module::new(engine, &bytes))?.map_err(|error| unusable(&name, &error))?;
    #[cfg(feature = "text")]
    if !bytes.starts_with(b"\0asm") {
        let binary =
            wat::parse_bytes(&bytes).map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
        bytes = binary.into_owned();
    }
    Ok((module, bytes))
}

/// What messages call the module.
pub(crate) fn display_name(path: &OsStr) -> String {
    if path == "-" { "standard input".into() } else { path.display().to_string() }
}

fn open(path: &OsStr) -> Result<Box<dyn Read>, Failure> {
    if path == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let failure = |reason: &str| Failure::unusable(format_args!("{}: {reason}", path.display()));
    let file = File::open(path).map_err(|error| failure(&io_reason(&error)))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(failure("this is a folder, not a module"));
    }
    Ok(Box::new(file))
}

fn empty(name: &str) -> Failure {
    Failure::unusable(format_args!("{name}: there are no bytes in it, so it is no module"))
}

fn unusable(name: &str, error: &Error) -> Failure {
    match error.downcast_ref::<io::Error>() {
        Some(error) => Failure::unusable(format_args!("{name}: {}", io_reason(error))),
        None if error.kind() == ErrorKind::OutOfBudget => {
            Failure::over_budget(format_args!("{name}: can't be loaded: {error}"))
        }
        None => Failure::of(error.kind(), format_args!("{name}: {error}")),
    }
}

struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.bytes += count as u64;
        Ok(count)
    }
}
