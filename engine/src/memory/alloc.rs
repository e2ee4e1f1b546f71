//! Fallible allocation: memory is charged to a budget first, and an error results if the budget or the system refuses.
//!
//! The standard library's collections end the process when there is no memory. What this crate allocates goes
//! through here instead; the types are small relatives of `Vec`, `Arc` and `HashMap`.

use super::error::{MemoryError, OutOfMemory};
use super::kind::Kind;
use crate::sys::has_memory;
use alloc::boxed::Box;
use alloc::string::String;
use core::alloc::Layout;
#[cfg(feature = "std")]
use core::cell::Cell;
use core::fmt::{self, Write};

#[cfg(feature = "std")]
std::thread_local! {
    static THIRD_PARTY: Cell<u32> = const { Cell::new(0) };
}

/// Calls into a library that allocates infallibly. The most that it may need has been charged. Tests that make
/// allocations fail exempt what happens here, since such a library then aborts the process.
pub(crate) fn third_party<R>(call: impl FnOnce() -> R) -> R {
    #[cfg(feature = "std")]
    let _leave = {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                THIRD_PARTY.set(THIRD_PARTY.get() - 1);
            }
        }
        THIRD_PARTY.set(THIRD_PARTY.get() + 1);
        Leave
    };
    call()
}

/// Probes whether the system has the memory that a library may need that allocates infallibly, and so would abort the
/// process.
///
/// It is mapped and unmapped, untouched: twice the amount, for the allocator's overhead on small pieces, and 1 MiB
/// more, by which glibc's heap grows where it can't grow in place, and for what is allocated here until the next probe.
/// A heap without a system doesn't grow, and may be smaller than that: there, it is the amount and an eighth.
pub(crate) fn at_hand(kind: Kind, bytes: u64) -> Result<(), MemoryError> {
    const AT_ONCE: u64 = 1 << 20;
    let asked = match cfg!(feature = "std") {
        true => bytes.saturating_mul(2).saturating_add(AT_ONCE),
        false => bytes.saturating_add(bytes / 8).max(1),
    };
    match usize::try_from(asked) {
        Ok(len) if has_memory(len) => Ok(()),
        _ => Err(MemoryError::system(kind, bytes)),
    }
}

/// Whether this thread is in a library that allocates infallibly.
#[cfg(feature = "std")]
pub(crate) fn in_third_party() -> bool {
    THIRD_PARTY.try_with(Cell::get).unwrap_or(0) > 0
}

pub(crate) fn bytes_of<T>(count: usize) -> u64 {
    (count as u64).saturating_mul(size_of::<T>() as u64)
}

/// Moves `value` to the heap, or gives it back if there is no memory.
pub(crate) fn box_or_back<T>(value: T) -> Result<Box<T>, T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    // SAFETY: the layout's size is not 0.
    let ptr = unsafe { alloc::alloc::alloc(layout) }.cast::<T>();
    if ptr.is_null() {
        return Err(value);
    }
    // SAFETY: the memory is fresh, of `T`'s layout, and from the allocator that `Box` uses.
    unsafe {
        ptr.write(value);
        Ok(Box::from_raw(ptr))
    }
}

/// Moves `value` to the heap, or fails if there is no memory.
pub(crate) fn try_box<T>(kind: Kind, value: T) -> Result<Box<T>, MemoryError> {
    box_or_back(value).map_err(|_| MemoryError::system(kind, size_of::<T>() as u64))
}

/// Writes a text of at most some kilobytes, or fails if there is no memory.
pub(crate) fn try_text(text: impl fmt::Display) -> Result<String, OutOfMemory> {
    let mut out = TryText::default();
    // If a `Display` itself fails, what it wrote until then is used.
    let _ = write!(out, "{text}");
    out.finish()
}

/// A string that records an allocation failure instead of aborting the process.
#[derive(Default)]
pub(crate) struct TryText {
    text: String,
    refused: Option<u64>,
}

impl TryText {
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn finish(self) -> Result<String, OutOfMemory> {
        match self.refused {
            None => Ok(self.text),
            Some(asked) => Err(OutOfMemory { kind: Kind::Host, asked }),
        }
    }
}

impl Write for TryText {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if self.text.try_reserve(s.len()).is_err() {
            self.refused = Some((self.text.len() + s.len()) as u64);
            return Err(fmt::Error);
        }
        self.text.push_str(s);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a library takes is looked for twice, with 1 MiB for the heap; what isn't there is an error.
    #[test]
    fn what_a_library_may_take_is_looked_for() {
        for bytes in [0, 1000, 3 << 20] {
            let wanted = 2 * bytes as usize + (1 << 20);
            let look = |largest| {
                crate::sys::LARGEST.set(largest);
                let found = at_hand(Kind::Names, bytes);
                crate::sys::LARGEST.set(usize::MAX);
                found
            };
            look(wanted).unwrap();
            let refused = look(wanted - 1).unwrap_err();
            assert!(refused == MemoryError::system(Kind::Names, bytes), "{refused}");
        }
        at_hand(Kind::Names, u64::MAX / 2).unwrap_err();
    }
}
