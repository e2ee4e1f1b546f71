//! What runnables may use besides their own memory and their request.

use super::cache::Cache;
use super::database::Database;
use crate::server::Bytes;
use crate::services::http::OutboundHttp;
use crate::services::log::{Log, NoLog};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a runnable is told that asks for something which is switched off.
pub(super) const NOT_ENABLED: &str = "capability is not enabled";

/// What runnables may use. Nothing, by default, but changing their own request.
#[derive(Clone)]
pub struct Capabilities {
    /// Sends their requests, as far as it lets them go anywhere.
    pub http: Option<Arc<dyn OutboundHttp>>,
    /// The same for GraphQL.
    pub graphql: Option<Arc<dyn OutboundHttp>>,
    /// What requests to a host (`example.com`, `example.com:8080`) have as their header `authorization`.
    pub authorization: BTreeMap<String, String>,
    /// What they may keep from call to call.
    pub cache: Option<Arc<Cache>>,
    /// The files that they may read.
    pub files: Option<Arc<Files>>,
    /// What answers named queries.
    pub database: Option<Arc<dyn Database>>,
    /// Whether they may ask for parts of their request.
    pub get_fields: bool,
    /// Whether they may change their copy of it.
    pub set_fields: bool,
    /// Where their messages go, and what they print.
    pub log: Arc<dyn Log>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            http: None,
            graphql: None,
            authorization: BTreeMap::new(),
            cache: None,
            files: None,
            database: None,
            get_fields: true,
            set_fields: true,
            log: Arc::new(NoLog),
        }
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Capabilities");
        f.field("cache", &self.cache).field("files", &self.files).field("database", &self.database);
        f.finish_non_exhaustive()
    }
}

/// Files by their names.
#[derive(Clone, Default, Debug)]
pub struct Files(BTreeMap<String, Bytes>);

impl Files {
    /// The file of this name, before which `/`, `./` or `static/` may stand.
    pub(super) fn get(&self, name: &str) -> Option<&Bytes> {
        let name = name.strip_prefix("static/").unwrap_or(name);
        let name = name.strip_prefix('/').unwrap_or(name);
        self.0.get(name.strip_prefix("./").unwrap_or(name))
    }
}

impl<N: Into<String>, B: Into<Bytes>> FromIterator<(N, B)> for Files {
    fn from_iter<I: IntoIterator<Item = (N, B)>>(files: I) -> Self {
        Self(files.into_iter().map(|(name, content)| (name.into(), content.into())).collect())
    }
}
