//! Stands in for `runtime` on targets that can't run machine code. No tier can be created there, so none of this is
//! reached; but code can be compiled ahead of time for targets that can.

use crate::code::{CodeMap, Placed};
use crate::unavailable::Unavailable;
use dunlin::Error;
use dunlin::tier::{Call, HostFn, Landing, Left, Search, View, VisitFrame};
use std::any::Any;
use std::fs::File;
use std::io;
use std::sync::Arc;

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

#[expect(dead_code, reason = "there is no stack to charge for")]
pub(crate) trait StackAccount: Send + Sync {
    fn charge(&self, bytes: u64) -> bool;
    fn release(&self, bytes: u64);
}

/// Uninhabited: none can be made.
pub(crate) enum CodeStack {}

impl CodeStack {
    pub(crate) fn new(_: usize, _: Box<dyn StackAccount>) -> io::Result<Self> {
        unsupported()
    }

    pub(crate) fn begin_with(&self, _: usize) -> bool {
        match *self {}
    }

    pub(crate) fn left(&self) -> usize {
        match *self {}
    }

    pub(crate) fn ensure(&self, _: usize) -> bool {
        match *self {}
    }
}

/// Uninhabited: none can be made.
pub(crate) enum CodeChunk {}

impl CodeChunk {
    pub(crate) fn new(_: &[u8], _: CodeMap) -> io::Result<Arc<Self>> {
        unsupported()
    }

    pub(crate) fn bytes(_: usize, _: &CodeMap) -> u64 {
        0
    }
}

pub(crate) fn prepare_process() -> Result<(), Unavailable> {
    Err(Unavailable("it takes Linux on x86_64 or aarch64".into()))
}

pub(crate) fn prepare_thread() -> io::Result<()> {
    unsupported()
}

pub(crate) fn leaves_address_space(_: u64) -> bool {
    true
}

/// Compiling ahead of time isn't limited by address space.
#[cfg(feature = "compiler")]
pub(crate) fn has_address_space(_: u64) -> bool {
    true
}

pub(crate) fn publish(_: View<'_>, chunk: &CodeChunk, _: &[Placed], _: Option<&File>) -> Result<(), Error> {
    match *chunk {}
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn frames(_: *const u8, _: VisitFrame<'_>) {
    unreachable!("nothing was published")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn call(_: *const (dyn Any + Send), _: &Call) -> Left {
    unreachable!("nothing was published")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn unwind() -> ! {
    unreachable!("nothing was entered")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn is_outermost(_: *const u8) -> bool {
    unreachable!("nothing was entered")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn on_host_stack(_: *const (dyn Any + Send), _: usize, _: HostFn, _: *mut ()) -> bool {
    unreachable!("nothing was entered")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn handler(_: *const u8, _: &mut Search<'_>) -> Option<Landing> {
    unreachable!("nothing was entered")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn land(_: Landing) -> ! {
    unreachable!("nothing was entered")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn fail(_: *const u8, _: Option<Landing>) -> ! {
    unreachable!("nothing was entered")
}

/// # Safety
/// It has no requirement.
pub(crate) unsafe fn words(_: &CodeStack, _: &mut dyn FnMut(&[u64])) {
    unreachable!("nothing was entered")
}

/// Calls `f` on the current stack: thread stacks are large enough, or the embedder provides for that.
#[cfg(feature = "compiler")]
pub(crate) fn on_temporary_stack<R>(_: usize, f: impl FnOnce() -> R) -> io::Result<R> {
    Ok(f())
}
