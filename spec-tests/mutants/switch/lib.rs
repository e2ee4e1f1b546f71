//! Which fault is on: the file `fault` beside this crate says. Where there is a file `reached`, it has a byte for each
//! fault, which becomes 1 when execution comes to its place. Files, since tests clear the environment of what they start.

use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

static ACTIVE: AtomicU32 = AtomicU32::new(0);
static REACHED: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C" {
    fn read(descriptor: c_int, bytes: *mut c_void, count: usize) -> isize;
    fn atoi(text: *const c_char) -> c_int;
    fn open(path: *const c_char, flags: c_int) -> c_int;
    fn close(descriptor: c_int) -> c_int;
    fn lseek(descriptor: c_int, offset: c_long, whence: c_int) -> c_long;
    fn mmap(at: *mut c_void, size: usize, protection: c_int, flags: c_int, descriptor: c_int, offset: c_long)
    -> *mut c_void;
}

macro_rules! beside {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/", $name, "\0").as_ptr().cast::<c_char>()
    };
}

/// Before `main`, so that a place costs no more than a comparison.
#[used]
#[unsafe(link_section = ".init_array")]
static INIT: extern "C" fn() = init;

extern "C" fn init() {
    const READ_WRITE: c_int = 2;
    const END: c_int = 2;
    const READABLE_AND_WRITABLE: c_int = 3;
    const SHARED: c_int = 1;
    const READ_ONLY: c_int = 0;
    let (fault, reached) = (beside!("fault"), beside!("reached"));
    // SAFETY: strings end in 0, the number's too, since one byte of it is never written. The other file has a byte for
    // each fault.
    unsafe {
        let file = open(fault, READ_ONLY);
        if file >= 0 {
            let mut number = [0_u8; 16];
            read(file, number.as_mut_ptr().cast(), number.len() - 1);
            close(file);
            ACTIVE.store(atoi(number.as_ptr().cast()) as u32, Relaxed);
        }
        let file = open(reached, READ_WRITE);
        if file < 0 {
            return;
        }
        let size = lseek(file, 0, END) as usize;
        let map = mmap(ptr::null_mut(), size, READABLE_AND_WRITABLE, SHARED, file, 0);
        close(file);
        if map as isize != -1 {
            REACHED.store(map.cast(), Relaxed);
        }
    }
}

/// Whether fault `number` is on.
#[inline(always)]
pub fn on(number: u32) -> bool {
    let reached = REACHED.load(Relaxed);
    if !reached.is_null() {
        // SAFETY: the file that is mapped has a byte for each fault.
        unsafe { reached.add(number as usize).write(1) };
    }
    ACTIVE.load(Relaxed) == number
}
