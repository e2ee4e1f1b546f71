//! What a debugger wants of a store: where resumable calls stop.
//!
//! With [`Config::guest_debug`](crate::Config::guest_debug), a cell stands before each instruction of the module, and every
//! local and operand is in its slot there. It asks here whether to stop.

use crate::Module;
use crate::memory::{Budget, Buf, Kind, Shared};
use crate::runtime::error::Error;
use core::fmt;

/// Why a resumable call is suspended at a breakpoint, or behind a single step: the error that
/// [`SuspendedCall::reason`](crate::SuspendedCall::reason) can be downcast to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Breakpoint;

impl fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped for the debugger")
    }
}

impl core::error::Error for Breakpoint {}

/// Where a store's resumable calls stop.
pub(crate) struct Debugging {
    /// Instructions, by their modules and the offsets in these.
    breakpoints: Buf<(Module, u32)>,
    /// Whether every instruction is one.
    pub(crate) single_step: bool,
    /// The cell and the frame where a call has just gone on: the first cell, which mustn't stop it again.
    resumed: Option<(usize, usize)>,
}

impl Debugging {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self { breakpoints: Buf::new(budget, Kind::Host), single_step: false, resumed: None }
    }

    /// A call goes on there.
    pub(crate) fn goes_on(&mut self, place: (usize, usize)) {
        self.resumed = Some(place);
    }

    /// Whether to stop before this instruction, whose cell and frame are at `place`.
    pub(crate) fn stops(&mut self, module: &Module, offset: u32, place: (usize, usize)) -> bool {
        self.resumed.take() != Some(place) && (self.single_step || self.position(module, offset).is_some())
    }

    pub(crate) fn add(&mut self, module: &Module, offset: u32) -> Result<(), Error> {
        if self.position(module, offset).is_none() {
            self.breakpoints.try_push((module.clone(), offset))?;
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, module: &Module, offset: u32) {
        if let Some(at) = self.position(module, offset) {
            self.breakpoints.swap_remove(at);
        }
    }

    fn position(&self, module: &Module, offset: u32) -> Option<usize> {
        self.breakpoints
            .iter()
            .position(|(of, at)| *at == offset && Shared::ptr_eq(of.shared(), module.shared()))
    }
}
