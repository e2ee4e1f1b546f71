//! `--coredump`: what a guest that was stopped leaves behind.

use crate::guest::wasi::{self, Wasi};
use crate::output::destination::Destination;
use crate::output::{complain, count};
use dunlin::{Error, Store, WasmCoreDump};
use std::cell::Cell;

/// The most bytes of memories that are written.
const MOST: u64 = 1 << 30;

/// Writes a core dump, unless the program has ended by itself. If that fails, the program's own end is still told.
pub(super) fn write(file: &Destination, store: &Store<Wasi>, error: &Error, name: &str) {
    if wasi::exit_code(error).is_some() {
        return;
    }
    let Some(dump) = WasmCoreDump::of(error) else {
        return complain("--coredump: there is none, for no function was executing");
    };
    let bytes = Cell::new(0);
    let written = file.write(&|out| {
        bytes.set(dump.write(store, name, MOST, out)?);
        Ok(())
    });
    match written {
        Ok(()) if bytes.get() > MOST => {
            let all = count(bytes.get(), "byte");
            complain(format_args!("warning: --coredump: of {all} in memories, {MOST} are in the file"));
        }
        Ok(()) => {}
        Err(failure) => complain(failure),
    }
}
