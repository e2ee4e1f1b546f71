//! Taking requests up that another server has drained.

use super::drain::{Drain, Id, Kept};
use super::site::Site;
use crate::deadline::Deadlines;
use crate::server::{ServerOptions, lower_this_thread};
use crate::services::log::Level;
use dunlin::{Error, Snapshot};
use std::fs::File;
use std::io::{self, BufReader};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, available_parallelism};
use std::time::{Duration, Instant};

/// What a thread has for the engine and hosts.
const STACK: usize = 1 << 20;

/// How often files are looked for whose time is over.
const SWEEP: Duration = Duration::from_secs(60);

/// The requests in a [`Drain`], which go on beside what a server does: on as many threads as there are processors, at a low
/// priority.
#[derive(Debug)]
pub struct TakenUp {
    drain: Drain,
    grace: Duration,
    /// Nobody has the other end when all are done.
    done: Receiver<()>,
    /// Tells the one that sweeps to end, by being dropped.
    going: Sender<()>,
    sweeping: JoinHandle<()>,
}

/// What threads share.
struct Crew {
    site: Arc<Site>,
    drain: Drain,
    options: ServerOptions,
    deadlines: Deadlines,
}

impl TakenUp {
    /// Has the programs of a site go on with what is in its [drain](Site::drain_to); `None` if there is nothing, or no drain. A request
    /// may take what the server's options and its program's own say.
    ///
    /// # Errors
    ///
    /// If the system has no thread for that.
    pub fn start(site: &Arc<Site>, options: &ServerOptions) -> io::Result<Option<Self>> {
        let Some(drain) = site.drain() else { return Ok(None) };
        if !drain.folder().sweep() {
            return Ok(None);
        }
        let (site, options, deadlines) = (site.clone(), options.clone(), Deadlines::start()?);
        let (drain, grace) = (drain.clone(), options.grace);
        let crew = Arc::new(Crew { site, drain: drain.clone(), options, deadlines });
        let (alive, done) = channel();
        let (going, ended) = channel::<()>();
        let thread = || std::thread::Builder::new().name("taken up".into()).stack_size(STACK);
        for _ in 1..available_parallelism().map_or(1, NonZero::get) {
            let (crew, alive) = (crew.clone(), alive.clone());
            thread().spawn(move || {
                crew.work();
                // Who hears that all are done may open the folder again.
                drop(crew);
                drop(alive);
            })?;
        }
        let sweeping = thread().spawn(move || {
            crew.work();
            drop(alive);
            while ended.recv_timeout(SWEEP) == Err(RecvTimeoutError::Timeout) && crew.drain.folder().sweep() {
            }
        })?;
        Ok(Some(Self { drain, grace, done, going, sweeping }))
    }

    /// Ends it, as [`Drain::begin`] does: what can't be kept again may go on as long as the server waits for requests. What isn't over
    /// by then is taken up again from where it was before.
    pub fn end(self) {
        self.drain.begin();
        let began = self.drain.began().unwrap_or_else(Instant::now);
        let over = self.done.recv_timeout(self.grace.saturating_sub(began.elapsed()));
        drop(self.going);
        if over == Err(RecvTimeoutError::Disconnected) {
            let _ = self.sweeping.join();
        }
    }
}

impl Crew {
    /// Takes up one request after another, until there is none or draining begins.
    fn work(&self) {
        lower_this_thread();
        while self.drain.began().is_none()
            && let Some((id, file)) = self.drain.folder().next()
        {
            // A panic is this request's own, and none of the others' business.
            let done = catch_unwind(AssertUnwindSafe(|| self.take_up(id, &file)));
            let refused = match done {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the host panicked".to_owned(),
            };
            let line = format!("{} can't go on, and is set aside: {refused}", id.in_log());
            self.options.log.write(Level::Error, Drain::PATH, &line);
            if let Err(error) = self.drain.folder().set_aside(id) {
                self.options.log.write(Level::Error, Drain::PATH, &format!("{}: {error}", id.in_log()));
            }
        }
    }

    fn take_up(&self, id: Id, file: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let snapshot = Snapshot::open(&self.options.budget, BufReader::new(File::open(file)?))
            .map_err(Error::into_boxed_dyn_error)?;
        let kept = Kept::read(snapshot.embedder()).ok_or("what lies beside its instance is damaged")?;
        let route = kept.route.to_owned();
        let program = self.site.program(&route);
        let program =
            program.ok_or_else(|| format!("nothing is at the route {} any more", route.escape_debug()))?;
        let drained = program.restore(snapshot, (&self.drain, id), &self.options)?;
        self.options.log.write(Level::Info, &route, &format!("{} goes on", id.in_log()));
        Ok(program.resume(drained, &self.deadlines)?)
    }
}
