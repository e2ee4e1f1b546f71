//! A blob as it arrives: from the cache or from a registry, which may break off.

use super::api::Api;
use super::cache::Arriving;
use super::digest::Digester;
use super::manifest::Descriptor;
use super::{Cache, Digest, OciError, Reference};
use crate::services::http::{HttpError, Response};
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// How often in a row a download is taken up again without any progress.
const ATTEMPTS: u32 = 4;

/// How long is waited before that, twice as long each time.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads a blob, and ends without an error only if its size and its digest are right.
pub(super) struct BlobReader {
    what: String,
    digest: Digest,
    size: u64,
    source: Source,
    state: State,
    read: u64,
    cache: Option<Cache>,
    arriving: Option<Arriving>,
}

/// Whether the bytes are right.
enum State {
    Unknown(Box<Digester>),
    Right,
    Wrong,
}

enum Source {
    Kept(File),
    Download(Download),
}

impl BlobReader {
    /// Opens a blob. Without a registry to ask, it must be in the cache.
    pub(super) fn open(
        api: Option<&Arc<Api>>,
        cache: Option<&Cache>,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<Self, OciError> {
        let Descriptor { digest, size, .. } = descriptor;
        let what = format!("{digest} of {reference}");
        let kept = cache.and_then(|cache| cache.open(digest, Some(*size)));
        let (source, arriving) = match (kept, api) {
            (Some(file), _) => (Source::Kept(file), None),
            (None, None) => return Err(OciError::NotCached(what)),
            (None, Some(api)) => {
                let download = Download::begin(api, reference, digest, *size)?;
                (Source::Download(download), cache.and_then(|cache| cache.begin(*size)))
            }
        };
        let state = State::Unknown(Box::new(digest.digester()));
        let (digest, size, cache) = (digest.clone(), *size, cache.cloned());
        Ok(Self { what, digest, size, source, state, read: 0, cache, arriving })
    }

    /// The whole of a small blob.
    pub(super) fn bytes(mut self, limit: u64) -> Result<Vec<u8>, OciError> {
        if self.size > limit {
            let why = format!("it should have {} bytes, which is more than {limit}", self.size);
            return Err(OciError::Malformed { what: self.what, why });
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads what is left, to see whether the whole is right.
    pub(super) fn verify(&mut self) -> Result<(), OciError> {
        io::copy(self, &mut io::sink())?;
        Ok(())
    }

    /// Whether it will be in the cache.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.source, Source::Kept(_)) || self.arriving.is_some()
    }

    fn wrong_size(&self, found: u64) -> OciError {
        OciError::WrongSize { what: self.what.clone(), expected: self.size, found }
    }

    /// The end has come: compares, and keeps what is right.
    fn compare(&mut self) -> Result<(), OciError> {
        let arriving = self.arriving.take();
        let digester = match std::mem::replace(&mut self.state, State::Wrong) {
            State::Unknown(digester) => digester,
            State::Right => {
                self.state = State::Right;
                return Ok(());
            }
            State::Wrong => {
                let why = "it was wrong already".into();
                return Err(OciError::Malformed { what: self.what.clone(), why });
            }
        };
        if self.read != self.size {
            return Err(self.wrong_size(self.read));
        }
        let found = digester.finish();
        if found == self.digest {
            self.state = State::Right;
            if let Some(arriving) = arriving {
                arriving.keep(&self.digest);
            }
            return Ok(());
        }
        if let (Source::Kept(_), Some(cache)) = (&self.source, &self.cache) {
            cache.remove(&self.digest);
            return Err(OciError::DamagedCache(self.digest.clone()));
        }
        Err(OciError::WrongDigest { what: self.what.clone(), expected: self.digest.clone(), found })
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.source {
            Source::Kept(file) => file.read(into)?,
            Source::Download(download) => download.read(into).map_err(OciError::into_io)?,
        };
        if count == 0 {
            self.compare().map_err(OciError::into_io)?;
            return Ok(0);
        }
        self.read += count as u64;
        if self.read > self.size {
            (self.arriving, self.state) = (None, State::Wrong);
            return Err(self.wrong_size(self.read).into_io());
        }
        if let State::Unknown(digester) = &mut self.state {
            digester.update(&into[..count]);
        }
        // A full disk isn't the program's business.
        if self.arriving.as_mut().is_some_and(|arriving| arriving.write(&into[..count]).is_err()) {
            self.arriving = None;
        }
        Ok(count)
    }
}

/// A download that is taken up again where it broke off.
struct Download {
    api: Arc<Api>,
    reference: Reference,
    digest: Digest,
    size: u64,
    at: u64,
    body: Box<dyn Read + Send>,
    /// How often it broke off since the last byte.
    failures: u32,
}

impl Download {
    fn begin(api: &Arc<Api>, reference: &Reference, digest: &Digest, size: u64) -> Result<Self, OciError> {
        let response = api.blob(reference, digest, 0)?;
        let what = || format!("{digest} of {reference}");
        if let Some(found) = length(&response).filter(|length| *length != size) {
            return Err(OciError::WrongSize { what: what(), expected: size, found });
        }
        let (api, reference, digest) = (api.clone(), reference.clone(), digest.clone());
        Ok(Self { api, reference, digest, size, at: 0, body: response.body, failures: 0 })
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, OciError> {
        loop {
            let broken = match self.body.read(into) {
                Ok(0) if self.at >= self.size => return Ok(0),
                Ok(0) => {
                    let what = format!("{} of {}", self.digest, self.reference);
                    OciError::WrongSize { what, expected: self.size, found: self.at }
                }
                Ok(count) => {
                    self.at += count as u64;
                    self.failures = 0;
                    return Ok(count);
                }
                Err(error) => self.broken(error),
            };
            self.failures += 1;
            if self.failures > ATTEMPTS {
                return Err(broken);
            }
            std::thread::sleep(PAUSE * (1 << (self.failures - 1)));
            self.resume(broken)?;
        }
    }

    /// Asks for the rest. If that fails as well, it may be tried again.
    fn resume(&mut self, broken: OciError) -> Result<(), OciError> {
        let response = match self.api.blob(&self.reference, &self.digest, self.at) {
            Ok(response) => response,
            Err(error) if error.is_unreachable() => {
                self.body = Box::new(Failing(Some(error)));
                return Ok(());
            }
            // There is no rest.
            Err(OciError::Status { status: 416, .. }) => return Err(broken),
            Err(error) => return Err(error),
        };
        let start = response
            .headers
            .text("content-range")
            .and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok());
        let mut body = response.body;
        match (response.status, start) {
            (206, Some(start)) if start == self.at => {}
            (206, _) => {
                let why = format!("asked for the bytes from {} on, it sends others", self.at);
                return Err(OciError::Malformed { what: self.digest.to_string(), why });
            }
            // It can't send a part: what is known is skipped.
            _ => {
                let skipped = io::copy(&mut body.by_ref().take(self.at), &mut io::sink());
                if skipped.ok() != Some(self.at) {
                    body = Box::new(Failing(Some(broken)));
                }
            }
        }
        self.body = body;
        Ok(())
    }

    fn broken(&self, error: io::Error) -> OciError {
        let error = match error.downcast::<OciError>() {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        let error = error.downcast::<HttpError>().unwrap_or_else(|error| {
            let why = match error.kind() {
                io::ErrorKind::UnexpectedEof => "the connection was closed before the end".into(),
                _ => error.to_string(),
            };
            HttpError::Connection(why)
        });
        super::api::failed(&self.reference, error)
    }
}

/// A body that can't be had.
struct Failing(Option<OciError>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().map_or_else(|| io::ErrorKind::UnexpectedEof.into(), OciError::into_io))
    }
}

fn length(response: &Response) -> Option<u64> {
    response.headers.text("content-length")?.trim().parse().ok()
}
