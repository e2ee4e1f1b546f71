//! Scripts whose world moves to another store, by a snapshot, whenever a call has used up a slice of fuel.

use crate::runner::Runner;
use crate::spectest;
use dunlin::{Error, Func, Instance, Linker, Module, ResumableCall, Snapshot, Store, SuspendedCall, Val};

/// A call that has moved so often gets twice the fuel until it moves again: some loop over whole memories.
const MANY: u64 = 8;

/// How often the world has moved.
#[derive(Clone, Copy, Default, Debug)]
pub struct Moves {
    /// After so much fuel; 0 is never.
    pub slice: u64,
    /// How often it did.
    pub moved: u64,
    /// How often something in it couldn't be moved, and it stayed.
    pub stayed: u64,
}

impl Runner {
    /// Calls a function in slices.
    pub(crate) fn call_moving(&mut self, func: Func, args: &[Val], results: &mut [Val]) -> Result<(), Error> {
        let (mut slice, mut times) = (self.moves.slice, 0);
        self.store.set_fuel(slice)?;
        let mut call = func.call_resumable(&mut self.store, args, results)?;
        while let ResumableCall::Suspended(suspended) = call {
            let suspended = self.move_on(suspended)?;
            times += 1;
            if times % MANY == 0 {
                slice *= 2;
            }
            let left = self.store.get_fuel()?;
            self.store.set_fuel(left + slice)?;
            call = suspended.resume(&mut self.store, results)?;
        }
        self.store.set_fuel(u64::MAX)
    }

    /// Moves the world to another store, if everything in it can be moved.
    fn move_on(&mut self, call: SuspendedCall) -> Result<SuspendedCall, Error> {
        let mut bytes = Vec::new();
        if let Err(error) = call.snapshot(&mut self.store, &self.linker, b"", &mut bytes) {
            assert!(error.to_string().starts_with("no snapshot can be made: "), "{error}");
            assert!(bytes.is_empty(), "something was written before that was refused");
            self.moves.stayed += 1;
            return Ok(call);
        }
        let before = self.store.debug_all_instances();
        let modules: Vec<Module> =
            before.iter().map(|instance| instance.module(&self.store).clone()).collect();
        let modules: Vec<&Module> = modules.iter().collect();
        let engine = self.store.engine().clone();
        let mut store = Store::try_new(&engine, ())?;
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)?;
        let snapshot = Snapshot::open(engine.budget(), &bytes[..])?;
        let restored = snapshot.restore(&mut store, &linker, &modules)?;
        assert_eq!(restored.instances.len(), before.len());
        let now = |instance: &mut Instance| {
            let at = before.iter().position(|before| before == instance);
            *instance = restored.instances[at.expect("it is one of them")];
        };
        self.instances.replace(now);
        for (name, instance) in &mut self.registered {
            now(instance);
            linker.instance(&store, name, *instance)?;
        }
        (self.store, self.linker) = (store, linker);
        self.moves.moved += 1;
        Ok(restored.call.expect("there was one"))
    }
}
