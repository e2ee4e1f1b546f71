//! Opens what a path leads to, and loads it as it is read.

use super::precompiled::{ModuleSource, PrecompiledCode, source};
use crate::failure::{Failure, io_reason};
use crate::host::reserve;
use crate::host::streams::StandardInput;
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
    /// What messages call it.
    pub(crate) name: String,
    /// What it is.
    pub(crate) source: ModuleSource,
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
        matches!(self.source, ModuleSource::Precompiled(_))
    }

    /// Loads the module as it is read, with options. Also gives the machine code behind it.
    pub(crate) fn load(
        self,
        engine: &Engine,
        options: &ModuleOptions,
    ) -> Result<(Module, Option<PrecompiledCode>), Failure> {
        let (module, code, _) = self.load_and_keep(engine, options, None)?;
        Ok((module, code))
    }

    /// The same; what is read is added to `kept`, if that is given.
    fn load_and_keep(
        self,
        engine: &Engine,
        options: &ModuleOptions,
        kept: Option<Vec<u8>>,
    ) -> Result<(Module, Option<PrecompiledCode>, Vec<u8>), Failure> {
        let name = self.name;
        match self.source {
            ModuleSource::Module(reader) => {
                let mut tap = Tap::new(reader, kept);
                let loaded = reserve::during(|| Module::from_reader_with(engine, &mut tap, options))?;
                let module = loaded.map_err(|error| match tap.bytes {
                    0 if error.kind() == ErrorKind::Invalid => empty(&name),
                    _ => unusable(&name, error),
                })?;
                Ok((module, None, tap.kept.unwrap_or_default()))
            }
            ModuleSource::Precompiled(mut code) => {
                let mut tap = Tap::new(&mut code, kept);
                let loaded = reserve::during(|| Module::from_reader_with(engine, &mut tap, options))?;
                let bytes = tap.kept.unwrap_or_default();
                // The file may have been changed to hold another valid module, so check that it is the compiled one.
                let intact = code.is_intact();
                match loaded {
                    Ok(module) if intact => Ok((module, Some(code), bytes)),
                    Err(error) if intact || error.kind() != ErrorKind::Invalid => Err(unusable(&name, error)),
                    _ => Err(damaged(&name)),
                }
            }
        }
    }
}

/// A module with its bytes.
#[cfg(feature = "jit")]
pub(crate) struct Whole {
    pub(crate) module: Module,
    /// Its bytes in the binary format.
    pub(crate) bytes: Vec<u8>,
}

/// Loads a module as it is read, and keeps its bytes. If it isn't a module, no more is read than that takes to see.
#[cfg(feature = "jit")]
pub(crate) fn load_whole(engine: &Engine, path: &OsStr) -> Result<Whole, Failure> {
    let opened = Opened::open(path)?;
    #[cfg_attr(not(feature = "text"), expect(unused_mut, reason = "only a text becomes something else"))]
    let (module, _, mut bytes) = opened.load_and_keep(engine, &ModuleOptions::new(), Some(Vec::new()))?;
    #[cfg(feature = "text")]
    if !bytes.starts_with(b"\0asm") {
        let name = display_name(path);
        let binary =
            wat::parse_bytes(&bytes).map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
        bytes = binary.into_owned();
    }
    Ok(Whole { module, bytes })
}

/// What messages call the module.
pub(crate) fn display_name(path: &OsStr) -> String {
    if path == "-" { "standard input".into() } else { path.display().to_string() }
}

fn open(path: &OsStr) -> Result<Box<dyn Read>, Failure> {
    if path == "-" {
        return Ok(Box::new(StandardInput::lock()));
    }
    let failure = |reason: &str| Failure::unusable(format_args!("{}: {reason}", path.display()));
    let file = File::open(path).map_err(|error| failure(&io_reason(&error)))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(failure("this is a folder, not a module"));
    }
    Ok(Box::new(file))
}

pub(crate) fn empty(name: &str) -> Failure {
    Failure::unusable(format_args!("{name}: there are no bytes in it, so it is no module"))
}

pub(crate) fn damaged(name: &str) -> Failure {
    Failure::unusable(format_args!("{name}: the module in it is damaged"))
}

pub(crate) fn unusable(name: &str, error: Error) -> Failure {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Failure::unusable(format_args!("{name}: {}", io_reason(error)));
    }
    let kind = error.kind();
    if kind == ErrorKind::OutOfBudget {
        return Failure::over_budget(format_args!("{name}: can't be loaded: {error}"));
    }
    #[cfg(feature = "text")]
    let error = match error.downcast::<wat::Error>() {
        Ok(mut error) => {
            error.set_path(name);
            return Failure::unusable(format_args!("{name}: {error}"));
        }
        Err(error) => error,
    };
    Failure::of(kind, format_args!("{name}: {error}"))
}

/// A reader that counts what is read, and keeps it if that is wanted.
pub(crate) struct Tap<R> {
    reader: R,
    bytes: u64,
    pub(crate) kept: Option<Vec<u8>>,
}

impl<R> Tap<R> {
    /// What is read is added to `kept`, if that is given.
    pub(crate) fn new(reader: R, kept: Option<Vec<u8>>) -> Self {
        Self { reader, bytes: 0, kept }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.bytes += count as u64;
        if let Some(kept) = &mut self.kept {
            kept.try_reserve(count)?;
            kept.extend_from_slice(&into[..count]);
        }
        Ok(count)
    }
}

/// How many functions the module defines.
pub(crate) fn defined_functions(module: &Module) -> u32 {
    let imported = module.imports().filter(|import| import.ty().func().is_some()).count();
    module.func_count() - imported as u32
}
