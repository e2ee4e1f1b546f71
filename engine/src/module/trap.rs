//! Every reason for a guest to stop.

use core::fmt;

/// Why WebAssembly code stopped before its end.
///
/// The names follow wasmtime's `Trap`; the texts are the ones that the specification's testsuite expects. A host
/// function may return a trap too (`Err(Trap::Interrupt.into())`), and it then looks as if the guest had trapped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Trap {
    /// The value stack ([`Config::max_wasm_stack`](crate::Config::max_wasm_stack)) is full, or guest and host
    /// functions called each other too deeply.
    StackOverflow,
    /// An access beyond a memory's end, or a data segment that doesn't fit.
    MemoryOutOfBounds,
    /// A `table.*` instruction beyond a table's end, or an element segment that doesn't fit.
    TableOutOfBounds,
    /// `call_indirect` with an index beyond its table's end.
    UndefinedElement,
    /// `call_indirect` through a null reference.
    IndirectCallToNull,
    /// `call_indirect` of a function that has another type.
    BadSignature,
    /// A result that its integer type can't represent, such as `i32.div_s` of the smallest number by -1.
    IntegerOverflow,
    /// Integer division or remainder by zero.
    IntegerDivisionByZero,
    /// A conversion of NaN to an integer.
    BadConversionToInteger,
    /// The `unreachable` instruction.
    UnreachableCodeReached,
    /// [`InterruptHandle::interrupt`](crate::InterruptHandle::interrupt) was called.
    Interrupt,
    /// The store's fuel is used up.
    OutOfFuel,
    /// The memory budget has no room for what the guest's next step needs, such as the translation of a function.
    OutOfBudget,
    /// An atomic instruction at an address that isn't a multiple of the size that it accesses.
    HeapMisaligned,
    /// `memory.atomic.wait32` or `wait64` on a memory that isn't shared.
    AtomicWaitNonSharedMemory,
    /// `throw_ref` of a null reference.
    NullExceptionReference,
    /// The file that holds the module's function bodies is no longer what was validated.
    ModuleChanged,
    /// `call_ref` or `ref.as_non_null` of a null reference.
    NullReference,
}

/// Every trap, by its number.
static ALL: [Trap; 18] = [
    Trap::StackOverflow,
    Trap::MemoryOutOfBounds,
    Trap::TableOutOfBounds,
    Trap::UndefinedElement,
    Trap::IndirectCallToNull,
    Trap::BadSignature,
    Trap::IntegerOverflow,
    Trap::IntegerDivisionByZero,
    Trap::BadConversionToInteger,
    Trap::UnreachableCodeReached,
    Trap::Interrupt,
    Trap::OutOfFuel,
    Trap::OutOfBudget,
    Trap::HeapMisaligned,
    Trap::AtomicWaitNonSharedMemory,
    Trap::NullExceptionReference,
    Trap::ModuleChanged,
    Trap::NullReference,
];

#[cfg(test)]
#[test]
fn traps_are_listed_by_number() {
    for (number, trap) in ALL.into_iter().enumerate() {
        assert_eq!(trap as usize, number);
    }
}

impl Trap {
    /// The trap with this number, if there is one.
    pub(crate) fn numbered(number: u8) -> Option<Trap> {
        ALL.get(number as usize).copied()
    }

    /// The same, for as long as anybody likes.
    pub(crate) fn as_static(self) -> &'static Trap {
        &ALL[self as usize]
    }

    /// The trap with this number (`trap as u8`), which handlers pass in a register.
    pub(crate) fn from_code(code: u8) -> Trap {
        ALL[code as usize]
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trap::StackOverflow => "call stack exhausted",
            Trap::MemoryOutOfBounds => "out of bounds memory access",
            Trap::TableOutOfBounds => "out of bounds table access",
            Trap::UndefinedElement => "undefined element",
            Trap::IndirectCallToNull => "uninitialized element",
            Trap::BadSignature => "indirect call type mismatch",
            Trap::IntegerOverflow => "integer overflow",
            Trap::IntegerDivisionByZero => "integer divide by zero",
            Trap::BadConversionToInteger => "invalid conversion to integer",
            Trap::UnreachableCodeReached => "unreachable",
            Trap::Interrupt => "interrupted",
            Trap::OutOfFuel => "all fuel consumed",
            Trap::OutOfBudget => "memory budget exhausted",
            Trap::HeapMisaligned => "unaligned atomic",
            Trap::AtomicWaitNonSharedMemory => "expected shared memory",
            Trap::NullExceptionReference => "null exception reference",
            Trap::ModuleChanged => "module file changed",
            Trap::NullReference => "null reference",
        })
    }
}

impl core::error::Error for Trap {}
