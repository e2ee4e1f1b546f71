//! The metadata of machine code: for each offset, the function that it belongs to, the trap that a fault there means,
//! and the position in the module that it comes from.

use super::handlers::Handler;
use super::map_error::MapError;
use super::offset_map::{Offset, OffsetMap, OffsetMapBuilder};

/// The metadata of one chunk of machine code. It is plain data without addresses.
///
/// Lookups take no lock and allocate nothing: signal handlers do them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct CodeMap {
    pub(super) functions: Box<[Function]>,
    pub(super) traps: OffsetMap,
    pub(super) sites: OffsetMap,
    pub(super) inlined: Box<[Inlined]>,
    pub(super) handlers: Box<[Handler]>,
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
pub(super) struct Function {
    pub(super) start: Offset,
    pub(super) end: Offset,
    pub(super) index: u32,
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

    /// Where the code of each function begins and ends, and its index in the module.
    #[cfg(feature = "compiler")]
    pub(crate) fn function_ranges(&self) -> impl Iterator<Item = (Offset, Offset, u32)> + '_ {
        self.functions.iter().map(|function| (function.start, function.end, function.index))
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

    /// The clauses for the call that returns to `offset`, in the order in which they are looked at.
    pub(crate) fn handlers_at(&self, offset: Offset) -> &[Handler] {
        let from = self.handlers.partition_point(|handler| handler.at < offset);
        let count = self.handlers[from..].partition_point(|handler| handler.at == offset);
        &self.handlers[from..from + count]
    }

    /// The least code length that contains all places.
    pub(crate) fn end(&self) -> u32 {
        let functions = self.functions.last().map_or(0, |function| function.end);
        // A trap lies at an instruction, but a return address may be the end of the code.
        functions
            .max(self.traps.last.map_or(0, |trap| trap.saturating_add(1)))
            .max(self.sites.last.unwrap_or(0))
            .max(self.handlers.last().map_or(0, |handler| handler.at))
            .max(self.handlers.iter().map(|handler| handler.landing.saturating_add(1)).max().unwrap_or(0))
    }

    /// Its size on the heap in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val::<[Function]>(&self.functions)
            + size_of_val::<[Inlined]>(&self.inlined)
            + size_of_val::<[Handler]>(&self.handlers)
            + self.traps.heap_bytes()
            + self.sites.heap_bytes()
    }
}

/// Builds a [`CodeMap`]: functions, traps and sites are each added in ascending order of offsets.
#[derive(Debug, Default)]
pub(crate) struct CodeMapBuilder {
    pub(super) functions: Vec<Function>,
    pub(super) traps: OffsetMapBuilder,
    pub(super) sites: OffsetMapBuilder,
    pub(super) inlined: Vec<Inlined>,
    pub(super) handlers: Vec<Handler>,
}

/// Upper bounds on the number of entries of each kind.
#[cfg(feature = "compiler")]
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct MapRoom {
    pub(crate) functions: usize,
    pub(crate) traps: usize,
    pub(crate) sites: usize,
    pub(crate) inlined: usize,
    pub(crate) handlers: usize,
}

#[cfg(feature = "compiler")]
impl MapRoom {
    /// The heap size of a builder with this capacity.
    pub(crate) fn bytes(self) -> u64 {
        let lists = self.functions * size_of::<Function>()
            + self.inlined * size_of::<Inlined>()
            + self.handlers * size_of::<Handler>();
        let maps = OffsetMapBuilder::most_bytes(self.traps) + OffsetMapBuilder::most_bytes(self.sites);
        (lists + maps) as u64
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
            .and_then(|()| builder.handlers.try_reserve_exact(room.handlers))
            .and_then(|()| builder.traps.reserve_most(room.traps))
            .and_then(|()| builder.sites.reserve_most(room.sites));
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

    /// Adds a clause, behind those of the same call.
    pub(crate) fn handler(&mut self, handler: Handler) -> Result<(), MapError> {
        if self.handlers.last().is_some_and(|last| handler.at < last.at) {
            return Err(MapError::Unsorted);
        }
        self.handlers.try_reserve(1).map_err(|_| MapError::NoMemory)?;
        self.handlers.push(handler);
        Ok(())
    }

    pub(crate) fn build(self) -> CodeMap {
        CodeMap {
            functions: self.functions.into_boxed_slice(),
            traps: self.traps.build(),
            sites: self.sites.build(),
            inlined: self.inlined.into_boxed_slice(),
            handlers: self.handlers.into_boxed_slice(),
        }
    }
}
