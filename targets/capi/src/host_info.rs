//! What C attaches to objects, and what it gives closures: pointers, with functions to be called when they are no longer
//! wanted.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Mutex;

pub(crate) type Finalizer = Option<unsafe extern "C" fn(*mut c_void)>;

/// A pointer of C's, finalised when it is dropped.
pub(crate) struct UserData {
    pointer: *mut c_void,
    finalizer: Finalizer,
}

// SAFETY: the headers say that it may be passed and finalised on another thread than the one that gave it.
unsafe impl Send for UserData {}
// SAFETY: only the pointer itself is read.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(pointer: *mut c_void, finalizer: Finalizer) -> Self {
        Self { pointer, finalizer }
    }

    pub(crate) fn get(&self) -> *mut c_void {
        self.pointer
    }
}

impl Default for UserData {
    fn default() -> Self {
        Self::new(null_mut(), None)
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer {
            // SAFETY: C gave this function for this pointer, and it is called once.
            unsafe { finalizer(self.pointer) };
        }
    }
}

/// Where an object keeps what C attaches to it.
#[derive(Default)]
pub(crate) struct InfoCell(Mutex<UserData>);

impl InfoCell {
    pub(crate) fn get(&self) -> *mut c_void {
        self.0.lock().map_or(null_mut(), |info| info.get())
    }

    /// Attaches something in place of what was there. Whoever drops that calls C.
    pub(crate) fn replace(&self, info: UserData) -> Option<UserData> {
        self.0.lock().ok().map(|mut place| std::mem::replace(&mut *place, info))
    }
}
