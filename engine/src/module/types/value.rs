//! The types of values.

use super::plain::PlainType;
use core::fmt;

/// The type of a WebAssembly value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit IEEE 754 float.
    F32,
    /// A 64-bit IEEE 754 float.
    F64,
    /// A 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

/// There are many in lists of types and of operands.
const _: () = assert!(size_of::<ValType>() == 4);

/// The type of a reference: what it refers to, and whether it may be null.
///
/// ```
/// use dunlin::{Engine, HeapType, RefType};
/// let engine = Engine::default();
/// let never_null = RefType::new(false, HeapType::Func);
/// assert_eq!(never_null.to_string(), "(ref func)");
/// assert!(never_null.matches(&engine, RefType::FUNCREF) && !RefType::FUNCREF.matches(&engine, never_null));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefType {
    /// From the lowest: 21 bits of a type's number, two that tell heap types apart, and whether it is nullable.
    bits: [u8; 3],
}

/// What a reference refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HeapType {
    /// A function of any type.
    Func,
    /// Something of the host's.
    Extern,
    /// An exception.
    Exn,
    /// A function of one type.
    ConcreteFunc(TypeNumber),
}

/// The number of a function type in an [`Engine`](crate::Engine): equal types have equal numbers, whichever module
/// they come from.
///
/// Types are compared as the specification says: those of a recursion group are equal to the same ones of an equal group, and
/// to no others, even if these have the same parameters and results.
///
/// It stands for the type as long as a module, a host function or an object of a store has that; then the engine may give
/// it to another type. [`Engine::func_type`](crate::Engine::func_type) says what type it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeNumber(pub(crate) u32);

impl TypeNumber {
    /// The greatest number that a reference's type can name.
    pub(crate) const MAX: u32 = Self::MEMBER - 1;

    /// Beyond all numbers: with this, it is the index of a type of the same recursion group.
    const MEMBER: u32 = 1 << (RefType::NUMBER_BITS - 1);

    /// What names a type of the same recursion group, where groups are compared.
    pub(crate) fn member(index: u32) -> TypeNumber {
        TypeNumber(index | Self::MEMBER)
    }

    /// The index in the same recursion group, if that is what this is.
    pub(crate) fn as_member(self) -> Option<u32> {
        (self.0 & Self::MEMBER != 0).then_some(self.0 & Self::MAX)
    }

    /// The number of a type that references name, if they can name that one.
    pub(crate) fn new(number: u32) -> Result<TypeNumber, TooManyTypes> {
        if number <= Self::MAX { Ok(TypeNumber(number)) } else { Err(TooManyTypes) }
    }
}

/// The engine has more types than references can tell apart.
#[derive(Debug)]
pub(crate) struct TooManyTypes;

impl fmt::Display for TooManyTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "references can name {} function types of an engine, and it has more", TypeNumber::MAX + 1)
    }
}

impl RefType {
    /// `funcref`: a function of any type, or null.
    pub const FUNCREF: RefType = RefType::new(true, HeapType::Func);
    /// `externref`: something of the host's, or null.
    pub const EXTERNREF: RefType = RefType::new(true, HeapType::Extern);

    /// `exnref`: an exception, or null.
    pub const EXNREF: RefType = RefType::new(true, HeapType::Exn);

    const NUMBER_BITS: u32 = 21;
    const NUMBER: u32 = (1 << Self::NUMBER_BITS) - 1;
    const NULLABLE: u32 = 1 << 23;

    /// A reference to a `heap_type`, or null if it `is_nullable`.
    pub const fn new(is_nullable: bool, heap_type: HeapType) -> RefType {
        let (kind, number) = match heap_type {
            HeapType::Func => (0, 0),
            HeapType::Extern => (1, 0),
            HeapType::ConcreteFunc(TypeNumber(number)) => (2, number),
            HeapType::Exn => (3, 0),
        };
        assert!(number <= Self::NUMBER);
        let bits = number | kind << Self::NUMBER_BITS | if is_nullable { Self::NULLABLE } else { 0 };
        let [a, b, c, _] = bits.to_le_bytes();
        RefType { bits: [a, b, c] }
    }

    const fn bits(self) -> u32 {
        let [a, b, c] = self.bits;
        u32::from_le_bytes([a, b, c, 0])
    }

