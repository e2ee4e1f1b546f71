//! A registry on loopback that does what it is told, wrong things too.

// Each test file uses some of this.
#![allow(dead_code)]

use dunlin_hosts::oci::Digest;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What it does wrong.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// The connection is closed after so many bytes of each blob.
    pub(crate) cut_at: Option<usize>,
    /// A range that is asked for isn't looked at.
    pub(crate) ignores_ranges: bool,
    /// A byte in the middle of each blob is another.
    pub(crate) changes: bool,
    /// So many bytes are left out at each blob's end, or added there, without a length being announced.
    pub(crate) longer: isize,
    /// Nothing comes after so many bytes of each blob.
    pub(crate) stalls_at: Option<usize>,
    /// Manifests are announced with this digest.
    pub(crate) announced_digest: Option<String>,
    /// Each answer has this status.
    pub(crate) status: Option<u16>,
    /// Where blobs are.
    pub(crate) blobs_elsewhere: Option<String>,
}

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Guarded {
    #[default]
    No,
    /// `ann` with the password `secret`.
    ByPassword,
    /// The same, who gets a token at `/token`.
    ByToken,
    /// Everybody gets a token to pull.
    ByAnonymousToken,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) what: String,
    pub(crate) headers: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) guarded: Guarded,
    pub(crate) asked: Vec<Asked>,
    pub(crate) blobs: HashMap<String, Vec<u8>>,
    /// By `REPOSITORY/manifests/TARGET`: type and bytes.
    pub(crate) manifests: HashMap<String, (String, Vec<u8>)>,
    /// Whether it lists what refers to something.
    pub(crate) lists_referrers: bool,
}

