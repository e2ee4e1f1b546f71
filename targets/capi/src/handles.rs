//! Handles by the names that C has for kinds of objects: each is a [`wasm_ref_t`], and a cast compares the kind.

use crate::boundary::{c_types, exports};
use crate::host_info::{Finalizer, UserData};
use crate::object::{Object, is_no_memory, wasm_ref_t};
use crate::pointers::Handle;
use crate::prototypes::c_pointers;
use crate::store::StoreRef;
use std::ffi::c_void;
use std::ptr::null_mut;

macro_rules! references {
    ($(
        $ty:ident $name:literal $($variant:ident)|+:
        $delete:ident $copy:ident $same:ident $get_info:ident $set_info:ident $set_finalized:ident
        $up:ident $down:ident $up_const:ident $down_const:ident
    )*) => {
        $(
            /// A handle of one kind of object.
            #[repr(transparent)]
            pub struct $ty(wasm_ref_t);

            impl $ty {
                pub(crate) fn try_new(store: Option<StoreRef>, object: Object) -> Option<Box<Self>> {
                    let handle = wasm_ref_t::try_new(store, object)?;
                    // SAFETY: it is a struct of nothing else.
                    Some(unsafe { Box::from_raw(Box::into_raw(handle).cast()) })
                }

                pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
                    Self::try_new(self.0.store.clone(), self.0.object.clone())
                }

                pub(crate) fn as_ref(&self) -> &wasm_ref_t {
                    &self.0
                }

                pub(crate) fn cast(handle: &wasm_ref_t) -> Option<&Self> {
                    match handle.object {
                        // SAFETY: it is a struct of nothing else.
                        $(Object::$variant(..))|+ => Some(unsafe { &*(&raw const *handle).cast() }),
                        _ => None,
                    }
                }
            }

            c_types! { $ty = $name; }
        )*

        exports! {
            $(
                fn $delete(handle: Deleted<$ty>) {
                    handle.delete();
                }

                fn $copy(handle: Option<&$ty>) -> Option<Box<$ty>> {
                    handle?.try_clone()
                }

                fn $same(a: Option<&$ty>, b: Option<&$ty>) -> bool {
                    same(a.map($ty::as_ref), b.map($ty::as_ref))
                }

                fn $get_info(handle: Option<&$ty>) -> *mut c_void {
                    handle.map_or(null_mut(), |handle| handle.as_ref().host_info())
                }

                fn $set_info(handle: Handle<'_, $ty>, info: *mut c_void) {
                    set_info(handle.get().map($ty::as_ref), info, None);
                }

                fn $set_finalized(handle: Handle<'_, $ty>, info: *mut c_void, finalizer: Finalizer) {
                    set_info(handle.get().map($ty::as_ref), info, finalizer);
                }

                fn $up(handle: Handle<'_, $ty>) -> Handle<'_, wasm_ref_t> {
                    Handle::new(handle.get().map($ty::as_ref))
                }

                fn $down(handle: Handle<'_, wasm_ref_t>) -> Handle<'_, $ty> {
                    Handle::new(handle.get().and_then($ty::cast))
                }

                fn $up_const(handle: Option<&$ty>) -> Option<&wasm_ref_t> {
                    handle.map($ty::as_ref)
                }

                fn $down_const(handle: Option<&wasm_ref_t>) -> Option<&$ty> {
                    handle.and_then($ty::cast)
                }
            )*

            fn wasm_ref_delete(handle: Deleted<wasm_ref_t>) {
                handle.delete();
            }

            fn wasm_ref_copy(handle: Option<&wasm_ref_t>) -> Option<Box<wasm_ref_t>> {
                handle?.try_clone()
            }

            fn wasm_ref_same(a: Option<&wasm_ref_t>, b: Option<&wasm_ref_t>) -> bool {
                same(a, b)
            }

            fn wasm_ref_get_host_info(handle: Option<&wasm_ref_t>) -> *mut c_void {
                handle.map_or(null_mut(), |handle| handle.host_info())
            }

            fn wasm_ref_set_host_info(handle: Handle<'_, wasm_ref_t>, info: *mut c_void) {
                set_info(handle.get(), info, None);
            }

            fn wasm_ref_set_host_info_with_finalizer(
                handle: Handle<'_, wasm_ref_t>,
                info: *mut c_void,
                finalizer: Finalizer,
            ) {
                set_info(handle.get(), info, finalizer);
            }
        }
    };
}

fn same(a: Option<&wasm_ref_t>, b: Option<&wasm_ref_t>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.object.key() == b.object.key(),
        (None, None) => true,
        _ => false,
    }
}

