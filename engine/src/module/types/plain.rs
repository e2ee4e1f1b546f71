//! The types of values that name no other type, in a byte.

use super::{HeapType, RefType, ValType};

/// A type of values that names no other type. Nearly all are, and lists of them are small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum PlainType {
    I32,
    I64,
    F32,
    F64,
    V128,
    FuncRef,
    ExternRef,
    ExnRef,
    /// `(ref func)`.
    Func,
    /// `(ref extern)`.
    Extern,
    /// `(ref exn)`.
    Exn,
}

impl PlainType {
    pub(crate) fn of(ty: ValType) -> Option<PlainType> {
        Some(match ty {
            ValType::I32 => PlainType::I32,
            ValType::I64 => PlainType::I64,
            ValType::F32 => PlainType::F32,
            ValType::F64 => PlainType::F64,
            ValType::V128 => PlainType::V128,
            ValType::Ref(ty) => match (ty.heap_type(), ty.is_nullable()) {
                (HeapType::Func, true) => PlainType::FuncRef,
                (HeapType::Func, false) => PlainType::Func,
                (HeapType::Extern, true) => PlainType::ExternRef,
                (HeapType::Extern, false) => PlainType::Extern,
                (HeapType::Exn, true) => PlainType::ExnRef,
                (HeapType::Exn, false) => PlainType::Exn,
                (HeapType::ConcreteFunc(_), _) => return None,
            },
        })
    }

    pub(crate) const fn val_type(self) -> ValType {
        match self {
            PlainType::I32 => ValType::I32,
            PlainType::I64 => ValType::I64,
            PlainType::F32 => ValType::F32,
            PlainType::F64 => ValType::F64,
            PlainType::V128 => ValType::V128,
            PlainType::FuncRef => ValType::FUNCREF,
            PlainType::ExternRef => ValType::EXTERNREF,
            PlainType::ExnRef => ValType::EXNREF,
            PlainType::Func => ValType::Ref(RefType::new(false, HeapType::Func)),
            PlainType::Extern => ValType::Ref(RefType::new(false, HeapType::Extern)),
            PlainType::Exn => ValType::Ref(RefType::new(false, HeapType::Exn)),
        }
    }

    /// A list of this type alone.
    #[inline]
    pub(crate) fn alone(self) -> &'static [PlainType] {
        use PlainType::*;
        const EACH: [PlainType; 11] =
            [I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef, Func, Extern, Exn];
        core::slice::from_ref(&EACH[self as usize])
    }

    pub(crate) const fn is_ref(self) -> bool {
        self.val_type().is_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::PlainType::{self, *};

    #[test]
    fn plain_types_are_value_types() {
        for ty in [I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef, Func, Extern, Exn] {
            assert_eq!(PlainType::of(ty.val_type()), Some(ty));
            assert_eq!(ty.alone(), [ty]);
        }
    }
}
