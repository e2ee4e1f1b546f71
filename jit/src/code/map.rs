//! Metadata of machine code: for each place, the function that it belongs to, the trap that a fault there means, and
//! the position in the module that it comes from.

use std::collections::TryReserveError;
use std::fmt;

/// A place's offset from the first byte of its chunk.
type Offset = u32;

/// Why a map couldn't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapError {
    /// Offsets aren't ascending, or functions overlap.
    Unsorted,
    /// Something lies beyond the end of the code.
    OutOfRange,
    /// The bytes end early, continue after the end, or contain a number that is too large.
    Malformed,
    /// There is no memory for it.
    NoMemory,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsorted => "the places in the map of machine code are out of order",
            Self::OutOfRange => "the map of machine code names a place beyond its end",
            Self::Malformed => "the map of machine code is damaged",
            Self::NoMemory => "there is no memory for a map of machine code",
        })
    }
}

impl std::error::Error for MapError {}

impl From<MapError> for std::io::Error {
    fn from(error: MapError) -> Self {
        let kind = match error {
            MapError::NoMemory => std::io::ErrorKind::OutOfMemory,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// The metadata of one chunk of machine code. It is plain data without addresses.
///
/// Lookups take no lock and allocate nothing: signal handlers do them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct CodeMap {
    functions: Box<[Function]>,
    traps: Places,
    sites: Places,
    inlined: Box<[Inlined]>,
}

/// A place in a function that was inlined in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inlined {
    /// The function, by its index in the module.
    pub(crate) index: u32,
    /// The position within it, as an offset in the module.
    pub(crate) offset: u32,
    /// The position of the call that was inlined.
    pub(crate) at: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Function {
    start: Offset,
    end: Offset,
    index: u32,
}

impl CodeMap {
    /// The index in the module of the function that the code at `offset` belongs to; trampolines belong to none.
    pub(crate) fn function_at(&self, offset: Offset) -> Option<u32> {
        Some(self.range_at(offset)?.index)
    }

    /// Whether `offset` is a function's first instruction, at which no frame has been set up yet.
    pub(crate) fn is_function_start(&self, offset: Offset) -> bool {
        self.range_at(offset).is_some_and(|function| function.start == offset)
    }

    fn range_at(&self, offset: Offset) -> Option<&Function> {
        let after = self.functions.partition_point(|function| function.start <= offset);
        self.functions[..after].last().filter(|function| offset < function.end)
    }

    /// The raw trap code for a fault of the instruction at `offset`.
    pub(crate) fn trap_at(&self, offset: Offset) -> Option<u8> {
        // Every code that was added is a byte.
        self.traps.get(offset).map(|code| code as u8)
    }

    /// The position (a number of the compiler's) of a site. `offset` is a trapping instruction, or one less than the
    /// return address of a call; the return address may itself be a trapping instruction.
    pub(crate) fn site_at(&self, offset: Offset) -> Option<u32> {
        self.sites.get(offset)
    }

    /// The position of the first site at or after `offset` in the same function. This is for instructions that aren't
    /// expected to trap: if a call couldn't push its return address, the next site is its own.
    pub(crate) fn site_from(&self, offset: Offset) -> Option<u32> {
        let function = self.range_at(offset)?;
        let (site, position) = self.sites.first_from(offset)?;
        (site <= function.end).then_some(position)
    }

    /// The inlined place with this number, for positions that are one.
    pub(crate) fn inlined(&self, number: u32) -> Option<Inlined> {
        self.inlined.get(number as usize).copied()
    }

    /// The least code length that contains all places.
    pub(crate) fn end(&self) -> u32 {
        let functions = self.functions.last().map_or(0, |function| function.end);
        // A trap lies at an instruction, but a return address may be the end of the code.
        functions
            .max(self.traps.last.map_or(0, |trap| trap.saturating_add(1)))
            .max(self.sites.last.unwrap_or(0))
    }

    /// Its size on the heap in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val::<[Function]>(&self.functions)
            + size_of_val::<[Inlined]>(&self.inlined)
            + self.traps.heap_bytes()
            + self.sites.heap_bytes()
    }

    /// The map as bytes, for [`CodeMap::from_bytes`].
    #[cfg(any(test, feature = "compiler"))]
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, MapError> {
        let mut out = Vec::new();
        put(&mut out, self.functions.len() as u32)?;
        let (mut at, mut index) = (0, 0);
        for function in &self.functions {
            put(&mut out, function.start - at)?;
            put(&mut out, function.end - function.start)?;
            put(&mut out, zigzag(index, function.index))?;
            (at, index) = (function.end, function.index);
        }
        for places in [&self.traps, &self.sites] {
            put(&mut out, places.len)?;
            let (mut at, mut value) = (0, 0);
            for (offset, next) in places.iter() {
                put(&mut out, offset - at)?;
                put(&mut out, zigzag(value, next))?;
                (at, value) = (offset, next);
            }
        }
        put(&mut out, self.inlined.len() as u32)?;
        for Inlined { index, offset, at } in &self.inlined {
            for number in [*index, *offset, *at] {
                put(&mut out, number)?;
            }
        }
        Ok(out)
    }

    /// The peak heap size of [`CodeMap::from_bytes`] for `len` bytes.
    pub(crate) fn bytes_to_read(len: usize) -> u64 {
        // Functions and inlined places take four times their bytes. Traps and sites take a fifth more than theirs, and
        // their counts alone may reserve that much for both. The longest list is copied once more when it is boxed.
        8 * len as u64 + 128
    }

    /// Reads what [`CodeMap::to_bytes`] wrote. Any input gives a well-formed map or an error.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Result<Self, MapError> {
        let bytes = &mut bytes;
        let take = |bytes: &mut &[u8]| take(bytes).ok_or(MapError::Malformed);
        let ahead = |from: u32, by: u32| from.checked_add(by).ok_or(MapError::Malformed);
        let mut builder = CodeMapBuilder::default();
        let (mut at, mut index) = (0, 0);
        let count = take(bytes)?;
        // A count reserves no more than the remaining bytes can encode.
        let most = |count: u32, bytes: &[u8]| (count as usize).min(bytes.len() / 3);
        builder.functions.try_reserve_exact(most(count, bytes)).map_err(|_| MapError::NoMemory)?;
        for _ in 0..count {
            let start = ahead(at, take(bytes)?)?;
            at = ahead(start, take(bytes)?)?;
            index = unzigzag(index, take(bytes)?);
            builder.function(start, at, index)?;
        }
        let (mut at, mut code) = (0, 0);
        let count = take(bytes)?;
        builder.traps.reserve_for(count, bytes)?;
        for _ in 0..count {
            at = ahead(at, take(bytes)?)?;
            code = unzigzag(code, take(bytes)?);
            builder.trap(at, u8::try_from(code).map_err(|_| MapError::Malformed)?)?;
        }
        let (mut at, mut position) = (0, 0);
        let count = take(bytes)?;
        builder.sites.reserve_for(count, bytes)?;
        for _ in 0..count {
            at = ahead(at, take(bytes)?)?;
            position = unzigzag(position, take(bytes)?);
            builder.site(at, position)?;
        }
        let count = take(bytes)?;
        builder.inlined.try_reserve_exact(most(count, bytes)).map_err(|_| MapError::NoMemory)?;
        for _ in 0..count {
            builder.inlined(take(bytes)?, take(bytes)?, take(bytes)?)?;
        }
        if bytes.is_empty() { Ok(builder.build()) } else { Err(MapError::Malformed) }
    }
}