#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let registry = Self { address, state: Arc::default() };
        let serving = registry.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let registry = serving.clone();
                std::thread::spawn(move || registry.answer(stream));
            }
        });
        registry
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What was asked since this was last called.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state().asked.drain(..).map(|asked| asked.what).collect()
    }

    pub(crate) fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// Adds a blob, and gives its descriptor.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> serde_json::Value {
        let digest = Digest::of(bytes).to_string();
        self.state().blobs.insert(digest.clone(), bytes.into());
        serde_json::json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Adds a manifest or an index at a tag and at its digest, and gives its descriptor.
    pub(crate) fn manifest(
        &self,
        repository: &str,
        tag: &str,
        media_type: &str,
        manifest: &serde_json::Value,
    ) -> serde_json::Value {
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes).to_string();
        let descriptor = serde_json::json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        for target in [tag, &digest] {
            let key = format!("{repository}/manifests/{target}");
            self.state().manifests.insert(key, (media_type.into(), bytes.clone()));
        }
        descriptor
    }

    /// Adds an artifact of these layers.
    pub(crate) fn artifact(
        &self,
        repository: &str,
        tag: &str,
        config: (&str, &str),
        layers: &[(&str, &[u8])],
    ) -> serde_json::Value {
        let config = self.blob(config.0, config.1.as_bytes());
        let layers: Vec<_> = layers.iter().map(|(media_type, bytes)| self.blob(media_type, bytes)).collect();
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = serde_json::json!(
            {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
        self.manifest(repository, tag, media_type, &manifest)
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(&stream);
        while let Some(request) = Request::read(&mut reader) {
            let what = format!("{} {}", request.method, request.path);
            self.state().asked.push(Asked { what, headers: request.headers.clone() });
            let mut answer = self.answered(&request);
            let has_body = request.method != "HEAD";
            let faults = if answer.is_blob { self.state().faults.clone() } else { Faults::default() };
            if faults.changes {
                let middle = answer.body.len() / 2;
                answer.body[middle] ^= 1;
            }
            let length = match faults.longer {
                0 => format!("content-length: {}\r\n", answer.body.len()),
                longer => {
                    answer.body.resize(answer.body.len().saturating_add_signed(longer), 0);
                    "connection: close\r\n".into()
                }
            };
            let head = format!("HTTP/1.1 {} x\r\n{length}{}\r\n", answer.status, answer.headers);
            let end = faults.cut_at.or(faults.stalls_at).unwrap_or(usize::MAX).min(answer.body.len());
            let body = if has_body { &answer.body[..end] } else { &[] };
            if (&stream).write_all(&[head.as_bytes(), body].concat()).is_err() {
                return;
            }
            if faults.stalls_at.is_some() {
                std::thread::sleep(Duration::from_secs(3));
            }
            if end < answer.body.len() || faults.longer != 0 {
                return;
            }
        }
    }

    fn answered(&self, request: &Request) -> Answer {
        if let Some(status) = self.state().faults.status {
            return Answer::new(status, r#"{"errors":[{"code":"X","message":"it is \u001b[31mbroken"}]}"#);
        }
        if let Some(query) = request.path.strip_prefix("/token?") {
            return self.token(request, query);
        }
        let Some(path) = request.path.strip_prefix("/v2/") else { return Answer::new(404, "") };
        if let Some(refusal) = self.refusal(request, path) {
            return refusal;
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut state = self.state();
        match (&*request.method, path) {
            ("GET" | "HEAD", path) if path.contains("/manifests/") => match state.manifests.get(path) {
                Some((media_type, bytes)) => {
                    let digest = Digest::of(bytes).to_string();
                    let digest = state.faults.announced_digest.clone().unwrap_or(digest);
                    let headers =
                        format!("content-type: {media_type}\r\ndocker-content-digest: {digest}\r\n");
                    Answer { headers, ..Answer::new(200, bytes) }
                }
                None => Answer::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}"#),
            },
            ("GET" | "HEAD", path) if path.contains("/blobs/") => {
                let digest = path.rsplit('/').next().unwrap();
                if let Some(elsewhere) = &state.faults.blobs_elsewhere {
                    let headers = format!("location: {elsewhere}{}\r\n", request.path);
                    return Answer { headers, ..Answer::new(307, "") };
                }
                let Some(bytes) = state.blobs.get(digest) else { return Answer::new(404, "") };
                match request.range().filter(|_| !state.faults.ignores_ranges) {
                    None => Answer { is_blob: true, ..Answer::new(200, bytes) },
                    Some(from) if from >= bytes.len() => Answer::new(416, ""),
                    Some(from) => {
                        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                        let headers = format!("content-range: {range}\r\n");
                        Answer { headers, is_blob: true, ..Answer::new(206, &bytes[from..]) }
                    }
                }
            }
            ("GET", path) if path.contains("/referrers/") && state.lists_referrers => {
                let digest = path.rsplit('/').next().unwrap();
                Answer::new(200, state.referrers(digest).to_string())
            }
            ("POST", path) if path.ends_with("/blobs/uploads/") => {
                let headers = format!("location: /v2/{path}1?state=a%2Bb\r\n");
                Answer { headers, ..Answer::new(202, "") }
            }
            ("PUT", path) if path.contains("/blobs/uploads/") => {
                let digest = Digest::of(&request.body).to_string();
                if !query.ends_with(&format!("state=a%2Bb&digest={}", digest.replace(':', "%3A"))) {
                    return Answer::new(
                        400,
                        r#"{"errors":[{"code":"DIGEST_INVALID","message":"wrong digest"}]}"#,
                    );
                }
                state.blobs.insert(digest, request.body.clone());
                Answer::new(201, "")
            }
            ("PUT", path) if path.contains("/manifests/") => {
                let (repository, _) = path.split_once("/manifests/").unwrap();
                let manifest: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                let digest = Digest::of(&request.body);
                let media_type = request.header("content-type").unwrap().to_owned();
                for key in [path.to_owned(), format!("{repository}/manifests/{digest}")] {
                    state.manifests.insert(key, (media_type.clone(), request.body.clone()));
                }
                let subject = manifest["subject"]["digest"].as_str().filter(|_| state.lists_referrers);
                let headers =
                    subject.map(|subject| format!("oci-subject: {subject}\r\n")).unwrap_or_default();
                Answer { headers, ..Answer::new(201, "") }
            }
            _ => Answer::new(404, ""),
        }
    }

    fn token(&self, request: &Request, query: &str) -> Answer {
        let known = request.header("authorization") == Some("Basic YW5uOnNlY3JldA==");
        if !known && self.state().guarded == Guarded::ByToken {
            return Answer::new(401, "");
        }
        Answer::new(200, format!(r#"{{"token":"for-{}"}}"#, query.replace("%3A", ":").replace("%2C", ",")))
    }

    fn refusal(&self, request: &Request, path: &str) -> Option<Answer> {
        let repository =
            ["/manifests/", "/blobs/", "/referrers/"].iter().find_map(|part| path.split_once(part))?.0;
        let actions = if matches!(&*request.method, "GET") { "pull" } else { "pull,push" };
        let scope = format!("repository:{repository}:{actions}");
        let given = request.header("authorization").unwrap_or_default();
        let bearer = format!(r#"Bearer realm="http://{}/token",service="us",scope="{scope}""#, self.address);
        let (granted, challenge) = match self.state().guarded {
            Guarded::No => (true, String::new()),
            Guarded::ByPassword => (given == "Basic YW5uOnNlY3JldA==", r#"Basic realm="us""#.into()),
            Guarded::ByToken | Guarded::ByAnonymousToken => {
                let writes = format!("Bearer for-service=us&scope=repository:{repository}:pull,push");
                (given == format!("Bearer for-service=us&scope={scope}") || given == writes, bearer)
            }
        };
        let headers = format!("www-authenticate: {challenge}\r\n");
        let said = r#"{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}"#;
        (!granted).then(|| Answer { headers, ..Answer::new(401, said) })
    }
}

impl State {
    fn referrers(&self, digest: &str) -> serde_json::Value {
        let manifests = self.manifests.values().filter_map(|(media_type, bytes)| {
            let manifest: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            (manifest["subject"]["digest"] == digest).then(|| {
                serde_json::json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(),
                    "size": bytes.len(), "artifactType": manifest["artifactType"]})
            })
        });
        let manifests: Vec<_> = manifests.collect();
        serde_json::json!({"schemaVersion": 2, "manifests": manifests})
    }
}

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
    is_blob: bool,
}

impl Answer {
    fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self { status, headers: String::new(), body: body.as_ref().into(), is_blob: false }
    }
}

struct Request {
    method: String,
    path: String,
    headers: String,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut headers = String::new();
        while !headers.ends_with("\r\n\r\n") {
            if reader.read_line(&mut headers).ok()? == 0 {
                return None;
            }
        }
        let mut words = headers.split(' ');
        let (method, path) = (words.next()?.into(), words.next()?.into());
        let mut request = Self { method, path, headers, body: Vec::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}
