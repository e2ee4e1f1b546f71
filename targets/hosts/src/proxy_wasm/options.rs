//! How a filter is run.

use super::headers::HeaderLimits;
use super::metrics::Metrics;
use super::shared::Shared;
use super::status::Level;
use dunlin::Budget;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a filter says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// How important it is.
    pub level: Level,
    /// The text, whatever bytes it was.
    pub text: &'a str,
}

pub(super) type Log = Arc<dyn Fn(Message<'_>) + Send + Sync>;

/// A function of the embedder's that filters call by name. `None` says that the arguments are wrong.
pub(super) type ForeignFunction = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// How a filter is run: everything has a default.
#[derive(Clone)]
pub struct PluginOptions {
    pub(super) name: String,
    pub(super) root_id: String,
    pub(super) vm_id: Arc<str>,
    pub(super) configuration: Vec<u8>,
    pub(super) vm_configuration: Vec<u8>,
    pub(super) fail_open: bool,
    pub(super) limits: Limits,
    pub(super) budget: Option<Budget>,
    pub(super) fuel: Option<u64>,
    pub(super) log: Log,
    pub(super) log_level: Level,
    pub(super) shared: Option<Shared>,
    pub(super) metrics: Metrics,
    pub(super) upstreams: BTreeSet<Vec<u8>>,
    pub(super) foreign: BTreeMap<Vec<u8>, ForeignFunction>,
    pub(super) restart_interval: Duration,
    pub(super) start_time: Duration,
}

impl Default for PluginOptions {
    fn default() -> Self {
        Self {
            name: String::new(),
            root_id: String::new(),
            vm_id: Arc::from(""),
            configuration: Vec::new(),
            vm_configuration: Vec::new(),
            fail_open: false,
            limits: Limits::default(),
            budget: None,
            fuel: None,
            log: Arc::new(|_| {}),
            log_level: Level::Info,
            shared: None,
            metrics: Metrics::new(),
            upstreams: BTreeSet::new(),
            foreign: BTreeMap::new(),
            restart_interval: Duration::from_secs(1),
            start_time: Duration::from_secs(10),
        }
    }
}

impl PluginOptions {
    /// The plugin's name, for the log and the property `plugin_name`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Which of the module's roots is meant, if it has several.
    pub fn root_id(mut self, id: impl Into<String>) -> Self {
        self.root_id = id.into();
        self
    }

    /// Whose shared data the plugin sees, and under which name others find its queues.
    pub fn vm_id(mut self, id: &str) -> Self {
        self.vm_id = Arc::from(id);
        self
    }

    /// The plugin's configuration, in whatever format it expects.
    pub fn configuration(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.configuration = text.into();
        self
    }

    /// The VM's configuration.
    pub fn vm_configuration(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.vm_configuration = text.into();
        self
    }

    /// Whether streams pass unfiltered where the plugin has failed. By default they are answered with 503.
    pub fn fail_open(mut self, open: bool) -> Self {
        self.fail_open = open;
        self
    }

    /// What a VM may keep outside of its memory.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The budget of each VM, and of what is kept for it: by default the engine's.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// The fuel of each callback, if the engine counts fuel: by default as much as there can be.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// What is done with messages of this level and above: by default nothing.
    pub fn log(mut self, level: Level, log: impl Fn(Message<'_>) + Send + Sync + 'static) -> Self {
        self.log_level = level;
        self.log = Arc::new(log);
        self
    }

    /// What is shared with other VMs: by default nothing, beyond those of the same plugin.
    pub fn shared(mut self, shared: &Shared) -> Self {
        self.shared = Some(shared.clone());
        self
    }

    /// Where metrics are kept.
    pub fn metrics(mut self, metrics: &Metrics) -> Self {
        self.metrics = metrics.clone();
        self
    }

    /// A name to which the filter may make HTTP calls: by default there is none.
    pub fn upstream(mut self, name: impl Into<Vec<u8>>) -> Self {
        self.upstreams.insert(name.into());
        self
    }

    /// A function that the filter can call by its name. `None` says that the arguments are wrong.
    pub fn foreign_function(
        mut self,
        name: impl Into<Vec<u8>>,
        function: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.foreign.insert(name.into(), Arc::new(function));
        self
    }

    /// How long a VM that failed isn't replaced after the last one was: a second by default, and twice as long after each
    /// attempt that failed, up to 64 times as long.
    pub fn restart_interval(mut self, interval: Duration) -> Self {
        self.restart_interval = interval;
        self
    }

    /// How long an instance may take to start, its configuration included: 10 seconds by default. What filters are called
    /// for later is ended by the embedder's [interrupts](super::Chain::interrupts).
    pub fn start_time(mut self, time: Duration) -> Self {
        self.start_time = time;
        self
    }
}

impl fmt::Debug for PluginOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginOptions")
            .field("name", &self.name)
            .field("root_id", &self.root_id)
            .field("vm_id", &self.vm_id)
            .field("fail_open", &self.fail_open)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What a VM may keep outside of its memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Streams at once.
    pub streams: usize,
    /// Fields of a header map.
    pub header_count: usize,
    /// Bytes of a header map.
    pub header_bytes: usize,
    /// Bytes of a body that a filter holds, in each direction of a stream.
    pub body_bytes: usize,
    /// HTTP calls at once.
    pub calls: usize,
    /// Bytes of an HTTP call.
    pub call_bytes: usize,
    /// Bytes of the data and queues of plugins that [share](PluginOptions::shared) them only among their own VMs.
    pub shared_bytes: usize,
    /// Bytes of a message to the log; the rest is cut off.
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: 1024,
            header_count: 256,
            header_bytes: 64 << 10,
            body_bytes: 1 << 20,
            calls: 64,
            call_bytes: 1 << 20,
            shared_bytes: 1 << 20,
            message_bytes: 16 << 10,
        }
    }
}

impl Limits {
    pub(super) fn headers(&self) -> HeaderLimits {
        HeaderLimits { count: self.header_count, bytes: self.header_bytes }
    }
}
