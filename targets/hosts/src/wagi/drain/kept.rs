//! What lies beside an instance in its snapshot: the embedder's part of that.
//!
//! Numbers are little-endian, bytes and texts have their length in front. Whatever changes how it is read changes the version.

use std::time::Duration;

/// How it begins: what made it, and the version.
const BEGIN: &[u8] = b"dunlin wagi\x01";

/// What a request needs to go on, besides its program's instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::wagi) struct Kept<'b> {
    /// The route that it came by.
    pub(in crate::wagi) route: &'b str,
    /// The time that it may still take; in whole milliseconds.
    pub(in crate::wagi) left: Duration,
    /// What the program has printed.
    pub(in crate::wagi) printed: &'b [u8],
    /// What it hasn't read of the request's body.
    pub(in crate::wagi) input: &'b [u8],
    /// What WASI keeps of it: arguments, environment, files, clocks.
    pub(in crate::wagi) wasi: &'b [u8],
}

impl<'b> Kept<'b> {
    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        let parts = [self.route.as_bytes(), self.printed, self.input, self.wasi];
        BEGIN.len() + 8 + parts.iter().map(|part| 4 + part.len()).sum::<usize>()
    }

    /// The same as bytes; `None` if a part has 4 GiB or more.
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.len());
        bytes.extend_from_slice(BEGIN);
        bytes.extend_from_slice(&(self.left.as_millis() as u64).to_le_bytes());
        for part in [self.route.as_bytes(), self.printed, self.input, self.wasi] {
            bytes.extend_from_slice(&u32::try_from(part.len()).ok()?.to_le_bytes());
            bytes.extend_from_slice(part);
        }
        Some(bytes)
    }

    /// What was written so; `None` if it wasn't.
    pub(in crate::wagi) fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(BEGIN)?;
        let (left, parts) = rest.split_first_chunk()?;
        rest = parts;
        let mut part = || {
            let (len, parts) = rest.split_first_chunk()?;
            let (part, parts) = parts.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            rest = parts;
            Some(part)
        };
        let (route, printed, input, wasi) = (part()?, part()?, part()?, part()?);
        let left = Duration::from_millis(u64::from_le_bytes(*left));
        let kept = Self { route: std::str::from_utf8(route).ok()?, left, printed, input, wasi };
        rest.is_empty().then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let kept = Kept {
            route: "/a/...",
            left: Duration::from_millis(1500),
            printed: b"content-",
            input: b"",
            wasi: &[1, 2, 3],
        };
        let bytes = kept.write().unwrap();
        assert_eq!((Kept::read(&bytes), bytes.len()), (Some(kept), kept.len()));
        for end in 0..bytes.len() {
            assert_eq!(Kept::read(&bytes[..end]), None, "{end}");
        }
        assert_eq!(Kept::read(&[&bytes[..], b"x"].concat()), None);
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut forged = bytes.clone();
                forged[at] ^= flip;
                // It may be another one, and is never a panic.
                let read = Kept::read(&forged);
                assert!(read != Some(kept) || read.is_none(), "{at}");
            }
        }
    }
}
