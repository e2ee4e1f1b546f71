//! Rust types that are WebAssembly types, one at a time and several together.

use crate::runtime::store::StoreInner;
use crate::{ExnRef, ExternRef, Func, HeapType, RefType, V128, ValType};

/// A Rust type that stands for a WebAssembly value type: `i32` and `u32`, `i64` and `u64`, `f32`, `f64`, [`V128`],
/// [`Func`], `Option<Func>`, `Option<ExternRef>` and `Option<ExnRef>`.
pub trait WasmTy: sealed::Value {}

impl<V: sealed::Value> WasmTy for V {}

pub(crate) mod sealed {
    use super::*;

    /// A value that goes into slots and comes out of them.
    pub trait Value: Copy + Send + 'static {
        #[doc(hidden)]
        const TYPE: ValType;
        #[doc(hidden)]
        const SLOTS: usize;
        /// Writes the value to the first slots.
        #[doc(hidden)]
        fn store(self, store: &Slots<'_>, slots: &mut [u64]);
        /// Reads the value from the first slots.
        ///
        /// # Safety
        /// They hold a value of this type, of this store.
        #[doc(hidden)]
        unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self;
    }

    /// Several values, one after the other in slots.
    pub trait Values: Send {
        #[doc(hidden)]
        const SLOTS: usize;
        #[doc(hidden)]
        const TYPES: &'static [ValType];
        #[doc(hidden)]
        fn store(self, store: &Slots<'_>, slots: &mut [u64]);
        /// # Safety
        /// The slots hold values of these types, of this store.
        #[doc(hidden)]
        unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self;
    }

    /// The store that values belong to.
    pub struct Slots<'a>(pub(crate) &'a StoreInner);
}

use sealed::{Slots, Value, Values};

macro_rules! number {
    ($($ty:ty: $val:ident, $value:ident => $to:expr, $slot:ident => $from:expr;)*) => {$(
        impl Value for $ty {
            const TYPE: ValType = ValType::$val;
            const SLOTS: usize = 1;

            #[inline]
            fn store(self, _: &Slots<'_>, slots: &mut [u64]) {
                let $value = self;
                slots[0] = $to;
            }

            #[inline]
            unsafe fn load(_: &Slots<'_>, slots: &[u64]) -> Self {
                let $slot = slots[0];
                $from
            }
        }
    )*};
}

number! {
    i32: I32, v => u64::from(v as u32), s => s as i32;
    u32: I32, v => v.into(), s => s as u32;
    i64: I64, v => v as u64, s => s as i64;
    u64: I64, v => v, s => s;
    f32: F32, v => v.to_bits().into(), s => f32::from_bits(s as u32);
    f64: F64, v => v.to_bits(), s => f64::from_bits(s);
}

impl Value for V128 {
    const TYPE: ValType = ValType::V128;
    const SLOTS: usize = 2;

    #[inline]
    fn store(self, _: &Slots<'_>, slots: &mut [u64]) {
        slots[0] = self.to_bits() as u64;
        slots[1] = (self.to_bits() >> 64) as u64;
    }

    #[inline]
    unsafe fn load(_: &Slots<'_>, slots: &[u64]) -> Self {
        V128::from_bits(u128::from(slots[1]) << 64 | u128::from(slots[0]))
    }
}

impl Value for Option<Func> {
    const TYPE: ValType = ValType::FUNCREF;
    const SLOTS: usize = 1;

    fn store(self, store: &Slots<'_>, slots: &mut [u64]) {
        slots[0] = self.map_or(0, |func| func.ptr(store.0).as_ptr() as u64);
    }

    unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Func::from_raw(store.0, slots[0]) }
    }
}

impl Value for Func {
    const TYPE: ValType = ValType::Ref(RefType::new(false, HeapType::Func));
    const SLOTS: usize = 1;

    fn store(self, store: &Slots<'_>, slots: &mut [u64]) {
        slots[0] = self.ptr(store.0).as_ptr() as u64;
    }

    unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Func::from_raw(store.0, slots[0]) }.expect("this type is never null")
    }
}

impl Value for Option<ExternRef> {
    const TYPE: ValType = ValType::EXTERNREF;
    const SLOTS: usize = 1;

    fn store(self, store: &Slots<'_>, slots: &mut [u64]) {
        slots[0] = self.map_or(0, |value| value.to_raw(store.0));
    }

    unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self {
        ExternRef::from_raw(store.0, slots[0])
    }
}

impl Value for Option<ExnRef> {
    const TYPE: ValType = ValType::EXNREF;
    const SLOTS: usize = 1;

    fn store(self, store: &Slots<'_>, slots: &mut [u64]) {
        slots[0] = self.map_or(0, |value| value.to_raw(store.0));
    }

    unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self {
        // SAFETY: the caller's contract.
        unsafe { ExnRef::from_raw(store.0, slots[0]) }
    }
}

impl<V: Value> Values for V {
    const SLOTS: usize = V::SLOTS;
    const TYPES: &'static [ValType] = &[V::TYPE];

    #[inline]
    fn store(self, store: &Slots<'_>, slots: &mut [u64]) {
        Value::store(self, store, slots);
    }

    #[inline]
    unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self {
        // SAFETY: the caller's contract.
        unsafe { <V as Value>::load(store, slots) }
    }
}

macro_rules! tuple {
    ($($v:ident)*) => {
        impl<$($v: Value),*> Values for ($($v,)*) {
            const SLOTS: usize = 0 $(+ $v::SLOTS)*;
            const TYPES: &'static [ValType] = &[$($v::TYPE),*];

            #[inline]
            #[allow(non_snake_case, unused, reason = "generated, for no values too")]
            fn store(self, store: &Slots<'_>, slots: &mut [u64]) {
                let ($($v,)*) = self;
                let mut at = 0;
                $(
                    Value::store($v, store, &mut slots[at..]);
                    at += $v::SLOTS;
                )*
            }

            #[inline]
            #[allow(non_snake_case, unused, clippy::unused_unit, reason = "generated, for no values too")]
            unsafe fn load(store: &Slots<'_>, slots: &[u64]) -> Self {
                let mut at = 0;
                $(
                    // SAFETY: the caller's contract.
                    let $v = unsafe { <$v as Value>::load(store, &slots[at..]) };
                    at += $v::SLOTS;
                )*
                ($($v,)*)
            }
        }
    };
}

/// Calls a macro with the names of 0 to 16 type parameters.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!();
        $macro!(A1);
        $macro!(A1 A2);
        $macro!(A1 A2 A3);
        $macro!(A1 A2 A3 A4);
        $macro!(A1 A2 A3 A4 A5);
        $macro!(A1 A2 A3 A4 A5 A6);
        $macro!(A1 A2 A3 A4 A5 A6 A7);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15);
        $macro!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16);
    };
}
pub(super) use for_each_arity;

for_each_arity!(tuple);