/// Builds a [`CodeMap`]: functions, traps and sites are each added in ascending order of offsets.
#[derive(Debug, Default)]
pub(crate) struct CodeMapBuilder {
    functions: Vec<Function>,
    traps: PlacesBuilder,
    sites: PlacesBuilder,
    inlined: Vec<Inlined>,
}

/// Upper bounds on the number of entries of each kind.
#[cfg(feature = "compiler")]
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct MapRoom {
    pub(crate) functions: usize,
    pub(crate) traps: usize,
    pub(crate) sites: usize,
    pub(crate) inlined: usize,
}

#[cfg(feature = "compiler")]
impl MapRoom {
    /// The heap size of a builder with this capacity.
    pub(crate) fn bytes(self) -> u64 {
        let places = |count: usize| PlacesBuilder::blocks(count) * size_of::<Block>() + count * MOST_BYTES;
        let lists = self.functions * size_of::<Function>() + self.inlined * size_of::<Inlined>();
        (lists + places(self.traps) + places(self.sites)) as u64
    }
}

impl CodeMapBuilder {
    /// A builder with preallocated capacity: it allocates nothing unless more than that is added.
    #[cfg(feature = "compiler")]
    pub(crate) fn with_room(room: MapRoom) -> Result<Self, MapError> {
        let mut builder = Self::default();
        let granted = builder
            .functions
            .try_reserve_exact(room.functions)
            .and_then(|()| builder.inlined.try_reserve_exact(room.inlined))
            .and_then(|()| builder.traps.reserve(room.traps, room.traps * MOST_BYTES))
            .and_then(|()| builder.sites.reserve(room.sites, room.sites * MOST_BYTES));
        granted.map_err(|_| MapError::NoMemory)?;
        Ok(builder)
    }

