//! Keeps samples in proportion to time.
//!
//! Where fuel isn't counted, a slice ends after as many instructions as loops are expected to execute, and an expectation
//! may be wrong: of an interpreter that was compiled to WebAssembly, whose loop is one large switch, slices are four
//! times too short. A sample that comes too soon for the interpreter's speed is left out.

use super::policy::INSTRUCTIONS_PER_MICROSECOND;
use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    /// When this thread's last sample was, and the time before it that no sample has counted for.
    static LAST: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Whether the time of a slice of so many instructions has passed, on this thread, since the last sample that counted.
pub(crate) fn is_due(slice: u64) -> bool {
    let least = Duration::from_nanos(slice.saturating_mul(1000) / INSTRUCTIONS_PER_MICROSECOND);
    let now = Instant::now();
    LAST.with(|last| {
        let uncounted =
            last.get().map_or(least, |(then, uncounted)| uncounted + now.duration_since(then).min(least));
        let due = uncounted >= least;
        last.set(Some((now, if due { uncounted - least } else { uncounted })));
        due
    })
}

#[cfg(test)]
mod tests {
    use super::is_due;

    #[test]
    fn a_sample_that_comes_sooner_than_its_time_is_left_out() {
        // Some days of instructions.
        let slice = 1 << 50;
        assert!(is_due(slice));
        assert!(!is_due(slice));
        assert!(is_due(0));
        // Each thread has its own time.
        assert!(std::thread::spawn(move || is_due(slice)).join().unwrap());
    }
}
