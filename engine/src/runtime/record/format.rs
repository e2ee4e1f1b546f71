//! The stream: a magic number, a version, then blocks with checksums.

use super::{Part, wrong};
use crate::memory::{Budget, Buf, Kind};
use crate::runtime::error::{Error, ErrorKind};
use alloc::boxed::Box;
use crc32fast::Hasher;
use std::io::{self, IoSlice, Read, Write};

/// No module begins so, nor a snapshot.
const MAGIC: [u8; 8] = *b"\0dunrec\0";

/// It changes with the format.
const VERSION: u32 = 1;

/// The most bytes that a block holds.
pub(super) const BLOCK: usize = 64 << 10;

/// Part, three zeros, length, checksum.
const HEAD: usize = 12;

/// From so many bytes on, they are written from where they are.
const LARGE: usize = 4 << 10;

fn checksum(number: u64, head: &[u8], bytes: &[u8]) -> [u8; 4] {
    let mut sum = Hasher::new();
    sum.update(&number.to_le_bytes());
    sum.update(head);
    sum.update(bytes);
    sum.finalize().to_le_bytes()
}

fn head(part: Part, number: u64, bytes: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[0] = part as u8;
    head[4..8].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    let sum = checksum(number, &head[..8], bytes);
    head[8..].copy_from_slice(&sum);
    head
}

/// Writes a record.
pub(crate) struct Writer {
    to: Box<dyn Write + Send + Sync>,
    /// The block that is being filled, without its head.
    block: Buf<u8>,
    part: Part,
    number: u64,
    /// All bytes of blocks so far.
    pub(super) written: u64,
}

impl Writer {
    pub(crate) fn new(budget: &Budget, mut to: Box<dyn Write + Send + Sync>) -> Result<Self, Error> {
        let block = Buf::with_capacity(budget, Kind::Host, BLOCK)?;
        to.write_all(&MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { to, block, part: Part::Head, number: 0, written: 0 })
    }

    /// Begins a part.
    pub(super) fn part(&mut self, part: Part) -> Result<(), Error> {
        self.flush()?;
        self.part = part;
        Ok(())
    }

    /// Writes what there is of a block.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.blocks(&[])
    }

    /// Writes the block, and behind it one of `large`, at most a block's bytes.
    fn blocks(&mut self, large: &[u8]) -> Result<(), Error> {
        let mut heads = [[0; HEAD]; 2];
        for (into, bytes) in heads.iter_mut().zip([&self.block[..], large]) {
            if !bytes.is_empty() {
                *into = head(self.part, self.number, bytes);
                self.number += 1;
                self.written += (HEAD + bytes.len()) as u64;
            }
        }
        let has = |bytes: &[u8]| if bytes.is_empty() { 0 } else { HEAD };
        let (first, second) = (&heads[0][..has(&self.block)], &heads[1][..has(large)]);
        let mut slices = [first, &self.block, second, large].map(IoSlice::new);
        write_all(&mut self.to, &mut slices)?;
        self.block.clear();
        Ok(())
    }

    pub(super) fn bytes(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while bytes.len() >= LARGE {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK));
            self.blocks(now)?;
            bytes = later;
        }
        if bytes.len() > BLOCK - self.block.len() {
            self.flush()?;
        }
        self.block.try_extend_from_slice(bytes)?;
        Ok(())
    }
}

