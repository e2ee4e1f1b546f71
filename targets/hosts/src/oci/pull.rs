//! Pulling: modules and bundles as they arrive.

use super::archive::{self, Archive, Layer};
use super::blob::BlobReader;
use super::choose::{self, Choice, Packing};
use super::digest::Digest;
use super::error::OciError;
use super::manifest::{Descriptor, ImageConfig, MOST_BYTES, Manifest};
use super::reference::Reference;
use super::registries::Registries;
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
        let (digest, manifest) = self.signed_manifest(reference)?;
        self.module(reference, digest, &manifest)
    }

    /// Opens what a reference is the name of: a bundle of policies as it is, if the manifest says that it is one; otherwise
    /// a module, as [`open`](Self::open) does.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_artifact(&self, reference: &Reference) -> Result<PulledModule, OciError> {
        let (digest, manifest) = self.signed_manifest(reference)?;
        match choose::bundle(&manifest) {
            Some(layer) => Ok(PulledModule { is_bundle: true, ..self.layer(reference, digest, layer)? }),
            None => self.module(reference, digest, &manifest),
        }
    }

    fn layer(
        &self,
        reference: &Reference,
        digest: Digest,
        layer: &Descriptor,
    ) -> Result<PulledModule, OciError> {
        let source = Source::Layer(Box::new(self.blob(reference, layer)?));
        Ok(PulledModule { digest, size: layer.size, path: None, is_bundle: false, source })
    }

    fn module(
        &self,
        reference: &Reference,
        digest: Digest,
        manifest: &Manifest,
    ) -> Result<PulledModule, OciError> {
        let what = reference.to_string();
        match choose::layer(&what, manifest)? {
            Choice::Module(layer) => self.layer(reference, digest, layer),
            Choice::Archives(layers) => {
                let program = self.program(reference, manifest)?;
                let mut layers = layers.into_iter().rev();
                let next = || {
                    let (layer, packing) = layers.next()?;
                    Some(self.archive(reference, layer, packing))
                };
                let (path, size, reader) = archive::module(&what, program.as_deref(), next)?;
                let source = Source::File(reader);
                Ok(PulledModule { digest, size, path: Some(path), is_bundle: false, source })
            }
        }
    }

    /// Opens the only layer of a manifest as it is, whatever it is: a bundle, for example.
    ///
    /// # Errors
    ///
    /// If there is none or more than one, or it can't be had.
    pub fn open_layer(&self, reference: &Reference) -> Result<PulledModule, OciError> {
        let (digest, manifest) = self.signed_manifest(reference)?;
        match &manifest.layers[..] {
            [layer] => self.layer(reference, digest, layer),
            layers => {
                Err(OciError::NoModule(format!("{reference} has {} layers instead of one", layers.len())))
            }
        }
    }

    /// The manifest that a reference leads to, and the digest of what leads there, signed as the options want it.
    fn signed_manifest(&self, reference: &Reference) -> Result<(Digest, Manifest), OciError> {
        let top = self.document(reference)?;
        if let Some(key) = &self.options.verify_key {
            signatures::verify(self, reference, &top, key)?;
        }
        let digest = top.digest.clone();
        Ok((digest, self.manifest(reference, top)?))
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

/// A module, or a bundle, as it arrives.
pub struct PulledModule {
    digest: Digest,
    size: u64,
    path: Option<String>,
    is_bundle: bool,
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

    /// Whether the manifest says that it is a bundle of policies, of which a module is only a part.
    pub fn is_bundle(&self) -> bool {
        self.is_bundle
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
        let Self { digest, size, path, is_bundle, source: _ } = self;
        f.debug_struct("PulledModule")
            .field("digest", digest)
            .field("size", size)
            .field("path", path)
            .field("is_bundle", is_bundle)
            .finish()
    }
}
