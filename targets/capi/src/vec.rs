//! Vectors as C sees them: a length and a pointer. C owns them, and what is in them.

use crate::boundary::exports;
use crate::frame::wasm_frame_t;
use crate::handles::wasm_extern_t;
use crate::own::try_vec;
use crate::pointers::{Array, ArrayMut, Byte, Out};
use crate::types::{
    wasm_exporttype_t, wasm_externtype_t, wasm_functype_t, wasm_globaltype_t, wasm_importtype_t,
    wasm_memorytype_t, wasm_tabletype_t, wasm_valtype_t,
};
use crate::val::wasm_val_t;
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

fn new_uninitialized<T: Element>(size: usize) -> CVec<T> {
    collect((0..size).map(|_| Some(T::unset())))
}

/// The elements that `data` has, which C gives up.
fn moved<T: Element>(data: Array<'_, T>, size: usize) -> CVec<T> {
    let data = data.pointer();
    let Some(mut all) = try_vec(size).filter(|_| !data.is_null()) else { return CVec::empty() };
    // SAFETY: as the header demands, there are so many elements, which are C's no longer; and there is room for them.
    unsafe {
        data.copy_to_nonoverlapping(all.as_mut_ptr(), size);
        all.set_len(size);
    }
    all.into()
}

fn copied<T: Element>(from: Option<&CVec<T>>) -> CVec<T> {
    from.map_or_else(CVec::empty, |from| collect(from.as_slice().iter().map(T::copied)))
}

macro_rules! vectors {
    ($(
        $vec:literal of $element:ty: $unset:expr, $copy:expr;
        $empty:ident $uninitialized:ident $new:ident $copied:ident $delete:ident
    )*) => {
        $(
            impl Element for $element {
                #[cfg(test)]
                const VEC: &'static str = $vec;

                fn unset() -> Self {
                    $unset
                }

                fn copied(&self) -> Option<Self> {
                    let copy: fn(&$element) -> Option<$element> = $copy;
                    copy(self)
                }
            }
        )*

        exports! {
            $(
                fn $empty(out: Out<'_, CVec<$element>>) {
                    out.put(CVec::empty());
                }

                fn $uninitialized(out: Out<'_, CVec<$element>>, size: usize) {
                    out.put(new_uninitialized(size));
                }

                fn $new(out: Out<'_, CVec<$element>>, size: usize, data: Array<'_, $element>) {
                    out.put(moved(data, size));
                }

                fn $copied(out: Out<'_, CVec<$element>>, from: Option<&CVec<$element>>) {
                    out.put(copied(from));
                }

                fn $delete(vec: Option<&mut CVec<$element>>) {
                    drop(vec.map(CVec::take));
                }
            )*
        }
    };
}

macro_rules! boxed {
    () => {
        |element| match element {
            Some(element) => element.try_clone().map(Some),
            None => Some(None),
        }
    };
}

vectors! {
    "wasm_byte_vec_t" of Byte: Byte(0), |byte| Some(*byte);
    wasm_byte_vec_new_empty wasm_byte_vec_new_uninitialized wasm_byte_vec_new wasm_byte_vec_copy wasm_byte_vec_delete

    "wasm_valtype_vec_t" of Option<Box<wasm_valtype_t>>: None, boxed!();
    wasm_valtype_vec_new_empty wasm_valtype_vec_new_uninitialized wasm_valtype_vec_new wasm_valtype_vec_copy
    wasm_valtype_vec_delete

    "wasm_functype_vec_t" of Option<Box<wasm_functype_t>>: None, boxed!();
    wasm_functype_vec_new_empty wasm_functype_vec_new_uninitialized wasm_functype_vec_new wasm_functype_vec_copy
    wasm_functype_vec_delete

    "wasm_globaltype_vec_t" of Option<Box<wasm_globaltype_t>>: None, boxed!();
    wasm_globaltype_vec_new_empty wasm_globaltype_vec_new_uninitialized wasm_globaltype_vec_new
    wasm_globaltype_vec_copy wasm_globaltype_vec_delete

    "wasm_tabletype_vec_t" of Option<Box<wasm_tabletype_t>>: None, boxed!();
    wasm_tabletype_vec_new_empty wasm_tabletype_vec_new_uninitialized wasm_tabletype_vec_new
    wasm_tabletype_vec_copy wasm_tabletype_vec_delete

    "wasm_memorytype_vec_t" of Option<Box<wasm_memorytype_t>>: None, boxed!();
    wasm_memorytype_vec_new_empty wasm_memorytype_vec_new_uninitialized wasm_memorytype_vec_new
    wasm_memorytype_vec_copy wasm_memorytype_vec_delete

    "wasm_externtype_vec_t" of Option<Box<wasm_externtype_t>>: None, boxed!();
    wasm_externtype_vec_new_empty wasm_externtype_vec_new_uninitialized wasm_externtype_vec_new
    wasm_externtype_vec_copy wasm_externtype_vec_delete

    "wasm_importtype_vec_t" of Option<Box<wasm_importtype_t>>: None, boxed!();
    wasm_importtype_vec_new_empty wasm_importtype_vec_new_uninitialized wasm_importtype_vec_new
    wasm_importtype_vec_copy wasm_importtype_vec_delete

    "wasm_exporttype_vec_t" of Option<Box<wasm_exporttype_t>>: None, boxed!();
    wasm_exporttype_vec_new_empty wasm_exporttype_vec_new_uninitialized wasm_exporttype_vec_new
    wasm_exporttype_vec_copy wasm_exporttype_vec_delete

    "wasm_val_vec_t" of wasm_val_t: wasm_val_t::I32_ZERO, wasm_val_t::try_clone;
    wasm_val_vec_new_empty wasm_val_vec_new_uninitialized wasm_val_vec_new wasm_val_vec_copy wasm_val_vec_delete

    "wasm_frame_vec_t" of Option<Box<wasm_frame_t>>: None, boxed!();
    wasm_frame_vec_new_empty wasm_frame_vec_new_uninitialized wasm_frame_vec_new wasm_frame_vec_copy
    wasm_frame_vec_delete

    "wasm_extern_vec_t" of Option<Box<wasm_extern_t>>: None, boxed!();
    wasm_extern_vec_new_empty wasm_extern_vec_new_uninitialized wasm_extern_vec_new wasm_extern_vec_copy
    wasm_extern_vec_delete
}
