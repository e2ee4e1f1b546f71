//! A host: actors, and the capabilities that they may be granted.

use super::actor::Actor;
use super::error::TokenError;
use super::keyvalue::KeyValueProvider;
use super::messaging::Messaging;
use super::older::Dialect;
use super::provider::{Logging, Numbers, Provider};
use super::token::{Claims, verified_claims};
use crate::deadline::Deadlines;
use crate::services::clock::{Clock, SystemClock};
use crate::services::kv::MemoryStore;
use crate::services::log::{Level, Log, NoLog};
use crate::services::nats::{Nats, NatsMessage};
use crate::wapc::{self, HostCall, Task};
use dunlin::{Engine, Error, Module};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

/// What a host is configured with.
#[derive(Debug)]
pub struct HostOptions {
    /// What provides capabilities, by their contracts, besides the built-in ones: `wasmcloud:builtin:logging`,
    /// `wasmcloud:builtin:numbergen` and `wasmcloud:messaging`. By default, `wasmcloud:keyvalue` is in memory.
    pub providers: BTreeMap<String, Arc<dyn Provider>>,
    /// The memory that an instance may take, in bytes; by default 64 MiB.
    pub memory: u64,
    /// How many instances of one actor there may be at a time; by default 32.
    pub instances: usize,
    /// How many actors may wait for each other; by default 8.
    pub depth: u32,
    /// What carries messages; without it, they stay among the host's own actors.
    pub nats: Option<Arc<Nats>>,
    /// The group that subscriptions are members of at that server, if they are of one. Of all its members, wherever they
    /// are, one gets each message.
    pub group: Option<String>,
    /// How long handling a message from that server may take; by default 10 s.
    pub message_time: Duration,
    /// The fuel that handling one may take, if that is bounded.
    pub message_fuel: Option<u64>,
    /// Where actors and the host report.
    pub log: Arc<dyn Log>,
    /// What tells whether tokens hold.
    pub clock: Arc<dyn Clock>,
}

