//! Bodies of messages: what a guest has written, and what is still to come.

use super::pipe::{Inlet, Outlet};
use super::status::Status;
use crate::server::{BodyWriter, Bytes};
use dunlin::{Budget, Charge, Kind};
use std::collections::VecDeque;
use std::io::{self, Read, Write};

/// The smallest block that is allocated for what a guest writes.
const BLOCK: usize = 4 << 10;

/// How much is copied at a time from one body to where another goes.
const COPY: usize = 16 << 10;

/// A part of a body.
#[derive(Debug)]
pub(super) enum Part {
    /// What the guest wrote, from a position on.
    Written { bytes: Vec<u8>, at: usize, _charge: Charge },
    /// What the client sent, or a store holds: charged there.
    Shared(Bytes),
    /// What a backend sends, of which so much is left if that was announced.
    Incoming { outlet: Outlet, left: Option<u64> },
}

/// Where what is written goes at once.
#[derive(Debug)]
pub(super) enum Sink {
    /// To the client.
    Client(BodyWriter),
    /// To a backend.
    Backend(Inlet),
}

/// A body. It is read from the front; what is written comes to the back, or goes on at once if it has a sink.
#[derive(Debug, Default)]
pub(super) struct Body {
    parts: VecDeque<Part>,
    pub(super) sink: Option<Sink>,
}

impl From<Part> for Body {
    fn from(part: Part) -> Self {
        Self { parts: [part].into(), sink: None }
    }
}

impl Body {
    /// A body that goes on at once.
    pub(super) fn to(sink: Sink) -> Self {
        Self { parts: VecDeque::new(), sink: Some(sink) }
    }

    /// Adds bytes at the back, or the front.
    pub(super) fn write(&mut self, budget: &Budget, bytes: &[u8], front: bool) -> Result<(), Status> {
        let room = match self.parts.back_mut() {
            Some(Part::Written { bytes: last, .. }) if !front => Some(last),
            _ => None,
        };
        if let Some(last) = room
            && last.capacity() - last.len() >= bytes.len()
        {
            last.extend_from_slice(bytes);
            return Ok(());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let capacity = if front { bytes.len() } else { bytes.len().max(BLOCK) };
        let charge = budget.charge(Kind::Host, capacity as u64)?;
        let mut block = Vec::with_capacity(capacity);
        block.extend_from_slice(bytes);
        let part = Part::Written { bytes: block, at: 0, _charge: charge };
        match front {
            true => self.parts.push_front(part),
            false => self.parts.push_back(part),
        }
        Ok(())
    }

    /// Adds another body at the back.
    pub(super) fn append(&mut self, other: Body) {
        self.parts.extend(other.parts);
    }

    /// Reads what there is now; `None` if it has to be waited for. Nothing is the end.
    pub(super) fn try_read(&mut self, into: &mut [u8]) -> Result<Option<usize>, Status> {
        if into.is_empty() {
            return Ok(Some(0));
        }
        while let Some(part) = self.parts.front_mut() {
            let count = match part {
                Part::Written { bytes, at, .. } => {
                    let count = (&bytes[*at..]).read(into).unwrap_or(0);
                    *at += count;
                    count
                }
                Part::Shared(bytes) => {
                    let count = bytes.len().min(into.len());
                    into[..count].copy_from_slice(&bytes.split_to(count));
                    count
                }
                Part::Incoming { outlet, left } => {
                    let Some(count) = outlet.try_read(into)? else { return Ok(None) };
                    *left = left.map(|left| left.saturating_sub(count as u64));
                    count
                }
            };
            if count > 0 {
                return Ok(Some(count));
            }
            self.parts.pop_front();
        }
        Ok(Some(0))
    }

    /// Whether reading, or for one that goes on at once writing, doesn't wait.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sink {
            Some(Sink::Backend(inlet)) => inlet.is_ready(),
            Some(Sink::Client(_)) => true,
            None => !matches!(self.parts.front(), Some(Part::Incoming { outlet, .. }) if !outlet.is_ready()),
        }
    }

    /// How long it is, if that is known.
    pub(super) fn known_length(&self) -> Option<u64> {
        self.parts.iter().try_fold(0_u64, |sum, part| {
            let more = match part {
                Part::Written { bytes, at, .. } => (bytes.len() - at) as u64,
                Part::Shared(bytes) => bytes.len() as u64,
                Part::Incoming { left, .. } => (*left)?,
            };
            sum.checked_add(more)
        })
    }

    /// Whether some of it is still to come.
    pub(super) fn is_incoming(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Incoming { .. }))
    }

    /// Writes all of it there, and waits for what is still to come.
    pub(super) fn copy_to(&mut self, mut to: impl Write) -> io::Result<()> {
        while let Some(part) = self.parts.pop_front() {
            match part {
                Part::Written { bytes, at, .. } => to.write_all(&bytes[at..])?,
                Part::Shared(bytes) => to.write_all(&bytes)?,
                Part::Incoming { mut outlet, .. } => {
                    let mut buffer = vec![0; COPY];
                    loop {
                        match outlet.read(&mut buffer)? {
                            0 => break,
                            count => to.write_all(&buffer[..count])?,
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads all of it, and waits for what is still to come.
impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.try_read(into) {
                Ok(Some(count)) => return Ok(count),
                Ok(None) => {
                    if let Some(Part::Incoming { outlet, left }) = self.parts.front_mut() {
                        let count = outlet.read(into)?;
                        *left = left.map(|left| left.saturating_sub(count as u64));
                        if count > 0 {
                            return Ok(count);
                        }
                    }
                }
                Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pipe::{Bell, pipe};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn parts_are_read_in_order() {
        let budget = Budget::new(1 << 20);
        let (inlet, outlet) = pipe(&budget, &Arc::new(Bell::default())).unwrap();
        inlet.write_all(b"incoming").unwrap();
        let mut body = Body::default();
        body.write(&budget, b"writ", false).unwrap();
        body.write(&budget, b"ten ", false).unwrap();
        body.append(Part::Shared(Bytes::from_static(b"shared ")).into());
        body.append(Part::Incoming { outlet, left: Some(8) }.into());
        body.write(&budget, b" last", false).unwrap();
        body.write(&budget, b"first ", true).unwrap();
        assert_eq!((body.known_length(), body.is_incoming()), (Some(34), true));
        let mut text = Vec::new();
        let mut buffer = [0; 5];
        while let Some(count) = body.try_read(&mut buffer).unwrap() {
            assert_ne!(count, 0, "it isn't complete");
            text.extend_from_slice(&buffer[..count]);
        }
        assert!(!body.is_ready());
        inlet.end(Ok(()));
        body.copy_to(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "first written shared incoming last");
        drop(body);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_is_written_is_charged() {
        let budget = Budget::new(10_000);
        let mut body = Body::default();
        for _ in 0..4000 {
            body.write(&budget, b"x", false).unwrap();
        }
        assert_eq!(budget.used(), BLOCK as u64);
        assert_eq!(body.write(&budget, &[0; 10_000], false), Err(Status::LimitExceeded));
        assert_eq!(body.known_length(), Some(4000));
    }
}
