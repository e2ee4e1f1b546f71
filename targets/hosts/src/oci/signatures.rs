//! Where signatures lie.
//!
//! What is signed is the manifest or index that a reference leads to, as the bytes that the registry has. The signature is
//! the only layer, of 64 bytes, of an artifact whose `subject` is the signed one (OCI 1.1): found by the registry's list
//! of referrers, or, where it has none, by an index at the tag `sha256-HEX`. Since a manifest has the digests of all that
//! belongs to it, that is signed too.

use super::api::expect;
use super::manifest::{self, Descriptor, Document, Index, MOST_BYTES, Manifest, OCI_INDEX, OCI_MANIFEST};
use super::registries::Fetched;
use super::{Digest, OciError, Reference, Registries, SigningKey, VerifyingKey};

/// The type of the artifact, and of its layer.
const ARTIFACT: &str = "application/vnd.dunlin.signature.v1+ed25519";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Whoever may push may add any number of signatures.
const MOST_SIGNATURES: usize = 32;

/// Where the index of what refers to this is, if the registry keeps none itself.
fn fallback(reference: &Reference, digest: &Digest) -> Reference {
    reference.at_tag(format!("{}-{}", digest.algorithm(), digest.hex()))
}

/// Whether the key's owner signed what a reference leads to.
pub(super) fn verify(
    registries: &Registries,
    reference: &Reference,
    signed: &Fetched,
    key: &VerifyingKey,
) -> Result<(), OciError> {
    let mut signatures = list(registries, reference, &signed.digest)?;
    signatures.retain(|entry| entry.artifact_type.as_deref().is_none_or(|kind| kind == ARTIFACT));
    for entry in signatures.iter().take(MOST_SIGNATURES) {
        match signature(registries, reference, entry, &signed.digest) {
            Ok(signature) if key.verifies(&signed.bytes, &signature) => return Ok(()),
            Err(error) if error.is_unreachable() => return Err(error),
            // Anything may refer to it.
            _ => {}
        }
    }
    Err(OciError::NotSigned(reference.to_string()))
}

/// What refers to this.
fn list(
    registries: &Registries,
    reference: &Reference,
    digest: &Digest,
) -> Result<Vec<Descriptor>, OciError> {
    let at_tag = fallback(reference, digest);
    if !registries.options.offline
        && let Some(bytes) = referrers(registries, reference, digest)?
        && let Ok(Document::Index(index)) = manifest::parse(ARTIFACT, Some(OCI_INDEX), &bytes)
    {
        if let Some(cache) = &registries.options.cache {
            let digest = Digest::of(&bytes);
            cache.keep(&digest, &bytes);
            cache.remember(&at_tag, &digest);
        }
        return Ok(index.manifests);
    }
    match registries.document(&at_tag) {
        Ok(Fetched { bytes, .. }) => match manifest::parse(ARTIFACT, Some(OCI_INDEX), &bytes)? {
            Document::Index(index) => Ok(index.manifests),
            Document::Manifest(_) => Ok(Vec::new()),
        },
        Err(OciError::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The registry's own list; `None` if it keeps none, or can't be reached.
fn referrers(
    registries: &Registries,
    reference: &Reference,
    digest: &Digest,
) -> Result<Option<Vec<u8>>, OciError> {
    let api = &registries.api;
    let call = api.call(
        reference,
        "GET",
        &format!("referrers/{digest}?artifactType={ARTIFACT}").replace('+', "%2B"),
    );
    let asked = api.send(&call).and_then(|response| expect(&call, response, &[200]));
    match asked {
        Ok(response) => Ok(response.bytes().ok()),
        Err(OciError::Denied { registry, why }) => Err(OciError::Denied { registry, why }),
        Err(_) => Ok(None),
    }
}

fn signature(
    registries: &Registries,
    reference: &Reference,
    entry: &Descriptor,
    signed: &Digest,
) -> Result<Vec<u8>, OciError> {
    let wrong = |why: &str| OciError::Malformed { what: entry.digest.to_string(), why: why.into() };
    let Fetched { bytes, .. } = registries.document(&reference.at_digest(entry.digest.clone()))?;
    let Document::Manifest(artifact) = manifest::parse(ARTIFACT, None, &bytes)? else {
        return Err(wrong("it is an index"));
    };
    if artifact.subject.is_none_or(|subject| subject.digest != *signed) {
        return Err(wrong("it is about something else"));
    }
    match &artifact.layers[..] {
        [layer] if layer.media_type == ARTIFACT => registries.blob(reference, layer)?.bytes(64),
        _ => Err(wrong("it is no signature")),
    }
}

/// Signs what was pushed, and pushes the signature.
pub(super) fn sign(
    registries: &Registries,
    reference: &Reference,
    signed: &Descriptor,
    bytes: &[u8],
    key: &SigningKey,
) -> Result<(), OciError> {
    let signature = key.sign(bytes);
    let layer = Descriptor::of(ARTIFACT, &signature);
    let config = Descriptor::of(EMPTY, b"{}");
    registries.upload(reference, &config.digest, b"{}")?;
    registries.upload(reference, &layer.digest, &signature)?;
    let artifact = Manifest {
        schema_version: 2,
        media_type: Some(OCI_MANIFEST.into()),
        artifact_type: Some(ARTIFACT.into()),
        config,
        layers: vec![layer],
        subject: Some(signed.clone()),
    };
    let artifact = json(&artifact)?;
    let mut entry = Descriptor::of(OCI_MANIFEST, &artifact);
    entry.artifact_type = Some(ARTIFACT.into());
    let is_listed = registries.put(&reference.at_digest(entry.digest.clone()), OCI_MANIFEST, &artifact)?;
    if is_listed {
        return Ok(());
    }
    let at_tag = fallback(reference, &signed.digest);
    let mut manifests = match registries.api.manifest(&at_tag) {
        Ok((media_type, bytes)) if bytes.len() as u64 <= MOST_BYTES => {
            match manifest::parse(ARTIFACT, media_type.as_deref(), &bytes)? {
                Document::Index(index) => index.manifests,
                Document::Manifest(_) => Vec::new(),
            }
        }
        Ok(_) | Err(OciError::NotFound(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    if !manifests.iter().any(|known| known.digest == entry.digest) {
        manifests.push(entry);
    }
    let index = json(&Index { schema_version: 2, media_type: Some(OCI_INDEX.into()), manifests })?;
    registries.put(&at_tag, OCI_INDEX, &index)?;
    Ok(())
}

pub(super) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, OciError> {
    serde_json::to_vec(value).map_err(|error| OciError::Io(error.into()))
}