fn write_all(to: &mut dyn Write, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match to.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A part is written to as anything else is.
impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes(bytes).map_err(|error| io::Error::other(error.into_boxed_dyn_error()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why reading ended.
pub(super) enum Stop {
    /// The record is at its end, or breaks off.
    End,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

/// Reads a record, of which nothing is believed before a block's checksum was compared.
pub(crate) struct Reader {
    from: Box<dyn Read + Send + Sync>,
    block: Buf<u8>,
    at: usize,
    part: Part,
    number: u64,
}

impl Reader {
    pub(crate) fn new(budget: &Budget, mut from: Box<dyn Read + Send + Sync>) -> Result<Self, Error> {
        let mut head = [0; MAGIC.len() + 4];
        if read(&mut *from, &mut head)? < head.len() || head[..MAGIC.len()] != MAGIC {
            return Err(Error::of_kind(ErrorKind::Invalid, "these bytes are no record"));
        }
        let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        if version != VERSION {
            let message = format_args!("the record has version {version} of the format, not {VERSION}");
            return Err(Error::of_kind(ErrorKind::Invalid, message));
        }
        let block = Buf::with_capacity(budget, Kind::Host, BLOCK)?;
        Ok(Self { from, block, at: 0, part: Part::Head, number: 0 })
    }

    fn next_block(&mut self) -> Result<(), Stop> {
        self.block.clear();
        self.at = 0;
        let mut head = [0; HEAD];
        if read(&mut *self.from, &mut head)? < HEAD {
            return Err(Stop::End);
        }
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if len > BLOCK || len == 0 {
            return Err(wrong("a block is too large, or empty").into());
        }
        self.block.try_resize(len, 0)?;
        if read(&mut *self.from, &mut self.block)? < len {
            self.block.clear();
            return Err(Stop::End);
        }
        if head[8..] != checksum(self.number, &head[..8], &self.block) {
            return Err(wrong(format_args!("block {} has another checksum", self.number)).into());
        }
        self.number += 1;
        let parts = [Part::Head, Part::Snapshot, Part::Events];
        let part = parts.into_iter().find(|part| *part as u8 == head[0]);
        let part = part.ok_or_else(|| wrong("a part is unknown"))?;
        if (part as u8) < self.part as u8 {
            return Err(wrong("a part is at the wrong place").into());
        }
        self.part = part;
        Ok(())
    }

    /// Goes on to a part, whatever is before it.
    pub(super) fn skip_to(&mut self, part: Part) -> Result<(), Stop> {
        while (self.part as u8) < part as u8 || self.number == 0 {
            self.next_block()?;
        }
        Ok(())
    }

    /// The bytes of the part `part` that are at hand; none if that is over.
    pub(super) fn more(&mut self, part: Part) -> Result<&[u8], Stop> {
        if self.at == self.block.len() && self.part as u8 <= part as u8 {
            self.next_block()?;
        }
        Ok(if self.part == part { &self.block[self.at..] } else { &[] })
    }

    pub(super) fn took(&mut self, count: usize) {
        self.at += count;
    }

    /// Fills all of `bytes`, from the part that it is at.
    pub(super) fn fill(&mut self, mut bytes: &mut [u8]) -> Result<(), Stop> {
        while !bytes.is_empty() {
            let more = self.more(self.part)?;
            if more.is_empty() {
                return Err(wrong("a part is too short").into());
            }
            let n = bytes.len().min(more.len());
            let (now, later) = bytes.split_at_mut(n);
            now.copy_from_slice(&more[..n]);
            self.took(n);
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn u8(&mut self) -> Result<u8, Stop> {
        let mut byte = [0];
        self.fill(&mut byte)?;
        Ok(byte[0])
    }

    /// A number in LEB128, as WebAssembly has them.
    pub(super) fn leb(&mut self) -> Result<u64, Stop> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return match (bits << shift) >> shift == bits {
                    true => Ok(number),
                    false => Err(wrong("a number is too large").into()),
                };
            }
        }
        Err(wrong("a number is too long").into())
    }

    pub(super) fn leb32(&mut self) -> Result<u32, Stop> {
        u32::try_from(self.leb()?).map_err(|_| wrong("a number is too large").into())
    }

    /// Appends so many bytes. Only what came takes memory.
    pub(super) fn append(&mut self, to: &mut Buf<u8>, count: u64) -> Result<(), Stop> {
        let mut left = count;
        while left > 0 {
            let more = self.more(self.part)?;
            if more.is_empty() {
                return Err(wrong("a part is too short").into());
            }
            let n = more.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            to.try_extend_from_slice(&more[..n])?;
            self.took(n);
            left -= n as u64;
        }
        Ok(())
    }
}

/// The part with the snapshot.
impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.more(Part::Snapshot) {
            Ok(more) => {
                let n = more.len().min(into.len());
                into[..n].copy_from_slice(&more[..n]);
                self.took(n);
                Ok(n)
            }
            Err(Stop::End) => Ok(0),
            Err(Stop::Failed(error)) => Err(io::Error::other(error.into_boxed_dyn_error())),
        }
    }
}

/// Reads until there is nothing more.
fn read(from: &mut dyn Read, mut into: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while !into.is_empty() {
        match from.read(into) {
            Ok(0) => break,
            Ok(n) => {
                count += n;
                into = &mut into[n..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Appends a number in LEB128.
pub(super) fn put_leb(to: &mut Buf<u8>, mut number: u64) -> Result<(), Error> {
    let mut bytes = [0; 10];
    let mut len = 0;
    loop {
        bytes[len] = (number & 0x7f) as u8 | if number > 0x7f { 0x80 } else { 0 };
        len += 1;
        number >>= 7;
        if number == 0 {
            return Ok(to.try_extend_from_slice(&bytes[..len])?);
        }
    }
}
