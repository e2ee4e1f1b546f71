//! What C passes: types that say which pointers may be null, who owns what they point to, and how many elements there are.
//!
//! That a pointer which isn't null is a good one, as the headers demand, is what all of this relies on: safe code can't make
//! these types of anything else.

use crate::failure::{Failure, Result};
use crate::prototypes::{c_pointers, c_types};
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

/// C's `char`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Byte(pub(crate) u8);

/// A number, or half a vector: C's union of all of them.
#[repr(transparent)]
pub struct dunlin_slot_t(u64);

/// A pointer that C has without `const`, to what changes only by means that bear it.
#[repr(transparent)]
pub struct Handle<'a, T>(Option<&'a T>);

impl<'a, T> Handle<'a, T> {
    pub(crate) fn new(of: Option<&'a T>) -> Self {
        Self(of)
    }

    pub(crate) fn get(self) -> Option<&'a T> {
        self.0
    }

    /// What it points to.
    ///
    /// # Errors
    /// If it is null.
    pub(crate) fn require(self) -> Result<&'a T> {
        self.0.ok_or_else(Failure::null)
    }
}

/// What a parameter that must not be null points to.
pub(crate) trait Require<T> {
    /// # Errors
    /// If it is null.
    fn require(self) -> Result<T>;
}

impl<T> Require<T> for Option<T> {
    fn require(self) -> Result<T> {
        self.ok_or_else(Failure::null)
    }
}

/// Where a function leaves a result. Nothing need be there before.
#[repr(transparent)]
pub struct Out<'a, T>(Option<&'a mut MaybeUninit<T>>);

impl<'a, T> Out<'a, T> {
    /// The place, if C wants it.
    pub(crate) fn place(self) -> Option<&'a mut MaybeUninit<T>> {
        self.0
    }

    /// Leaves `value`, if C wants it.
    pub(crate) fn put(self, value: T) {
        if let Some(place) = self.0 {
            place.write(value);
        }
    }
}

impl<'a, T> Out<'a, Option<T>> {
    /// The place, with null in it, so that a function that fails leaves nothing else.
    ///
    /// # Errors
    /// If C gave none.
    pub(crate) fn cleared(self) -> Result<&'a mut Option<T>> {
        Ok(self.0.require()?.write(None))
    }
}

/// The first of some elements that C keeps meanwhile.
#[repr(transparent)]
pub struct Array<'a, T>(*const T, std::marker::PhantomData<&'a [T]>);

impl<'a, T> Array<'a, T> {
    /// # Safety
    /// It is null, or a pointer as C passes it.
    pub(crate) unsafe fn new(pointer: *const T) -> Self {
        Self(pointer, std::marker::PhantomData)
    }

    /// So many elements.
    ///
    /// # Errors
    /// If it is null and there should be some.
    pub(crate) fn slice(self, len: usize) -> Result<&'a [T]> {
        match (self.0.is_null(), len) {
            (_, 0) => Ok(&[]),
            (true, _) => Err(Failure::null()),
            // SAFETY: as the header demands, there are so many.
            (false, _) => Ok(unsafe { std::slice::from_raw_parts(self.0, len) }),
        }
    }

    pub(crate) fn pointer(self) -> *const T {
        self.0
    }
}

impl<'a> Array<'a, Byte> {
    /// So many bytes.
    ///
    /// # Errors
    /// If it is null and there should be some.
    pub(crate) fn bytes(self, len: usize) -> Result<&'a [u8]> {
        let bytes = self.slice(len)?;
        // SAFETY: a `Byte` is one.
        Ok(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) })
    }
}

/// The first of some elements that the function changes. They may be the same as those that it was given to look at, so that it
/// looks at these first.
#[repr(transparent)]
pub struct ArrayMut<'a, T>(*mut T, std::marker::PhantomData<&'a mut [T]>);

impl<'a, T> ArrayMut<'a, T> {
    /// # Safety
    /// It is null, or a pointer as C passes it.
    pub(crate) unsafe fn new(pointer: *mut T) -> Self {
        Self(pointer, std::marker::PhantomData)
    }

    /// So many elements.
    ///
    /// # Errors
    /// If it is null and there should be some.
    pub(crate) fn slice(self, len: usize) -> Result<&'a mut [MaybeUninit<T>]> {
        match (self.0.is_null(), len) {
            (_, 0) => Ok(&mut []),
            (true, _) => Err(Failure::null()),
            // SAFETY: as the header demands, there are so many.
            (false, _) => Ok(unsafe { std::slice::from_raw_parts_mut(self.0.cast(), len) }),
        }
    }
}

impl<'a> ArrayMut<'a, dunlin_slot_t> {
    /// So many numbers, which C has set.
    ///
    /// # Errors
    /// If it is null and there should be some.
    pub(crate) fn numbers(self, len: usize) -> Result<&'a mut [u64]> {
        let numbers = self.slice(len)?;
        // SAFETY: as the header demands, they are set.
        Ok(unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), numbers.len()) })
    }
}

impl<'a> ArrayMut<'a, Byte> {
    /// So many bytes, which are zeroed first: C need not have set them.
    ///
    /// # Errors
    /// If it is null and there should be some.
    pub(crate) fn bytes(self, len: usize) -> Result<&'a mut [u8]> {
        let places = self.slice(len)?;
        places.fill_with(|| MaybeUninit::new(Byte(0)));
        // SAFETY: they are set now, and a `Byte` is a byte.
        Ok(unsafe { std::slice::from_raw_parts_mut(places.as_mut_ptr().cast(), places.len()) })
    }
}

/// A text that ends with a zero byte.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text<'a>(*const c_char, std::marker::PhantomData<&'a CStr>);

impl<'a> Text<'a> {
    pub(crate) fn get(self) -> Option<&'a CStr> {
        // SAFETY: as the header demands, it ends with a zero byte.
        (!self.0.is_null()).then(|| unsafe { CStr::from_ptr(self.0) })
    }

    /// The text.
    ///
    /// # Errors
    /// If it is null, or no UTF-8.
    pub(crate) fn utf8(self) -> Result<&'a str> {
        let text = self.get().require()?;
        text.to_str().map_err(|_| Failure::argument("a text is not UTF-8"))
    }
}

c_types! {
    Byte = "char";
    dunlin_slot_t = "dunlin_slot_t";
    Text<'_> = "char const *";
}

c_pointers! {
    "{} *": Out<'_, T>, Handle<'_, T>, ArrayMut<'_, T>;
    "{} const *": Array<'_, T>;
}
