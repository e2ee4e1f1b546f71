//! What a proxy tells filters of a stream, and what they tell each other.

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
