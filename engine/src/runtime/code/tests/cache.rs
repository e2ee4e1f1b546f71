//! What the cache drops when it is asked for room, by whoever is in its code.

use super::*;
use alloc::boxed::Box;

/// Whoever is at one place in a module's code, or nowhere if it is null.
struct At<'m>(&'m Module, *const u64);

impl Executing for At<'_> {
    fn instances(&self, _: &ModuleShared) -> usize {
        1
    }

    fn mark_frames(&self) {
        assert!(self.1.is_null() || self.0.shared().code.find(self.1, true).is_some());
    }
}

/// However often room is asked for, code that somebody is in stays, from its first word to its last, and ways into compiled
/// code do.
#[test]
fn what_is_in_use_is_never_dropped() {
    for engine in engines() {
        for (last, dropped) in [(false, 0), (true, 0), (false, 1)] {
            let module = module(&engine);
            let (mut store, _) = store(&module, Ask::Answers);
            crowd(&mut store, false).unwrap();
            call(&mut store, "spin", 1);
            let shared = module.shared();
            let words = native(&module);
            let way = words.0.as_ptr();
            shared.code.enter_native(F, words).unwrap();
            let (first, len) = {
                let made = shared.code.made();
                let code = made.codes.iter().find(|code| code.index == SPIN).unwrap();
                (code.words.as_ptr(), code.words.len())
            };
            // Of nobody's frames, or of one in the function: then it is all that is left.
            let at = if dropped == 1 {
                core::ptr::null()
            } else {
                first.wrapping_add(if last { len - 1 } else { 0 })
            };
            while shared.make_room(&At(&module, at)) {}
            assert_eq!(shared.code.translated().0, 1 - dropped);
            assert_eq!(place(&module, SPIN).is_some(), dropped == 0);
            assert_eq!(shared.code.find(way, false), Some((F, 0)));
        }
    }
}

/// A way into compiled code, which these tests don't enter.
fn native(module: &Module) -> (Box<[u64]>, Charge) {
    let mut words = Buf::with_capacity(module.budget(), Kind::Cells, 6).unwrap();
    words.try_resize(6, 0u64).unwrap();
    words.into_boxed().unwrap()
}

#[test]
fn ways_into_compiled_code_are_kept_or_dropped() {
    for (engine, left) in engines().into_iter().flat_map(|e| [(e.clone(), Left::Kept), (e, Left::Dropped)]) {
        let module = module(&engine);
        let code = &module.shared().code;
        let (mut store, _) = store(&module, Ask::Fails);
        assert_eq!(call(&mut store, "spin", 7), 21);
        let cells = place(&module, SPIN);
        let leads_to = |index: u32| code.entries[index as usize].load(Ordering::Relaxed).cast_const();
        for drops_cells in [false, true] {
            // A function that has cells, and one that hasn't.
            let ways = [SPIN, F].map(|index| {
                let words = native(&module);
                let way = words.0.as_ptr();
                code.enter_native(index, words).unwrap();
                assert_eq!(leads_to(index), way);
                (index, way)
            });
            if drops_cells {
                keeps(&module, &[], || crowd(&mut store, false).unwrap());
                assert_eq!(place(&module, SPIN), None);
            }
            for (index, way) in ways {
                assert_eq!(code.find(way, false), Some((index, 0)));
                assert_eq!(leads_to(index), way);
            }
            code.leave_natives(left);
            for (index, way) in ways {
                assert!(is_lazy(leads_to(index)));
                assert_eq!(code.find(way, false).is_some(), left == Left::Kept);
            }
            assert_eq!(call(&mut store, "spin", 7), 21);
            // What cells there are is found again.
            assert!(place(&module, SPIN).is_some() && (drops_cells || place(&module, SPIN) == cells));
            let _ = suspended(&mut store, "f", 1);
            assert!(place(&module, F).is_some());
        }
    }
}

/// Cells that were made for a function with a compiled entry, or none, are what its next interpreted call finds.
#[test]
fn cells_that_no_entry_leads_to_are_found() {
    for engine in engines() {
        let module = module(&engine);
        let (mut store, _) = store(&module, Ask::Answers);
        let nobody = At(&module, core::ptr::null());
        let cells = module.shared().cells(SPIN, &nobody).unwrap() as usize;
        assert_eq!(place(&module, SPIN), Some(cells));
        for _ in 0..2 {
            assert_eq!(call(&mut store, "spin", 7), 21);
            assert_eq!(place(&module, SPIN), Some(cells));
        }
        assert_eq!(module.shared().cells(SPIN, &nobody).unwrap() as usize, cells);
    }
}
