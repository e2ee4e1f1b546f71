//! Frames of backtraces, and traps, which have them.

use crate::boundary::{c_types, exports};
use crate::error::{Outcome, dunlin_error_t};
use crate::failure::{Code, Failure};
use crate::handles::{wasm_instance_t, wasm_trap_t};
use crate::object::{Object, Trapped};
use crate::own::try_box;
use crate::pointers::{Byte, Handle, Out};
use crate::store::{StoreRef, wasm_store_t};
use crate::vec::{CVec, collect, wasm_byte_vec_t};
use dunlin::FrameInfo;
use std::ptr::null;

/// A function that was executing.
pub struct wasm_frame_t {
    info: FrameInfo,
    /// Its instance, if the store is known.
    instance: Option<Box<wasm_instance_t>>,
}

pub(crate) type wasm_frame_vec_t = CVec<Option<Box<wasm_frame_t>>>;

impl wasm_frame_t {
    pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
        let instance = match &self.instance {
            Some(instance) => Some(instance.try_clone()?),
            None => None,
        };
        try_box(Self { info: self.info.clone(), instance })
    }

    fn new(store: Option<&StoreRef>, info: &FrameInfo) -> Option<Box<Self>> {
        let instance = match store {
            Some(store) => Some(wasm_instance_t::of(store, info.instance()).ok()?),
            None => None,
        };
        try_box(Self { info: info.clone(), instance })
    }
}

/// An offset for C.
fn offset(offset: Option<u64>) -> usize {
    offset.map_or(usize::MAX, |offset| offset as usize)
}

/// The frames that an error has, innermost first.
fn frames(failure: &Failure) -> &[FrameInfo] {
    let backtrace = failure.error().and_then(|error| error.backtrace());
    backtrace.map_or(&[], |backtrace| backtrace.frames())
}

pub(crate) fn frames_of(store: Option<&StoreRef>, failure: &Failure) -> wasm_frame_vec_t {
    collect(frames(failure).iter().map(|frame| wasm_frame_t::new(store, frame).map(Some)))
}

/// The store of a trap, if it is known, and the error that it is.
fn parts(trap: &wasm_trap_t) -> Option<(Option<&StoreRef>, &Failure)> {
    Some((trap.as_ref().store.as_ref(), failure_of(trap)?))
}

/// The error that a trap is.
fn failure_of(trap: &wasm_trap_t) -> Option<&Failure> {
    match &trap.as_ref().object {
        Object::Trap(failure) => Some(failure),
        _ => None,
    }
}

/// Bytes of a name, which aren't followed by a zero, and how many they are.
fn name(name: Option<&str>, len: Out<'_, usize>) -> *const Byte {
    len.put(name.map_or(0, str::len));
    name.map_or(null(), |name| name.as_ptr().cast())
}

c_types! {
    wasm_frame_t = "wasm_frame_t";
}

exports! {
    fn wasm_frame_delete(frame: Option<Box<wasm_frame_t>>) {
        drop(frame);
    }

    fn wasm_frame_copy(frame: Option<&wasm_frame_t>) -> Option<Box<wasm_frame_t>> {
        frame?.try_clone()
    }

    fn wasm_frame_instance(frame: Option<&wasm_frame_t>) -> Handle<'_, wasm_instance_t> {
        Handle::new(frame.and_then(|frame| frame.instance.as_deref()))
    }

    fn wasm_frame_func_index(frame: Option<&wasm_frame_t>) -> u32 {
        frame.map_or(0, |frame| frame.info.func_index())
    }

    fn wasm_frame_func_offset(frame: Option<&wasm_frame_t>) -> usize {
        offset(frame.and_then(|frame| frame.info.func_offset()))
    }

    fn wasm_frame_module_offset(frame: Option<&wasm_frame_t>) -> usize {
        offset(frame.and_then(|frame| frame.info.module_offset()))
    }

    fn dunlin_frame_func_name(frame: Option<&wasm_frame_t>, len: Out<'_, usize>) -> *const Byte {
        name(frame.and_then(|frame| frame.info.func_name()), len)
    }

    fn dunlin_frame_module_name(frame: Option<&wasm_frame_t>, len: Out<'_, usize>) -> *const Byte {
        name(frame.and_then(|frame| frame.info.module_name()), len)
    }

    fn wasm_trap_new(store: Handle<'_, wasm_store_t>, message: Option<&wasm_byte_vec_t>) -> Trapped {
        let bytes = message.map_or(&[][..], |message| message.bytes());
        let text = String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes));
        Err((store.get().map(|store| store.0.clone()), Failure::host(&text)))
    }

    fn wasm_trap_message(trap: Option<&wasm_trap_t>, out: Out<'_, wasm_byte_vec_t>) {
        let failure = trap.and_then(failure_of);
        out.put(failure.map_or_else(wasm_byte_vec_t::empty, |failure| wasm_byte_vec_t::of_message(failure)));
    }

    fn wasm_trap_origin(trap: Option<&wasm_trap_t>) -> Option<Box<wasm_frame_t>> {
        let (store, failure) = parts(trap?)?;
        wasm_frame_t::new(store, frames(failure).first()?)
    }

    fn wasm_trap_trace(trap: Option<&wasm_trap_t>, out: Out<'_, wasm_frame_vec_t>) {
        out.put(trap.and_then(parts).map_or_else(CVec::empty, |(store, failure)| frames_of(store, failure)));
    }

    fn dunlin_trap_error(trap: Option<&wasm_trap_t>) -> Outcome {
        trap.and_then(failure_of).cloned().map_or(Ok(()), Err)
    }

    fn dunlin_error_into_trap(error: Outcome) -> Trapped {
        error.take().map_or(Ok(()), |failure| Err((None, failure)))
    }

    fn dunlin_error_is_trap(error: Option<&dunlin_error_t>) -> bool {
        error.is_some_and(|error| error.0.code() == Code::Trap)
    }
}
