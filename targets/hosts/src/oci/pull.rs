//! Pulling: modules and bundles as they arrive.

use super::archive::{self, Archive, Layer};
use super::blob::BlobReader;
use super::choose::{self, Choice, Packing};
use super::digest::Digest;
use super::error::OciError;
use super::manifest::{Descriptor, ImageConfig, MOST_BYTES, Manifest};
use super::reference::Reference;
use super::registries::{Fetched, Registries};
use super::signatures;
use std::fmt;
use std::io::{self, Cursor, Read};

/// What an archive in memory may have, where there is no cache.
const MOST_IN_MEMORY: u64 = 256 << 20;

impl Registries {
    /// Opens a module, to be read as it arrives.
    ///
    /// A digest is asked for once, if there is a cache; a tag each time, and what it was then is only used if the registry
    /// doesn't answer. Modules in archives are read when the whole archive has come and is right.
    ///
    /// # Errors
    ///
    /// If there is no module by this name, or it can't be had.
    pub fn open(&self, reference: &Reference) -> Result<PulledModule, OciError> {
        let top = self.signed_document(reference)?;
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
        let top = self.signed_document(reference)?;
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

    /// What a reference leads to, signed as the options want it.
    fn signed_document(&self, reference: &Reference) -> Result<Fetched, OciError> {
        let top = self.document(reference)?;
        if let Some(key) = &self.options.verify_key {
            signatures::verify(self, reference, &top, key)?;
        }
        Ok(top)
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
