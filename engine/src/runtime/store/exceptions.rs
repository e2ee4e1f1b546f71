//! Exceptions: the objects, which of them is being thrown, and which can't be reached any more.
//!
//! An exception that is caught without a reference to it is freed there. If references to it were handed out, it stays
//! until a *collection* finds none, which happens when as much was thrown since the last one as that one looked at.
//! A collection is conservative: a word in a place that may hold a reference keeps the exception whose address it is.
//! Such places are value stacks, native stacks of compiled code, globals and tables of references to exceptions, and
//! what exceptions carry.

use super::StoreInner;
use crate::memory::{Budget, Buf, Charge, Kind, try_box};
use crate::module::types::{FuncType, ValType};
use crate::runtime::engine::Sigs;
use crate::runtime::vmctx::{TagObj, VmCtx};
use crate::{Error, ErrorKind};
use alloc::boxed::Box;
use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

/// An exception. It stays at its address, which is what a slot holds for a reference to it.
pub(crate) struct ExnObj {
    pub(crate) tag: NonNull<TagObj>,
    /// What it carries, in the format of slots.
    pub(crate) values: Box<[u64]>,
    /// Its place in the list of all.
    at: usize,
    /// Whether a guest may have a reference to it.
    shared: bool,
    /// Whether the host has one.
    pinned: Cell<bool>,
    /// Whether this collection has found one.
    found: bool,
    /// The next one whose values this collection has to look at.
    next: Option<NonNull<ExnObj>>,
}

/// All exceptions of a store.
pub(crate) struct Exceptions {
    all: Buf<NonNull<ExnObj>>,
    charge: Charge,
    /// The one that is being thrown, or that came to the host and wasn't taken.
    pending: Option<NonNull<ExnObj>>,
    /// The bytes made since the last collection, and how many begin one.
    made: u64,
    enough: u64,
}

/// The bytes of exceptions that are always made before a collection.
const SOME: u64 = 64 << 10;

fn bytes_of(values: usize) -> u64 {
    (size_of::<ExnObj>() + values * 8) as u64
}

impl Exceptions {
    pub(crate) fn new(budget: &Budget) -> Self {
        let charge = budget.nothing(Kind::Instance);
        Self { all: Buf::new(budget, Kind::Instance), charge, pending: None, made: 0, enough: SOME }
    }

    pub(crate) fn pending(&self) -> Option<NonNull<ExnObj>> {
        self.pending
    }

    pub(crate) fn set_pending(&mut self, exception: NonNull<ExnObj>) {
        self.pending = Some(exception);
    }

    pub(crate) fn take_pending(&mut self) -> Option<NonNull<ExnObj>> {
        self.pending.take()
    }

    fn make(&mut self, tag: NonNull<TagObj>, values: &[u64]) -> Result<NonNull<ExnObj>, Error> {
        self.all.try_reserve(1)?;
        let mut copy = Buf::with_capacity(self.charge.budget(), Kind::Instance, values.len())?;
        copy.try_extend_from_slice(values)?;
        let (values, mut charge) = copy.into_boxed()?;
        charge.grow(size_of::<ExnObj>() as u64)?;
        let bytes = bytes_of(values.len());
        let (at, pinned) = (self.all.len(), Cell::new(false));
        let object = ExnObj { tag, values, at, shared: false, pinned, found: false, next: None };
        let object = NonNull::from(Box::leak(try_box(Kind::Instance, object)?));
        self.charge.merge(charge);
        self.made += bytes;
        // Room was reserved.
        self.all.try_push(object)?;
        Ok(object)
    }

    /// # Safety
    /// It is one of these exceptions, and nothing refers to it.
    unsafe fn free(&mut self, exception: NonNull<ExnObj>) {
        // SAFETY: the caller's contract; `make` made it from a box.
        let object = unsafe { Box::from_raw(exception.as_ptr()) };
        self.all.swap_remove(object.at);
        if let Some(moved) = self.all.get(object.at) {
            // SAFETY: objects in the list are live.
            unsafe { (*moved.as_ptr()).at = object.at };
        }
        self.charge.shrink(bytes_of(object.values.len()));
    }

