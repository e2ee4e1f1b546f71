//! Registries: what their names lead to, from a cache or from them.

use super::api::Api;
use super::blob::BlobReader;
use super::cache::Cache;
use super::choose;
use super::credentials::Credentials;
use super::digest::Digest;
use super::error::OciError;
use super::manifest::{self, Descriptor, Document, MOST_BYTES, Manifest};
use super::reference::Reference;
use super::signature::VerifyingKey;
use crate::services::http::OutboundHttp;
use std::fmt;
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

    /// Follows indexes to a manifest.
    pub(super) fn manifest(&self, reference: &Reference, top: Fetched) -> Result<Manifest, OciError> {
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

    pub(super) fn warn(&self, sentence: &str) {
        if let Some(warn) = &self.options.warn {
            warn(sentence);
        }
    }
}
