//! What Windows says of this process: nothing that Rust's library asks for.

/// The peak of the process's memory, if the system provides it.
pub(crate) fn peak_process_bytes() -> Option<u64> {
    None
}
