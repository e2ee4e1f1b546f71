//! Which exceptions a snapshot has had so far, by their numbers.

use crate::memory::{Budget, Buf, Kind, Map};
use crate::runtime::engine::Engine;
use crate::runtime::store::exceptions::ExnObj;
use core::cell::{Cell, RefCell};
use core::ptr::NonNull;

/// The numbers of the exceptions that have been written.
pub(super) struct Written {
    pub(super) engine: Engine,
    pub(super) numbers: Map<usize, u32>,
    pub(super) count: u32,
    pub(super) depth: u32,
}

impl Written {
    pub(super) fn new(engine: &Engine, budget: &Budget) -> Self {
        Self { engine: engine.clone(), numbers: Map::new(budget, Kind::Host), count: 0, depth: 0 }
    }

    /// What is written from now on is another snapshot.
    pub(super) fn forget(&mut self, budget: &Budget) {
        (self.numbers, self.count) = (Map::new(budget, Kind::Host), 0);
    }
}

/// The exceptions that have been read, by their numbers.
pub(super) struct ReadExceptions {
    pub(super) all: RefCell<Buf<NonNull<ExnObj>>>,
    pub(super) depth: Cell<u32>,
}

impl ReadExceptions {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { all: RefCell::new(Buf::new(budget, Kind::Host)), depth: Cell::new(0) }
    }
}
