//! Interruptions from other threads, and by deadlines.

use crate::boundary::{c_types, exports};
use crate::deadline;
use crate::error::Outcome;
use crate::failure::Failure;
use crate::own::try_box;
use crate::pointers::{Handle, Out};
use crate::store::wasm_store_t;
use dunlin::InterruptHandle;
use std::time::{Duration, Instant};

/// What stops a store's execution from any thread. It isn't an owner of the store.
pub struct dunlin_interrupt_handle_t(InterruptHandle);

c_types! {
    dunlin_interrupt_handle_t = "dunlin_interrupt_handle_t";
}

exports! {
    fn dunlin_interrupt_handle_new(
        store: Handle<'_, wasm_store_t>,
        out: Out<'_, Option<Box<dunlin_interrupt_handle_t>>>,
    ) -> Outcome {
        let (store, out) = (store.require()?, out.cleared()?);
        let handle = dunlin_interrupt_handle_t(store.0.interrupt_handle());
        *out = Some(try_box(handle).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_interrupt_handle_interrupt(handle: Option<&dunlin_interrupt_handle_t>) {
        if let Some(handle) = handle {
            handle.0.interrupt();
        }
    }

    fn dunlin_interrupt_handle_delete(handle: Option<Box<dunlin_interrupt_handle_t>>) {
        drop(handle);
    }

    fn dunlin_store_set_deadline(store: Handle<'_, wasm_store_t>, milliseconds: u64) -> Outcome {
        let store = &store.require()?.0;
        let Some(at) = Instant::now().checked_add(Duration::from_millis(milliseconds)) else {
            return Err(Failure::argument("a deadline is too far away"));
        };
        store.note_deadline();
        deadline::set(store.address(), at, store.interrupt_handle())
    }

    fn dunlin_store_clear_deadline(store: Handle<'_, wasm_store_t>) {
        if let Some(store) = store.get() {
            deadline::clear(store.0.address());
        }
    }
}
