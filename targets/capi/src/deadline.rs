//! Deadlines of stores. One thread waits for all of them, and is there only while there are some.

use crate::failure::{Failure, Result};
use dunlin::InterruptHandle;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

struct Deadlines {
    /// In no order: few stores have one at a time.
    waiting: Vec<Deadline>,
    thread: Option<JoinHandle<()>>,
}

struct Deadline {
    /// Which store's.
    store: usize,
    at: Instant,
    handle: InterruptHandle,
}

static DEADLINES: Mutex<Deadlines> = Mutex::new(Deadlines { waiting: Vec::new(), thread: None });
static CHANGED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Deadlines> {
    DEADLINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a store interrupted at `at`, and at no other time that was said before.
pub(crate) fn set(store: usize, at: Instant, handle: InterruptHandle) -> Result<()> {
    let mut deadlines = lock();
    deadlines.waiting.retain(|deadline| deadline.store != store);
    deadlines.waiting.try_reserve(1).map_err(|_| Failure::NO_MEMORY)?;
    if deadlines.thread.is_none() {
        let builder = thread::Builder::new().name("dunlin-deadline".into()).stack_size(64 << 10);
        deadlines.thread = Some(builder.spawn(wait).map_err(Failure::io)?);
    }
    deadlines.waiting.push(Deadline { store, at, handle });
    CHANGED.notify_all();
    Ok(())
}

/// Has a store no longer interrupted. When this returns and no store has a deadline, there is no thread.
pub(crate) fn clear(store: usize) {
    let mut deadlines = lock();
    deadlines.waiting.retain(|deadline| deadline.store != store);
    let ending = if deadlines.waiting.is_empty() { deadlines.thread.take() } else { None };
    CHANGED.notify_all();
    drop(deadlines);
    if let Some(thread) = ending {
        // It takes the lock, and ends since nothing is waiting; it doesn't panic.
        let _ = thread.join();
    }
}

fn wait() {
    let mut deadlines = lock();
    loop {
        let now = Instant::now();
        deadlines.waiting.retain(|deadline| {
            let passed = deadline.at <= now;
            if passed {
                deadline.handle.interrupt();
            }
            !passed
        });
        let Some(next) = deadlines.waiting.iter().map(|deadline| deadline.at).min() else {
            if deadlines.thread.as_ref().is_some_and(|thread| thread.thread().id() == thread::current().id())
            {
                deadlines.thread = None;
            }
            return;
        };
        let left = next.saturating_duration_since(now);
        deadlines = CHANGED.wait_timeout(deadlines, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}
