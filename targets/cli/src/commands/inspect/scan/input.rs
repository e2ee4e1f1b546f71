//! Reads a module's bytes and numbers.

use super::ScanError;
use std::io::{self, Read};
use wasmparser::BinaryReader;

type Result<T> = std::result::Result<T, ScanError>;

/// How many bytes are held at most while others are skipped.
const MAX_SKIPPED_BYTES: u32 = 64 << 10;

/// The bytes of a module, read piece by piece.
pub(super) struct Input<R> {
    pub(super) reader: R,
    pub(super) offset: u64,
}

impl<R: Read> Input<R> {
    /// The next byte, if there is one.
    pub(super) fn byte(&mut self) -> Result<Option<u8>> {
        let mut byte = [0];
        match self.reader.read_exact(&mut byte) {
            Ok(()) => {
                self.offset += 1;
                Ok(Some(byte[0]))
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A number.
    pub(super) fn number(&mut self) -> Result<u32> {
        let start = self.offset;
        let mut bytes = Vec::with_capacity(5);
        loop {
            bytes.push(self.byte()?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?);
            if bytes[bytes.len() - 1] & 0x80 == 0 || bytes.len() == 5 {
                return Ok(BinaryReader::new(&bytes, start).read_var_u32()?);
            }
        }
    }

    pub(super) fn bytes(&mut self, count: u32) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.by_ref().take(count.into()).read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        if bytes.len() < count as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, mut count: u32) -> Result<()> {
        while count > 0 {
            let now = count.min(MAX_SKIPPED_BYTES);
            self.bytes(now)?;
            count -= now;
        }
        Ok(())
    }
}
