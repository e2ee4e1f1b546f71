//! Pushing, in the layout of the CNCF's working group: one layer that is the module, and a configuration.

use super::api::{Call, expect};
use super::auth::encoded;
use super::manifest::{Annotations, Descriptor, Manifest, OCI_MANIFEST};
use super::signatures::{json, sign};
use super::{Digest, OciError, Reference, Registries, SigningKey};
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const MODULE: &str = "application/wasm";

/// What was pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// The digest of the manifest, by which it can be had for ever.
    pub digest: Digest,
    /// How many bytes the module has.
    pub size: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WasmConfig<'c> {
    created: String,
    architecture: &'c str,
    os: &'c str,
    layer_digests: [&'c Digest; 1],
}

impl Registries {
    /// Pushes a core module, which WASI preview 1 runs. `title` is its file's name, and `created` when that was made: the
    /// same module, title and time give the same digest.
    ///
    /// # Errors
    ///
    /// If the reference names a digest, or the registry doesn't take it.
    pub fn push(
        &self,
        reference: &Reference,
        module: &[u8],
        title: &str,
        created: SystemTime,
        key: Option<&SigningKey>,
    ) -> Result<Pushed, OciError> {
        if reference.digest().is_some() {
            return Err(OciError::InvalidReference(
                reference.to_string(),
                "what is pushed gets a tag, not a digest",
            ));
        }
        let mut layer = Descriptor::of(MODULE, module);
        let config = WasmConfig {
            created: rfc3339(created),
            architecture: "wasm",
            os: "wasip1",
            layer_digests: [&layer.digest],
        };
        let config_bytes = json(&config)?;
        let config = Descriptor::of(CONFIG, &config_bytes);
        self.upload(reference, &config.digest, &config_bytes)?;
        self.upload(reference, &layer.digest, module)?;
        layer.annotations = Some(Annotations { title: Some(title.into()) });
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(OCI_MANIFEST.into()),
            artifact_type: None,
            config,
            layers: vec![layer],
            subject: None,
        };
        let manifest = json(&manifest)?;
        self.put(reference, OCI_MANIFEST, &manifest)?;
        let pushed = Descriptor::of(OCI_MANIFEST, &manifest);
        if let Some(key) = key {
            sign(self, reference, &pushed, &manifest, key)?;
        }
        Ok(Pushed { digest: pushed.digest, size: module.len() as u64 })
    }

    /// Makes sure that the registry has a blob.
    pub(super) fn upload(
        &self,
        reference: &Reference,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), OciError> {
        let api = &self.api;
        let writing = |method, rest: &str| Call { writes: true, ..api.call(reference, method, rest) };
        if api.send(&writing("HEAD", &format!("blobs/{digest}")))?.status == 200 {
            return Ok(());
        }
        let begin = Call { body: Some(b""), ..writing("POST", "blobs/uploads/") };
        let begun = expect(&begin, api.send(&begin)?, &[202])?;
        let location = begun.headers.text("location").ok_or_else(|| OciError::Malformed {
            what: reference.to_string(),
            why: "it doesn't say where to upload to".into(),
        })?;
        let separator = if location.contains('?') { '&' } else { '?' };
        let root = if location.starts_with('/') { api.root(reference) } else { String::new() };
        let url = format!("{root}{location}{separator}digest={}", encoded(&digest.to_string()));
        let put = Call { url, body: Some(bytes), is_long: true, ..writing("PUT", "") };
        let put = Call { headers: vec![("content-type", "application/octet-stream".into())], ..put };
        expect(&put, api.send(&put)?, &[201])?;
        Ok(())
    }

    /// Puts a manifest or an index at its name. Whether the registry lists it with its subject itself.
    pub(super) fn put(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<bool, OciError> {
        let call = self.api.call(reference, "PUT", &format!("manifests/{}", reference.target()));
        let headers = vec![("content-type", media_type.into())];
        let call = Call { writes: true, headers, body: Some(bytes), ..call };
        let response = expect(&call, self.api.send(&call)?, &[201])?;
        Ok(response.headers.get("oci-subject").is_some())
    }
}

/// `2026-01-02T03:04:05Z`
fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, in eras of 400 of them.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_written_as_the_standard_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
