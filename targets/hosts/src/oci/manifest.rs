//! What a registry says of a name: manifests, indexes, and the configurations of images.

use super::{Digest, OciError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The types that are asked for.
pub(super) const ACCEPTED: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// A manifest or a configuration has at most so many bytes; the specification asks registries for as many.
pub(super) const MOST_BYTES: u64 = 4 << 20;

/// What is said of some bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) annotations: Option<Annotations>,
}

impl Descriptor {
    /// Of these bytes.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.into(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            platform: None,
            annotations: None,
        }
    }
}

/// Those that matter here.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(super) struct Annotations {
    #[serde(rename = "org.opencontainers.image.title", default, skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    pub(super) os: String,
    #[serde(default)]
    pub(super) architecture: String,
}

/// What a name leads to.
#[derive(Debug)]
pub(super) enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Descriptor>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) manifests: Vec<Descriptor>,
}

/// How an image begins.
#[derive(Default, Debug, Deserialize)]
pub(super) struct ImageConfig {
    #[serde(default)]
    config: Option<Process>,
}

#[derive(Default, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Process {
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
    #[serde(default)]
    working_dir: Option<String>,
}

impl ImageConfig {
    /// Which file is executed, from the root. What runwasi has behind `#` is a function's name.
    pub(super) fn program(&self) -> Option<String> {
        let process = self.config.as_ref()?;
        let words = [&process.entrypoint, &process.cmd].into_iter().flatten().flatten();
        let program = words.into_iter().next()?.split('#').next().unwrap_or_default();
        let folder = process.working_dir.as_deref().filter(|_| !program.starts_with('/')).unwrap_or_default();
        Some(plain_path(&format!("{folder}/{program}")))
    }
}

/// A path from the root, without what means nothing in it.
pub(super) fn plain_path(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Reads a manifest or an index. `media_type` is what the registry calls it.
pub(super) fn parse(what: &str, media_type: Option<&str>, bytes: &[u8]) -> Result<Document, OciError> {
    /// What both have.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Either {
        media_type: Option<String>,
        manifests: Option<de::IgnoredAny>,
    }
    let malformed = |why: String| OciError::Malformed { what: what.into(), why };
    let not_json = |error: serde_json::Error| malformed(format!("it is no manifest: {error}"));
    let either: Either = serde_json::from_slice(bytes).map_err(not_json)?;
    let media_type = either.media_type.as_deref().or(media_type);
    let is_index = match media_type {
        Some(OCI_INDEX | DOCKER_LIST) => true,
        Some(OCI_MANIFEST | DOCKER_MANIFEST) => false,
        _ => either.manifests.is_some(),
    };
    if is_index {
        Ok(Document::Index(serde_json::from_slice(bytes).map_err(not_json)?))
    } else {
        Ok(Document::Manifest(serde_json::from_slice(bytes).map_err(not_json)?))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
