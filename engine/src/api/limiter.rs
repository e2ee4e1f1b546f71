//! The limiter of a store.

use super::context::StoreData;
use crate::runtime::store::StoreInner;
use crate::{AsContextMut, Error, ResourceLimiter, Store};
use alloc::boxed::Box;

impl<T: 'static> Store<T> {
    /// Has a limiter, which `find` finds in the embedder's data, decide whether the store's memories and tables may grow, and
    /// how many there may be. The budget decides as well. Shared memories aren't asked for.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Engine, Instance, Module, Store, StoreLimits, StoreLimitsBuilder};
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (memory (export "memory") 1))"#)?;
    /// let limits = StoreLimitsBuilder::new().memory_size(2 << 16).build();
    /// let mut store = Store::new(&engine, limits);
    /// store.limiter(|limits| limits);
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let memory = instance.get_memory(&store, "memory").unwrap();
    /// assert_eq!(memory.grow(&mut store, 1)?, 1);
    /// assert!(memory.grow(&mut store, 1).is_err());
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn limiter(
        &mut self,
        mut find: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static,
    ) {
        let find = move |store: *mut StoreInner| -> *mut dyn ResourceLimiter {
            // SAFETY: it is called with the pointer by which this store knows itself. What is borrowed is the data alone,
            // which nobody uses while the store itself is used.
            find(unsafe { &mut (*store.cast::<StoreData<T>>()).data })
        };
        self.as_context_mut().inner_mut().set_limiter(Box::new(find));
    }
}

/// A limiter with fixed bounds, made by [`StoreLimitsBuilder`]. Without any, it allows for 10,000 instances, tables and
/// memories, of any size.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            memory_size: None,
            table_elements: None,
            instances: 10_000,
            tables: 10_000,
            memories: 10_000,
            trap_on_grow_failure: false,
        }
    }
}

/// Makes [`StoreLimits`].
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// No bounds but those that [`StoreLimits`] begins with.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes each memory may have.
    #[must_use]
    pub fn memory_size(self, bytes: usize) -> Self {
        Self(StoreLimits { memory_size: Some(bytes), ..self.0 })
    }

    /// How many elements each table may have.
    #[must_use]
    pub fn table_elements(self, elements: usize) -> Self {
        Self(StoreLimits { table_elements: Some(elements), ..self.0 })
    }

    /// How many instances there may be.
    #[must_use]
    pub fn instances(self, instances: usize) -> Self {
        Self(StoreLimits { instances, ..self.0 })
    }

    /// How many tables there may be.
    #[must_use]
    pub fn tables(self, tables: usize) -> Self {
        Self(StoreLimits { tables, ..self.0 })
    }

    /// How many memories there may be.
    #[must_use]
    pub fn memories(self, memories: usize) -> Self {
        Self(StoreLimits { memories, ..self.0 })
    }

    /// Whether the guest traps, rather than getting -1, where a memory or table can't grow.
    #[must_use]
    pub fn trap_on_grow_failure(self, trap: bool) -> Self {
        Self(StoreLimits { trap_on_grow_failure: trap, ..self.0 })
    }

    /// The limits.
    pub fn build(self) -> StoreLimits {
        self.0
    }
}

impl StoreLimits {
    fn allows(
        &self,
        what: &str,
        desired: usize,
        bound: Option<usize>,
        maximum: Option<usize>,
    ) -> Result<bool, Error> {
        let allowed = [bound, maximum].into_iter().flatten().all(|most| desired <= most);
        if !allowed && self.trap_on_grow_failure {
            return Err(Error::msg(format_args!("a {what} may not grow to {desired}")));
        }
        Ok(allowed)
    }

    fn failed(&self, error: Error) -> Result<(), Error> {
        if self.trap_on_grow_failure { Err(error) } else { Ok(()) }
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, Error> {
        self.allows("memory", desired, self.memory_size, maximum)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<(), Error> {
        self.failed(error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, Error> {
        self.allows("table", desired, self.table_elements, maximum)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<(), Error> {
        self.failed(error)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
