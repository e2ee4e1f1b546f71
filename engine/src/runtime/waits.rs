//! Threads that wait at an address of a shared memory until another notifies them.

use super::shared_memory::WaitResult;
use crate::memory::{Budget, Buf, Kind};
use crate::sys::{Condvar, Mutex, MutexGuard};
use crate::{Error, ErrorKind};
use core::time::Duration;
use std::time::Instant;

/// How many threads may wait on one memory at the same time: more than any machine that this engine is for runs. Tests of
/// this file have few threads.
const MOST_WAITERS: usize = if cfg!(test) { 8 } else { 10_000 };

/// Waiters at different addresses mostly wait by different ones of so many condition variables.
const BUCKETS: usize = 16;

/// The threads that wait on a memory.
pub(crate) struct Waits {
    list: Mutex<List>,
    wakes: [Condvar; BUCKETS],
}

struct List {
    /// In the order in which they came.
    waiters: Buf<Waiter>,
    tickets: u64,
}

struct Waiter {
    at: u64,
    ticket: u64,
}

impl Waits {
    /// A list that this budget pays for.
    pub(crate) fn new(budget: &Budget) -> Waits {
        let list = List { waiters: Buf::new(budget, Kind::Memory), tickets: 0 };
        Waits { list: Mutex::new(list), wakes: Default::default() }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock()
    }

    fn wake(&self, at: u64) -> &Condvar {
        &self.wakes[(at / 4) as usize % BUCKETS]
    }

    /// Waits at `at`, if the bytes there are the expected ones, until [`notify`](Waits::notify) or for `timeout`. `None`
    /// if it was interrupted: [`wake_all`](Waits::wake_all) has waiters look.
    ///
    /// # Errors
    /// If too many wait already, or the budget has no room for one more.
    pub(crate) fn wait(
        &self,
        at: u64,
        is_expected: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        is_interrupted: impl Fn() -> bool,
    ) -> Result<Option<WaitResult>, Error> {
        // A time that can't be represented never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut list = self.list();
        // Under the lock: whoever changes the bytes and then notifies finds this waiter.
        if !is_expected() {
            return Ok(Some(WaitResult::Mismatch));
        }
        if list.waiters.len() >= MOST_WAITERS {
            let message = format_args!("at most {MOST_WAITERS} threads can wait on a shared memory");
            return Err(Error::of_kind(ErrorKind::Limit, message));
        }
        let ticket = list.tickets;
        list.waiters.try_push(Waiter { at, ticket })?;
        list.tickets += 1;
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let ended = if is_interrupted() {
                None
            } else if left == Some(Duration::ZERO) {
                Some(WaitResult::TimedOut)
            } else {
                list = match left {
                    None => self.wake(at).wait(list),
                    Some(left) => self.wake(at).wait_timeout(list, left),
                };
                if list.has(ticket) {
                    continue;
                }
                return Ok(Some(WaitResult::Ok));
            };
            list.remove(|waiter| waiter.ticket == ticket, 1);
            return Ok(ended);
        }
    }

    /// Ends the waits of at most `count` waiters at `at`, of those that came first; how many there were.
    pub(crate) fn notify(&self, at: u64, count: u32) -> u32 {
        let woken = self.list().remove(|waiter| waiter.at == at, count);
        if woken > 0 {
            self.wake(at).notify_all();
        }
        woken
    }

    /// Has all waiters look whether they are interrupted.
    pub(crate) fn wake_all(&self) {
        // Whoever has looked before, and isn't waiting yet, holds the lock.
        drop(self.list());
        self.wakes.iter().for_each(Condvar::notify_all);
    }
}

impl List {
    fn has(&self, ticket: u64) -> bool {
        self.waiters.iter().any(|waiter| waiter.ticket == ticket)
    }

    /// Removes the first waiters that are meant, at most `count`; how many there were.
    fn remove(&mut self, is_meant: impl Fn(&Waiter) -> bool, count: u32) -> u32 {
        let mut removed = 0;
        self.waiters.retain(|waiter| {
            let stays = removed == count || !is_meant(waiter);
            removed += u32::from(!stays);
            stays
        });
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use std::thread;

    fn waiters(waits: &Waits) -> usize {
        waits.list().waiters.len()
    }

    #[test]
    fn waiters_are_woken_in_the_order_in_which_they_came_and_are_bounded() {
        let budget = Budget::new(1 << 20);
        let waits = Waits::new(&budget);
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for n in 0..MOST_WAITERS {
                // Different addresses that share a condition variable.
                let at = if n % 2 == 0 { 8 } else { 8 + 4 * BUCKETS as u64 };
                threads.push(scope.spawn({
                    let waits = &waits;
                    move || waits.wait(at, || true, None, || false).unwrap()
                }));
                while waiters(&waits) <= n {
                    thread::yield_now();
                }
            }
            let error = waits.wait(8, || true, None, || false).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("at most {MOST_WAITERS} threads can wait on a shared memory")
            );
            assert_eq!(waits.wait(8, || false, None, || false).unwrap(), Some(WaitResult::Mismatch));
            assert!(budget.used() > 0, "the list is charged");
            assert_eq!((waits.notify(4, u32::MAX), waits.notify(8, 0)), (0, 0));
            assert_eq!(waits.notify(8, 1), 1);
            assert_eq!(threads.remove(0).join().unwrap(), Some(WaitResult::Ok));
            assert_eq!(waits.notify(8 + 4 * BUCKETS as u64, u32::MAX) as usize, MOST_WAITERS / 2);
            assert_eq!(waits.notify(8, u32::MAX) as usize, MOST_WAITERS / 2 - 1);
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Some(WaitResult::Ok)));
        });
        assert_eq!(waiters(&waits), 0);
    }

    #[test]
    fn times_and_interruptions_end_waits() {
        let waits = Waits::new(&Budget::unlimited());
        let short = Some(Duration::from_millis(2));
        assert_eq!(waits.wait(0, || true, short, || false).unwrap(), Some(WaitResult::TimedOut));
        assert_eq!(waits.wait(0, || true, Some(Duration::MAX), || true).unwrap(), None);
        let flag = std::sync::atomic::AtomicBool::new(false);
        let is_set = || flag.load(std::sync::atomic::Ordering::SeqCst);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| waits.wait(0, || true, None, is_set).unwrap());
            while waiters(&waits) == 0 {
                thread::yield_now();
            }
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
            waits.wake_all();
            assert_eq!(waiter.join().unwrap(), None);
        });
        assert_eq!(waiters(&waits), 0);
    }
}
