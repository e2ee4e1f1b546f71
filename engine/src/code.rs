//! Stub until the interpreter is here.
use crate::Error;
use crate::module::ModuleInner;
use core::sync::atomic::AtomicPtr;

pub(crate) struct CodeTable {
    entries: Box<[AtomicPtr<u64>]>,
}

impl CodeTable {
    pub(crate) fn new(data: &ModuleInner) -> Result<Self, Error> {
        let n = data.funcs.len() - data.imported_funcs as usize;
        Ok(Self { entries: (0..n).map(|_| AtomicPtr::new(core::ptr::null_mut())).collect() })
    }

    pub(crate) fn entries(&self) -> *const AtomicPtr<u64> {
        self.entries.as_ptr()
    }
}
