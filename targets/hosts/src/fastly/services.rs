//! What all instances of an application share.

use super::kv::Record;
use super::local_server::{Backend, InvalidConfig, LocalServer};
use super::sending::Sender;
use crate::services::clock::{Clock, SystemClock};
use crate::services::http::{AllowList, Direct, OutboundHttp};
use crate::services::kv::{KeyValue, MemoryStore};
use crate::services::log::Log;
use dunlin::Budget;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an application's instances share.
pub(super) struct Services {
    pub(super) backends: BTreeMap<String, Backend>,
    /// Where backends that the application makes may lead.
    pub(super) dynamic: AllowList,
    pub(super) dictionaries: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) kv_stores: BTreeMap<String, Arc<dyn KeyValue>>,
    pub(super) secret_stores: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    pub(super) sender: Arc<Sender>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Arc<dyn Log>,
}

impl Services {
    /// Services as `config` says, with stores charged to `budget`.
    pub(super) fn new(
        config: LocalServer,
        budget: &Budget,
        dynamic: AllowList,
        http: Option<Arc<dyn OutboundHttp>>,
        log: Arc<dyn Log>,
    ) -> Result<Self, InvalidConfig> {
        let LocalServer { backends, dictionaries, kv_stores, secret_stores } = config;
        // The URLs of requests are made of the backends', so that the guest chooses no place; but it does choose what
        // host the request names, as in Fastly.
        let http = http.unwrap_or_else(|| Arc::new(Direct::new()));
        let filled = kv_stores.into_iter().map(|(name, entries)| {
            let store = MemoryStore::new(budget);
            for (key, entry) in entries {
                let told =
                    |error| InvalidConfig::new(format_args!("kv store {}: {error}", name.escape_debug()));
                store.set(&key, &Record::from(entry).encode()).map_err(told)?;
            }
            Ok((name, Arc::new(store) as Arc<dyn KeyValue>))
        });
        Ok(Self {
            kv_stores: filled.collect::<Result<_, _>>()?,
            backends,
            dynamic,
            dictionaries,
            secret_stores,
            sender: Arc::new(Sender::new(http)),
            clock: Arc::new(SystemClock),
            log,
        })
    }
}
