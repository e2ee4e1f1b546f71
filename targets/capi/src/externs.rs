//! What modules import and export.

use crate::boundary::exports;
use crate::handles::{wasm_extern_t, wasm_func_t, wasm_global_t, wasm_memory_t, wasm_table_t};
use crate::object::Object;
use crate::pointers::Handle;
use crate::types::wasm_externtype_t;

macro_rules! casts {
    ($($ty:ident: $up:ident $up_const:ident $down:ident $down_const:ident)*) => {
        exports! {
            $(
                fn $up(handle: Handle<'_, $ty>) -> Handle<'_, wasm_extern_t> {
                    Handle::new(handle.get().and_then(|handle| wasm_extern_t::cast(handle.as_ref())))
                }

                fn $up_const(handle: Option<&$ty>) -> Option<&wasm_extern_t> {
                    handle.and_then(|handle| wasm_extern_t::cast(handle.as_ref()))
                }

                fn $down(handle: Handle<'_, wasm_extern_t>) -> Handle<'_, $ty> {
                    Handle::new(handle.get().and_then(|handle| $ty::cast(handle.as_ref())))
                }

                fn $down_const(handle: Option<&wasm_extern_t>) -> Option<&$ty> {
                    handle.and_then(|handle| $ty::cast(handle.as_ref()))
                }
            )*

            fn wasm_extern_kind(handle: Option<&wasm_extern_t>) -> u8 {
                match handle.map(|handle| &handle.as_ref().object) {
                    Some(Object::Global(_)) => 1,
                    Some(Object::Table(_)) => 2,
                    Some(Object::Memory(_) | Object::SharedMemory(_)) => 3,
                    Some(Object::Tag(_)) => 4,
                    _ => 0,
                }
            }

            fn wasm_extern_type(handle: Option<&wasm_extern_t>) -> Option<Box<wasm_externtype_t>> {
                let handle = handle?.as_ref();
                wasm_externtype_t::new(handle.object.to_extern()?.ty(handle.store.as_ref()?.context()))
            }
        }
    };
}

casts! {
    wasm_func_t: wasm_func_as_extern wasm_func_as_extern_const wasm_extern_as_func wasm_extern_as_func_const
    wasm_global_t: wasm_global_as_extern wasm_global_as_extern_const wasm_extern_as_global
        wasm_extern_as_global_const
    wasm_table_t: wasm_table_as_extern wasm_table_as_extern_const wasm_extern_as_table wasm_extern_as_table_const
    wasm_memory_t: wasm_memory_as_extern wasm_memory_as_extern_const wasm_extern_as_memory
        wasm_extern_as_memory_const
}
