//! Pulling.

use super::api::Api;
use super::archive::{self, Archive, Layer};
use super::blob::BlobReader;
use super::choose::{self, Choice, Packing};
use super::manifest::{self, Descriptor, Document, ImageConfig, MOST_BYTES, Manifest};
use super::{Cache, Credentials, Digest, OciError, Reference, VerifyingKey, signatures};
use crate::services::http::OutboundHttp;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

/// How registries are asked: everything has a default.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Who asks: by default nobody in particular.
    pub credentials: Credentials,
    /// Where blobs are kept: by default nowhere.
    pub cache: Option<Cache>,
    /// Whether other registries than those of this machine are spoken to without TLS.
    pub plain_http: bool,
    /// Whether only the cache is asked.
    pub offline: bool,
    /// Whose signature there must be.
    pub verify_key: Option<VerifyingKey>,
    /// How long a registry may be silent: by default 30 seconds.
    pub idle: Option<Duration>,
    /// What sends the requests: by default clients of this crate's.
    pub http: Option<Arc<dyn OutboundHttp>>,
    /// What is told in a sentence when it isn't as it should be, but goes on: by default nobody.
    pub warn: Option<Arc<Warn>>,
}

/// Is told a sentence.
pub type Warn = dyn Fn(&str) + Send + Sync;

/// What an archive in memory may have, where there is no cache.
const MOST_IN_MEMORY: u64 = 256 << 20;

/// An index in an index in an index is enough.
const MOST_NESTED: usize = 3;

/// Registries of OCI, with a cache before them.
pub struct Registries {
    pub(super) api: Arc<Api>,
    pub(super) options: Options,
}

impl fmt::Debug for Registries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registries").field("cache", &self.options.cache).finish_non_exhaustive()
    }
}

/// Bytes with the digest that they have.
pub(super) struct Fetched {
    pub(super) digest: Digest,
    pub(super) media_type: Option<String>,
    pub(super) bytes: Vec<u8>,
}

impl Registries {
    /// Registries that are asked in this way.
    pub fn new(options: Options) -> Self {
        let Options { http, credentials, plain_http, idle, .. } = &options;
        let api = Arc::new(Api::new(http.clone(), credentials.clone(), *plain_http, *idle));
        Self { api, options }
    }

    /// Opens a module, to be read as it arrives.
    ///
    /// A digest is asked for once, if there is a cache; a tag each time, and what it was then is only used if the registry
    /// doesn't answer. Modules in archives are read when the whole archive has come and is right.
    ///
    /// # Errors
    ///
    /// If there is no module by this name, or it can't be had.
    pub fn open(&self, reference: &Reference) -> Result<PulledModule, OciError> {
        let top = self.document(reference)?;
        if let Some(key) = &self.options.verify_key {
            signatures::verify(self, reference, &top, key)?;
        }
        let digest = top.digest.clone();
        let manifest = self.manifest(reference, top)?;
        let what = reference.to_string();
        match choose::layer(&what, &manifest)? {
            Choice::Module(layer) => {
                let reader = self.blob(reference, layer)?;
                Ok(PulledModule {
                    digest,
                    size: layer.size,
                    path: None,
                    source: Source::Layer(Box::new(reader)),
                })
            }
            Choice::Archives(layers) => {
                let program = self.program(reference, &manifest)?;
                let mut layers = layers.into_iter().rev();
                let next = || {
                    let (layer, packing) = layers.next()?;
                    Some(self.archive(reference, layer, packing))
                };
                let (path, size, reader) = archive::module(&what, program.as_deref(), next)?;
                Ok(PulledModule { digest, size, path: Some(path), source: Source::File(reader) })
            }
        }
    }

    /// Opens the only layer of a manifest as it is, whatever it is: a bundle, for example.
    ///
    /// # Errors
    ///
    /// If there is none or more than one, or it can't be had.
    pub fn open_layer(&self, reference: &Reference) -> Result<PulledModule, OciError> {
        let top = self.document(reference)?;
        if let Some(key) = &self.options.verify_key {
            signatures::verify(self, reference, &top, key)?;
        }
        let digest = top.digest.clone();
        let manifest = self.manifest(reference, top)?;
        match &manifest.layers[..] {
            [layer] => {
                let source = Source::Layer(Box::new(self.blob(reference, layer)?));
                Ok(PulledModule { digest, size: layer.size, path: None, source })
            }
            layers => {
                Err(OciError::NoModule(format!("{reference} has {} layers instead of one", layers.len())))
            }
        }
    }

    /// Follows indexes to a manifest.
    fn manifest(&self, reference: &Reference, top: Fetched) -> Result<Manifest, OciError> {
        let what = reference.to_string();
        let mut fetched = top;
        for _ in 0..MOST_NESTED {
            match manifest::parse(&what, fetched.media_type.as_deref(), &fetched.bytes)? {
                Document::Manifest(manifest) => return Ok(*manifest),
                Document::Index(index) => {
                    let entry = choose::platform(&what, &index)?;
                    fetched = self.document(&reference.at_digest(entry.digest.clone()))?;
                    if fetched.bytes.len() as u64 != entry.size {
                        let (expected, found) = (entry.size, fetched.bytes.len() as u64);
                        return Err(OciError::WrongSize { what: entry.digest.to_string(), expected, found });
                    }
                }
            }
        }
        Err(OciError::Malformed { what, why: "its indexes lead on and on".into() })
    }

