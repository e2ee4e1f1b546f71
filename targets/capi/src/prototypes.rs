//! What is exported, as C declares it: for tests.

use crate::boundary::c_types;
use crate::handles::Deleted;
use crate::pointers::{Array, ArrayMut, Byte, Handle, Out, Text};
use crate::vec::{CVec, Element};
use std::ffi::c_void;

/// A function as C declares it.
pub(crate) struct Prototype {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<String>,
    pub(crate) result: String,
}

/// A type as C writes it.
pub(crate) trait CType {
    fn c() -> String;
}

c_types! {
    () = "void";
    c_void = "void";
    Byte = "char";
    bool = "bool";
    u8 = "uint8_t";
    u32 = "uint32_t";
    i32 = "int32_t";
    u64 = "uint64_t";
    usize = "size_t";
    Text<'_> = "char const *";
    Option<unsafe extern "C" fn(*mut c_void)> = "void (*)(void *)";
}

impl<T: Element> CType for CVec<T> {
    fn c() -> String {
        T::VEC.into()
    }
}

macro_rules! pointers {
    ($how:literal: $($ty:ty)*) => {$(
        impl<T: CType> CType for $ty {
            fn c() -> String {
                format!($how, T::c())
            }
        }
    )*};
}

pointers! { "{} *": *mut T Option<&mut T> Option<Box<T>> Out<'_, T> Handle<'_, T> ArrayMut<'_, T> Deleted<T> }
pointers! { "{} const *": *const T Option<&T> Array<'_, T> }
