//! Who asks: Docker's configuration.

use super::reference::Reference;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// Names and passwords for registries, as `docker login` and `podman login` keep them in a `config.json`.
#[derive(Clone, Default)]
pub struct Credentials {
    path: PathBuf,
    config: Config,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    auths: HashMap<String, Entry>,
    #[serde(default)]
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: HashMap<String, String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Entry {
    /// `NAME:PASSWORD` in base64.
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// How to say who asks.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Secret {
    Password {
        user: String,
        password: String,
    },
    /// What a token is had for.
    IdentityToken(String),
    /// The token itself.
    RegistryToken(String),
}

impl Credentials {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of `$DOCKER_CONFIG/config.json`, or `~/.docker/config.json`. If there is no such file, there are none.
    ///
    /// # Errors
    ///
    /// If it can't be read, or isn't what Docker writes.
    pub fn of_user() -> io::Result<Self> {
        let folder = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let folder = folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
        match folder.map(|folder| Self::from_file(folder.join("config.json"))) {
            None => Ok(Self::none()),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Self::none()),
            Some(read) => read,
        }
    }

    /// Those of a file.
    ///
    /// # Errors
    ///
    /// If it can't be read, or isn't what Docker writes.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let text = fs::read(&path)?;
        // The error would quote what may be a password.
        let wrong = |error: serde_json::Error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{}: not what Docker writes ({place})", path.display()),
            )
        };
        let config = serde_json::from_slice(&text).map_err(wrong)?;
        Ok(Self { path, config })
    }

    /// What there is for a registry.
    pub(super) fn secret(&self, reference: &Reference) -> Option<Secret> {
        let name = reference.configured_as();
        let is_it = |known: &str| {
            let host = |text: &str| {
                let text = text.trim_start_matches("https://").trim_start_matches("http://");
                text.split('/').next().unwrap_or_default().to_owned()
            };
            known == name || host(known) == host(name)
        };
        let entry =
            self.config.auths.get(name).or_else(|| {
                self.config.auths.iter().find(|(known, _)| is_it(known)).map(|(_, entry)| entry)
            })?;
        entry.secret()
    }

    /// Why there is nothing for a registry, or what there is may be wrong: for a message.
    pub(super) fn hint(&self, reference: &Reference) -> String {
        let config = &self.config;
        let registry = reference.registry();
        let helper = config.cred_helpers.get(registry).or(config.creds_store.as_ref());
        match (self.secret(reference), helper) {
            (Some(_), _) => format!("what {} has for it isn't accepted", self.path.display()),
            (None, Some(helper)) => format!(
                "{} leaves its password to the program docker-credential-{helper}, which isn't called: put it under \
                 'auths', as docker login does without a credential store",
                self.path.display()
            ),
            (None, None) => format!("there is no password for it: docker login {registry} keeps one"),
        }
    }
}

impl Entry {
    fn secret(&self) -> Option<Secret> {
        if !self.registrytoken.is_empty() {
            return Some(Secret::RegistryToken(self.registrytoken.clone()));
        }
        if !self.identitytoken.is_empty() {
            return Some(Secret::IdentityToken(self.identitytoken.clone()));
        }
        let decoded =
            BASE64_STANDARD.decode(self.auth.trim()).ok().and_then(|text| String::from_utf8(text).ok());
        let (user, password) = match decoded.as_deref().and_then(|text| text.split_once(':')) {
            Some((user, password)) => (user, password.trim_end_matches('\0')),
            None => (&*self.username, &*self.password),
        };
        (!user.is_empty()).then(|| Secret::Password { user: user.into(), password: password.into() })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The header's value for a name and a password.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(text: &str) -> Credentials {
        Credentials { path: "config.json".into(), config: serde_json::from_str(text).unwrap() }
    }

    fn secret(config: &str, reference: &str) -> Option<(String, String)> {
        match credentials(config).secret(&reference.parse().unwrap())? {
            Secret::Password { user, password } => Some((user, password)),
            Secret::IdentityToken(token) => Some(("identity".into(), token)),
            Secret::RegistryToken(token) => Some(("registry".into(), token)),
        }
    }

    #[test]
    fn each_way_to_say_who_asks_is_read() {
        // ann:a:b
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        let config = r#"{"auths": {
            "localhost:5000": {"auth": "YW5uOmE6Yg=="},
            "https://index.docker.io/v1/": {"username": "ann", "password": "c"},
            "https://registry.example/v2/": {"identitytoken": "t", "auth": "YW5uOg=="},
            "r.example": {"registrytoken": "u"}, "empty.example": {}}, "HttpHeaders": {"a": "b"}}"#;
        assert_eq!(secret(config, "localhost:5000/app"), pair("ann", "a:b"));
        assert_eq!(secret(config, "ann/app"), pair("ann", "c"));
        assert_eq!(secret(config, "registry.example/app"), pair("identity", "t"));
        assert_eq!(secret(config, "r.example/app"), pair("registry", "u"));
        assert_eq!(secret(config, "empty.example/app"), None);
        assert_eq!(secret(config, "localhost:5001/app"), None);
    }

    #[test]
    fn helpers_are_named() {
        let hint = |config: &str| credentials(config).hint(&"registry.example/app".parse().unwrap());
        assert!(
            hint(r#"{"credsStore": "desktop"}"#).contains("docker-credential-desktop, which isn't called")
        );
        let both = r#"{"credsStore": "desktop", "credHelpers": {"registry.example": "pass"}}"#;
        assert!(hint(both).contains("docker-credential-pass"));
        assert_eq!(hint("{}"), "there is no password for it: docker login registry.example keeps one");
        assert!(hint(r#"{"auths": {"registry.example": {"auth": "YTpi"}}}"#).ends_with("isn't accepted"));
    }
}
