//! `dunlin serve`

mod actors;
mod runnables;
mod served;
mod watch;

use crate::args::{AccessLines, ServeOptions};
use crate::failure::{EXIT_SIGNAL, Failure, io_reason};
use crate::guest::tier::Tier;
use crate::host::signals::{ServerSignal, obey_server_signals};
use crate::output::complain;
use dunlin::{Config, Engine};
use dunlin_hosts::server::{AccessLog, Limits, Remote, Server, ServerOptions};
use dunlin_hosts::services::log::{Level, Lines, Log, TextLog};
use dunlin_hosts::wagi::{Drain, TakenUp};
use served::Served;
use std::io::{self, stderr, stdout};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use watch::Watched;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How long the last lines wait for their reader.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How long requests in flight have to be answered before they are kept instead: most end sooner.
const SOON: Duration = Duration::from_millis(100);

/// What may be kept of requests, if nothing else is said.
const DRAIN_SIZE: u64 = 1 << 30;

/// Serves until it is told to stop.
pub(crate) fn serve(options: ServeOptions) -> Result<(), Failure> {
    let lines = |out: Result<Lines, io::Error>| out.map_err(|error| failure("the log", &error));
    let (messages, accesses) = (lines(Lines::new(stderr()))?, lines(Lines::new(stdout()))?);
    let log: Arc<dyn Log> = Arc::new(TextLog::new(Level::Info, messages.clone()));
    let engine = engine(&options)?;
    let server_options = server_options(&options, &engine, &log, &accesses);
    let address = options.address.clone().unwrap_or_else(|| "127.0.0.1:8080".into());
    let metrics = options.metrics.clone();
    let drain = drain(&options)?;
    let served = Served::new(options, engine, log.clone(), drain.clone());
    let (handler, watched) = served.load()?;
    let mut server = Server::bind(&*address, server_options.clone())
        .map_err(|error| failure(&format!("--addr {address}"), &error))?;
    if let Some(address) = metrics {
        let bound = server.bind_metrics(&*address);
        let bound = bound.map_err(|error| failure(&format!("--metrics {address}"), &error))?;
        complain(format_args!("metrics are at http://{bound}/metrics"));
    }
    let first_site = served.first_site();
    keep_up_to_date(served, watched, server.remote(), drain, log)?;
    complain(format_args!("listening at http://{}", server.local_addr()));
    let taken_up = first_site.map(|site| TakenUp::start(&site, &server_options)).transpose();
    let taken_up = taken_up.map_err(|error| failure("--drain", &error))?.flatten();
    server.run(handler).map_err(|error| failure("the server", &error))?;
    if let Some(taken_up) = taken_up {
        taken_up.end();
    }
    accesses.flush(LAST_LINES);
    messages.flush(LAST_LINES);
    Ok(())
}

fn failure(what: &str, error: &io::Error) -> Failure {
    Failure::unusable(format_args!("{what}: {}", io_reason(error)))
}

fn engine(options: &ServeOptions) -> Result<Engine, Failure> {
    let mut config = Config::new();
    options.limits.configure(&mut config, options.metrics.is_some());
    let drains = options.draining.folder.is_some();
    config.snapshots(drains).suspend_compiled(drains);
    Tier::configure(&options.tiering, &mut config);
    Engine::new(&config).map_err(Failure::unusable)
}

/// The folder that keeps requests, if there is to be one.
fn drain(options: &ServeOptions) -> Result<Option<Drain>, Failure> {
    let Some(folder) = &options.draining.folder else { return Ok(None) };
    let opened = Drain::open(folder, options.draining.size.unwrap_or(DRAIN_SIZE));
    opened.map(Some).map_err(|error| failure(&format!("--drain {}", folder.display()), &error))
}

fn server_options(
    options: &ServeOptions,
    engine: &Engine,
    log: &Arc<dyn Log>,
    accesses: &Lines,
) -> ServerOptions {
    let mut server =
        ServerOptions { budget: engine.budget().clone(), log: log.clone(), ..Default::default() };
    let Limits { memory, fuel, time, body } = &mut server.limits;
    *fuel = options.limits.fuel;
    let count = |given: Option<u64>, otherwise: usize| given.map_or(otherwise, |given| given as usize);
    *memory = options.memory.unwrap_or(*memory);
    *time = options.limits.timeout.unwrap_or(*time);
    *body = options.max_body.unwrap_or(*body);
    server.head = count(options.max_head, server.head);
    server.connections = count(options.connections, server.connections);
    server.guests = count(options.guests, server.guests);
    server.queue = count(options.queue, server.queue);
    server.patience = options.patience.unwrap_or(server.patience);
    server.grace = options.grace.unwrap_or(server.grace);
    let accesses = accesses.clone();
    server.access = match options.access {
        AccessLines::Off => None,
        AccessLines::Text => Some(AccessLog::new(move |served| accesses.write(served.to_string()))),
        AccessLines::Json => Some(AccessLog::new(move |served| accesses.write(served.json()))),
    };
    server
}

/// Obeys signals, and loads what is served again when that is asked for or its files have changed.
fn keep_up_to_date(
    served: Served,
    mut watched: Watched,
    remote: Remote,
    drain: Option<Drain>,
    log: Arc<dyn Log>,
) -> Result<(), Failure> {
    let (ask, asked) = mpsc::channel();
    let stop = remote.clone();
    let obey = move |signal| match signal {
        ServerSignal::Stop => {
            stop.stop();
            if let Some(drain) = &drain {
                std::thread::sleep(SOON);
                drain.begin();
            }
        }
        ServerSignal::Reload => drop(ask.send(())),
    };
    obey_server_signals(EXIT_SIGNAL, obey).map_err(|error| failure("signals", &error))?;
    let reload = move || {
        loop {
            let is_asked = match asked.recv_timeout(LOOK) {
                Ok(()) => true,
                Err(mpsc::RecvTimeoutError::Timeout) => false,
                // Without signals, files are still looked at.
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(LOOK);
                    false
                }
            };
            if !watched.has_changed() && !is_asked {
                continue;
            }
            match served.load() {
                Ok((handler, files)) => {
                    remote.replace(handler);
                    watched = files;
                    log.write(Level::Info, "server", "what is served was loaded again");
                }
                Err(failure) => {
                    let line = format!("what was served before still is: {failure}");
                    log.write(Level::Error, "server", &line);
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("reload".into());
    thread.spawn(reload).map(drop).map_err(|error| failure("reloading", &error))
}
