//! What C asks of errors.

use crate::boundary::exports;
use crate::error::{Outcome, dunlin_error_t};
use crate::failure::{Code, Failure, exit_status, trap_number, trap_numbered};
use crate::frame::{frames_of, wasm_frame_vec_t};
use crate::pointers::{Out, Text};
use crate::vec::wasm_byte_vec_t;
use dunlin::Error;

exports! {
    fn dunlin_error_new(message: Text<'_>) -> Outcome {
        Err(message.utf8().map_or_else(|failure| failure, Failure::host))
    }

    fn dunlin_error_new_trap(trap: i32) -> Outcome {
        Err(trap_numbered(trap).map_or_else(|failure| failure, |trap| Error::from(trap).into()))
    }

    fn dunlin_error_delete(error: Outcome) {
        drop(error.take());
    }

    fn dunlin_error_message(error: Option<&dunlin_error_t>, out: Out<'_, wasm_byte_vec_t>) {
        out.put(error.map_or_else(wasm_byte_vec_t::empty, |error| wasm_byte_vec_t::of_text(&error.0)));
    }

    fn dunlin_error_code(error: Option<&dunlin_error_t>) -> i32 {
        error.map_or(Code::Argument, |error| error.0.code()) as i32
    }

    fn dunlin_error_trap_code(error: Option<&dunlin_error_t>, out: Out<'_, i32>) -> bool {
        let trap = error.and_then(|error| error.0.trap());
        trap.map(|trap| out.put(trap_number(trap))).is_some()
    }

    fn dunlin_error_exit_status(error: Option<&dunlin_error_t>, out: Out<'_, i32>) -> bool {
        let status = error.and_then(|error| exit_status(error.0.origin().error()?));
        status.map(|status| out.put(status)).is_some()
    }

    fn dunlin_error_offset(error: Option<&dunlin_error_t>, out: Out<'_, u64>) -> bool {
        let offset = error.and_then(|error| error.0.error()?.offset());
        offset.map(|offset| out.put(offset)).is_some()
    }

    fn dunlin_error_trace(error: Option<&dunlin_error_t>, out: Out<'_, wasm_frame_vec_t>) {
        out.put(error.map_or_else(wasm_frame_vec_t::empty, |error| frames_of(None, &error.0)));
    }
}
