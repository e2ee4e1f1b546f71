//! What an application is configured with: the part `local_server` of a `fastly.toml`.

use hyper::Uri;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs;
use std::path::Path;

/// Where an application's requests go, and what is in its stores: `[local_server]` of a `fastly.toml`. What other parts
/// of such a file say is for Fastly's own tools, and left out.
#[derive(Clone, Default, Debug)]
pub struct LocalServer {
    /// The backends, by name. Requests go nowhere else.
    pub backends: BTreeMap<String, Backend>,
    /// The dictionaries and config stores, by name.
    pub dictionaries: BTreeMap<String, BTreeMap<String, String>>,
    /// The key-value stores as they are at the beginning, by name.
    pub kv_stores: BTreeMap<String, BTreeMap<String, KvEntry>>,
    /// The secret stores, by name.
    pub secret_stores: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

/// A place that requests may go to.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Backend {
    /// Its URL: scheme, host, and a path that comes before those of requests.
    pub url: String,
    /// The host that requests name, whatever the application says.
    pub override_host: Option<String>,
}

impl Backend {
    fn uri(&self) -> Option<Uri> {
        self.url.parse().ok()
    }

    /// Whether it is spoken to with TLS.
    pub fn is_secure(&self) -> bool {
        self.uri().is_some_and(|uri| uri.scheme_str() == Some("https"))
    }

    /// Its host, without the port.
    pub fn host(&self) -> String {
        self.uri().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default()
    }

    /// Its port, or that of its scheme.
    pub fn port(&self) -> u16 {
        let default = if self.is_secure() { 443 } else { 80 };
        self.uri().and_then(|uri| uri.port_u16()).unwrap_or(default)
    }
}

/// An entry of a key-value store.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct KvEntry {
    /// Its value.
    pub value: Vec<u8>,
    /// What is said of it.
    pub metadata: Vec<u8>,
}

/// Why a `fastly.toml` can't be used: a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidConfig(String);

impl InvalidConfig {
    pub(super) fn new(why: impl Display) -> Self {
        Self(why.to_string())
    }
}

impl Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidConfig {}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    local_server: Tables,
}

#[derive(Default, Deserialize)]
struct Tables {
    #[serde(default)]
    backends: BTreeMap<String, Backend>,
    #[serde(default)]
    dictionaries: BTreeMap<String, Dictionary>,
    #[serde(default)]
    config_stores: BTreeMap<String, Dictionary>,
    #[serde(default, alias = "object_store", alias = "object_stores")]
    kv_stores: BTreeMap<String, Entries>,
    #[serde(default, alias = "secret_store")]
    secret_stores: BTreeMap<String, Entries>,
}

#[derive(Deserialize)]
#[serde(tag = "format", rename_all = "kebab-case")]
enum Dictionary {
    InlineToml { contents: BTreeMap<String, String> },
    Json { file: String },
}

/// Entries one by one, or a file of JSON that has them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entries {
    Listed(Vec<Entry>),
    File { file: String },
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    data: Option<String>,
    #[serde(alias = "path")]
    file: Option<String>,
    env: Option<String>,
    #[serde(default)]
    metadata: String,
}

impl LocalServer {
    /// Reads a `fastly.toml`. The files that it names are looked for in `folder`.
    ///
    /// # Errors
    ///
    /// If it isn't one, a backend's URL can't be used, or one of the files can't be read.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, InvalidConfig> {
        let manifest: Manifest =
            toml::from_str(text).map_err(|error| InvalidConfig(error.to_string().trim_end().into()))?;
        let Tables { backends, dictionaries, config_stores, kv_stores, secret_stores } =
            manifest.local_server;
        for (name, Backend { url, .. }) in &backends {
            let parsed = url.parse::<Uri>().ok();
            let is_place = |url: &Uri| {
                matches!(url.scheme_str(), Some("http" | "https"))
                    && url.host().is_some_and(|host| !host.is_empty())
            };
            if !parsed.as_ref().is_some_and(is_place) {
                return Err(InvalidConfig(format!(
                    "backend {}: its URL should begin with http:// or https:// and name a host",
                    name.escape_debug()
                )));
            }
        }
        let files = Files { folder };
        let named = dictionaries.into_iter().chain(config_stores);
        let dictionaries = named.map(|(name, table)| Ok((name, files.dictionary(table)?)));
        let kv_stores = kv_stores.into_iter().map(|(name, entries)| Ok((name, files.entries(entries)?)));
        let secret_stores = secret_stores.into_iter().map(|(name, entries)| {
            let entries = files.entries(entries)?.into_iter();
            Ok((name, entries.map(|(key, entry)| (key, entry.value)).collect()))
        });
        Ok(Self {
            backends,
            dictionaries: dictionaries.collect::<Result<_, _>>()?,
            kv_stores: kv_stores.collect::<Result<_, _>>()?,
            secret_stores: secret_stores.collect::<Result<_, _>>()?,
        })
    }
}