    /// Whether it may be null.
    pub const fn is_nullable(self) -> bool {
        self.bits() & Self::NULLABLE != 0
    }

    /// What it refers to.
    pub const fn heap_type(self) -> HeapType {
        match self.bits() >> Self::NUMBER_BITS & 3 {
            0 => HeapType::Func,
            1 => HeapType::Extern,
            3 => HeapType::Exn,
            _ => HeapType::ConcreteFunc(TypeNumber(self.bits() & Self::NUMBER)),
        }
    }

    /// Whether every reference of this type is one of the `other` type: the specification's *matching*. `is_subtype` says
    /// it of function types that differ.
    pub(crate) fn matches_by(
        self,
        other: RefType,
        is_subtype: impl FnOnce(TypeNumber, TypeNumber) -> bool,
    ) -> bool {
        (other.is_nullable() || !self.is_nullable())
            && self.heap_type().matches_by(other.heap_type(), is_subtype)
    }

    /// The same type, if it names a type by the number that `rename` gives for the former one.
    pub(crate) fn renamed<E>(
        self,
        rename: impl FnOnce(TypeNumber) -> Result<TypeNumber, E>,
    ) -> Result<RefType, E> {
        match self.heap_type() {
            HeapType::ConcreteFunc(named) => {
                Ok(RefType::new(self.is_nullable(), HeapType::ConcreteFunc(rename(named)?)))
            }
            _ => Ok(self),
        }
    }

    /// Its function type, if it names one.
    pub(crate) fn concrete(self) -> Option<TypeNumber> {
        match self.heap_type() {
            HeapType::ConcreteFunc(number) => Some(number),
            _ => None,
        }
    }

    /// The type wasmparser read, which names types by their index in the module; `None` for one of a proposal that is
    /// not supported.
    pub(crate) fn from_wasmparser(ty: wasmparser::RefType) -> Option<RefType> {
        use wasmparser::{AbstractHeapType, HeapType as Parsed, UnpackedIndex};
        let heap_type = match ty.heap_type() {
            Parsed::Abstract { shared: false, ty: AbstractHeapType::Func } => HeapType::Func,
            Parsed::Abstract { shared: false, ty: AbstractHeapType::Extern } => HeapType::Extern,
            Parsed::Abstract { shared: false, ty: AbstractHeapType::Exn } => HeapType::Exn,
            Parsed::Concrete(UnpackedIndex::Module(index)) if index <= TypeNumber::MAX => {
                HeapType::ConcreteFunc(TypeNumber(index))
            }
            _ => return None,
        };
        Some(RefType::new(ty.is_nullable(), heap_type))
    }
}

impl HeapType {
    /// As for [`RefType::matches_by`].
    pub(crate) fn matches_by(
        self,
        other: HeapType,
        is_subtype: impl FnOnce(TypeNumber, TypeNumber) -> bool,
    ) -> bool {
        match (self, other) {
            (HeapType::ConcreteFunc(_), HeapType::Func) => true,
            (HeapType::ConcreteFunc(this), HeapType::ConcreteFunc(other)) => {
                this == other || is_subtype(this, other)
            }
            _ => self == other,
        }
    }
}

impl ValType {
    /// `funcref`: a function of any type, or null.
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `externref`: something of the host's, or null.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);
    /// `exnref`: an exception, or null.
    pub const EXNREF: ValType = ValType::Ref(RefType::EXNREF);

    /// Its byte in the binary format; all references to functions have the same here.
    #[cfg(any(feature = "coredump", feature = "snapshot"))]
    pub(crate) fn code(self) -> u8 {
        match self {
            ValType::I32 => 0x7f,
            ValType::I64 => 0x7e,
            ValType::F32 => 0x7d,
            ValType::F64 => 0x7c,
            ValType::V128 => 0x7b,
            ValType::Ref(ty) => match ty.heap_type() {
                HeapType::Func | HeapType::ConcreteFunc(_) => 0x70,
                HeapType::Extern => 0x6f,
                HeapType::Exn => 0x69,
            },
        }
    }

    /// Whether this is a reference to an exception.
    pub(crate) fn is_exn(self) -> bool {
        self.as_ref().is_some_and(|ty| ty.heap_type() == HeapType::Exn)
    }

