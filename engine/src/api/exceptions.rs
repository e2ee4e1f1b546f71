//! Tags and exceptions, as the host sees them.

use super::func::{check_count, load_vals, store_vals};
use crate::memory::{Buf, Kind};
use crate::runtime::store::exceptions::ExnObj;
use crate::runtime::store::{StoreInner, slots_of};
use crate::runtime::vmctx::TagObj;
use crate::{
    AsContext, AsContextMut, Caller, Error, ExnRef, Store, StoreContextMut, Tag, TagType, ThrownException,
    Val,
};
use alloc::vec::Vec;
use core::ptr::{NonNull, null, null_mut};

impl Tag {
    /// Makes a tag.
    ///
    /// # Errors
    ///
    /// If the budget or the system has no room.
    pub fn new(mut store: impl AsContextMut, ty: &TagType) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        let inner = store.inner_mut();
        let sigs = inner.engine.register(ty.ty())?;
        let tag = inner.new_tag(sigs[0], ty.ty(), (null_mut(), 0), Some(sigs))?;
        // SAFETY: just made.
        Ok(Self::from_obj(inner, unsafe { tag.as_ref() }))
    }

    /// The tag's type.
    pub fn ty(&self, store: impl AsContext) -> TagType {
        TagType::new(self.ty_in(store.as_context().inner()))
    }
}

impl ExnRef {
    /// Makes an exception with a tag, which carries `fields`.
    ///
    /// # Errors
    ///
    /// If the values aren't what the tag's type says, or the budget or the system has no room.
    pub fn new(mut store: impl AsContextMut, tag: &Tag, fields: &[Val]) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        let inner = store.inner_mut();
        let ty = tag.ty_in(inner);
        check_count("values", ty.params(), fields.len())?;
        let mut slots = Buf::new(&inner.budget, Kind::Host);
        slots.try_resize(slots_of(ty.params()) as usize, 0)?;
        store_vals(inner, "value", ty.params(), fields, &mut slots)?;
        let exception = inner.new_exception(tag.ptr(inner), &slots, null())?;
        Ok(Self::from_obj(inner, exception))
    }

    /// Its tag.
    pub fn tag(&self, store: impl AsContext) -> Tag {
        let store = store.as_context();
        // SAFETY: a tag lives as long as its store.
        Tag::from_obj(store.inner(), unsafe { self.obj(store.inner()).tag.as_ref() })
    }

    /// Value `index` of those that it carries; `None` if there are fewer.
    pub fn field(&self, store: impl AsContext, index: usize) -> Option<Val> {
        let mut found = None;
        let store = store.as_context();
        self.each(store.inner(), |i, val| {
            if i == index {
                found = Some(val);
            }
        });
        found
    }

    /// All values that it carries.
    pub fn fields(&self, store: impl AsContext) -> Vec<Val> {
        let mut vals = Vec::new();
        self.each(store.as_context().inner(), |_, val| vals.push(val));
        vals
    }

    fn each(&self, store: &StoreInner, sink: impl FnMut(usize, Val)) {
        let object = self.obj(store);
        // SAFETY: a tag lives as long as its store, and the values are of its type.
        unsafe {
            let TagObj { sig, .. } = *object.tag.as_ref();
            load_vals(store, store.engine.known_type(sig).params(), &object.values, sink);
        }
    }

    fn obj<'a>(&self, store: &'a StoreInner) -> &'a ExnObj {
        store.check(self.store);
        // SAFETY: an exception that there is a handle of is kept as long as its store, and doesn't change but for what a
        // collection notes, for which the store is borrowed exclusively.
        unsafe { &*(self.address as *const ExnObj) }
    }

    fn from_obj(store: &StoreInner, exception: NonNull<ExnObj>) -> Self {
        // SAFETY: the callers have it from the store.
        unsafe { store.exceptions.pin(exception) };
        Self { store: store.id, address: exception.as_ptr() as usize }
    }

    pub(crate) fn to_raw(self, store: &StoreInner) -> u64 {
        store.check(self.store);
        self.address as u64
    }

    /// # Safety
    /// The slot holds null or an exception of this store.
    pub(crate) unsafe fn from_raw(store: &StoreInner, slot: u64) -> Option<Self> {
        NonNull::new(slot as *mut ExnObj).map(|exception| Self::from_obj(store, exception))
    }
}

fn throw(store: &mut StoreInner, exception: ExnRef) -> ThrownException {
    let address = exception.to_raw(store);
    if let Some(exception) = NonNull::new(address as *mut ExnObj) {
        store.exceptions.set_pending(exception);
    }
    ThrownException
}

fn take_pending(store: &mut StoreInner) -> Option<ExnRef> {
    let exception = store.exceptions.take_pending()?;
    Some(ExnRef::from_obj(store, exception))
}

macro_rules! throwing {
    ($inner:ident) => {
        /// Throws an exception: makes it the store's pending one. A host function that then returns this error, as `?`
        /// does, throws it in the guest that called it.
        ///
        /// # Errors
        ///
        /// Always a [`ThrownException`].
        pub fn throw<R>(&mut self, exception: ExnRef) -> Result<R, ThrownException> {
            Err(throw(self.$inner().inner_mut(), exception))
        }

        /// Takes the exception that was thrown and not caught, if there is one: after a call failed with
        /// [`ThrownException`].
        pub fn take_pending_exception(&mut self) -> Option<ExnRef> {
            take_pending(self.$inner().inner_mut())
        }

        /// Whether there is an exception that was thrown and not caught or taken.
        pub fn has_pending_exception(&self) -> bool {
            self.as_context().inner().exceptions.pending().is_some()
        }
    };
}

/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Caller, Engine, ExnRef, FuncType, Linker, Module, Store, Tag, TagType, ThrownException, Val, ValType};
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "failed" (tag $failed (param i32)))
///     (import "host" "open" (func $open (param i32)))
///     (func (export "try") (param i32) (result i32)
///         (block $code (result i32)
///             (try_table (catch $failed $code) (call $open (local.get 0)))
///             (return (i32.const 0)))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], [])))?;
/// let mut linker = Linker::new(&engine);
/// linker.define(&store, "host", "failed", tag)?;
/// linker.func_wrap("host", "open", move |mut caller: Caller<'_, ()>, file: i32| -> dunlin::Result<()> {
///     if file == 3 {
///         return Ok(());
///     }
///     let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(-file)])?;
///     Ok(caller.throw(exception)?)
/// })?;
/// let instance = linker.instantiate(&mut store, &module)?;
/// let attempt = instance.get_typed_func::<i32, i32>(&mut store, "try")?;
/// assert_eq!((attempt.call(&mut store, 3)?, attempt.call(&mut store, 7)?), (0, -7));
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
impl<T> Store<T> {
    throwing!(as_context_mut);
}

impl<T> StoreContextMut<'_, T> {
    throwing!(as_context_mut);
}

impl<T> Caller<'_, T> {
    throwing!(as_context_mut);
}
