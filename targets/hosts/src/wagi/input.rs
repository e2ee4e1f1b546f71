//! What a program reads: the body of its request.

use crate::server::Bytes;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A body, and how much of it has been read. Clones are the same.
#[derive(Clone)]
pub(super) struct Input {
    body: Bytes,
    read: Arc<AtomicUsize>,
}

impl Input {
    pub(super) fn new(body: Bytes) -> Self {
        Self { body, read: Arc::default() }
    }

    /// What hasn't been read.
    pub(super) fn rest(&self) -> &[u8] {
        &self.body[self.read.load(Ordering::Relaxed)..]
    }
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        // Its program is the only reader.
        let count = self.rest().read(to)?;
        self.read.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}
