//! Looks through a module while the engine loads it.

use super::scan::{Scan, ScanError, scan};
use crate::args::RegistryOptions;
use crate::failure::Failure;
use crate::host::reserve;
#[cfg(feature = "text")]
use crate::modules::load::Tap;
use crate::modules::load::{Opened, damage, damaged, empty, unusable};
use crate::modules::precompiled::{ModuleSource, PrecompiledCode};
use dunlin::{Engine, Error, Module, ModuleStream};
use std::ffi::OsStr;
use std::io::{self, BufReader, Read};

/// The result.
pub(crate) struct Looked {
    pub(crate) scan: Scan,
    /// The module, or why the engine can't load it, if it lacks a feature.
    pub(crate) module: Result<Module, Error>,
    /// The machine code behind the module, if there is some.
    pub(crate) code: Option<PrecompiledCode>,
}

/// Looks through a module. One that isn't valid is a failure, and so is one that exceeds a limit of the engine's.
pub(crate) fn look(engine: &Engine, path: &OsStr, registry: &RegistryOptions) -> Result<Looked, Failure> {
    let Opened { name, source, pinned } = Opened::open(path, registry)?;
    match source {
        ModuleSource::Module(mut reader) => {
            let (scan, module) = look_at(engine, &name, &mut reader, pinned.is_some())?;
            Ok(Looked { scan, module, code: None })
        }
        ModuleSource::Precompiled(mut code) => {
            let looked = look_through(engine, &name, &mut code, false);
            if !code.is_intact() {
                return Err(damaged(&name));
            }
            let (scan, module) = looked?;
            Ok(Looked { scan, module, code: Some(code) })
        }
    }
}

type Found = (Scan, Result<Module, Error>);

#[cfg(not(feature = "text"))]
fn look_at(engine: &Engine, name: &str, reader: impl Read, pulled: bool) -> Result<Found, Failure> {
    look_through(engine, name, reader, pulled)
}

/// Looks through a module, which may be in the text format.
#[cfg(feature = "text")]
fn look_at(engine: &Engine, name: &str, mut reader: impl Read, pulled: bool) -> Result<Found, Failure> {
    let mut text = Vec::new();
    // Enough bytes to see which format it is; the engine examines as many.
    const BEGINNING: u64 = 16 << 10;
    while text.iter().all(u8::is_ascii_whitespace) && (text.len() as u64) < BEGINNING {
        let read = reader.by_ref().take(64).read_to_end(&mut text);
        if read.map_err(|error| unusable(name, error.into()))? == 0 {
            break;
        }
    }
    if !matches!(text.trim_ascii_start().first(), Some(b'(' | b';')) {
        return look_through(engine, name, io::Cursor::new(text).chain(reader), pulled);
    }
    let mut kept = Tap::new(io::Cursor::new(text).chain(reader), Some(Vec::new()));
    let loaded = reserve::during(|| Module::from_reader(engine, &mut kept))?;
    if let Err(error) = loaded
        && error.missing_feature().is_none()
    {
        return Err(unusable(name, error));
    }
    // The engine has parsed it, so there is memory for that.
    let text = kept.kept.take().unwrap_or_default();
    let binary = wat::parse_bytes(&text).map_err(|error| unusable(name, Error::msg(error)))?;
    look_through(engine, name, &*binary, false)
}

/// Looks through a module in the binary format. One that was `pulled` may have been damaged on its way.
fn look_through(engine: &Engine, name: &str, reader: impl Read, pulled: bool) -> Result<Found, Failure> {
    let stream = Some(ModuleStream::new(engine));
    let mut loading = Loading { reader, bytes: 0, stream, refusal: None, failure: None };
    let scan = scan(BufReader::new(&mut loading));
    let Loading { mut reader, bytes, stream, refusal, failure } = loading;
    let mut because = |failure: Failure| match pulled.then(|| damage(&mut reader)).flatten() {
        Some(error) => unusable(name, error),
        None => failure,
    };
    if let Some(failure) = failure {
        return Err(failure);
    }
    let scan = match scan {
        Ok(scan) => Ok(scan),
        Err(ScanError::Invalid(why)) => Err(Failure::unusable(format_args!("{name}: {why}"))),
        Err(ScanError::Read(error)) => return Err(unusable(name, error.into())),
    };
    let module = match (stream, refusal) {
        (Some(stream), _) => reserve::during(|| stream.finish())?,
        (None, Some(error)) => Err(error),
        (None, None) => unreachable!("a stream ends with an error only"),
    };
    match module {
        // What the engine says of an invalid module goes first.
        Err(error) if error.missing_feature().is_none() => {
            Err(because(if bytes == 0 { empty(name) } else { unusable(name, error) }))
        }
        module => Ok((scan.map_err(because)?, module)),
    }
}

/// A reader of a module, which the engine loads meanwhile.
struct Loading<R> {
    reader: R,
    bytes: u64,
    /// `None` after an error.
    stream: Option<ModuleStream>,
    refusal: Option<Error>,
    /// Set if there is too little memory to continue.
    failure: Option<Failure>,
}

impl<R: Read> Read for Loading<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.bytes += count as u64;
        let Some(stream) = &mut self.stream else { return Ok(count) };
        match reserve::during(|| stream.push(&into[..count])) {
            Ok(Ok(())) => return Ok(count),
            Ok(Err(error)) => {
                let goes_on = error.missing_feature().is_some();
                (self.stream, self.refusal) = (None, Some(error));
                if goes_on {
                    return Ok(count);
                }
            }
            Err(failure) => self.failure = Some(failure),
        }
        // Read no more: the error has been recorded.
        Ok(0)
    }
}
