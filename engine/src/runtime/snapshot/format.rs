//! The stream: a magic number, a version, then blocks with checksums.

use super::{Part, wrong};
use crate::memory::{Budget, Buf, Kind};
use crate::runtime::error::{Error, ErrorKind};
use core::hash::Hasher;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::io::{Read, Write};

/// No module begins so, nor a precompiled file.
const MAGIC: [u8; 8] = *b"\0dunsnap";

/// It changes with the format.
const VERSION: u32 = 1;

/// The most bytes that a block holds.
const BLOCK: usize = 32 << 10;

/// Part, three zeros, length.
const HEAD: usize = 8;

const SUM: usize = 16;

/// The checksum of a block, which is the one with this number.
fn checksum(number: u64, head: &[u8], bytes: &[u8]) -> [u8; SUM] {
    let mut sum = SipHasher13::new_with_keys(0x6475_6e6c_696e, 0x736e_6170);
    sum.write(&number.to_le_bytes());
    sum.write(head);
    sum.write(bytes);
    sum.finish128().as_bytes()
}

/// Writes a snapshot; or nothing, to find out whether it can be written.
pub(crate) struct Writer<'w> {
    to: Option<&'w mut dyn Write>,
    block: Buf<u8>,
    part: Part,
    /// Whether the part has a block yet.
    has_block: bool,
    number: u64,
}

impl<'w> Writer<'w> {
    pub(crate) fn new(budget: &Budget, mut to: Option<&'w mut dyn Write>) -> Result<Self, Error> {
        let block = Buf::with_capacity(budget, Kind::Host, if to.is_some() { BLOCK } else { 0 })?;
        if let Some(to) = &mut to {
            to.write_all(&MAGIC)?;
            to.write_all(&VERSION.to_le_bytes())?;
        }
        Ok(Self { to, block, part: Part::Modules, has_block: false, number: 0 })
    }

    /// Whether nothing is written.
    pub(super) fn is_dry(&self) -> bool {
        self.to.is_none()
    }

    /// Begins a part.
    pub(super) fn part(&mut self, part: Part) -> Result<(), Error> {
        if self.part != part && !(self.has_block && self.block.is_empty()) {
            self.flush()?;
        }
        (self.part, self.has_block) = (part, false);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let Some(to) = &mut self.to else { return Ok(()) };
        let len = (self.block.len() as u32).to_le_bytes();
        let head = [self.part as u8, 0, 0, 0, len[0], len[1], len[2], len[3]];
        to.write_all(&head)?;
        to.write_all(&self.block)?;
        to.write_all(&checksum(self.number, &head, &self.block))?;
        self.number += 1;
        self.has_block = true;
        self.block.clear();
        Ok(())
    }

    pub(super) fn bytes(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !self.is_dry() && !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.try_extend_from_slice(now)?;
            bytes = later;
            if self.block.len() == BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    pub(super) fn u8(&mut self, n: u8) -> Result<(), Error> {
        self.bytes(&[n])
    }

    pub(super) fn u32(&mut self, n: u32) -> Result<(), Error> {
        self.bytes(&n.to_le_bytes())
    }

    pub(super) fn u64(&mut self, n: u64) -> Result<(), Error> {
        self.bytes(&n.to_le_bytes())
    }

    /// Bytes with their number in front.
    pub(super) fn counted(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let len = u32::try_from(bytes.len()).map_err(|_| Error::msg("4 GiB or more don't fit a snapshot"))?;
        self.u32(len)?;
        self.bytes(bytes)
    }

    /// Ends it.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.part(Part::End)?;
        self.flush()?;
        match &mut self.to {
            Some(to) => Ok(to.flush()?),
            None => Ok(()),
        }
    }
}

/// Reads a snapshot, of which nothing is believed before a block's checksum was compared.
pub(crate) struct Reader<R> {
    from: R,
    block: Buf<u8>,
    at: usize,
    part: Part,
    number: u64,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(budget: &Budget, mut from: R) -> Result<Self, Error> {
        let mut head = [0; MAGIC.len() + 4];
        read(&mut from, &mut head)?;
        let (magic, version) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(Error::of_kind(ErrorKind::Invalid, "these bytes are no snapshot"));
        }
        if version != VERSION.to_le_bytes() {
            let version = u32::from_le_bytes([version[0], version[1], version[2], version[3]]);
            let message = format_args!("the snapshot has version {version} of the format, not {VERSION}");
            return Err(Error::of_kind(ErrorKind::Invalid, message));
        }
        let block = Buf::with_capacity(budget, Kind::Host, BLOCK)?;
        Ok(Self { from, block, at: 0, part: Part::Modules, number: 0 })
    }

    fn next_block(&mut self) -> Result<(), Error> {
        let mut head = [0; HEAD];
        read(&mut self.from, &mut head)?;
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if len > BLOCK {
            return Err(wrong("a block is too large"));
        }
        self.block.clear();
        self.block.try_resize(len, 0)?;
        read(&mut self.from, &mut self.block)?;
        let mut sum = [0; SUM];
        read(&mut self.from, &mut sum)?;
        if sum != checksum(self.number, &head, &self.block) {
            return Err(wrong(format_args!("block {} has another checksum", self.number)));
        }
        (self.at, self.number) = (0, self.number + 1);
        let parts =
            [Part::Modules, Part::Embedder, Part::Names, Part::Instances, Part::State, Part::Call, Part::End];
        self.part = parts
            .into_iter()
            .find(|part| *part as u8 == head[0])
            .ok_or_else(|| wrong("a part is unknown"))?;
        Ok(())
    }

    /// Goes on to the next part, which must be this one.
    pub(super) fn part(&mut self, part: Part) -> Result<(), Error> {
        if self.at != self.block.len() {
            return Err(wrong(format_args!("something follows the part {:?}", self.part)));
        }
        self.next_block()?;
        if self.part == part { Ok(()) } else { Err(wrong(format_args!("the part {part:?} is missing"))) }
    }

    /// Goes on to this part, whatever is before it.
    pub(super) fn skip_to(&mut self, part: Part) -> Result<(), Error> {
        while self.part != part {
            if self.part == Part::End {
                return Err(wrong(format_args!("the part {part:?} is missing")));
            }
            self.next_block()?;
        }
        Ok(())
    }

    pub(super) fn fill(&mut self, mut bytes: &mut [u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.at == self.block.len() {
                let part = self.part;
                self.next_block()?;
                if self.part != part || self.block.is_empty() {
                    return Err(wrong(format_args!("the part {part:?} is too short")));
                }
            }
            let n = bytes.len().min(self.block.len() - self.at);
            let (now, later) = bytes.split_at_mut(n);
            now.copy_from_slice(&self.block[self.at..self.at + n]);
            self.at += n;
            bytes = later;
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Bytes with their number in front, at most so many.
    pub(super) fn counted(&mut self, budget: &Budget, most: u32) -> Result<Buf<u8>, Error> {
        let len = self.u32()?;
        if len > most {
            return Err(wrong(format_args!("{len} bytes where at most {most} may be")));
        }
        let mut bytes = Buf::new(budget, Kind::Host);
        // Only what came takes memory.
        let mut piece = [0; 256];
        let mut left = len as usize;
        while left > 0 {
            let n = left.min(piece.len());
            self.fill(&mut piece[..n])?;
            bytes.try_extend_from_slice(&piece[..n])?;
            left -= n;
        }
        Ok(bytes)
    }
}

fn read(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), Error> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => wrong("it ends too soon"),
        _ => error.into(),
    })
}