    /// Adds a function: its code spans `start..end`.
    pub(crate) fn function(&mut self, start: Offset, end: Offset, index: u32) -> Result<(), MapError> {
        if end <= start || self.functions.last().is_some_and(|last| start < last.end) {
            return Err(MapError::Unsorted);
        }
        self.functions.try_reserve(1).map_err(|_| MapError::NoMemory)?;
        self.functions.push(Function { start, end, index });
        Ok(())
    }

    /// Adds a trap: a fault of the instruction at `offset` means the trap `code`.
    pub(crate) fn trap(&mut self, offset: Offset, code: u8) -> Result<(), MapError> {
        self.traps.push(offset, u32::from(code))
    }

    /// Adds a site: the trapping instruction at `offset`, or the call that returns to `offset + 1`, comes from
    /// `position`.
    pub(crate) fn site(&mut self, offset: Offset, position: u32) -> Result<(), MapError> {
        self.sites.push(offset, position)
    }

    /// Adds an inlined place, under the next number. `at` never refers to a later one.
    pub(crate) fn inlined(&mut self, index: u32, offset: u32, at: u32) -> Result<(), MapError> {
        self.inlined.try_reserve(1).map_err(|_| MapError::NoMemory)?;
        self.inlined.push(Inlined { index, offset, at });
        Ok(())
    }

    pub(crate) fn build(self) -> CodeMap {
        CodeMap {
            functions: self.functions.into_boxed_slice(),
            traps: self.traps.build(),
            sites: self.sites.build(),
            inlined: self.inlined.into_boxed_slice(),
        }
    }
}

/// A sorted map from offsets to numbers, about three bytes an entry: deltas in LEB128, in blocks that are each decoded
/// from their beginning, with an index of blocks.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Places {
    blocks: Box<[Block]>,
    bytes: Box<[u8]>,
    len: u32,
    last: Option<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    /// The offset of its first entry.
    offset: Offset,
    /// The index of its first byte.
    at: u32,
}

const BLOCK: u32 = 32;

/// The most bytes of an entry: two 32-bit numbers in LEB128.
#[cfg(feature = "compiler")]
const MOST_BYTES: usize = 10;