fn set_info(handle: Option<&wasm_ref_t>, info: *mut c_void, finalizer: Finalizer) {
    let info = UserData::new(info, finalizer);
    if let Some(handle) = handle {
        handle.set_host_info(info);
    }
}

/// A handle that C gives up: a box, or what stands for one that there is no memory for.
#[repr(transparent)]
pub struct Deleted<T>(*mut T);

impl<T> Deleted<T> {
    fn delete(self) {
        if !self.0.is_null() && !is_no_memory(self.0.cast()) {
            // SAFETY: all others are boxes that C got here and gives back.
            drop(unsafe { Box::from_raw(self.0) });
        }
    }
}

c_pointers! {
    "{} *": Deleted<T>;
}

references! {
    wasm_trap_t "wasm_trap_t" Trap:
    wasm_trap_delete wasm_trap_copy wasm_trap_same wasm_trap_get_host_info wasm_trap_set_host_info
    wasm_trap_set_host_info_with_finalizer wasm_trap_as_ref wasm_ref_as_trap wasm_trap_as_ref_const
    wasm_ref_as_trap_const

    wasm_foreign_t "wasm_foreign_t" Foreign:
    wasm_foreign_delete wasm_foreign_copy wasm_foreign_same wasm_foreign_get_host_info
    wasm_foreign_set_host_info wasm_foreign_set_host_info_with_finalizer wasm_foreign_as_ref
    wasm_ref_as_foreign wasm_foreign_as_ref_const wasm_ref_as_foreign_const

    wasm_module_t "wasm_module_t" Module:
    wasm_module_delete wasm_module_copy wasm_module_same wasm_module_get_host_info wasm_module_set_host_info
    wasm_module_set_host_info_with_finalizer wasm_module_as_ref wasm_ref_as_module wasm_module_as_ref_const
    wasm_ref_as_module_const

    wasm_func_t "wasm_func_t" Func:
    wasm_func_delete wasm_func_copy wasm_func_same wasm_func_get_host_info wasm_func_set_host_info
    wasm_func_set_host_info_with_finalizer wasm_func_as_ref wasm_ref_as_func wasm_func_as_ref_const
    wasm_ref_as_func_const

    wasm_global_t "wasm_global_t" Global:
    wasm_global_delete wasm_global_copy wasm_global_same wasm_global_get_host_info wasm_global_set_host_info
    wasm_global_set_host_info_with_finalizer wasm_global_as_ref wasm_ref_as_global wasm_global_as_ref_const
    wasm_ref_as_global_const

    wasm_table_t "wasm_table_t" Table:
    wasm_table_delete wasm_table_copy wasm_table_same wasm_table_get_host_info wasm_table_set_host_info
    wasm_table_set_host_info_with_finalizer wasm_table_as_ref wasm_ref_as_table wasm_table_as_ref_const
    wasm_ref_as_table_const

    wasm_memory_t "wasm_memory_t" Memory | SharedMemory:
    wasm_memory_delete wasm_memory_copy wasm_memory_same wasm_memory_get_host_info wasm_memory_set_host_info
    wasm_memory_set_host_info_with_finalizer wasm_memory_as_ref wasm_ref_as_memory wasm_memory_as_ref_const
    wasm_ref_as_memory_const

    wasm_extern_t "wasm_extern_t" Func | Global | Table | Memory | SharedMemory | Tag:
    wasm_extern_delete wasm_extern_copy wasm_extern_same wasm_extern_get_host_info wasm_extern_set_host_info
    wasm_extern_set_host_info_with_finalizer wasm_extern_as_ref wasm_ref_as_extern wasm_extern_as_ref_const
    wasm_ref_as_extern_const

    wasm_instance_t "wasm_instance_t" Instance:
    wasm_instance_delete wasm_instance_copy wasm_instance_same wasm_instance_get_host_info
    wasm_instance_set_host_info wasm_instance_set_host_info_with_finalizer wasm_instance_as_ref
    wasm_ref_as_instance wasm_instance_as_ref_const wasm_ref_as_instance_const
}
