//! The native stack of the thread.

/// The bounds of this thread's native stack: the lowest address, and the first one above it. They are found at the
/// first call.
#[cfg(target_os = "linux")]
fn native_stack() -> (usize, usize) {
    thread_local! {
        static BOUNDS: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 0)) };
    }
    match BOUNDS.get() {
        (0, 0) => {
            let found = find_native_stack().unwrap_or((1, 1));
            BOUNDS.set(found);
            found
        }
        known => known,
    }
}

#[cfg(target_os = "linux")]
#[cold]
fn find_native_stack() -> Option<(usize, usize)> {
    let mut attributes = core::mem::MaybeUninit::uninit();
    let (mut lowest, mut size, mut guard) = (core::ptr::null_mut(), 0, 0);
    // SAFETY: the attributes are those of this thread, initialised by the first call and destroyed by the last.
    let known = unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let known = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size) == 0
            && libc::pthread_attr_getguardsize(attributes.as_ptr(), &mut guard) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        known
    };
    // Implementations differ in whether the reported stack includes the guard pages: assume that it does.
    known.then_some((lowest as usize + guard, lowest as usize + size))
}

/// How many bytes of this thread's native stack are left; `None` if that isn't known, or the thread runs on another
/// stack.
#[cfg(target_os = "linux")]
pub(crate) fn stack_left() -> Option<usize> {
    let mark = 0u8;
    let here = core::hint::black_box(&raw const mark) as usize;
    let (lowest, end) = native_stack();
    (lowest..end).contains(&here).then(|| here - lowest)
}

/// As on Linux; nothing is known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stack_left() -> Option<usize> {
    None
}
