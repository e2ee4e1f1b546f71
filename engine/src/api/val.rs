//! Values whose type is known only at run time.

use crate::runtime::store::StoreInner;
use crate::{AsContextMut, Error, ExnRef, ExternRef, Func, HeapType, RefType, V128, Val, ValType};
use core::any::Any;
use core::fmt;

impl V128 {
    /// The vector with these bits.
    pub const fn from_bits(bits: u128) -> Self {
        V128(bits)
    }

    /// The vector's bits.
    pub const fn to_bits(self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> Self {
        V128(bits)
    }
}

impl From<V128> for u128 {
    fn from(vector: V128) -> Self {
        vector.0
    }
}

impl fmt::Debug for V128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#034x}", self.0)
    }
}

impl ExternRef {
    /// Gives a value to the store.
    ///
    /// # Errors
    ///
    /// If the budget or the system has no room for one more reference (what the value itself holds on the heap isn't counted).
    pub fn new(mut store: impl AsContextMut, value: impl Any + Send + Sync + 'static) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        let index = store.inner_mut().new_extern_ref(value)?;
        Ok(Self { store: store.inner().id, index })
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// If this belongs to another store.
    pub fn data<'a, T: 'a>(
        &self,
        store: impl Into<crate::StoreContext<'a, T>>,
    ) -> &'a (dyn Any + Send + Sync) {
        let inner = store.into().inner();
        inner.check(self.store);
        inner.extern_ref(self.index)
    }

    pub(crate) fn to_raw(self, store: &StoreInner) -> u64 {
        store.check(self.store);
        u64::from(self.index) + 1
    }

    pub(crate) fn from_raw(store: &StoreInner, raw: u64) -> Option<Self> {
        Some(Self { store: store.id, index: raw.checked_sub(1)? as u32 })
    }
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident $unwrap:ident $variant:ident $ty:ty, $value:ident => $get:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self) -> Option<$ty> {
            match *self {
                Val::$variant($value) => Some($get),
                _ => None,
            }
        }

        #[doc = concat!("What [`Val::", stringify!($name), "`] gives.\n\n# Panics\n\nIf the value has another type.")]
        #[track_caller]
        pub fn $unwrap(&self) -> $ty {
            match self.$name() {
                Some(value) => value,
                None => panic!("expected {}, found {}", stringify!($variant), self.ty()),
            }
        }
    )*};
}