    /// The bytes of a manifest or an index, whose digest is right.
    pub(super) fn document(&self, reference: &Reference) -> Result<Fetched, OciError> {
        let cache = self.options.cache.as_ref();
        let kept = |digest: &Digest| {
            let bytes = cache?.read(digest, MOST_BYTES)?;
            Some(Fetched { digest: digest.clone(), media_type: None, bytes })
        };
        let known = |reference: &Reference| cache.and_then(|cache| kept(&cache.remembered(reference)?));
        if let Some(kept) = reference.digest().and_then(kept) {
            return Ok(kept);
        }
        if self.options.offline {
            return known(reference).ok_or_else(|| OciError::NotCached(reference.to_string()));
        }
        let (media_type, bytes) = match self.api.manifest(reference) {
            Ok(answer) => answer,
            Err(error) => {
                let known = if error.is_unreachable() { known(reference) } else { None };
                let Some(known) = known else { return Err(error) };
                self.warn(&format!("{error}; what it was when it last answered is used: {}", known.digest));
                return Ok(known);
            }
        };
        let digest = match reference.digest() {
            None => Digest::of(&bytes),
            Some(expected) => {
                let what = || reference.to_string();
                expected.check(&bytes).map_err(|found| OciError::WrongDigest {
                    what: what(),
                    expected: expected.clone(),
                    found,
                })?;
                expected.clone()
            }
        };
        if let Some(cache) = cache {
            cache.keep(&digest, &bytes);
            if reference.digest().is_none() {
                cache.remember(reference, &digest);
            }
        }
        Ok(Fetched { digest, media_type, bytes })
    }

    pub(super) fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<BlobReader, OciError> {
        let api = (!self.options.offline).then_some(&self.api);
        BlobReader::open(api, self.options.cache.as_ref(), reference, descriptor)
    }

    /// The program that an image's configuration names.
    fn program(&self, reference: &Reference, manifest: &Manifest) -> Result<Option<String>, OciError> {
        let is_image = manifest.config.media_type.contains("image.config")
            || manifest.config.media_type.contains("docker.container.image");
        if !is_image {
            return Ok(None);
        }
        let bytes = self.blob(reference, &manifest.config)?.bytes(MOST_BYTES)?;
        let config: ImageConfig = serde_json::from_slice(&bytes).map_err(|error| OciError::Malformed {
            what: reference.to_string(),
            why: format!("its configuration can't be read: {error}"),
        })?;
        Ok(config.program())
    }

    /// A layer with files, when all of it has come.
    fn archive(
        &self,
        reference: &Reference,
        layer: &Descriptor,
        packing: Packing,
    ) -> Result<Archive, OciError> {
        let mut reader = self.blob(reference, layer)?;
        let kept = |layer: &Descriptor| self.options.cache.as_ref()?.open(&layer.digest, Some(layer.size));
        let whole: Box<dyn Layer> = match &self.options.cache {
            Some(_) if reader.is_kept() => {
                reader.verify()?;
                Box::new(kept(layer).ok_or_else(|| OciError::NotCached(layer.digest.to_string()))?)
            }
            _ => Box::new(Cursor::new(reader.bytes(MOST_IN_MEMORY)?)),
        };
        Archive::open(&format!("{} of {reference}", layer.digest), whole, packing)
    }

    pub(super) fn warn(&self, sentence: &str) {
        if let Some(warn) = &self.options.warn {
            warn(sentence);
        }
    }
}

/// A module as it arrives.
pub struct PulledModule {
    digest: Digest,
    size: u64,
    path: Option<String>,
    source: Source,
}

enum Source {
    Layer(Box<BlobReader>),
    /// Of an archive that is right.
    File(Box<dyn Read + Send>),
}

impl PulledModule {
    /// The digest of the manifest or index that the reference leads to.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where it is in the files of an image.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Reads what is left, to see whether the whole is right: for who stops early because of what he reads, which
    /// may be damaged.
    ///
    /// # Errors
    ///
    /// If it isn't.
    pub fn verify(&mut self) -> Result<(), OciError> {
        match &mut self.source {
            Source::Layer(reader) => reader.verify(),
            Source::File(_) => Ok(()),
        }
    }
}

impl Read for PulledModule {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Layer(reader) => reader.read(into),
            Source::File(reader) => reader.read(into),
        }
    }
}

impl fmt::Debug for PulledModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest, size, path, source: _ } = self;
        f.debug_struct("PulledModule")
            .field("digest", digest)
            .field("size", size)
            .field("path", path)
            .finish()
    }
}
