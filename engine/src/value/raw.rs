//! Values as memories hold them.

use super::V128;

/// A type of value in memory: little-endian bytes of one size.
///
/// # Safety
///
/// For `read` and `write`: [`Raw::SIZE`] bytes from `p` lie in the memory.
pub(crate) trait Raw: Copy {
    const SIZE: u64;
    unsafe fn read(p: *const u8) -> Self;
    unsafe fn write(self, p: *mut u8);
}

macro_rules! raw {
    ($($t:ty)*) => {$(
        impl Raw for $t {
            const SIZE: u64 = size_of::<$t>() as u64;
            #[inline(always)]
            unsafe fn read(p: *const u8) -> Self {
                // SAFETY: the caller checked that `SIZE` bytes from `p` lie in the memory.
                <$t>::from_le_bytes(unsafe { p.cast::<[u8; size_of::<$t>()]>().read() })
            }
            #[inline(always)]
            unsafe fn write(self, p: *mut u8) {
                // SAFETY: the caller checked that `SIZE` bytes from `p` lie in the memory.
                unsafe { p.cast::<[u8; size_of::<$t>()]>().write(self.to_le_bytes()) }
            }
        }
    )*};
}
raw! { u8 i8 u16 i16 u32 i32 u64 f32 f64 }

impl Raw for V128 {
    const SIZE: u64 = 16;
    #[inline(always)]
    unsafe fn read(p: *const u8) -> Self {
        // SAFETY: the caller checked that 16 bytes from `p` lie in the memory.
        V128(unsafe { p.cast::<[u8; 16]>().read() })
    }
    #[inline(always)]
    unsafe fn write(self, p: *mut u8) {
        // SAFETY: the caller checked that 16 bytes from `p` lie in the memory.
        unsafe { p.cast::<[u8; 16]>().write(self.0) }
    }
}