    /// The exception is caught. With `refers`, the guest is given a reference; otherwise it is freed if there is none.
    ///
    /// # Safety
    /// It is one of these exceptions, and it isn't used after this, except through that reference.
    pub(crate) unsafe fn caught(&mut self, exception: NonNull<ExnObj>, refers: bool) {
        // SAFETY: the caller's contract.
        unsafe {
            (*exception.as_ptr()).shared |= refers;
            if !exception.as_ref().shared && !exception.as_ref().pinned.get() {
                self.free(exception);
            }
        }
    }

    /// Keeps an exception for as long as the store lives, since the host has a handle.
    ///
    /// # Safety
    /// It is one of these exceptions.
    pub(crate) unsafe fn pin(&self, exception: NonNull<ExnObj>) {
        // SAFETY: the caller's contract.
        unsafe { exception.as_ref() }.pinned.set(true);
    }
}

impl Drop for Exceptions {
    fn drop(&mut self) {
        while let Some(object) = self.all.pop() {
            // SAFETY: `make` made it from a box, and a store that is being dropped isn't used any more.
            let object = unsafe { Box::from_raw(object.as_ptr()) };
            self.charge.shrink(bytes_of(object.values.len()));
        }
        debug_assert_eq!(self.charge.bytes(), 0);
    }
}

/// A collection: the exceptions, sorted by address, and those whose values have to be looked at.
struct Collection<'a> {
    all: &'a [NonNull<ExnObj>],
    next: Option<NonNull<ExnObj>>,
    /// Words looked at.
    seen: u64,
}

impl Collection<'_> {
    /// Looks at words, each of which may be the address of an exception.
    fn look(&mut self, words: &[u64]) {
        self.seen += words.len() as u64;
        let (Some(first), Some(last)) = (self.all.first(), self.all.last()) else { return };
        let addresses = first.as_ptr() as u64..=last.as_ptr() as u64;
        for word in words {
            if addresses.contains(word)
                && let Ok(at) = self.all.binary_search_by_key(word, |object| object.as_ptr() as u64)
            {
                self.find(self.all[at]);
            }
        }
    }

    fn find(&mut self, object: NonNull<ExnObj>) {
        // SAFETY: objects in the list are live, and nobody else looks at them meanwhile.
        let object = unsafe { &mut *object.as_ptr() };
        if !object.found {
            object.found = true;
            object.next = self.next;
            self.next = Some(NonNull::from(object));
        }
    }

    /// Looks at what the found ones carry.
    fn finish(&mut self) {
        while let Some(object) = self.next {
            // SAFETY: as in `find`; the values are outside of what that changes.
            let values: *const [u64] = unsafe {
                self.next = object.as_ref().next;
                &raw const *object.as_ref().values
            };
            // SAFETY: the object is live, and its values don't change.
            self.look(unsafe { &*values });
        }
    }
}

impl StoreInner {
    /// Makes a tag of the type with this number, which is `ty`: the one with this index in the context, or the host's.
    pub(crate) fn new_tag(
        &mut self,
        sig: u32,
        ty: &FuncType,
        (vm, index): (*mut VmCtx, u32),
        sigs: Option<Sigs>,
    ) -> Result<NonNull<TagObj>, Error> {
        let (slots, handle) = (super::slots_of(ty.params()), self.tags.len());
        self.tags.push(TagObj { sig, slots, vm, index, handle, _sigs: sigs })
    }

    /// Makes an exception that carries `values`. The current execution's frames end at `end`, or where its next one would
    /// begin if that is null.
    pub(crate) fn new_exception(
        &mut self,
        tag: NonNull<TagObj>,
        values: &[u64],
        end: *const u64,
    ) -> Result<NonNull<ExnObj>, Error> {
        if self.exceptions.made >= self.exceptions.enough {
            self.collect_exceptions(values, end);
        }
        match self.exceptions.make(tag, values) {
            Err(error) if matches!(error.kind(), ErrorKind::OutOfBudget | ErrorKind::OutOfMemory) => {
                self.collect_exceptions(values, end);
                self.exceptions.make(tag, values)
            }
            made => made,
        }
    }