    /// As for [`RefType::matches_by`].
    pub(crate) fn matches_by(
        self,
        other: ValType,
        is_subtype: impl FnOnce(TypeNumber, TypeNumber) -> bool,
    ) -> bool {
        match (self, other) {
            (ValType::Ref(this), ValType::Ref(other)) => this.matches_by(other, is_subtype),
            _ => self == other,
        }
    }

    /// How many 8-byte slots of a frame a value of this type takes.
    pub(crate) const fn slots(self) -> u32 {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// The function type that it names, if it does.
    pub(crate) fn concrete(self) -> Option<TypeNumber> {
        self.as_ref().and_then(RefType::concrete)
    }

    /// As for [`RefType::renamed`].
    pub(crate) fn renamed<E>(
        self,
        rename: impl FnOnce(TypeNumber) -> Result<TypeNumber, E>,
    ) -> Result<ValType, E> {
        match self {
            ValType::Ref(ty) => Ok(ValType::Ref(ty.renamed(rename)?)),
            _ => Ok(self),
        }
    }

    /// The same type in a byte, if it names no other type.
    pub(crate) fn plain(self) -> Option<PlainType> {
        PlainType::of(self)
    }

    /// The type wasmparser read, or `None` for one of a proposal that is not supported (which validation refuses).
    pub(crate) fn from_wasmparser(ty: wasmparser::ValType) -> Option<ValType> {
        Some(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => ValType::Ref(RefType::from_wasmparser(ty)?),
        })
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> ValType {
        ValType::Ref(ty)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::Ref(ty) => return fmt::Display::fmt(ty, f),
        })
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeapType::Func => f.write_str("func"),
            HeapType::Extern => f.write_str("extern"),
            HeapType::Exn => f.write_str("exn"),
            HeapType::ConcreteFunc(TypeNumber(number)) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_nullable(), self.heap_type()) {
            (true, heap @ (HeapType::Func | HeapType::Extern | HeapType::Exn)) => write!(f, "{heap}ref"),
            (true, heap) => write!(f, "(ref null {heap})"),
            (false, heap) => write!(f, "(ref {heap})"),
        }
    }
}

impl fmt::Debug for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefType")
            .field("is_nullable", &self.is_nullable())
            .field("heap_type", &self.heap_type())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAPS: [HeapType; 5] = [
        HeapType::Func,
        HeapType::Extern,
        HeapType::Exn,
        HeapType::ConcreteFunc(TypeNumber(0)),
        HeapType::ConcreteFunc(TypeNumber(TypeNumber::MAX)),
    ];

    #[test]
    fn references_are_what_they_were_made_of() {
        for (is_nullable, heap) in HEAPS.into_iter().flat_map(|heap| [(true, heap), (false, heap)]) {
            let ty = RefType::new(is_nullable, heap);
            assert_eq!((ty.is_nullable(), ty.heap_type()), (is_nullable, heap));
        }
    }

    #[test]
    fn references_match_as_the_specification_says() {
        let typed =
            |is_nullable, number| RefType::new(is_nullable, HeapType::ConcreteFunc(TypeNumber(number)));
        // A type is a subtype of those with a lower number here.
        let matches = |this: RefType, other| this.matches_by(other, |this, other| this > other);
        assert!(matches(typed(true, 3), RefType::FUNCREF) && matches(typed(false, 3), typed(true, 3)));
        assert!(!matches(typed(true, 3), typed(false, 3)) && !matches(typed(false, 3), typed(false, 4)));
        assert!(matches(typed(false, 4), typed(true, 3)) && !matches(typed(true, 4), typed(false, 3)));
        assert!(!matches(RefType::FUNCREF, typed(true, 3)) && !matches(typed(true, 3), RefType::EXTERNREF));
        let unrelated = |this: ValType, other| this.matches_by(other, |_, _| false);
        assert!(unrelated(ValType::I32, ValType::I32) && !unrelated(ValType::I32, ValType::FUNCREF));
    }

    #[test]
    fn members_of_a_group_are_no_numbers() {
        for index in [0, 1, TypeNumber::MAX] {
            let member = TypeNumber::member(index);
            let ty = RefType::new(true, HeapType::ConcreteFunc(member));
            assert_eq!(ty.heap_type(), HeapType::ConcreteFunc(member));
            assert_eq!((member.as_member(), TypeNumber(index).as_member()), (Some(index), None));
            assert!(TypeNumber::new(member.0).is_err());
        }
    }
}