/// Where files are looked for.
struct Files<'f> {
    folder: &'f Path,
}

impl Files<'_> {
    fn read(&self, file: &str) -> Result<Vec<u8>, InvalidConfig> {
        let unread = |error| InvalidConfig(format!("{}: {error}", file.escape_debug()));
        fs::read(self.folder.join(file)).map_err(unread)
    }

    fn json<T: for<'d> Deserialize<'d>>(&self, file: &str) -> Result<BTreeMap<String, T>, InvalidConfig> {
        let wrong = |error| InvalidConfig(format!("{}: {error}", file.escape_debug()));
        serde_json::from_slice(&self.read(file)?).map_err(wrong)
    }

    fn dictionary(&self, dictionary: Dictionary) -> Result<BTreeMap<String, String>, InvalidConfig> {
        match dictionary {
            Dictionary::InlineToml { contents } => Ok(contents),
            Dictionary::Json { file } => self.json(&file),
        }
    }

    fn entries(&self, entries: Entries) -> Result<BTreeMap<String, KvEntry>, InvalidConfig> {
        match entries {
            Entries::File { file } => {
                let known = self.json::<String>(&file)?.into_iter();
                let entry = |value: String| KvEntry { value: value.into(), metadata: Vec::new() };
                Ok(known.map(|(key, value)| (key, entry(value))).collect())
            }
            Entries::Listed(entries) => entries.into_iter().map(|entry| self.entry(entry)).collect(),
        }
    }

    fn entry(&self, entry: Entry) -> Result<(String, KvEntry), InvalidConfig> {
        let Entry { key, data, file, env, metadata } = entry;
        let value = match (data, file, env) {
            (Some(data), None, None) => data.into_bytes(),
            (None, Some(file), None) => self.read(&file)?,
            (None, None, Some(name)) => {
                let absent = |_| {
                    InvalidConfig::new(format_args!(
                        "the environment has no variable {}",
                        name.escape_debug()
                    ))
                };
                std::env::var(&name).map_err(absent)?.into_bytes()
            }
            _ => {
                let key = key.escape_debug();
                return Err(InvalidConfig(format!(
                    "key {key}: it should have one of 'data', 'file' and 'env'"
                )));
            }
        };
        Ok((key, KvEntry { value, metadata: metadata.into_bytes() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_and_backends_are_read() {
        let folder = std::env::temp_dir().join(format!("dunlin-fastly-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("words.json"), r#"{"hello": "world"}"#).unwrap();
        fs::write(folder.join("large.bin"), [0, 255]).unwrap();
        let read = LocalServer::parse(
            r#"
            name = "app"
            language = "rust"
            [scripts]
            build = "cargo build"
            [local_server.backends.origin]
            url = "http://127.0.0.1:9000/base"
            override_host = "example.org"
            [local_server.dictionaries.words]
            file = "words.json"
            format = "json"
            [local_server.config_stores.settings]
            format = "inline-toml"
            [local_server.config_stores.settings.contents]
            mode = "fast"
            [local_server.kv_stores]
            words = { file = "words.json", format = "json" }
            [[local_server.kv_stores.files]]
            key = "large"
            file = "large.bin"
            metadata = "two bytes"
            [[local_server.secret_stores.keys]]
            key = "token"
            data = "secret"
            "#,
            &folder,
        )
        .unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read.backends["origin"].override_host.as_deref(), Some("example.org"));
        assert_eq!(read.dictionaries["words"]["hello"], "world");
        assert_eq!(read.dictionaries["settings"]["mode"], "fast");
        assert_eq!(read.kv_stores["words"]["hello"].value, b"world");
        let large = KvEntry { value: vec![0, 255], metadata: b"two bytes".into() };
        assert_eq!(read.kv_stores["files"]["large"], large);
        assert_eq!(read.secret_stores["keys"]["token"], b"secret");
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        for (text, told) in [
            ("[local_server", "TOML parse error"),
            ("[local_server.backends.a]\nurl = \"example.org\"", "backend a: its URL should begin"),
            ("[[local_server.kv_stores.a]]\nkey = \"k\"", "key k: it should have one of"),
            ("[[local_server.kv_stores.a]]\nkey = \"k\"\nfile = \"none.json\"", "none.json: "),
        ] {
            let error = LocalServer::parse(text, Path::new("/nowhere")).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
