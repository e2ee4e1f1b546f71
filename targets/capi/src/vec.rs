//! Vectors as C sees them: a length and a pointer. C owns them, and what is in them.

use crate::own::try_vec;
use crate::pointers::{Array, ArrayMut, Byte};
use std::fmt::Write;
use std::mem::ManuallyDrop;
use std::ptr::{null, null_mut};

/// A vector that C owns.
#[repr(C)]
pub struct CVec<T> {
    size: usize,
    data: *mut T,
}

impl<T> CVec<T> {
    pub(crate) fn empty() -> Self {
        Self { size: 0, data: null_mut() }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: as the header demands, there are so many elements.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// The elements and how many they are, to be looked at.
    pub(crate) fn array(this: Option<&Self>) -> (Array<'_, T>, usize) {
        let (data, size) = this.map_or((null(), 0), |this| (this.data.cast_const(), this.size));
        // SAFETY: as the header demands, there are so many.
        (unsafe { Array::new(data) }, size)
    }

    /// The elements and how many they are, to be written.
    pub(crate) fn array_mut(this: Option<&mut Self>) -> (ArrayMut<'_, T>, usize) {
        let (data, size) = this.map_or((null_mut(), 0), |this| (this.data, this.size));
        // SAFETY: as the header demands, there is room for so many.
        (unsafe { ArrayMut::new(data) }, size)
    }

    /// The elements, which C no longer owns.
    pub(crate) fn take(&mut self) -> Vec<T> {
        let Self { size, data } = std::mem::replace(self, Self::empty());
        if data.is_null() {
            return Vec::new();
        }
        // SAFETY: as the header demands, it was made by a function here, all of which go through `from`, which has the
        // capacity be the size.
        unsafe { Vec::from_raw_parts(data, size, size) }
    }

    /// Lends elements for the time of a call.
    pub(crate) fn lent(elements: &mut [T]) -> Self {
        Self { size: elements.len(), data: elements.as_mut_ptr() }
    }
}

impl<T> From<Vec<T>> for CVec<T> {
    fn from(vec: Vec<T>) -> Self {
        if vec.is_empty() {
            return Self::empty();
        }
        // A vector of exactly this capacity: that it has in all uses here, so nothing is moved.
        let mut slice = ManuallyDrop::new(vec.into_boxed_slice());
        Self { size: slice.len(), data: slice.as_mut_ptr() }
    }
}

/// The vector of what an iterator gives; empty if there is no memory for it, or an element is `None`.
pub(crate) fn collect<T>(elements: impl ExactSizeIterator<Item = Option<T>>) -> CVec<T> {
    let Some(mut all) = try_vec(elements.len()) else { return CVec::empty() };
    for element in elements {
        match element {
            Some(element) => all.push(element),
            None => return CVec::empty(),
        }
    }
    all.into()
}

/// Bytes, of a text or not.
pub type wasm_byte_vec_t = CVec<Byte>;

impl wasm_byte_vec_t {
    pub(crate) fn bytes(&self) -> &[u8] {
        let bytes = self.as_slice();
        // SAFETY: a `Byte` is one.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        collect(bytes.iter().map(|byte| Some(Byte(*byte))))
    }

    /// The text that something is displayed as, without a zero byte.
    pub(crate) fn of_text(text: &dyn std::fmt::Display) -> Self {
        let mut bytes = TextBytes(Vec::new());
        match write!(bytes, "{text}") {
            Ok(()) => Self::of_bytes(&bytes.0),
            Err(_) => Self::empty(),
        }
    }

    /// The text, followed by a zero byte.
    pub(crate) fn of_message(text: &dyn std::fmt::Display) -> Self {
        let mut bytes = TextBytes(Vec::new());
        match write!(bytes, "{text}\0") {
            Ok(()) => Self::of_bytes(&bytes.0),
            Err(_) => Self::empty(),
        }
    }
}

/// A text in memory that may not be had.
struct TextBytes(Vec<u8>);

impl Write for TextBytes {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.try_reserve(text.len()).map_err(|_| std::fmt::Error)?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// What vectors consist of.
pub(crate) trait Element: Sized {
    /// The vector's name in C.
    #[cfg(test)]
    const VEC: &'static str;

    /// What an element is that nobody has set.
    fn unset() -> Self;

    /// Another one that is equal; `None` if there is no memory for it.
    fn copied(&self) -> Option<Self>;
}

/// A vector of so many elements that nobody has set.
pub(crate) fn new_uninitialized<T: Element>(size: usize) -> CVec<T> {
    collect((0..size).map(|_| Some(T::unset())))
}

/// The elements that `data` has, which C gives up.
pub(crate) fn moved<T: Element>(data: Array<'_, T>, size: usize) -> CVec<T> {
    let data = data.pointer();
    let Some(mut all) = try_vec(size).filter(|_| !data.is_null()) else { return CVec::empty() };
    // SAFETY: as the header demands, there are so many elements, which are C's no longer; and there is room for them.
    unsafe {
        data.copy_to_nonoverlapping(all.as_mut_ptr(), size);
        all.set_len(size);
    }
    all.into()
}

/// A vector of copies.
pub(crate) fn copied<T: Element>(from: Option<&CVec<T>>) -> CVec<T> {
    from.map_or_else(CVec::empty, |from| collect(from.as_slice().iter().map(T::copied)))
}

#[cfg(test)]
impl<T: Element> crate::prototypes::CType for CVec<T> {
    fn c() -> String {
        T::VEC.into()
    }
}