    /// Makes an exception that a snapshot has a reference to. Nothing is freed for it: references may not be in their places yet.
    #[cfg(feature = "snapshot")]
    pub(crate) fn restored_exception(
        &mut self,
        tag: NonNull<TagObj>,
        values: &[u64],
    ) -> Result<NonNull<ExnObj>, Error> {
        let exception = self.exceptions.make(tag, values)?;
        // SAFETY: it has just been made.
        unsafe { (*exception.as_ptr()).shared = true };
        Ok(exception)
    }

    /// Frees the exceptions that nothing refers to. `values` are those of one that is about to be made.
    fn collect_exceptions(&mut self, values: &[u64], end: *const u64) {
        let mut all = core::mem::replace(&mut self.exceptions.all, Buf::new(&self.budget, Kind::Instance));
        all.sort_unstable();
        for (at, object) in all.iter().enumerate() {
            // SAFETY: objects in the list are live.
            let object = unsafe { &mut *object.as_ptr() };
            (object.at, object.found) = (at, false);
        }
        let mut found = Collection { all: &all, next: None, seen: 0 };
        found.look(values);
        self.exceptions.pending.into_iter().for_each(|pending| found.find(pending));
        for object in all.iter() {
            // SAFETY: as before.
            if unsafe { object.as_ref() }.pinned.get() {
                found.find(*object);
            }
        }
        let tier = self.engine.tier();
        if let Some(exec) = &self.exec {
            exec.references(Some(end), tier, &mut |words| found.look(words));
        }
        for parked in self.parked.iter() {
            parked.exec.references(None, tier, &mut |words| found.look(words));
        }
        for global in self.globals.iter() {
            // SAFETY: objects live as long as the store.
            let global = unsafe { global.as_ref() };
            if global.ty.content().is_exn() {
                found.look(&global.value[..1]);
            }
        }
        for table in self.tables.iter() {
            // SAFETY: objects live as long as the store.
            let table = unsafe { table.as_ref() };
            if ValType::Ref(table.inner.ty.element()).is_exn() {
                found.look(table.elements());
            }
        }
        found.finish();
        let seen = found.seen;
        self.exceptions.all = all;
        for at in (0..self.exceptions.all.len()).rev() {
            let object = self.exceptions.all[at];
            // SAFETY: the object is live; if it isn't found, no place that may hold a reference does.
            unsafe {
                if !object.as_ref().found {
                    self.exceptions.free(object);
                }
            }
        }
        (self.exceptions.made, self.exceptions.enough) = (0, SOME.max(seen * 8));
    }

    /// The message for an exception that nobody caught.
    pub(crate) fn uncaught(&self, exception: NonNull<ExnObj>) -> impl fmt::Display {
        // SAFETY: objects live as long as the store, and an exception as long as it is pending.
        Uncaught { store: self, tag: unsafe { exception.as_ref().tag.as_ref() } }
    }
}

struct Uncaught<'a> {
    store: &'a StoreInner,
    tag: &'a TagObj,
}

impl fmt::Display for Uncaught<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception wasn't caught: its tag is ")?;
        let TagObj { vm, index, sig, .. } = *self.tag;
        if vm.is_null() {
            f.write_str("the host's")?;
        } else {
            // SAFETY: instances live as long as the store.
            let module = unsafe { &(*(*vm).instance).module };
            let exports = &module.shared().data.exports;
            let name = exports
                .iter()
                .find(|export| export.kind == crate::module::ExternKind::Tag && export.index == index);
            match name {
                Some(export) => write!(f, "`{}`", export.name.escape_debug())?,
                None => write!(f, "number {index} of its module")?,
            }
        }
        let ty = crate::module::types::TagType::new(self.store.engine.known_type(sig));
        write!(f, ", a {ty}")
    }
}
