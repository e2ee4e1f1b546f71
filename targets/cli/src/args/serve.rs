//! The options of `dunlin serve`.

use super::draining::{Draining, Drains};
use super::environment::GrantsEnvironment;
use super::limits::{LimitsWork, WorkLimits};
use super::policies::{EvaluatesPolicies, PolicyGrants};
use super::registry::{AsksRegistries, RegistryOptions};
use super::served::{AccessLines, cluster, filter, subscription};
use super::table::{BuildPart, CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::tiering::Tiering;
use super::values::{Dir, set};
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The options of `dunlin serve`.
#[derive(Debug, Default)]
pub(crate) struct ServeOptions {
    /// What to serve: a module, or a file that lists some.
    pub(crate) what: OsString,
    pub(crate) address: Option<String>,
    pub(crate) metrics: Option<String>,
    pub(crate) access: AccessLines,
    /// What a Fastly application is configured with.
    pub(crate) config: Option<PathBuf>,
    /// Filters of a proxy, each a module with its configuration, and where it leads.
    pub(crate) filters: Vec<(OsString, String)>,
    pub(crate) upstream: Option<String>,
    pub(crate) clusters: Vec<(String, String)>,
    pub(crate) fail_open: bool,
    /// Actors that the served one may call.
    pub(crate) actors: Vec<OsString>,
    /// Where what actors keep is kept.
    pub(crate) keyvalue: Option<PathBuf>,
    /// Which messages go to which actor; to the first, if none is said.
    pub(crate) subscriptions: Vec<(String, Option<OsString>)>,
    /// The server that carries messages.
    pub(crate) nats: Option<String>,
    pub(crate) nats_group: Option<String>,
    /// What answers the queries of runnables.
    pub(crate) database: Option<PathBuf>,
    /// What the programs may use.
    pub(crate) dirs: Vec<Dir>,
    pub(crate) env: Vec<(String, String)>,
    /// What becomes of requests that are in flight at the end.
    pub(crate) draining: Draining,
    /// What policies may.
    pub(crate) policies: PolicyGrants,
    /// What a request may take.
    pub(crate) memory: Option<u64>,
    pub(crate) max_body: Option<u64>,
    pub(crate) max_head: Option<u64>,
    /// The same, and what all of them may take of memory.
    pub(crate) limits: WorkLimits,
    /// What all of them may take.
    pub(crate) connections: Option<u64>,
    pub(crate) guests: Option<u64>,
    pub(crate) queue: Option<u64>,
    pub(crate) patience: Option<Duration>,
    pub(crate) grace: Option<Duration>,
    pub(crate) tiering: Tiering,
    /// How a registry is asked for modules.
    pub(crate) registry: RegistryOptions,
}

impl GrantsEnvironment for ServeOptions {
    fn dirs(&mut self) -> &mut Vec<Dir> {
        &mut self.dirs
    }

    fn env(&mut self) -> &mut Vec<(String, String)> {
        &mut self.env
    }
}

impl AsksRegistries for ServeOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl EvaluatesPolicies for ServeOptions {
    fn policies(&mut self) -> &mut PolicyGrants {
        &mut self.policies
    }
}

impl Drains for ServeOptions {
    fn draining(&mut self) -> &mut Draining {
        &mut self.draining
    }
}

impl LimitsWork for ServeOptions {
    fn limits(&mut self) -> &mut WorkLimits {
        &mut self.limits
    }
}

impl CommandOptions for ServeOptions {
    const COMMAND: &'static str = "serve";
    const HELP: &'static str = include_str!("../help/serve.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::value(
                    "--addr ADDR",
                    |o, given| set(&mut o.address, given.string()),
                    "Where to listen: 127.0.0.1:8080 if it isn't given. Port 0 is one that the system chooses.",
                ),
                Opt::value(
                    "--metrics ADDR",
                    |o, given| set(&mut o.metrics, given.string()),
                    "Where Prometheus finds /metrics. Fuel is counted then.",
                ),
                Opt::value(
                    "--access-log text|json|off",
                    |o, given| AccessLines::parse(given).map(|form| o.access = form),
                    "What to print of each request: text, json or off.",
                ),
                Opt::value(
                    "--config FILE",
                    |o, given| set(&mut o.config, given.path()),
                    "Of an application of Fastly's: its fastly.toml, which says what its backends and stores are.",
                ),
                Opt::value(
                    "--database FILE",
                    |o: &mut Self, given| set(&mut o.database, given.path()),
                    "A database of SQLite, for the queries of a bundle of runnables.",
                )
                .part(BuildPart::Database),
                Self::DIR,
                Self::DIR_RO,
                Self::ENV,
                Opt::value(
                    "--jit background|sync|eager|off",
                    |o, given| o.tiering.jit(given),
                    "When what is executed often becomes machine code: background, sync, eager or off.",
                ),
            ],
        },
        OptionGroup {
            title: "Actors",
            options: &[
                Opt::value(
                    "--actor FILE",
                    |o, given| given.path().map(|path| o.actors.push(path.into())),
                    "Another of wasmCloud's actors, which the first may call; may be repeated.",
                ),
                Opt::value(
                    "--keyvalue FILE",
                    |o, given| set(&mut o.keyvalue, given.path()),
                    "Where the key-value store of actors is kept: by default in memory.",
                ),
                Opt::value(
                    "--subscribe SUBJECT[=ACTOR]",
                    |o, given| subscription(given).map(|wanted| o.subscriptions.push(wanted)),
                    "Messages to SUBJECT go to the first actor, or to another: its file, key or alias; may be repeated. In \
                     SUBJECT, * is any part and a last > any number of them.",
                ),
                Opt::value(
                    "--nats URL",
                    |o, given| set(&mut o.nats, given.string()),
                    "The NATS server that carries messages, nats://[USER:PASSWORD@]HOST[:PORT]. Without one they stay in \
                     this process.",
                ),
                Opt::value(
                    "--nats-group NAME",
                    |o, given| set(&mut o.nats_group, given.string()),
                    "Of all processes of this group, one gets each message.",
                ),
            ],
        },
        OptionGroup {
            title: "A proxy",
            options: &[
                Opt::value(
                    "--filter FILE[=CONFIG]",
                    |o, given| filter(given).map(|filter| o.filters.push(filter)),
                    "A proxy-wasm filter and its configuration; may be repeated. Requests pass filters in order, responses in reverse.",
                ),
                Opt::value(
                    "--upstream URL",
                    |o, given| set(&mut o.upstream, given.string()),
                    "Where requests go.",
                ),
                Opt::value(
                    "--cluster NAME=URL",
                    |o, given| cluster(given).map(|cluster| o.clusters.push(cluster)),
                    "Where the calls of filters to NAME go; may be repeated.",
                ),
                Opt::flag(
                    "--fail-open",
                    |o| &mut o.fail_open,
                    "Let requests pass a filter that has failed, and don't answer them with 503.",
                ),
            ],
        },
        OptionGroup {
            title: "How much each request may use",
            options: &[
                Opt::value(
                    "--memory SIZE",
                    |o, given| set(&mut o.memory, given.size()),
                    "Memory of its instance, 64MiB if it isn't given.",
                ),
                Self::TIMEOUT,
                Self::FUEL,
                Opt::value(
                    "--max-body SIZE",
                    |o, given| set(&mut o.max_body, given.size()),
                    "The size of its body, 1MiB if it isn't given.",
                ),
                Opt::value(
                    "--max-head SIZE",
                    |o, given| set(&mut o.max_head, given.size()),
                    "The size of its headers, 16KiB if it isn't given; at least 8KiB.",
                ),
            ],
        },
        OptionGroup {
            title: "How much all of them may use",
            options: &[
                Self::MEMORY_BUDGET,
                Opt::value(
                    "--connections N",
                    |o, given| set(&mut o.connections, given.number()),
                    "Connections at a time, 1024 if it isn't given. Others wait.",
                ),
                Opt::value(
                    "--guests N",
                    |o, given| set(&mut o.guests, given.number()),
                    "Instances at a time, 16 for each processor if it isn't given. As many as there are processors compute; \
                     those that take long go on beside them.",
                ),
                Opt::value(
                    "--queue N",
                    |o, given| set(&mut o.queue, given.number()),
                    "Requests that wait for an instance, 256 if it isn't given.",
                ),
                Opt::value(
                    "--patience TIME",
                    |o, given| set(&mut o.patience, given.time()),
                    "How long a client may say or take nothing, 10s if it isn't given.",
                ),
                Opt::value(
                    "--grace TIME",
                    |o, given| set(&mut o.grace, given.time()),
                    "How long requests in flight are waited for at the end, 30s if it isn't given.",
                ),
            ],
        },
        Self::DRAIN,
        Self::SIGNATURES,
        Self::BUILTINS,
        Self::REGISTRY,
    ];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        take_module(&mut self.what, operand, Self::COMMAND)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        if self.nats_group.is_some() && self.nats.is_none() {
            return Err(Failure::usage("--nats-group is for subscriptions at a server: --nats says which"));
        }
        self.draining.complete()?;
        let is_proxy = !self.filters.is_empty() || self.upstream.is_some();
        if !is_proxy {
            return need_module(&self.what, Self::COMMAND);
        }
        if self.filters.is_empty() || self.upstream.is_none() {
            return Err(Failure::usage("a proxy needs both --filter and --upstream"));
        }
        match self.what.is_empty() {
            true => Ok(()),
            false => Err(Failure::usage("a proxy has filters and an upstream, and serves nothing else")),
        }
    }
}
