//! The vectors that C has, and the functions for each.

use crate::boundary::exports;
use crate::frame::wasm_frame_t;
use crate::handles::wasm_extern_t;
use crate::pointers::{Array, Byte, Out};
use crate::types::{
    wasm_exporttype_t, wasm_externtype_t, wasm_functype_t, wasm_globaltype_t, wasm_importtype_t,
    wasm_memorytype_t, wasm_tabletype_t, wasm_valtype_t,
};
use crate::val::wasm_val_t;
use crate::vec::{CVec, Element, copied, moved, new_uninitialized};

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
