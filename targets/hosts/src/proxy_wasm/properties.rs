//! What filters can ask about a stream, by paths.

use super::host::{Context, Host};
use super::status::Status;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What the proxy knows of a stream. Filters read it as properties.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// `source.address` and `source.port`: the client.
    pub source: Option<SocketAddr>,
    /// `destination.address` and `destination.port`: where the proxy was reached.
    pub destination: Option<SocketAddr>,
    /// `connection.id`, `connection_id`.
    pub connection_id: u64,
    /// `connection.mtls`.
    pub mtls: bool,
    /// `request.protocol`, as `HTTP/1.1`.
    pub protocol: String,
    /// `cluster_name`.
    pub cluster_name: String,
    /// `route_name`.
    pub route_name: String,
    /// `request.time`, in nanoseconds since 1970.
    pub time: u64,
    /// Any others: the path, with a NUL between its segments, and the value as the filter reads it.
    pub others: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What filters set; later filters see it.
    pub(super) set: SetProperties,
}

/// How many bytes of properties the filters of a stream may set.
const MOST_SET: usize = 16 << 10;

/// Properties that filters set.
#[derive(Clone, Debug, Default)]
pub(super) struct SetProperties(Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>);

impl SetProperties {
    pub(super) fn get(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    pub(super) fn set(&self, path: &[u8], value: &[u8]) -> Result<(), Status> {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = set.iter().filter(|(other, _)| *other != path);
        let held: usize = others.map(|(path, value)| path.len() + value.len()).sum();
        if held + path.len() + value.len() > MOST_SET || set.len() >= 256 {
            return Err(Status::InternalFailure);
        }
        set.insert(path.to_vec(), value.to_vec());
        Ok(())
    }
}

impl Host {
    /// A property of the stream or the plugin that the guest acts for, as the guest reads it.
    pub(super) fn property(&mut self, path: &[u8]) -> Result<Vec<u8>, Status> {
        let options = self.options.clone();
        let path = path.strip_suffix(&[0]).unwrap_or(path);
        let text = |text: &str| Ok(text.as_bytes().to_vec());
        match path {
            b"plugin_name" => return text(&options.name),
            b"plugin_root_id" => return text(&options.root_id),
            b"plugin_vm_id" => return text(&options.vm_id),
            _ => {}
        }
        self.context().and_then(|context| context.property(path)).ok_or(Status::NotFound)
    }
}

/// A number as guests read it.
fn number(number: u64) -> Option<Vec<u8>> {
    Some(number.to_le_bytes().to_vec())
}

impl Context {
    fn property(&self, path: &[u8]) -> Option<Vec<u8>> {
        let attributes = &self.attributes;
        let text = |text: &str| Some(text.as_bytes().to_vec());
        if let Some(value) = attributes.set.get(path).or_else(|| attributes.others.get(path).cloned()) {
            return Some(value);
        }
        let mut segments = path.splitn(3, |byte| *byte == 0);
        let (first, second) = (segments.next()?, segments.next());
        let address = match first {
            b"source" => attributes.source,
            b"destination" => attributes.destination,
            _ => None,
        };
        match (first, second, segments.next()) {
            (b"connection_id", None, None) => number(attributes.connection_id),
            (b"cluster_name", None, None) => text(&attributes.cluster_name),
            (b"route_name", None, None) => text(&attributes.route_name),
            (b"connection", Some(b"id"), None) => number(attributes.connection_id),
            (b"connection", Some(b"mtls"), None) => Some(vec![attributes.mtls.into()]),
            (b"source" | b"destination", Some(b"address"), None) => text(&address?.to_string()),
            (b"source" | b"destination", Some(b"port"), None) => number(address?.port().into()),
            (b"request", Some(b"headers"), name) => headers_property(self.request_headers()?, name),
            (b"response", Some(b"headers"), name) => headers_property(self.response_headers()?, name),
            (b"request", Some(name), None) => self.request_property(name),
            (b"response", Some(b"code"), None) => {
                let status = str::from_utf8(self.response_headers()?.get(":status")?).ok()?;
                number(status.parse().ok()?)
            }
            _ => None,
        }
    }

    fn request_property(&self, name: &[u8]) -> Option<Vec<u8>> {
        match name {
            b"protocol" => return Some(self.attributes.protocol.as_bytes().to_vec()),
            b"time" => return number(self.attributes.time),
            _ => {}
        }
        let headers = self.request_headers()?;
        let header = |name: &str| headers.get(name).map(<[u8]>::to_vec);
        let path = || header(":path");
        match name {
            b"path" => path(),
            b"url_path" => path()?.split(|byte| *byte == b'?').next().map(<[u8]>::to_vec),
            b"query" => match path()?.splitn(2, |byte| *byte == b'?').nth(1) {
                Some(query) => Some(query.split(|byte| *byte == b'#').next()?.to_vec()),
                None => Some(Vec::new()),
            },
            b"host" => header(":authority"),
            b"scheme" => header(":scheme"),
            b"method" => header(":method"),
            b"referer" => header("referer"),
            b"useragent" => header("user-agent"),
            b"id" => header("x-request-id"),
            b"size" => {
                let length = headers.get("content-length").and_then(|text| str::from_utf8(text).ok());
                number(
                    length.and_then(|text| text.parse().ok()).unwrap_or(self.request.body.get().len() as u64),
                )
            }
            _ => None,
        }
    }

    fn request_headers(&self) -> Option<&super::Headers> {
        self.request.headers.as_ref().or(self.request.passed.as_ref()).map(|held| held.get())
    }

    fn response_headers(&self) -> Option<&super::Headers> {
        self.response.headers.as_ref().or(self.response.passed.as_ref()).map(|held| held.get())
    }
}

/// One header, or all of them as a map.
fn headers_property(headers: &super::Headers, name: Option<&[u8]>) -> Option<Vec<u8>> {
    match name {
        Some(name) => headers.get(name).map(<[u8]>::to_vec),
        None => Some(headers.to_wire()),
    }
}
