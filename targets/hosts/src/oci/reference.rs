//! References, as Docker writes them.

use super::digest::Digest;
use super::error::OciError;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The name of something in a registry: `[oci://][REGISTRY/]REPOSITORY[:TAG][@DIGEST]`.
///
/// As for Docker, the first part is a registry if it has a dot or a colon in it or is `localhost`; otherwise it is Docker
/// Hub, where a repository of one part is in `library`. Without a tag and a digest, the tag is `latest`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

const DOCKER_HUB: &str = "docker.io";

impl Reference {
    /// The registry: a host, perhaps with a port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// What it is called in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag. There is none if there is only a digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, which goes before the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same repository at another tag.
    pub(super) fn at_tag(&self, tag: impl Into<String>) -> Self {
        Self { tag: Some(tag.into()), digest: None, ..self.clone() }
    }

    /// The same repository at a digest.
    pub(super) fn at_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// What the registry calls it: its digest or its tag.
    pub(super) fn target(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.clone().unwrap_or_else(|| "latest".into()),
        }
    }

    /// The host that answers for the registry.
    pub(super) fn host(&self) -> &str {
        if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry }
    }

    /// What Docker's configuration calls the registry.
    pub(super) fn configured_as(&self) -> &str {
        if self.registry == DOCKER_HUB { "https://index.docker.io/v1/" } else { &self.registry }
    }

    /// Whether the registry is on this machine: then it is spoken to without TLS.
    pub(super) fn is_local(&self) -> bool {
        let host = match self.registry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
            _ => &self.registry,
        };
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, OciError> {
        parse(text.strip_prefix("oci://").unwrap_or(text))
            .map_err(|why| OciError::InvalidReference(text.into(), why))
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest.parse()?)),
        None => (text, None),
    };
    let after_slash = name.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match name[after_slash..].split_once(':') {
        Some((_, tag)) => (&name[..name.len() - tag.len() - 1], Some(tag)),
        None => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("a tag has at most 128 letters, digits, dots, underscores and dashes");
    }
    let is_registry = |part: &str| part == "localhost" || part.contains(['.', ':']);
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (first, path.to_owned()),
        Some(_) => (DOCKER_HUB, name.to_owned()),
        None => (DOCKER_HUB, format!("library/{name}")),
    };
    let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
    let of_a_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if !registry.chars().all(of_a_host) || registry.starts_with(['.', '-', ':']) || registry.ends_with(':') {
        return Err("its registry is no host");
    }
    if path.len() > 255 || !path.split('/').all(is_part) {
        return Err(
            "a repository consists of small letters and digits, with . _ - between them and / between parts",
        );
    }
    let tag = tag.map(Into::into).or_else(|| digest.is_none().then(|| "latest".into()));
    Ok(Reference { registry: registry.to_ascii_lowercase(), repository: path, tag, digest })
}

fn is_tag(tag: &str) -> bool {
    let of_a_tag = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    (1..=128).contains(&tag.len()) && tag.bytes().all(of_a_tag) && !tag.starts_with(['.', '-'])
}

/// Letters and digits, with separators between them: a dot, one or two underscores, any number of dashes.
fn is_part(part: &str) -> bool {
    let is_word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().zip(bytes.last()).is_some_and(|(first, last)| is_word(*first) && is_word(*last));
    let separators = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends && separators
        .into_iter()
        .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|c| c == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn references_mean_what_they_mean_to_docker() {
        for (text, meaning) in [
            ("app", "docker.io/library/app:latest"),
            ("app:v1", "docker.io/library/app:v1"),
            ("user/app", "docker.io/user/app:latest"),
            ("index.docker.io/user/app", "docker.io/user/app:latest"),
            ("oci://localhost:5000/app:v1", "localhost:5000/app:v1"),
            ("localhost/app", "localhost/app:latest"),
            ("registry.example/a/b/c-d__e.f:1.0_x-y", "registry.example/a/b/c-d__e.f:1.0_x-y"),
            ("[::1]:5000/a---b", "[::1]:5000/a---b:latest"),
            ("Registry.example/a", "registry.example/a:latest"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), meaning, "{text}");
        }
        let by_digest = format!("registry.example/app@{DIGEST}");
        let reference: Reference = by_digest.parse().unwrap();
        assert_eq!(
            (reference.to_string(), reference.tag(), reference.target()),
            (by_digest, None, DIGEST.into())
        );
        let both: Reference = format!("registry.example/app:v1@{DIGEST}").parse().unwrap();
        assert_eq!((both.tag(), both.target()), (Some("v1"), DIGEST.into()));
        assert_eq!("app".parse::<Reference>().unwrap().host(), "registry-1.docker.io");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let long = format!("a:{}", "x".repeat(129));
        for wrong in [
            "",
            "oci://",
            "App",
            "a/B",
            "a//b",
            "a/",
            "/a",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a:",
            "a: ",
            "a:.x",
            "a b",
            "a@",
            "a@md5:00",
            "a@sha256:00",
            "loc alhost:5000/a",
            "localhost:/a",
            "a?b",
            "../a",
            "localhost:5000/",
            &long,
        ] {
            let refused = wrong.parse::<Reference>();
            assert!(matches!(refused, Err(OciError::InvalidReference(..))), "{wrong}: {refused:?}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        let is_local = |text: &str| text.parse::<Reference>().unwrap().is_local();
        for local in
            ["localhost/a", "localhost:5000/a", "127.0.0.1:5000/a", "127.1.2.3/a", "[::1]:5000/a", "[::1]/a"]
        {
            assert!(is_local(local), "{local}");
        }
        for remote in
            ["a", "localhost.example/a", "10.0.0.1:5000/a", "[::2]:5000/a", "registry.example/localhost"]
        {
            assert!(!is_local(remote), "{remote}");
        }
    }
}
