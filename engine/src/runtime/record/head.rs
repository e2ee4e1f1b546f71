//! How a segment begins.

use super::format::{Reader, Stop, Writer, put_leb};
use super::{Part, wrong};
use crate::memory::{Budget, Buf, Kind};
use crate::runtime::error::Error;

/// The most that an embedder may keep in a record.
const EMBEDDER: u64 = 1 << 20;

/// How a segment of a record begins.
pub(crate) struct Head {
    pub(crate) digest: [u8; 32],
    /// The number of the segment. The first one begins with the program.
    pub(crate) segment: u64,
    /// How much fuel had been used by then.
    pub(crate) position: u64,
    pub(crate) embedder: Buf<u8>,
}

impl Head {
    pub(super) fn write(&self, to: &mut Writer, budget: &Budget) -> Result<(), Error> {
        let mut bytes = Buf::new(budget, Kind::Host);
        bytes.try_extend_from_slice(&self.digest)?;
        put_leb(&mut bytes, self.segment)?;
        put_leb(&mut bytes, self.position)?;
        if self.embedder.len() as u64 > EMBEDDER {
            return Err(Error::msg("more than 1 MiB is to be kept in a record for the embedder"));
        }
        put_leb(&mut bytes, self.embedder.len() as u64)?;
        to.bytes(&bytes)?;
        to.bytes(&self.embedder)
    }

    pub(crate) fn read(from: &mut Reader, budget: &Budget) -> Result<Self, Error> {
        Self::read_head(from, budget).map_err(|stop| match stop {
            Stop::End => wrong("it ends too soon"),
            Stop::Failed(error) => error,
        })
    }

    fn read_head(from: &mut Reader, budget: &Budget) -> Result<Self, Stop> {
        from.skip_to(Part::Head)?;
        let mut digest = [0; 32];
        from.fill(&mut digest)?;
        let (segment, position, len) = (from.leb()?, from.leb()?, from.leb()?);
        if len > EMBEDDER {
            return Err(wrong("too much is kept in it for the embedder").into());
        }
        let mut embedder = Buf::new(budget, Kind::Host);
        from.append(&mut embedder, len)?;
        Ok(Self { digest, segment, position, embedder })
    }
}
