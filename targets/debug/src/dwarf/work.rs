//! What answering a question may take, apart from tables.

use gimli::{Error, Result};

/// What is left undone because it would take too much: `gimli` has no error for that.
pub(super) const TOO_MUCH: Error = Error::OffsetOutOfBounds(0);

/// What may still be done.
pub(super) struct Work {
    /// Entries, rows, ranges and elements of tables that are looked at, all together.
    steps: usize,
    /// Bytes of names and paths.
    results: usize,
}

impl Work {
    pub(super) fn new(steps: usize, results: usize) -> Self {
        Self { steps, results }
    }

    pub(super) fn steps(&mut self, steps: usize) -> Result<()> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(drop).ok_or(TOO_MUCH)
    }

    /// Keeps a text, if there is room for it.
    pub(super) fn keep(&mut self, text: String) -> Option<String> {
        self.results = self.results.checked_sub(text.len())?;
        Some(text)
    }
}