impl Places {
    fn get(&self, offset: Offset) -> Option<u32> {
        let after = self.blocks.partition_point(|block| block.offset <= offset);
        let places = self.block(after.checked_sub(1)?);
        places.take_while(|place| place.0 <= offset).find(|place| place.0 == offset).map(|place| place.1)
    }

    /// The first entry at or after `offset`.
    fn first_from(&self, offset: Offset) -> Option<(Offset, u32)> {
        let after = self.blocks.partition_point(|block| block.offset <= offset);
        let in_block =
            after.checked_sub(1).and_then(|block| self.block(block).find(|place| place.0 >= offset));
        in_block.or_else(|| (after < self.blocks.len()).then(|| self.block(after).next())?)
    }

    #[cfg(any(test, feature = "compiler"))]
    fn iter(&self) -> impl Iterator<Item = (Offset, u32)> {
        (0..self.blocks.len()).flat_map(|block| self.block(block))
    }

    fn block(&self, block: usize) -> impl Iterator<Item = (Offset, u32)> {
        let end = self.blocks.get(block + 1).map_or(self.bytes.len(), |next| next.at as usize);
        let Block { offset, at } = self.blocks[block];
        let mut bytes = &self.bytes[at as usize..end];
        let (mut offset, mut value) = (offset, 0);
        std::iter::from_fn(move || {
            offset += take(&mut bytes)?;
            value = unzigzag(value, take(&mut bytes)?);
            Some((offset, value))
        })
    }

    fn heap_bytes(&self) -> usize {
        size_of_val::<[Block]>(&self.blocks) + self.bytes.len()
    }
}

#[derive(Debug, Default)]
struct PlacesBuilder {
    blocks: Vec<Block>,
    bytes: Vec<u8>,
    len: u32,
    last: Option<Offset>,
    value: u32,
}

impl PlacesBuilder {
    /// The number of blocks for `count` entries.
    fn blocks(count: usize) -> usize {
        count.div_ceil(BLOCK as usize)
    }

    /// Reserves capacity for `count` entries in `bytes` bytes.
    fn reserve(&mut self, count: usize, bytes: usize) -> Result<(), TryReserveError> {
        self.blocks.try_reserve_exact(Self::blocks(count))?;
        self.bytes.try_reserve_exact(bytes)
    }

    /// Reserves capacity for the announced number of entries, as far as `bytes` can encode them.
    fn reserve_for(&mut self, count: u32, bytes: &[u8]) -> Result<(), MapError> {
        let count = (count as usize).min(bytes.len() / 2);
        // The first offset of a block may take more bytes here than in the input.
        let bytes = bytes.len() + Self::blocks(count) * 5;
        self.reserve(count, bytes).map_err(|_| MapError::NoMemory)
    }

    fn push(&mut self, offset: Offset, value: u32) -> Result<(), MapError> {
        if self.last.is_some_and(|last| offset <= last) {
            return Err(MapError::Unsorted);
        }
        let mut from = self.last.unwrap_or(0);
        if self.len.is_multiple_of(BLOCK) {
            self.blocks.try_reserve(1).map_err(|_| MapError::NoMemory)?;
            let at = u32::try_from(self.bytes.len()).map_err(|_| MapError::OutOfRange)?;
            self.blocks.push(Block { offset, at });
            (from, self.value) = (offset, 0);
        }
        put(&mut self.bytes, offset - from)?;
        put(&mut self.bytes, zigzag(self.value, value))?;
        (self.last, self.value) = (Some(offset), value);
        self.len += 1;
        Ok(())
    }

    fn build(self) -> Places {
        Places {
            blocks: self.blocks.into_boxed_slice(),
            bytes: self.bytes.into_boxed_slice(),
            len: self.len,
            last: self.last,
        }
    }
}

/// The zigzag-encoded difference of two numbers: small if they are near each other in either direction.
fn zigzag(from: u32, to: u32) -> u32 {
    let step = to.wrapping_sub(from) as i32;
    ((step << 1) ^ (step >> 31)) as u32
}

