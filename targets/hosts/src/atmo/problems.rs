//! What is wrong with a Directive.

use std::fmt::Display;

/// Mistakes, a sentence's rest each.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub(super) fn add(&mut self, problem: impl Display) {
        /// Whoever has more mends these first.
        const MOST: usize = 20;
        if self.0.len() < MOST {
            self.0.push(problem.to_string());
        }
    }

    /// All of them in a sentence, if there are any.
    pub(super) fn told(&self) -> Option<String> {
        match &self.0[..] {
            [] => None,
            [only] => Some(only.clone()),
            all => Some(format!("{} mistakes: {}", all.len(), all.join("; "))),
        }
    }
}
