//! Who interrupts what is executed for a task, in each store that it comes to.

use dunlin::InterruptHandle;
use std::any::Any;
use std::sync::Arc;

/// Has a store interrupted in time, as long as the result lives.
type Over = dyn Fn(InterruptHandle) -> Box<dyn Any> + Send + Sync;

/// Has stores interrupted in time, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Watch(Option<Arc<Over>>);

impl Watch {
    /// Each store is interrupted by this.
    pub(crate) fn by<W: Any>(watch: impl Fn(InterruptHandle) -> W + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(move |store| Box::new(watch(store)))))
    }

    /// Begins to watch a store, as long as the result lives.
    pub(crate) fn over(&self, store: InterruptHandle) -> Option<Box<dyn Any>> {
        self.0.as_ref().map(|watch| watch(store))
    }
}
