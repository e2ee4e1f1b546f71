//! Threads that help a request's own, as far as there are any free.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many threads may help all requests together.
pub(super) struct Crew(AtomicUsize);

/// What a helper's thread has for the engine and hosts, as a guest's thread of the server has.
const STACK: usize = 1 << 20;

/// One that helps, until this is dropped.
struct Helper<'c>(&'c Crew);

impl Crew {
    /// As many as there are processors.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(std::thread::available_parallelism().map_or(1, NonZero::get)))
    }

    /// Does all of so many pieces of work, some at the same time, and gives what they come to in order. After a failure no
    /// more are begun; the failure is that of the first among those that failed. `work` is told the number of its piece, and
    /// how many may be done at the same time.
    pub(super) fn each<T: Send, E: Send>(
        &self,
        count: usize,
        work: impl Fn(usize, usize) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        // The request's own thread is one of them.
        let helpers: Vec<Helper<'_>> =
            std::iter::from_fn(|| self.helper()).take(count.saturating_sub(1)).collect();
        let at_once = helpers.len() + 1;
        let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let done = Mutex::new(Vec::new());
        let labour = || {
            while !is_over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                let result = work(number, at_once);
                if result.is_err() {
                    is_over.store(true, Ordering::Relaxed);
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
            }
        };
        std::thread::scope(|scope| {
            for helper in helpers {
                let labour = &labour;
                let thread = std::thread::Builder::new().name("guest".into()).stack_size(STACK);
                // Without a thread, the others do its work.
                let _ = thread.spawn_scoped(scope, move || {
                    let _helper = helper;
                    labour();
                });
            }
            labour();
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, result)| result).collect()
    }

    fn helper(&self) -> Option<Helper<'_>> {
        let one_less = |free: usize| free.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok().map(|_| Helper(self))
    }
}

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_in_order_and_helpers_come_back() {
        let crew = Crew(AtomicUsize::new(3));
        for count in [0, 1, 2, 5, 100] {
            let done: Result<Vec<_>, ()> = crew.each(count, |number, at_once| {
                assert!(at_once <= count.clamp(1, 4));
                Ok(number * 2)
            });
            assert_eq!(done.unwrap(), (0..count).map(|n| n * 2).collect::<Vec<_>>());
            assert_eq!(crew.0.load(Ordering::Relaxed), 3);
        }
    }

    #[test]
    fn failures_end_it() {
        let crew = Crew(AtomicUsize::new(2));
        let begun = AtomicUsize::new(0);
        let failed: Result<Vec<()>, _> = crew.each(1_000_000, |number, _| {
            begun.fetch_add(1, Ordering::Relaxed);
            Err(number)
        });
        assert!(failed.unwrap_err() < 3 && begun.load(Ordering::Relaxed) <= 3);
        // Within work for which nobody helps.
        let none = Crew(AtomicUsize::new(0));
        assert_eq!(
            none.each(3, |number, at_once| Ok::<_, ()>((number, at_once))),
            Ok(vec![(0, 1), (1, 1), (2, 1)])
        );
    }
}
