//! Modules from files and from standard input.

use crate::failure::{Failure, io_reason};
use crate::precompiled::{Code, Source, source};
use crate::reserve;
use dunlin::{Engine, Error, ErrorKind, Module, ModuleOptions};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};

/// Loads a module as it is read.
pub(crate) fn load(engine: &Engine, path: &OsStr) -> Result<Module, Failure> {
    Opened::open(path)?.load(engine, &ModuleOptions::new()).map(|(module, _)| module)
}

/// What a path leads to.
pub(crate) struct Opened {
    name: String,
    source: Source,
}

impl Opened {
    /// Opens it, and looks what it is.
    pub(crate) fn open(path: &OsStr) -> Result<Self, Failure> {
        let name = display_name(path);
        let source = source(&name, open(path)?)?;
        Ok(Self { name, source })
    }

    /// Whether there is machine code behind the module.
    pub(crate) fn is_precompiled(&self) -> bool {
        matches!(self.source, Source::Precompiled(_))
    }

    /// Loads the module as it is read, with options; gives what stands behind it too.
    pub(crate) fn load(
        self,
        engine: &Engine,
        options: &ModuleOptions,
    ) -> Result<(Module, Option<Code>), Failure> {
        let name = self.name;
        match self.source {
            Source::Module(reader) => {
                let mut reader = Counted { reader, bytes: 0 };
                let loaded = reserve::during(|| Module::from_reader_with(engine, &mut reader, options))?;
                let module = loaded.map_err(|error| match reader.bytes {
                    0 if error.kind() == ErrorKind::Invalid => empty(&name),
                    _ => unusable(&name, &error),
                })?;
                Ok((module, None))
            }
            Source::Precompiled(mut code) => {
                let loaded = reserve::during(|| Module::from_reader_with(engine, &mut code, options))?;
                // Another module than what was compiled could be a valid one all the same.
                let intact = code.is_intact();
                match loaded {
                    Ok(module) if intact => Ok((module, Some(code))),
                    Err(error) if intact || error.kind() != ErrorKind::Invalid => {
                        Err(unusable(&name, &error))
                    }
                    _ => Err(damaged(&name)),
                }
            }
        }
    }
}

/// A module that was read whole.
pub(crate) struct Whole {
    pub(crate) module: Module,
    /// Its bytes in the binary format.
    pub(crate) bytes: Vec<u8>,
    /// What stands behind it.
    pub(crate) code: Option<Code>,
}

/// Reads a whole module, which is loaded too.
pub(crate) fn load_whole(engine: &Engine, path: &OsStr) -> Result<Whole, Failure> {
    let name = display_name(path);
    let mut bytes = Vec::new();
    let unreadable = |error| Failure::unusable(format_args!("{name}: {}", io_reason(&error)));
    let code = match Opened::open(path)?.source {
        Source::Module(mut reader) => {
            reader.read_to_end(&mut bytes).map_err(unreadable)?;
            None
        }
        Source::Precompiled(mut code) => {
            code.read_to_end(&mut bytes).map_err(unreadable)?;
            if !code.is_intact() {
                return Err(damaged(&name));
            }
            Some(code)
        }
    };
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
    Ok(Whole { module, bytes, code })
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

fn damaged(name: &str) -> Failure {
    Failure::unusable(format_args!("{name}: the module in it is damaged"))
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