fn unzigzag(from: u32, step: u32) -> u32 {
    from.wrapping_add((step >> 1) ^ (step & 1).wrapping_neg())
}

/// Appends a number in LEB128.
fn put(out: &mut Vec<u8>, mut number: u32) -> Result<(), MapError> {
    out.try_reserve(5).map_err(|_| MapError::NoMemory)?;
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    Ok(())
}

/// Decodes a LEB128 number at the front; `None` if there is none.
fn take(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if shift == 28 && byte > 0xf {
            return None;
        }
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(count: u32) -> CodeMap {
        let mut builder = CodeMapBuilder::default();
        for k in 0..count {
            builder.function(k * 1000 + 10, k * 1000 + 900, count - k).unwrap();
            builder.trap(k * 1000 + 50, (k % 256) as u8).unwrap();
            for call in 0..5 {
                builder.site(k * 1000 + 60 + call * 3, (k * 7919).wrapping_mul(call)).unwrap();
            }
        }
        builder.build()
    }

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        for count in [0, 1, 31, 32, 33, 1000] {
            let map = sample(count);
            assert_eq!(map.function_at(0), None);
            for k in 0..count {
                let start = k * 1000 + 10;
                assert!(map.is_function_start(start) && !map.is_function_start(start + 1));
                assert_eq!(map.function_at(start - 1), None);
                assert_eq!(map.function_at(start), Some(count - k));
                assert_eq!(map.function_at(start + 889), Some(count - k));
                assert_eq!(map.function_at(start + 890), None);
                assert_eq!(map.trap_at(start + 40), Some((k % 256) as u8));
                assert_eq!((map.trap_at(start + 39), map.trap_at(start + 41)), (None, None));
                for call in 0..5 {
                    let site = k * 1000 + 60 + call * 3;
                    assert_eq!(map.site_at(site), Some((k * 7919).wrapping_mul(call)));
                    assert_eq!(map.site_at(site + 1), None);
                    assert_eq!(map.site_from(site - 2), map.site_at(site));
                }
                assert_eq!(map.site_from(start), map.site_at(start + 50));
                assert_eq!((map.site_from(start + 63), map.site_from(start - 1)), (None, None));
            }
        }
    }

    #[test]
    fn a_map_survives_as_bytes() {
        for count in [0, 1, 33, 1000] {
            let map = sample(count);
            let bytes = map.to_bytes().unwrap();
            assert_eq!(CodeMap::from_bytes(&bytes).unwrap(), map);
            // Positions in the sample have large differences; traps and functions take a few bytes each.
            assert!(bytes.len() <= 4 + count as usize * (6 + 4 + 5 * 5), "{} bytes for {count}", bytes.len());
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_or_another_proper_map() {
        let bytes = sample(12).to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(CodeMap::from_bytes(&bytes[..end]).is_err());
        }
        assert_eq!(CodeMap::from_bytes(&[&bytes[..], &[0]].concat()), Err(MapError::Malformed));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(map) = CodeMap::from_bytes(&damaged) {
                    let again = map.to_bytes().unwrap();
                    assert_eq!(CodeMap::from_bytes(&again).unwrap(), map);
                    map.trap_at(at as u32 * 100);
                    map.site_at(at as u32 * 100);
                }
            }
        }
        assert!(CodeMap::from_bytes(&[0xff; 40]).is_err());
        // A count that the bytes can't hold asks for no memory in advance.
        assert_eq!(CodeMap::from_bytes(&[0xff, 0xff, 0xff, 0xff, 0xf]), Err(MapError::Malformed));
    }

    /// A map's numbers, each as it shouldn't be.
    #[test]
    fn each_number_is_looked_at() {
        const MOST: u32 = u32::MAX;
        // Two functions, traps and sites, each behind their number, and an inlined place.
        let whole: [u32; 21] = [2, 10, 5, 2, 0, 1, 1, 2, 12, 8, 3, 20, 2, 11, 4, 1, 6, 1, 7, 8, 9];
        let bytes = |numbers: &[u32]| {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| put(&mut bytes, *number).unwrap());
            bytes
        };
        let map = CodeMap::from_bytes(&bytes(&whole)).unwrap();
        assert_eq!(
            (map.function_at(10), map.function_at(14), map.function_at(15)),
            (Some(1), Some(1), Some(0))
        );
        assert_eq!(
            (map.trap_at(12), map.trap_at(15), map.site_at(11), map.site_at(12)),
            (Some(4), Some(14), Some(2), Some(5))
        );
        assert_eq!((map.inlined(0), map.inlined(1)), (Some(Inlined { index: 7, offset: 8, at: 9 }), None));
        let refused = [
            ("more functions than there are", 0, 3, MapError::Malformed),
            ("far too many functions", 0, MOST, MapError::Malformed),
            ("a function far behind", 4, MOST, MapError::Malformed),
            ("a function whose end is no number", 2, MOST, MapError::Malformed),
            ("a function of no bytes", 2, 0, MapError::Unsorted),
            ("another function of no bytes", 5, 0, MapError::Unsorted),
            ("more traps than there are", 7, 9, MapError::Malformed),
            ("far too many traps", 7, MOST, MapError::Malformed),
            ("a trap's code that is no byte", 9, 2 * 256, MapError::Malformed),
            ("a trap's code below zero", 9, 1, MapError::Malformed),
            ("a second trap's code that is no byte", 11, 2 * 252, MapError::Malformed),
            ("a trap where one is already", 10, 0, MapError::Unsorted),
            ("a trap far behind", 10, MOST, MapError::Malformed),
            ("more sites than there are", 12, 9, MapError::Malformed),
            ("far too many sites", 12, MOST, MapError::Malformed),
            ("a site where one is already", 15, 0, MapError::Unsorted),
            ("a site far behind", 15, MOST, MapError::Malformed),
            ("more inlined places than there are", 17, 2, MapError::Malformed),
            ("fewer inlined places than there are", 17, 0, MapError::Malformed),
            ("far too many inlined places", 17, MOST, MapError::Malformed),
        ];
        for (what, at, number, error) in refused {
            let mut changed = whole;
            changed[at] = number;
            assert_eq!(CodeMap::from_bytes(&bytes(&changed)), Err(error), "{what}");
        }
        let mut greatest = whole;
        greatest[9] = 2 * 245;
        assert_eq!(CodeMap::from_bytes(&bytes(&greatest)).unwrap().trap_at(15), Some(255));
        // A last number of more than 32 bits, or of more bytes than those take.
        let (last, others) = whole.split_last().unwrap();
        let ending = |last: &[u8]| CodeMap::from_bytes(&[&bytes(others)[..], last].concat());
        assert_eq!(ending(&[*last as u8]), Ok(map));
        assert!(ending(&[0xff, 0xff, 0xff, 0xff, 0xf]).is_ok());
        for too_large in [
            &[0xff, 0xff, 0xff, 0xff, 0x1f][..],
            &[0xff; 5],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0],
            &[0x80],
            &[],
        ] {
            assert_eq!(ending(too_large), Err(MapError::Malformed));
        }
    }

    #[test]
    fn disorder_is_refused() {
        let mut builder = CodeMapBuilder::default();
        builder.function(10, 20, 0).unwrap();
        assert_eq!(builder.function(19, 30, 1), Err(MapError::Unsorted));
        assert_eq!(builder.function(20, 20, 1), Err(MapError::Unsorted));
        builder.trap(5, 1).unwrap();
        assert_eq!(builder.trap(5, 2), Err(MapError::Unsorted));
        builder.site(u32::MAX, 1).unwrap();
        assert_eq!(builder.site(0, 1), Err(MapError::Unsorted));
        assert_eq!(builder.build().end(), u32::MAX);
    }
}
