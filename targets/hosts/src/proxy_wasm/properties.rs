//! What filters can ask about a stream, by paths.

use super::host::{Context, Host};
use super::status::Status;

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
