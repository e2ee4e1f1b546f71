//! The frame of a module: its header, the headers of its sections, their order and counts.

use crate::module::load_error::{ErrorKind, LoadError};

pub(super) const MAGIC: &[u8; 4] = b"\0asm";

const COMPONENT: &str = "this is a WebAssembly component, not a core module: \
    take the core module out of it (wasm-tools component unbundle), or build for wasm32-wasip1";

/// Looks at the first eight bytes, as many of them as there are.
///
/// Gives how many are needed to decide, or `None` if this is the header of a module.
pub(super) fn check_header(bytes: &[u8]) -> Result<Option<usize>, LoadError> {
    let Some((magic, version)) = bytes.split_first_chunk::<4>() else { return Ok(Some(4)) };
    if magic != MAGIC {
        let hint = match magic[0] {
            b'(' | b';' | b' ' | b'\t' | b'\r' | b'\n' => {
                "this looks like the text format, which must be converted to binary first"
            }
            _ => "this is not a WebAssembly binary",
        };
        return Err(LoadError::new(ErrorKind::Invalid, format_args!("magic header not detected: {hint}"), 0));
    }
    let Some((version, _)) = version.split_first_chunk::<4>() else { return Ok(Some(8)) };
    // A version and a layer, of 16 bits each.
    match u32::from_le_bytes(*version) {
        1 => Ok(None),
        // Drafts of components counted from 10 to 13.
        0x1_000a..=0x1_000d => Err(LoadError::new(ErrorKind::Unsupported, COMPONENT, 4)),
        version => {
            Err(LoadError::new(ErrorKind::Invalid, format_args!("unknown binary version: {version:#10x}"), 4))
        }
    }
}

/// A `u32` in LEB128 that may not be complete yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leb {
    /// The value, and how many bytes it took.
    Done(u32, usize),
    More,
    /// What is wrong, and with which byte.
    Invalid(&'static str, usize),
}

impl Leb {
    pub(super) fn read(bytes: &[u8]) -> Leb {
        let mut value = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            value |= u32::from(byte & 0x7f) << (7 * i);
            if i == 4 && byte & 0xf0 != 0 {
                return match byte & 0x80 {
                    0 => Leb::Invalid("invalid var_u32: integer too large", i),
                    _ => Leb::Invalid("invalid var_u32: integer representation too long", i),
                };
            }
            if byte & 0x80 == 0 {
                return Leb::Done(value, i + 1);
            }
        }
        Leb::More
    }

    /// The value and its length, or `None` if there are not enough bytes; `offset` is that of the first.
    pub(super) fn read_at(bytes: &[u8], offset: u64) -> Result<Option<(u32, usize)>, LoadError> {
        match Leb::read(bytes) {
            Leb::Done(value, len) => Ok(Some((value, len))),
            Leb::More => Ok(None),
            Leb::Invalid(message, at) => Err(LoadError::new(ErrorKind::Invalid, message, offset + at as u64)),
        }
    }
}

/// What kind of section it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionId {
    Custom,
    Type,
    Import,
    Function,
    Table,
    Memory,
    Global,
    Export,
    Start,
    Element,
    Code,
    Data,
    DataCount,
    Tag,
}

impl SectionId {
    pub(super) fn from_byte(id: u8) -> Option<SectionId> {
        use SectionId::*;
        const IDS: [SectionId; 14] = [
            Custom, Type, Import, Function, Table, Memory, Global, Export, Start, Element, Code, Data,
            DataCount, Tag,
        ];
        IDS.get(usize::from(id)).copied()
    }

    /// Its place in the order that sections must keep.
    fn place(self) -> u8 {
        use SectionId::*;
        const ORDER: [SectionId; 13] = [
            Type, Import, Function, Table, Memory, Tag, Global, Export, Start, Element, DataCount, Code, Data,
        ];
        ORDER.iter().position(|id| *id == self).map_or(0, |place| place as u8 + 1)
    }

    pub(super) fn name(self) -> &'static str {
        use SectionId::*;
        match self {
            Custom => "a custom section",
            Type => "the type section",
            Import => "the import section",
            Function => "the function section",
            Table => "the table section",
            Memory => "the memory section",
            Global => "the global section",
            Export => "the export section",
            Start => "the start section",
            Element => "the element section",
            Code => "the code section",
            Data => "the data section",
            DataCount => "the data count section",
            Tag => "the tag section",
        }
    }
}

/// Checks that sections come in order, once each, and that those that count the same things agree.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: u8,
    functions: Option<u32>,
    bodies: Option<u32>,
    data_count: Option<u32>,
    data_segments: Option<u32>,
}

impl Order {
    pub(super) fn section(&mut self, id: SectionId, offset: u64) -> Result<(), LoadError> {
        if id == SectionId::Custom {
            return Ok(());
        }
        if id.place() <= self.last {
            return Err(LoadError::new(ErrorKind::Invalid, "section out of order", offset));
        }
        self.last = id.place();
        Ok(())
    }

    pub(super) fn functions(&mut self, count: u32) {
        self.functions = Some(count);
    }

    pub(super) fn data_count(&mut self, count: u32) {
        self.data_count = Some(count);
    }

    pub(super) fn bodies(&mut self, count: u32, offset: u64) -> Result<(), LoadError> {
        self.bodies = Some(count);
        self.check_functions(offset)
    }

    pub(super) fn data_segments(&mut self, count: u32, offset: u64) -> Result<(), LoadError> {
        self.data_segments = Some(count);
        self.check_data(offset)
    }

    pub(super) fn end(&self, offset: u64) -> Result<(), LoadError> {
        self.check_functions(offset)?;
        self.check_data(offset)
    }

    fn check_functions(&self, offset: u64) -> Result<(), LoadError> {
        let message = match (self.functions, self.bodies) {
            (Some(n), Some(m)) if n != m => "function and code section have inconsistent lengths",
            (Some(1..), None) => "function section has non-zero count but code section is absent",
            (None, Some(1..)) => "function section is absent but code section has non-zero count",
            _ => return Ok(()),
        };
        Err(LoadError::new(ErrorKind::Invalid, message, offset))
    }

    fn check_data(&self, offset: u64) -> Result<(), LoadError> {
        let message = match (self.data_count, self.data_segments) {
            (Some(n), Some(m)) if n != m => "data count and data section have inconsistent lengths",
            (Some(1..), None) => "data count is non-zero but data section is absent",
            _ => return Ok(()),
        };
        Err(LoadError::new(ErrorKind::Invalid, message, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leb_agrees_with_wasmparser() {
        let mut bytes = [0u8; 6];
        for seed in 0..200_000u64 {
            for (i, byte) in bytes.iter_mut().enumerate() {
                let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(11 * i as u32 + 5);
                *byte = if random & 0x300 == 0 { random as u8 & 0x8f } else { random as u8 | 0x80 };
            }
            let mut reader = wasmparser::BinaryReader::new(&bytes, 0);
            match (Leb::read(&bytes), reader.read_var_u32()) {
                (Leb::Done(value, len), Ok(theirs)) => {
                    assert_eq!((value, len), (theirs, reader.current_position()));
                    assert_eq!(Leb::read(&bytes[..len - 1]), Leb::More);
                }
                (Leb::Invalid(message, at), Err(theirs)) => {
                    assert_eq!((message, at as u64), (theirs.message(), theirs.offset()));
                }
                (ours, theirs) => panic!("{bytes:x?}: {ours:?} but {theirs:?}"),
            }
        }
    }
}
