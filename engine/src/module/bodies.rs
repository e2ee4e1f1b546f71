//! The function bodies of a module, as they came: in memory, or left in the file they came from.

#[cfg(feature = "std")]
use crate::memory::Kind;
use crate::memory::{Budget, Buf, Charge, MemoryError};
#[cfg(feature = "std")]
use crate::sys::PositionedFile;
use alloc::boxed::Box;
#[cfg(feature = "std")]
use core::hash::Hasher;
#[cfg(feature = "std")]
use siphasher::sip128::{Hasher128, SipHasher13};

/// Where bodies stay while their module is loaded.
#[derive(Debug, Default)]
pub(crate) enum Source {
    /// They are copied.
    #[default]
    Copied,
    /// In the module's bytes, which never change.
    Static(&'static [u8]),
    /// In the file that the module is read from, from its start.
    #[cfg(feature = "std")]
    File(PositionedFile, HashKey),
}

#[cfg(feature = "std")]
impl Source {
    pub(crate) fn file(file: std::fs::File) -> Self {
        Source::File(PositionedFile::new(file), HashKey::random())
    }
}

/// Where a function body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyRecord {
    /// The offset of its first byte (the count of local declarations) in the module.
    pub(crate) offset: u32,
    /// Its length in bytes.
    pub(crate) len: u32,
}

/// The bodies of the functions a module defines.
#[derive(Debug)]
pub(crate) struct Bodies {
    pub(crate) records: Box<[BodyRecord]>,
    pub(crate) bytes: BodyBytes,
    pub(crate) charge: Charge,
}

#[derive(Debug)]
pub(crate) enum BodyBytes {
    /// The code section from its first body on.
    Memory(Box<[Chunk]>),
    /// The module's bytes.
    Static(&'static [u8]),
    /// The file the module was read from, and a keyed hash of each body as it was validated.
    #[cfg(feature = "std")]
    File { file: PositionedFile, key: HashKey, hashes: Box<[u128]> },
}

/// A run of bodies, each with its size before it, as they stand in the module.
///
/// They are kept in runs of [`CHUNK`] bytes (more, for a larger body) so that nothing moves while more come.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The offset of the first byte in the module.
    pub(crate) start: u32,
    pub(crate) bytes: Buf<u8>,
}

/// The bytes of a run of bodies.
pub(crate) const CHUNK: usize = 64 << 10;

/// Why a body can't be had.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The file is not what was validated any more.
    Changed,
    /// The file can't be read.
    #[cfg(feature = "std")]
    Io(std::io::Error),
    /// There is no memory to read the body into.
    Memory(MemoryError),
}

impl core::fmt::Display for BodyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            BodyError::Changed => f.write_str("module file changed"),
            #[cfg(feature = "std")]
            BodyError::Io(error) => write!(f, "module file can't be read: {error}"),
            BodyError::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for BodyError {}

impl Bodies {
    /// Calls `f` with the bytes of the `defined_index`th function that the module defines itself; `budget` pays for
    /// reading them, if they are in a file.
    pub(crate) fn with_body<R>(
        &self,
        defined_index: u32,
        #[cfg_attr(not(feature = "std"), expect(unused_variables, reason = "none are in a file"))]
        budget: &Budget,
        f: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, BodyError> {
        let record = self.records[defined_index as usize];
        match &self.bytes {
            BodyBytes::Memory(chunks) => {
                let chunk = &chunks[chunks.partition_point(|chunk| chunk.start <= record.offset) - 1];
                let start = (record.offset - chunk.start) as usize;
                Ok(f(&chunk.bytes[start..start + record.len as usize]))
            }
            BodyBytes::Static(bytes) => Ok(f(&bytes[record.offset as usize..][..record.len as usize])),
            #[cfg(feature = "std")]
            BodyBytes::File { file, key, hashes } => {
                let mut scratch = Buf::new(budget, Kind::Bodies);
                scratch.try_resize(record.len as usize, 0).map_err(BodyError::Memory)?;
                file.read_exact_at(&mut scratch, record.offset.into()).map_err(|error| {
                    match error.kind() {
                        std::io::ErrorKind::UnexpectedEof => BodyError::Changed,
                        _ => BodyError::Io(error),
                    }
                })?;
                if key.hash(&scratch) != hashes[defined_index as usize] {
                    return Err(BodyError::Changed);
                }
                Ok(f(&scratch))
            }
        }
    }

    /// The offset of the body's first byte in the module.
    pub(crate) fn file_offset(&self, defined_index: u32) -> u64 {
        self.records[defined_index as usize].offset.into()
    }

    /// The length of the body.
    #[cfg(test)]
    pub(crate) fn body_len(&self, defined_index: u32) -> u32 {
        self.records[defined_index as usize].len
    }
}

/// The random key of this load, without which nobody can construct another body of the same hash.
#[cfg(feature = "std")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashKey(u64, u64);

#[cfg(feature = "std")]
impl HashKey {
    pub(crate) fn random() -> HashKey {
        // The standard library's own source of keys against crafted collisions, seeded by the system.
        let random = || std::hash::BuildHasher::build_hasher(&std::hash::RandomState::new()).finish();
        HashKey(random(), random())
    }

    pub(crate) fn hash(self, body: &[u8]) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        hasher.write(body);
        hasher.finish128().as_u128()
    }
}
