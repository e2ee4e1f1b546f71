//! Modules that initialise themselves once: instances for requests begin behind that, as clones.

use dunlin::{Error, Instance, InstancePre, Linker, Module, SnapshotPre, Store};
use std::sync::mpsc;
use std::time::Duration;

/// How long what is done before any request may take.
const PREPARING: Duration = Duration::from_secs(10);

/// What initialises modules once, before anything that differs from one request to the next is known: so Wizer calls it. Modules
/// that Wizer has initialised export it no more.
const INITIALIZERS: [&str; 2] = ["wizer.initialize", "wizer-initialize"];

/// A module that is linked, and initialised if it has something for that. Clones are the same.
pub(crate) struct Prepared<T> {
    pre: InstancePre<T>,
    /// What instances begin as, if it was initialised.
    initialized: Option<SnapshotPre<T>>,
}

impl<T> Clone for Prepared<T> {
    fn clone(&self) -> Self {
        Self { pre: self.pre.clone(), initialized: self.initialized.clone() }
    }
}

impl<T: 'static> Prepared<T> {
    /// Links a module. If it has something that initialises it, that is called now, in a store with this data.
    pub(crate) fn new(
        linker: &Linker<T>,
        module: &Module,
        data: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Self, Error> {
        let mut prepared = Self { pre: linker.instantiate_pre(module)?, initialized: None };
        let is_there = |name: &&str| module.get_export(name).is_some_and(|ty| ty.func().is_some());
        if let Some(name) = INITIALIZERS.into_iter().find(is_there) {
            let mut store = Store::try_new(module.engine(), data()?)?;
            prepared.initialize(name, &mut store).map_err(|error| error.context(name))?;
            prepared.initialized = Some(store.snapshot_pre(linker)?);
        }
        Ok(prepared)
    }

    fn initialize(&self, name: &str, store: &mut Store<T>) -> Result<(), Error> {
        let _ = store.set_fuel(u64::MAX);
        before_requests(store, |store| {
            let instance = self.pre.instantiate(&mut *store)?;
            if let Ok(initialize) = instance.get_typed_func::<(), ()>(&*store, "_initialize") {
                initialize.call(&mut *store, ())?;
            }
            instance.get_typed_func::<(), ()>(&*store, name)?.call(store, ())
        })
    }

    /// The module.
    pub(crate) fn module(&self) -> &Module {
        self.pre.module()
    }

    /// An instance, and whether it has been initialised.
    pub(crate) fn instance(&self, store: &mut Store<T>) -> Result<(Instance, bool), Error> {
        let Some(initialized) = &self.initialized else {
            return Ok((self.pre.instantiate(store)?, false));
        };
        // What is left of the original's fuel is nobody's.
        let fuel = store.get_fuel();
        let restored = initialized.restore(&mut *store)?;
        if let Ok(fuel) = fuel {
            store.set_fuel(fuel)?;
        }
        Ok((restored.instances[0], true))
    }
}

/// Does something in a store before there are requests, within the time for that.
pub(crate) fn before_requests<T, R>(
    store: &mut Store<T>,
    work: impl FnOnce(&mut Store<T>) -> Result<R, Error>,
) -> Result<R, Error> {
    let (done, over) = mpsc::channel::<()>();
    let interrupt = store.interrupt_handle();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(PREPARING) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let result = work(store);
        drop(done);
        result
    })
}