impl HostOptions {
    /// The defaults. Values are charged to `engine`'s budget, and take 16 MiB at most.
    pub fn new(engine: &Engine) -> Self {
        let store = Arc::new(MemoryStore::new(&engine.budget().sub_budget(16 << 20)));
        let keyvalue: Arc<dyn Provider> = Arc::new(KeyValueProvider::new(store));
        Self {
            providers: BTreeMap::from([("wasmcloud:keyvalue".to_owned(), keyvalue)]),
            memory: 64 << 20,
            instances: 32,
            depth: 8,
            nats: None,
            group: None,
            message_time: Duration::from_secs(10),
            message_fuel: None,
            log: Arc::new(NoLog),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Actors that may call each other, and what they may be granted.
#[derive(Clone, Debug)]
pub struct ActorHost(Arc<Shared>);

pub(super) struct Shared {
    engine: Engine,
    providers: BTreeMap<String, Arc<dyn Provider>>,
    messaging: Messaging,
    actors: RwLock<Vec<Arc<Actor>>>,
    memory: u64,
    instances: usize,
    depth: u32,
    message_time: Duration,
    message_fuel: Option<u64>,
    deadlines: OnceLock<Deadlines>,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorHost").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

/// Why an actor isn't taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum ActorError {
    /// Its token doesn't hold.
    Token(TokenError),
    /// An actor of this key or alias is here already.
    Taken(String),
    /// The module can't be loaded, or isn't an actor.
    Module(Error),
}

impl fmt::Display for ActorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActorError::Token(error) => error.fmt(f),
            ActorError::Taken(name) => write!(f, "there is an actor {} already", name.escape_debug()),
            ActorError::Module(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ActorError {}

impl From<TokenError> for ActorError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Error> for ActorError {
    fn from(error: Error) -> Self {
        Self::Module(error)
    }
}

impl ActorHost {
    /// A host without actors.
    pub fn new(engine: &Engine, options: HostOptions) -> Self {
        let HostOptions { mut providers, memory, instances, depth, log, clock, .. } = options;
        let HostOptions { nats, group, message_time, message_fuel, .. } = options;
        providers.entry("wasmcloud:builtin:logging".into()).or_insert_with(|| Arc::new(Logging(log.clone())));
        providers.entry("wasmcloud:builtin:numbergen".into()).or_insert_with(|| Arc::new(Numbers));
        Self(Arc::new(Shared {
            engine: engine.clone(),
            providers,
            messaging: match nats {
                Some(nats) => Messaging::nats(nats, group),
                None => Messaging::here(engine.budget()),
            },
            actors: RwLock::default(),
            memory,
            instances,
            depth,
            message_time,
            message_fuel,
            deadlines: OnceLock::new(),
            log,
            clock,
        }))
    }

    /// Takes an actor, if its token holds. Its module is compiled by the host's engine.
    ///
    /// # Errors
    ///
    /// If its token doesn't hold, another actor has its key or alias, or the module can't be loaded.
    pub fn add(&self, bytes: &[u8]) -> Result<Arc<Actor>, ActorError> {
        let claims = self.verified(bytes)?;
        self.take(&Module::new(&self.0.engine, bytes)?, claims)
    }

    /// The same for a module that the host's engine has loaded from these bytes.
    ///
    /// # Errors
    ///
    /// If its token doesn't hold, another actor has its key or alias, or it is no actor.
    pub fn add_module(&self, module: &Module, bytes: &[u8]) -> Result<Arc<Actor>, ActorError> {
        self.take(module, self.verified(bytes)?)
    }

    fn verified(&self, bytes: &[u8]) -> Result<Claims, TokenError> {
        verified_claims(bytes, self.0.clock.now().as_secs())
    }

    fn take(&self, module: &Module, claims: Claims) -> Result<Arc<Actor>, ActorError> {
        let claims = Arc::new(claims);
        let dialect = Dialect::of(module, &claims);
        let calls = Calls { claims: claims.clone(), dialect, host: Arc::downgrade(&self.0) };
        let guest = wapc::Guest::new(module, Arc::new(calls))?.logged(self.0.log.clone(), claims.name());
        let actor = Arc::new(Actor::new(guest, claims, dialect, self.0.memory, self.0.instances));
        let mut actors = self.0.actors.write().unwrap_or_else(PoisonError::into_inner);
        let names = [Some(&actor.claims().subject), actor.claims().wascap.call_alias.as_ref()];
        if let Some(name) = names.into_iter().flatten().find(|name| actors.iter().any(|other| other.is(name)))
        {
            return Err(ActorError::Taken(name.clone()));
        }
        actors.push(actor.clone());
        Ok(actor)
    }

    /// The actor of this key or alias, if there is one.
    pub fn actor(&self, name: &str) -> Option<Arc<Actor>> {
        self.0.actor(name)
    }

    /// Has an actor called with messages to this subject, in which `*` stands for any one part and a last `>` for any
    /// number of them, as in NATS. It must claim `wasmcloud:messaging`.
    ///
    /// Those of a NATS server come one after the other for each subscription; if it fails to handle one, the log says so.
    ///
    /// # Errors
    ///
    /// If the actor doesn't claim it, or this is no subject.
    pub fn subscribe(&self, actor: &Arc<Actor>, subject: &str) -> Result<(), String> {
        self.may_subscribe(actor)?;
        let (host, called) = (Arc::downgrade(&self.0), actor.clone());
        let deliver = move |message| {
            if let Some(host) = host.upgrade() {
                host.deliver(&called, message);
            }
        };
        self.0.messaging.subscribe(actor, subject, deliver).map_err(|error| error.to_string())
    }

    /// Whether an actor may be called with messages.
    ///
    /// # Errors
    ///
    /// If it doesn't claim `wasmcloud:messaging`.
    pub fn may_subscribe(&self, actor: &Actor) -> Result<(), String> {
        match actor.may(MESSAGING) {
            true => Ok(()),
            false => Err(unclaimed(actor.claims(), MESSAGING)),
        }
    }

    /// Ends all subscriptions: another host takes the place of this one.
    pub fn unsubscribe(&self) {
        self.0.messaging.unsubscribe();
    }
}

const MESSAGING: &str = "wasmcloud:messaging";

pub(super) fn unclaimed(claims: &Claims, contract: &str) -> String {
    format!("{} doesn't claim the capability {}", claims.name().escape_debug(), contract.escape_debug())
}

/// What an actor's calls go to.
struct Calls {
    claims: Arc<Claims>,
    dialect: Dialect,
    host: Weak<Shared>,
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl wapc::Host for Calls {
    fn call(&self, call: HostCall<'_>, task: &mut Task) -> Result<Vec<u8>, String> {
        let host = self.host.upgrade().ok_or("the host is ending")?;
        if let Some(callee) = host.actor(call.namespace) {
            return host.deeper(task, |task| {
                callee.call(call.operation, call.payload, task).map_err(|error| error.to_string())
            });
        }
        // Before anything looks at what is asked.
        if !self.claims.claims(call.namespace) {
            return Err(unclaimed(&self.claims, call.namespace));
        }
        self.dialect.call(call, |call| match (host.providers.get(call.namespace), call.namespace) {
            (Some(provider), _) => provider.call(&self.claims, call, task),
            (None, MESSAGING) => host.deeper(task, |task| host.messaging.answer(call, task)),
            (None, other) => Err(format!("nobody provides {} here", other.escape_debug())),
        })
    }
}

impl Shared {
    fn actor(&self, name: &str) -> Option<Arc<Actor>> {
        let actors = self.actors.read().unwrap_or_else(PoisonError::into_inner);
        actors.iter().find(|actor| actor.is(name)).cloned()
    }

    /// Calls an actor with a message from elsewhere.
    fn deliver(self: &Arc<Self>, actor: &Actor, message: NatsMessage) {
        let subject = message.subject.clone();
        let handled = self
            .message_task()
            .and_then(|mut task| actor.handle(&message.into(), &mut task).map_err(|error| error.to_string()));
        if let Err(why) = handled {
            let what = format!("a message to {subject} isn't handled: {why}");
            self.log.write(Level::Warn, actor.claims().name(), &what);
        }
    }

    /// What handling a message may take.
    fn message_task(self: &Arc<Self>) -> Result<Task, String> {
        let mut task = Task::new(self.message_fuel);
        let Some(until) = Instant::now().checked_add(self.message_time) else { return Ok(task) };
        if self.deadlines.get().is_none() {
            // If another thread was faster, its own is used.
            let _ = self.deadlines.set(Deadlines::start().map_err(|error| error.to_string())?);
        }
        let host = self.clone();
        task =
            task.interrupted_by(move |store| host.deadlines.get().map(|all| all.interrupt_at(until, store)));
        task.until = Some(until);
        Ok(task)
    }

    /// Lets actors wait for each other, as deep as they may.
    fn deeper<T>(
        &self,
        task: &mut Task,
        call: impl FnOnce(&mut Task) -> Result<T, String>,
    ) -> Result<T, String> {
        if task.depth >= self.depth {
            return Err(format!("more than {} actors wait for each other", self.depth));
        }
        task.depth += 1;
        let result = call(task);
        task.depth -= 1;
        result
    }
}
