//! Opens what a path leads to, and loads it as it is read.

use super::precompiled::{ModuleSource, PrecompiledCode, source};
use crate::args::RegistryOptions;
use crate::failure::{Failure, io_reason};
use crate::host::reserve;
use crate::host::streams::standard_input;
use dunlin::{Engine, Error, ErrorKind, Module, ModuleOptions};
#[cfg(feature = "hosts")]
use dunlin_hosts::oci::{PulledModule, Reference};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a module in a registry begins with.
const IN_REGISTRY: &str = "oci://";

/// What a path leads to.
pub(crate) struct Opened {
    /// What messages call it.
    pub(crate) name: String,
    /// What it is.
    pub(crate) source: ModuleSource,
    /// If it is in a registry: its name there, with its digest.
    pub(crate) pinned: Option<String>,
}

impl Opened {
    /// Opens it, and looks what it is. If it is in a registry, that is asked in this way.
    pub(crate) fn open(path: &OsStr, registry: &RegistryOptions) -> Result<Self, Failure> {
        let (reader, pinned) = open(path, registry)?;
        Self::of(display_name(path), reader, pinned)
    }

    /// Looks what the reader contains.
    pub(crate) fn of(name: String, reader: Box<dyn Read>, pinned: Option<String>) -> Result<Self, Failure> {
        let source = source(&name, reader)?;
        Ok(Self { name, source, pinned })
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
                let module = loaded.map_err(|error| match error.kind() {
                    ErrorKind::Invalid if tap.bytes == 0 => empty(&name),
                    ErrorKind::Invalid if self.pinned.is_some() => {
                        unusable(&name, damage(&mut tap).unwrap_or(error))
                    }
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
#[cfg(any(feature = "jit", feature = "hosts", feature = "gdb"))]
pub(crate) struct Whole {
    pub(crate) module: Module,
    /// Its bytes in the binary format.
    pub(crate) bytes: Vec<u8>,
}

#[cfg(any(feature = "jit", feature = "hosts", feature = "gdb"))]
impl Opened {
    /// Loads a module as it is read, and keeps its bytes. If it isn't a module, no more is read than that takes to see.
    pub(crate) fn load_whole(self, engine: &Engine, options: &ModuleOptions) -> Result<Whole, Failure> {
        #[cfg(feature = "text")]
        let name = self.name.clone();
        #[cfg_attr(not(feature = "text"), expect(unused_mut, reason = "only a text becomes something else"))]
        let (module, _, mut bytes) = self.load_and_keep(engine, options, Some(Vec::new()))?;
        #[cfg(feature = "text")]
        if !bytes.starts_with(b"\0asm") {
            let binary = wat::parse_bytes(&bytes)
                .map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
            bytes = binary.into_owned();
        }
        Ok(Whole { module, bytes })
    }
}

/// What came from a registry isn't valid: whether that is because it was damaged on its way, which its end tells.
pub(crate) fn damage(rest: &mut dyn Read) -> Option<Error> {
    io::copy(rest, &mut io::sink()).err().map(Error::from)
}

/// What messages call the module.
pub(crate) fn display_name(path: &OsStr) -> String {
    if path == "-" { "standard input".into() } else { path.display().to_string() }
}

/// What a program is called: its file, or the last part of its name in a registry, without what comes behind that.
pub(crate) fn program_name(path: &OsStr) -> Cow<'_, str> {
    let name = Path::new(path).file_name().unwrap_or(path).to_string_lossy();
    if !is_in_registry(path) {
        return name;
    }
    let whole = path.to_string_lossy();
    let without_digest = whole.split('@').next().unwrap_or_default();
    let last = without_digest.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_owned().into()
}

/// Whether a module is named by where it is in a registry.
pub(crate) fn is_in_registry(path: &OsStr) -> bool {
    path.as_encoded_bytes().starts_with(IN_REGISTRY.as_bytes())
}

/// A reader, and the name with the digest of what is in a registry.
pub(crate) type Reading = (Box<dyn Read>, Option<String>);

#[cfg(feature = "hosts")]
fn open_in_registry(path: &OsStr, registry: &RegistryOptions) -> Result<Reading, Failure> {
    let reference = super::registry::reference(path)?;
    let module = super::registry::open(&reference, registry)?;
    let pinned = pinned(&reference, &module);
    Ok((Box::new(module), Some(pinned)))
}

/// The name of what is in a registry, with its digest.
#[cfg(feature = "hosts")]
pub(crate) fn pinned(reference: &Reference, module: &PulledModule) -> String {
    let name = reference.to_string();
    let name = name.split('@').next().unwrap_or_default();
    format!("{IN_REGISTRY}{name}@{}", module.digest())
}

#[cfg(not(feature = "hosts"))]
fn open_in_registry(_: &OsStr, _: &RegistryOptions) -> Result<Reading, Failure> {
    Err(Failure::usage("this build of dunlin knows no registries: build it with the feature 'hosts'"))
}

/// What is at a path, in a registry, or in standard input.
pub(crate) fn open(path: &OsStr, registry: &RegistryOptions) -> Result<Reading, Failure> {
    if is_in_registry(path) {
        return open_in_registry(path, registry);
    }
    #[cfg(feature = "hosts")]
    if registry.verify_key.is_some() {
        return Err(Failure::usage("--verify-key is for a module in a registry: a file has no signature"));
    }
    if path == "-" {
        return Ok((Box::new(standard_input()), None));
    }
    let failure = |reason: &str| Failure::unusable(format_args!("{}: {reason}", path.display()));
    let file = File::open(path).map_err(|error| failure(&io_reason(&error)))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(failure("this is a folder, not a module"));
    }
    Ok((Box::new(file), None))
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
    /// Why nothing more could be read.
    #[cfg(feature = "hosts")]
    pub(crate) failure: Option<String>,
}

impl<R> Tap<R> {
    /// What is read is added to `kept`, if that is given.
    pub(crate) fn new(reader: R, kept: Option<Vec<u8>>) -> Self {
        Self {
            reader,
            bytes: 0,
            kept,
            #[cfg(feature = "hosts")]
            failure: None,
        }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into);
        #[cfg(feature = "hosts")]
        if let Err(error) = &count
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failure = Some(io_reason(error));
        }
        let count = count?;
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
