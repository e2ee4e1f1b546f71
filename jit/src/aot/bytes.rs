//! Encoding of numbers and strings.

/// The bytes end early, or aren't UTF-8 where a string is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// A cursor that reads from the front.
pub(super) struct Take<'b>(pub(super) &'b [u8]);

impl<'b> Take<'b> {
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.bytes(N)?.try_into().expect("as many as were asked for"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Bytes that are preceded by their length.
    pub(super) fn block(&mut self) -> Result<&'b [u8], Malformed> {
        let len = self.u32()?;
        self.bytes(len as usize)
    }

    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let text = std::str::from_utf8(self.block()?).map_err(|_| Malformed)?;
        Ok(text.to_owned())
    }
}

/// Appends bytes, preceded by their length.
#[cfg(feature = "compiler")]
pub(super) fn put_block(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), std::num::TryFromIntError> {
    out.extend_from_slice(&u32::try_from(bytes.len())?.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
