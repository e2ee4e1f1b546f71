//! Actors that are served, and what they keep when they are loaded again.

use super::watch::Watched;
use crate::args::ServeOptions;
use crate::failure::Failure;
use crate::modules::load::{Opened, Whole, display_name};
use dunlin::{Engine, ModuleOptions};
use dunlin_hosts::actors::{Actor, ActorHost, HostOptions, HttpActor, KeyValueProvider};
use dunlin_hosts::server::Handler;
use dunlin_hosts::services::kv::{FileStore, KeyValue};
use dunlin_hosts::services::log::Log;
use dunlin_hosts::services::nats::{Nats, NatsAddress, NatsOptions};
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much actors may keep in a file, in bytes.
const MOST_KEPT: u64 = 1 << 30;

/// How much messages may take that wait for actors, in bytes.
const MOST_WAITING: u64 = 16 << 20;

/// What outlives a host of actors.
#[derive(Default)]
pub(super) struct Lasting {
    store: Mutex<Option<Arc<dyn KeyValue>>>,
    nats: Mutex<Option<Arc<Nats>>>,
    /// Who has the subscriptions.
    current: Mutex<Option<ActorHost>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has an actor, which is loaded already, answer requests, beside others that it may call.
pub(super) fn actors(
    options: &ServeOptions,
    engine: &Engine,
    log: &Arc<dyn Log>,
    lasting: &Lasting,
    first: Whole,
) -> Result<(Arc<dyn Handler>, Watched), Failure> {
    let files: Vec<&OsString> = [&options.what].into_iter().chain(&options.actors).collect();
    let watched = Watched::new(files.iter().map(|file| file.into()));
    let host = ActorHost::new(engine, lasting.host_options(options, engine, log)?);
    let mut first = Some(first);
    let add = |file: &&OsString| {
        let Whole { module, bytes } = match first.take() {
            Some(first) => first,
            None => Opened::open(file, &options.registry)?.load_whole(engine, &ModuleOptions::new())?,
        };
        host.add_module(&module, &bytes)
            .map_err(|error| Failure::unusable(format_args!("{}: {error}", display_name(file))))
    };
    let actors: Vec<_> = files.iter().map(add).collect::<Result<_, _>>()?;
    let name = display_name(&options.what);
    let handler = HttpActor::new(actors[0].clone(), &host)
        .map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
    let named = |name: &OsStr| {
        let at = files.iter().position(|file| *file == name);
        at.map(|at| actors[at].clone()).or_else(|| host.actor(name.to_str()?))
    };
    let subscribers = options.subscriptions.iter().map(|(subject, name)| match name {
        None => Ok((subject, actors[0].clone())),
        Some(name) => named(name).map(|actor| (subject, actor)).ok_or_else(|| {
            let name = name.display();
            Failure::unusable(format_args!("--subscribe {subject}={name}: no actor is called {name}"))
        }),
    });
    let subscribers: Vec<_> = subscribers.collect::<Result<_, _>>()?;
    // Before those that are served now lose their messages.
    for (subject, actor) in &subscribers {
        host.may_subscribe(actor).map_err(|error| not_subscribed(subject, error))?;
    }
    lasting.subscribe(&host, &subscribers)?;
    Ok((Arc::new(handler), watched))
}

fn not_subscribed(subject: &str, error: String) -> Failure {
    Failure::unusable(format_args!("--subscribe {subject}: {error}"))
}

impl Lasting {
    fn host_options(
        &self,
        options: &ServeOptions,
        engine: &Engine,
        log: &Arc<dyn Log>,
    ) -> Result<HostOptions, Failure> {
        let mut host = HostOptions::new(engine);
        host.log = log.clone();
        host.memory = options.memory.unwrap_or(host.memory);
        host.instances = options.guests.map_or(host.instances, |guests| guests as usize);
        host.message_time = options.limits.timeout.unwrap_or(host.message_time);
        host.message_fuel = options.limits.fuel;
        host.nats = self.nats(options, engine, log)?;
        host.group = options.nats_group.clone();
        if let Some(store) = self.store(options)? {
            host.providers.insert("wasmcloud:keyvalue".into(), Arc::new(KeyValueProvider::new(store)));
        }
        Ok(host)
    }

    /// The store in a file, if there is one.
    fn store(&self, options: &ServeOptions) -> Result<Option<Arc<dyn KeyValue>>, Failure> {
        let Some(path) = &options.keyvalue else { return Ok(None) };
        let mut kept = lock(&self.store);
        if kept.is_none() {
            let store = FileStore::open(path, MOST_KEPT)
                .map_err(|error| Failure::unusable(format_args!("{}: {error}", path.display())))?;
            *kept = Some(Arc::new(store));
        }
        Ok(kept.clone())
    }

    /// The connection to a server, if there is to be one.
    fn nats(
        &self,
        options: &ServeOptions,
        engine: &Engine,
        log: &Arc<dyn Log>,
    ) -> Result<Option<Arc<Nats>>, Failure> {
        let Some(url) = &options.nats else { return Ok(None) };
        let mut kept = lock(&self.nats);
        if kept.is_none() {
            let address =
                NatsAddress::parse(url).map_err(|error| Failure::usage(format_args!("--nats: {error}")))?;
            let mut wanted = NatsOptions::new(&engine.budget().sub_budget(MOST_WAITING));
            wanted.log = log.clone();
            let nats = Nats::connect(&address, wanted).map_err(Failure::unusable)?;
            *kept = Some(Arc::new(nats));
        }
        Ok(kept.clone())
    }

    /// Has these actors get messages from now on, and no others.
    fn subscribe(&self, host: &ActorHost, subscribers: &[(&String, Arc<Actor>)]) -> Result<(), Failure> {
        if let Some(last) = lock(&self.current).replace(host.clone()) {
            last.unsubscribe();
        }
        for (subject, actor) in subscribers {
            host.subscribe(actor, subject).map_err(|error| not_subscribed(subject, error))?;
        }
        Ok(())
    }
}
