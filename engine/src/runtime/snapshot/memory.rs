//! Memories: the pages that differ from what instantiation makes.

use super::format::{Reader, Writer};
use super::segments::Segments;
use super::{PAGE, wrong};
use crate::runtime::error::Error;
use crate::runtime::vmctx::MemoryObj;
use std::io::Read;

/// What comes instead of another page's number.
const NO_MORE: u64 = u64::MAX;

const ZERO: u8 = 0;
const BYTES: u8 = 1;

/// Whether pages that aren't written are as the segments make them; otherwise they are zero.
const BY_SEGMENTS: u8 = 1;

fn is_zero(bytes: &[u8]) -> bool {
    // Without an early end, words are looked at several at once.
    let (words, tail) = bytes.as_chunks::<8>();
    words.iter().fold(0, |all, word| all | u64::from_ne_bytes(*word)) == 0
        && tail.iter().all(|byte| *byte == 0)
}

impl Writer<'_> {
    /// The bytes of a memory.
    pub(super) fn pages(&mut self, memory: &MemoryObj, mut segments: Option<Segments>) -> Result<(), Error> {
        self.u8(if segments.is_some() { BY_SEGMENTS } else { 0 })?;
        let bytes = if self.is_dry() { &[] } else { memory.bytes() };
        for (number, page) in bytes.chunks(PAGE).enumerate() {
            let made = match &mut segments {
                Some(segments) => segments.page((number * PAGE) as u64)?,
                None => None,
            };
            let zero = is_zero(page);
            let is_as_made = match &made {
                Some(made) => *page == made[..page.len()],
                None => zero,
            };
            if is_as_made {
                continue;
            }
            self.u64(number as u64)?;
            if zero {
                self.u8(ZERO)?;
            } else {
                self.u8(BYTES)?;
                self.bytes(page)?;
            }
        }
        self.u64(NO_MORE)
    }
}

/// Where a memory's pages come from that a snapshot doesn't have.
pub(super) enum Base {
    Zero,
    Segments,
}

impl<R: Read> Reader<R> {
    pub(super) fn base(&mut self) -> Result<Base, Error> {
        match self.u8()? {
            0 => Ok(Base::Zero),
            BY_SEGMENTS => Ok(Base::Segments),
            _ => Err(wrong("a memory begins as nothing")),
        }
    }

    /// The pages of a memory, which has its size.
    pub(super) fn pages(&mut self, memory: &mut MemoryObj) -> Result<(), Error> {
        let bytes = memory.bytes_mut();
        let mut least = 0;
        loop {
            let number = self.u64()?;
            if number == NO_MORE {
                return Ok(());
            }
            let start = number.checked_mul(PAGE as u64).filter(|start| *start < bytes.len() as u64);
            let Some(start) = start.filter(|_| number >= least) else {
                return Err(wrong("a page isn't where one can be"));
            };
            least = number + 1;
            let page = bytes[start as usize..].chunks_mut(PAGE).next().unwrap_or_default();
            match self.u8()? {
                ZERO => page.fill(0),
                BYTES => self.fill(page)?,
                _ => return Err(wrong("a page is of no kind")),
            }
        }
    }
}

/// Makes all bytes of a memory zero, and touches no more of it than that takes.
pub(super) fn clear(memory: &mut MemoryObj) {
    for page in memory.bytes_mut().chunks_mut(PAGE) {
        if !is_zero(page) {
            page.fill(0);
        }
    }
}
