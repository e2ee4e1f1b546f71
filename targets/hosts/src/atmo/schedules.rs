//! What is done again and again: a thread for each schedule.

use dunlin::InterruptHandle;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Schedules, which go on until this is dropped.
pub(super) struct Schedules(Vec<Sender<Signal>>);

enum Signal {
    /// The application has ended.
    Stop,
    /// A job is over.
    Over,
}

/// How long a schedule that is later than it should be waits at least, so that nothing is done without a pause.
const PAUSE: Duration = Duration::from_millis(100);

impl Schedules {
    /// Starts schedules: how much time lies between the beginnings of two jobs, how long one may take, and what it is. The
    /// first begins at once.
    pub(super) fn start<J>(jobs: impl Iterator<Item = (Duration, Duration, J)>) -> io::Result<Self>
    where
        J: Fn(&Arc<Running>) + Send + Sync + 'static,
    {
        let mut schedules = Self(Vec::new());
        for (every, time, job) in jobs {
            let (sender, receiver) = channel();
            let over = sender.clone();
            schedules.0.push(sender);
            let thread = std::thread::Builder::new().name("schedule".into());
            thread.spawn(move || repeat(every, time, &job, &receiver, &over))?;
        }
        Ok(schedules)
    }
}

impl Drop for Schedules {
    fn drop(&mut self) {
        for schedule in &self.0 {
            let _ = schedule.send(Signal::Stop);
        }
    }
}

fn repeat<J: Fn(&Arc<Running>) + Sync>(
    every: Duration,
    time: Duration,
    job: &J,
    signals: &Receiver<Signal>,
    over: &Sender<Signal>,
) {
    loop {
        let next = Instant::now() + every;
        if once(time, job, signals, over).is_none() {
            return;
        }
        let wait = next.saturating_duration_since(Instant::now()).max(PAUSE);
        match signals.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Does a job, and stops it when its time is up; `None` if the application has ended.
fn once<J: Fn(&Arc<Running>) + Sync>(
    time: Duration,
    job: &J,
    signals: &Receiver<Signal>,
    over: &Sender<Signal>,
) -> Option<()> {
    /// What the job's thread has for the engine and hosts.
    const STACK: usize = 1 << 20;
    let running = Arc::new(Running::default());
    let theirs = running.clone();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("guest".into()).stack_size(STACK);
        let work = move || {
            let _over = Over(over);
            job(&theirs);
        };
        // Without a thread, the next time may have one.
        let Ok(_) = thread.spawn_scoped(scope, work) else { return Some(()) };
        match signals.recv_timeout(time) {
            Ok(Signal::Over) => Some(()),
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => {
                running.stop();
                None
            }
            Err(RecvTimeoutError::Timeout) => {
                running.stop();
                match signals.recv() {
                    Ok(Signal::Over) => Some(()),
                    _ => None,
                }
            }
        }
    })
}

/// Tells that a job is over, even if it panicked.
struct Over<'s>(&'s Sender<Signal>);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(Signal::Over);
    }
}

/// The guests that are at work for a job.
#[derive(Default)]
pub(super) struct Running(Mutex<Guests>);

#[derive(Default)]
struct Guests {
    is_over: bool,
    next: u64,
    stores: Vec<(u64, InterruptHandle)>,
}

impl Running {
    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a store interrupted when the time is up, as long as what this gives lives.
    pub(super) fn interruptible(self: &Arc<Self>, store: InterruptHandle) -> Interruptible {
        let mut guests = self.guests();
        if guests.is_over {
            store.interrupt();
        }
        let number = guests.next;
        guests.next += 1;
        guests.stores.push((number, store));
        Interruptible(self.clone(), number)
    }

    fn stop(&self) {
        let mut guests = self.guests();
        guests.is_over = true;
        for (_, store) in &guests.stores {
            store.interrupt();
        }
    }
}

pub(super) struct Interruptible(Arc<Running>, u64);

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.0.guests().stores.retain(|(number, _)| *number != self.1);
    }
}
