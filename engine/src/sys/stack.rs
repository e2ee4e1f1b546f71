//! The native stack of the thread.

/// What is known of a thread's native stack.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy)]
struct Bounds {
    /// The lowest address.
    lowest: usize,
    /// The first address above it.
    end: usize,
    /// Whether the stack is this large, rather than at least.
    exact: bool,
}

#[cfg(target_os = "linux")]
impl Bounds {
    /// How many bytes are left below `here`, if that is in the stack.
    fn left(self, here: usize) -> Option<usize> {
        (self.lowest..self.end).contains(&here).then(|| here - self.lowest)
    }

    /// What is certain of the stack of the process's first thread, without asking for its exact bounds: the C library
    /// reads the list of all mappings for that, which takes longer than a short guest does.
    fn certain() -> Option<Self> {
        /// Linux keeps 128 MiB below the end of that stack free of other mappings, as far as the stack's limit allows.
        const AT_MOST: usize = 1 << 20;
        /// The name of the program is the last thing on that stack. It has at most 4096 bytes.
        const NAME: usize = 8 << 10;
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: reads an entry of the auxiliary vector, which is 0 where the system provides none.
        let end = unsafe { libc::getauxval(libc::AT_EXECFN) } as usize;
        // SAFETY: only writes to `limit`.
        let known = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) } == 0;
        let size = usize::try_from(limit.rlim_cur).unwrap_or(AT_MOST).min(AT_MOST);
        let lowest = (end + NAME).checked_sub(size)?;
        (known && end != 0).then_some(Self { lowest, end, exact: false })
    }

    #[cold]
    fn find() -> Option<Self> {
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
        known.then_some(Self { lowest: lowest as usize + guard, end: lowest as usize + size, exact: true })
    }
}

/// How many bytes of this thread's native stack are left: exactly if they are fewer than `enough`, otherwise at least.
/// `None` if that isn't known, or the thread runs on another stack.
#[cfg(target_os = "linux")]
pub(crate) fn stack_left(enough: usize) -> Option<usize> {
    std::thread_local! {
        static BOUNDS: core::cell::Cell<Option<Bounds>> = const { core::cell::Cell::new(None) };
    }
    let mark = 0u8;
    let here = core::hint::black_box(&raw const mark) as usize;
    let certain = |bounds: &Bounds| bounds.exact || bounds.left(here).is_some_and(|left| left >= enough);
    let bounds = BOUNDS.get().filter(certain).unwrap_or_else(|| {
        let nothing = Bounds { lowest: 1, end: 1, exact: true };
        let found = Bounds::certain().filter(certain).or_else(Bounds::find).unwrap_or(nothing);
        BOUNDS.set(Some(found));
        found
    });
    bounds.left(here)
}

/// As on Linux; nothing is known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stack_left(_enough: usize) -> Option<usize> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_is_within_the_bounds() {
        // This thread isn't the first one, so what is certain of that one's stack isn't about this one's.
        let (certain, own) = (Bounds::certain().unwrap(), Bounds::find().unwrap());
        assert!(own.end <= certain.lowest || certain.end <= own.lowest);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let end = stack.split(['-', ' ']).nth(1).unwrap();
        let end = usize::from_str_radix(end, 16).unwrap();
        assert!(certain.end <= end && end - certain.lowest <= 1 << 20, "{stack}");
    }

    #[test]
    fn what_is_left_shrinks_to_nothing_on_the_way_down() {
        fn deeper(levels: u32) -> usize {
            let frame = core::hint::black_box([0_u8; 4096]);
            if levels == 0 {
                stack_left(usize::MAX).unwrap()
            } else {
                deeper(levels - 1) - usize::from(frame[9])
            }
        }
        let run = || {
            let (here, there) = (stack_left(usize::MAX).unwrap(), deeper(10));
            assert!(here <= 256 << 10 && here - there >= 10 * 4096, "{here} {there}");
            assert_eq!(stack_left(1), stack_left(usize::MAX));
        };
        std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
    }
}