impl Val {
    /// The value's type; of a reference, the nullable one without a function type.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(_) => ValType::FUNCREF,
            Val::ExternRef(_) => ValType::EXTERNREF,
            Val::ExnRef(_) => ValType::EXNREF,
        }
    }

    /// Zero, or null, of this type; `None` for references that are never null.
    pub fn default_for_ty(ty: ValType) -> Option<Self> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128(0)),
            ValType::Ref(ty) if ty.is_nullable() => Val::null(ty.heap_type()),
            ValType::Ref(_) => return None,
        })
    }

    /// The null reference that refers to no such thing.
    pub fn null(ty: HeapType) -> Self {
        match ty {
            HeapType::Func | HeapType::ConcreteFunc(_) => Val::FuncRef(None),
            HeapType::Extern => Val::ExternRef(None),
            HeapType::Exn => Val::ExnRef(None),
        }
    }

    accessors! {
        /// The value, if it is a 32-bit integer.
        i32 unwrap_i32 I32 i32, v => v;
        /// The value, if it is a 64-bit integer.
        i64 unwrap_i64 I64 i64, v => v;
        /// The value, if it is a 32-bit float.
        f32 unwrap_f32 F32 f32, v => f32::from_bits(v);
        /// The value, if it is a 64-bit float.
        f64 unwrap_f64 F64 f64, v => f64::from_bits(v);
        /// The value, if it is a vector.
        v128 unwrap_v128 V128 V128, v => v;
        /// The value, if it is a reference to a function; the inner `None` is null.
        func_ref unwrap_func_ref FuncRef Option<Func>, v => v;
        /// The value, if it is a reference to something of the host's; the inner `None` is null.
        extern_ref unwrap_extern_ref ExternRef Option<ExternRef>, v => v;
        /// The same as [`Val::func_ref`].
        funcref unwrap_funcref FuncRef Option<Func>, v => v;
        /// The same as [`Val::extern_ref`].
        externref unwrap_externref ExternRef Option<ExternRef>, v => v;
        /// The value, if it is a reference to an exception; the inner `None` is null.
        exn_ref unwrap_exn_ref ExnRef Option<ExnRef>, v => v;
    }

    /// The slots of this value; the second one counts only for vectors.
    ///
    /// # Panics
    /// If a reference belongs to another store.
    pub(crate) fn to_raw(self, store: &StoreInner) -> [u64; 2] {
        match self {
            Val::I32(value) => [u64::from(value as u32), 0],
            Val::I64(value) => [value as u64, 0],
            Val::F32(bits) => [bits.into(), 0],
            Val::F64(bits) => [bits, 0],
            Val::V128(V128(bits)) => [bits as u64, (bits >> 64) as u64],
            Val::FuncRef(func) => [func.map_or(0, |func| func.ptr(store).as_ptr() as u64), 0],
            Val::ExternRef(value) => [value.map_or(0, |value| value.to_raw(store)), 0],
            Val::ExnRef(value) => [value.map_or(0, |value| value.to_raw(store)), 0],
        }
    }

    /// The value in these slots, of which there is a second one at least for vectors.
    ///
    /// # Safety
    /// A `funcref` there is null or a function of this store, and an `exnref` null or an exception of it.
    pub(crate) unsafe fn from_raw(store: &StoreInner, ty: ValType, slots: &[u64]) -> Self {
        match ty {
            ValType::I32 => Val::I32(slots[0] as u32 as i32),
            ValType::I64 => Val::I64(slots[0] as i64),
            ValType::F32 => Val::F32(slots[0] as u32),
            ValType::F64 => Val::F64(slots[0]),
            ValType::V128 => Val::V128(V128(u128::from(slots[1]) << 64 | u128::from(slots[0]))),
            ValType::Ref(ty) => match ty.heap_type() {
                HeapType::Func | HeapType::ConcreteFunc(_) => {
                    // SAFETY: the caller's contract.
                    Val::FuncRef(unsafe { Func::from_raw(store, slots[0]) })
                }
                // SAFETY: the caller's contract.
                HeapType::Exn => Val::ExnRef(unsafe { ExnRef::from_raw(store, slots[0]) }),
                HeapType::Extern => Val::ExternRef(ExternRef::from_raw(store, slots[0])),
            },
        }
    }

    /// Fails unless the value is of this type.
    ///
    /// # Panics
    /// If a function's own type is asked for, and it belongs to another store.
    pub(crate) fn expect_ty(&self, store: &StoreInner, ty: ValType) -> Result<(), Error> {
        let is_null = matches!(self, Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None));
        match (*self, ty) {
            (_, ValType::Ref(ty))
                if is_null && !ty.is_nullable() && self.ty() == Val::null(ty.heap_type()).ty() =>
            {
                Err(Error::msg(format_args!("expected a value of type {ty}, not null")))
            }
            (Val::FuncRef(func), ValType::Ref(expected)) if let Some(number) = expected.concrete() => {
                match func {
                    Some(func) if !store.engine.is_subtype(func.sig_in(store), number.0) => {
                        let found = func.ty_in(store);
                        Err(match store.engine.func_type(number) {
                            Some(expected) => Error::msg(format_args!(
                                "expected a function of type {expected}, not {found}"
                            )),
                            None => Error::msg(format_args!("no function has the type of a {ty} any more")),
                        })
                    }
                    _ => Ok(()),
                }
            }
            (_, ValType::Ref(ty)) if self.ty() == ValType::Ref(RefType::new(true, ty.heap_type())) => Ok(()),
            _ if self.ty() == ty => Ok(()),
            _ => Err(Error::msg(format_args!("expected a value of type {ty}, not {}", self.ty()))),
        }
    }
}

macro_rules! from {
    ($($ty:ty, $value:ident => $val:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                $val
            }
        }
    )*};
}

from! {
    i32, v => Val::I32(v);
    u32, v => Val::I32(v as i32);
    i64, v => Val::I64(v);
    u64, v => Val::I64(v as i64);
    f32, v => Val::F32(v.to_bits());
    f64, v => Val::F64(v.to_bits());
    V128, v => Val::V128(v);
    Func, v => Val::FuncRef(Some(v));
    Option<Func>, v => Val::FuncRef(v);
    ExternRef, v => Val::ExternRef(Some(v));
    Option<ExternRef>, v => Val::ExternRef(v);
    ExnRef, v => Val::ExnRef(Some(v));
    Option<ExnRef>, v => Val::ExnRef(v);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_types() {
        for ty in [
            ValType::I32,
            ValType::I64,
            ValType::F32,
            ValType::F64,
            ValType::V128,
            ValType::FUNCREF,
            ValType::EXTERNREF,
            ValType::EXNREF,
        ] {
            assert_eq!(Val::default_for_ty(ty).map(|val| val.ty()), Some(ty));
        }
        assert_eq!(Val::from(u32::MAX).unwrap_i32(), -1);
        assert_eq!(Val::from(1.5f64).f64(), Some(1.5));
        assert_eq!(Val::from(1.5f64).f32(), None);
    }
}
