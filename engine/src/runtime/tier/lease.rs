//! Owning a module, and working on it without owning it.

use super::View;
use crate::Module;
use crate::memory::Shared;
use crate::runtime::loaded::ModuleShared;
use core::sync::atomic::Ordering;

/// A tier's hold on a module that it works on, on any thread.
///
/// It keeps the module's memory alive, but doesn't own the module. Owners are [`Module`]s and instances; when the last
/// one goes, the tier is [told](super::Tier::dropped) and should drop its leases.
#[derive(Clone)]
pub struct Lease(Shared<ModuleShared>);

impl Lease {
    /// Of this module.
    pub fn new(module: &Module) -> Self {
        Lease(module.shared().clone())
    }

    /// The module.
    pub fn view(&self) -> View<'_> {
        View::shared(&self.0)
    }

    /// Which module it is.
    pub fn id(&self) -> ModuleId {
        ModuleId(Shared::as_ptr(&self.0).addr())
    }
}

/// The identity of a module, unique as long as its memory is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModuleId(usize);

impl core::fmt::Debug for Lease {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Lease").field(&self.id()).finish()
    }
}

/// Shared by all owners of a module. It is dropped with the last of them, before the module.
pub(crate) struct Ownership(Lease);

impl Ownership {
    pub(crate) const BYTES: u64 = Shared::<Ownership>::BYTES;

    pub(crate) fn new(module: &Shared<ModuleShared>) -> Self {
        Ownership(Lease(module.clone()))
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        let Ownership(module) = self;
        // Relaxed: a compiler that sees it later only gives up later.
        module.0.tiered.dropped.store(true, Ordering::Relaxed);
        if let Some(tier) = module.0.engine.tier() {
            tier.dropped(module);
        }
    }
}
