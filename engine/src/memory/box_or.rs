//! A box that can hold a number instead.

use alloc::boxed::Box;
use core::ptr::NonNull;

/// A box, or a number where there was no memory for one, in the size of a pointer.
pub(crate) struct BoxOr<T> {
    /// A box's address, or a number, tagged by the lowest bit.
    raw: NonNull<T>,
    owned: core::marker::PhantomData<Box<T>>,
}

// SAFETY: it is a box or a number.
unsafe impl<T: Send> Send for BoxOr<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Sync> Sync for BoxOr<T> {}

impl<T> BoxOr<T> {
    /// The largest number that it can hold.
    pub(crate) const MAX: usize = usize::MAX >> 1;

    pub(crate) fn new(value: Box<T>) -> Self {
        const { assert!(align_of::<T>() > 1) };
        Self { raw: NonNull::from(Box::leak(value)), owned: core::marker::PhantomData }
    }

    pub(crate) fn number(number: usize) -> Self {
        let odd = core::num::NonZero::new(number << 1 | 1).expect("it is odd");
        Self { raw: NonNull::without_provenance(odd), owned: core::marker::PhantomData }
    }

    fn as_number(&self) -> Option<usize> {
        let raw = self.raw.addr().get();
        (raw & 1 == 1).then_some(raw >> 1)
    }

    pub(crate) fn get(&self) -> Result<&T, usize> {
        match self.as_number() {
            Some(number) => Err(number),
            // SAFETY: it is no number, so it is a box's.
            None => Ok(unsafe { self.raw.as_ref() }),
        }
    }

    pub(crate) fn get_mut(&mut self) -> Result<&mut T, usize> {
        match self.as_number() {
            Some(number) => Err(number),
            // SAFETY: it is no number, so it is a box's.
            None => Ok(unsafe { self.raw.as_mut() }),
        }
    }

    pub(crate) fn into_inner(self) -> Result<Box<T>, usize> {
        let this = core::mem::ManuallyDrop::new(self);
        match this.as_number() {
            Some(number) => Err(number),
            // SAFETY: it is no number, so it is a box's, and `drop` doesn't run.
            None => Ok(unsafe { Box::from_raw(this.raw.as_ptr()) }),
        }
    }
}

impl<T> Drop for BoxOr<T> {
    fn drop(&mut self) {
        if self.as_number().is_none() {
            // SAFETY: it is no number, so it is a box's.
            drop(unsafe { Box::from_raw(self.raw.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;

    #[test]
    fn a_box_or_a_number() {
        assert_eq!(size_of::<Option<BoxOr<u64>>>(), size_of::<usize>());
        let mut boxed = BoxOr::new(Box::new(7u64));
        *boxed.get_mut().unwrap() += 1;
        assert_eq!(boxed.get(), Ok(&8));
        assert_eq!(boxed.into_inner(), Ok(Box::new(8)));
        for number in [0, 1, BoxOr::<u64>::MAX] {
            let it = BoxOr::<u64>::number(number);
            assert_eq!(it.get(), Err(number));
            assert_eq!(it.into_inner(), Err(number));
        }
    }
}
