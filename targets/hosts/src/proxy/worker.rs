//! Workers: each has a chain of instances, which whoever has something for it uses in turn.

use super::calls::{Clusters, exchange};
use crate::proxy_wasm::{CallId, Chain, HttpAnswer, HttpCall, Interrupts, Plugin, PluginError};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How often it is seen to whether anybody still wants a worker.
const LOOK: Duration = Duration::from_millis(100);

/// A chain, and who waits for it.
pub(super) struct Worker {
    chain: Mutex<Chain>,
    /// How often something happened that may have let a stream go on.
    events: Mutex<u64>,
    happened: Condvar,
    /// Since when the filters are at something.
    busy: Mutex<Option<Instant>>,
    interrupts: Interrupts,
    clusters: Arc<Clusters>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Makes instances of the plugins, and a thread for their timers.
    pub(super) fn start(plugins: &[Plugin], clusters: &Arc<Clusters>) -> Result<Arc<Self>, PluginError> {
        let chain = Chain::new(plugins)?;
        let worker = Arc::new(Self {
            interrupts: chain.interrupts(),
            chain: Mutex::new(chain),
            events: Mutex::new(0),
            happened: Condvar::new(),
            busy: Mutex::new(None),
            clusters: clusters.clone(),
        });
        let timers = Arc::downgrade(&worker);
        let thread = std::thread::Builder::new().name("filters".into()).stack_size(1 << 20);
        let spawned = thread.spawn(move || {
            while let Some(wait) = tick(&timers) {
                std::thread::sleep(wait)
            }
        });
        spawned.map_err(|error| PluginError::from(dunlin::Error::host(error)))?;
        Ok(worker)
    }

    /// Does something with the chain, and has the calls sent that filters make meanwhile.
    pub(super) fn with<R>(self: &Arc<Self>, work: impl FnOnce(&mut Chain) -> R) -> R {
        let mut made = Vec::<HttpCall>::new();
        let result = {
            let mut chain = lock(&self.chain);
            // Before it counts: how long an instance may take to start is bounded otherwise.
            chain.renew();
            *lock(&self.busy) = Some(Instant::now());
            let result = work(&mut chain);
            *lock(&self.busy) = None;
            while let Some(call) = chain.next_call() {
                made.push(call);
            }
            result
        };
        for call in made {
            self.send(call);
        }
        result
    }

    /// Sends a filter's call by a thread of its own, and has it answered. How many there are at a time is bounded for each
    /// instance.
    fn send(self: &Arc<Self>, call: HttpCall) {
        let (id, worker) = (call.id, self.clone());
        let work = move || worker.answer(id, exchange(&worker.clusters, &call));
        let thread = std::thread::Builder::new().name("call".into()).stack_size(256 << 10).spawn(work);
        if thread.is_err() {
            self.answer(id, Err("reset"));
        }
    }

    fn answer(self: &Arc<Self>, id: CallId, answer: Result<HttpAnswer, &'static str>) {
        self.with(|chain| chain.answer(id, answer));
        self.tell();
    }

    /// How much has happened.
    pub(super) fn events(&self) -> u64 {
        *lock(&self.events)
    }

    /// Something happened that may have let streams go on, other than the one that did it.
    pub(super) fn tell(&self) {
        *lock(&self.events) += 1;
        self.happened.notify_all();
    }

    /// Waits until more has happened than that, or for a moment.
    pub(super) fn wait(&self, events: u64) {
        let held = lock(&self.events);
        let waited = self.happened.wait_timeout_while(held, LOOK / 5, |now| *now == events);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends what the filters are at for longer than that.
    fn end_callbacks(&self, longest: Duration) {
        // The lock is held meanwhile, so that nothing is ended but what takes so long.
        let busy = lock(&self.busy);
        if busy.is_some_and(|since| since.elapsed() > longest) {
            self.interrupts.interrupt();
        }
    }
}

/// Calls what is due, and says how long to wait for the next. `None` if the worker is gone.
fn tick(worker: &Weak<Worker>) -> Option<Duration> {
    let worker = worker.upgrade()?;
    let now = Instant::now();
    let next = worker.with(|chain| {
        chain.run(now);
        chain.next_run()
    });
    worker.tell();
    let wait = next.map_or(LOOK, |next| next.saturating_duration_since(Instant::now()));
    Some(wait.clamp(Duration::from_millis(1), LOOK))
}

/// Ends what filters take too long for, as long as there are workers.
pub(super) fn watch(workers: &[Arc<Worker>], longest: Duration) -> io::Result<()> {
    let workers: Vec<_> = workers.iter().map(Arc::downgrade).collect();
    let look = (longest / 4).clamp(Duration::from_millis(1), LOOK);
    let watch = move || {
        loop {
            std::thread::sleep(look);
            let mut alive = false;
            for worker in workers.iter().filter_map(Weak::upgrade) {
                alive = true;
                worker.end_callbacks(longest);
            }
            if !alive {
                return;
            }
        }
    };
    std::thread::Builder::new().name("watch".into()).stack_size(64 << 10).spawn(watch).map(drop)
}
