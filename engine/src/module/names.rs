//! The names a module gives to itself and to its functions, for messages and backtraces.

use crate::memory::Charge;
use alloc::boxed::Box;

/// What is kept of the `name` section.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) module: Option<Box<str>>,
    /// Sorted by function index.
    pub(crate) funcs: Box<[FuncName]>,
    /// The names, one after the other.
    pub(crate) text: Box<str>,
    #[allow(dead_code, reason = "held until the names are dropped")]
    pub(crate) charge: Option<Charge>,
}

/// Where the name of a function is in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FuncName {
    pub(crate) index: u32,
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Names {
    /// The name of the function with this index, if it has one.
    pub(crate) fn func(&self, index: u32) -> Option<&str> {
        let at = self.funcs.binary_search_by_key(&index, |name| name.index).ok()?;
        let FuncName { start, len, .. } = self.funcs[at];
        self.text.get(start as usize..start as usize + len as usize)
    }
}
