//! The value stacks of an engine's stores: some keep theirs between two calls, the others borrow one for each call.

use crate::sys::{Mapping, Mutex, MutexGuard};
use core::sync::atomic::{AtomicU32, Ordering};

/// So many stores of an engine keep their stack. It costs an idle store a page or more, and its charge; mapping or
/// borrowing it costs a call about a microsecond. So a few stores are fast, and many are small.
const KEPT: u32 = 64;

/// How many stacks that nobody uses stay mapped. The system has taken their pages back.
const SPARE: usize = 4;

/// The value stacks of the stores of an engine.
#[derive(Default)]
pub(crate) struct Stacks {
    /// How many stores keep theirs.
    kept: AtomicU32,
    spare: Mutex<[Option<ValueStack>; SPARE]>,
}

/// The pages of a value stack.
pub(crate) struct ValueStack {
    pub(super) mapping: Mapping,
    /// Where the stack begins in the mapping.
    pub(super) start: usize,
}

/// The right of a store to keep its stack, until it is dropped.
pub(crate) struct Kept(());

impl Stacks {
    /// The right to keep a stack, unless so many stores have it already. [`Stacks::let_go`] takes it back.
    pub(crate) fn keep(&self) -> Option<Kept> {
        // Relaxed: only the number matters.
        let more = |kept: u32| (kept < KEPT).then_some(kept + 1);
        self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Kept(()))
    }

    pub(crate) fn let_go(&self, _: Kept) {
        self.kept.fetch_sub(1, Ordering::Relaxed);
    }

    fn spare(&self) -> MutexGuard<'_, [Option<ValueStack>; SPARE]> {
        self.spare.lock()
    }

    /// A stack that nobody uses, if there is one.
    pub(super) fn take(&self) -> Option<ValueStack> {
        self.spare().iter_mut().find_map(Option::take)
    }

    /// Takes a stack back, of which the first `used` bytes may have been touched.
    pub(super) fn put(&self, mut stack: ValueStack, used: usize) {
        if stack.mapping.discard(stack.start, used)
            && let Some(place) = self.spare().iter_mut().find(|place| place.is_none())
        {
            *place = Some(stack);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Budget, Config, Engine, Instance, Module, Store};
    use alloc::vec::Vec;

    /// Stores beyond the first give their stack back, and the charge for it, and can be called again.
    #[test]
    fn many_stores_share_stacks() {
        let budget = Budget::new(64 << 20);
        let engine = Engine::new(Config::new().budget(budget.clone())).unwrap();
        let wasm = wat::parse_str(
            r#"(module (global $n (mut i32) (i32.const 0))
                (func (export "deep") (param i32) (result i32)
                    (if (result i32) (local.get 0)
                        (then (i32.add (i32.const 1) (call 0 (i32.sub (local.get 0) (i32.const 1)))))
                        (else (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))))"#,
        );
        let module = Module::new(&engine, wasm.unwrap()).unwrap();
        let mut stores = Vec::new();
        let mut charged = Vec::new();
        for _ in 0..super::KEPT + 40 {
            let before = budget.used();
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let deep = instance.get_typed_func::<i32, i32>(&store, "deep").unwrap();
            assert_eq!(deep.call(&mut store, 5).unwrap(), 6);
            charged.push(budget.used() - before);
            stores.push((store, deep));
        }
        // The first of all has also paid for the function's code.
        let (keeping, borrowing) = (charged[1], charged[super::KEPT as usize]);
        assert!(keeping - borrowing >= 64 << 10, "{keeping} and {borrowing} bytes");
        assert!(charged[1..super::KEPT as usize].iter().all(|bytes| *bytes == keeping));
        assert!(charged[super::KEPT as usize..].iter().all(|bytes| *bytes == borrowing));
        for (times, depth) in [(2, 5_000), (3, 3)] {
            for (store, deep) in &mut stores {
                assert_eq!(deep.call(store, depth).unwrap(), depth + times);
            }
        }
        // A place that becomes free goes to the next store.
        stores.remove(0);
        let before = budget.used();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        instance.get_typed_func::<i32, i32>(&store, "deep").unwrap().call(&mut store, 5).unwrap();
        assert_eq!(budget.used() - before, keeping);
        drop((store, stores, module));
        assert!(engine.stacks().kept.load(super::Ordering::Relaxed) == 0);
    }
}
