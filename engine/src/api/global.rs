use crate::{AsContext, AsContextMut, Error, Global, GlobalType, Mutability, Val};

impl Global {
    /// Makes a global.
    ///
    /// # Errors
    ///
    /// If the value isn't of the global's type, or the budget or the system has no room.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        value.expect_ty(store.inner(), ty.content())?;
        let value = value.to_raw(store.inner());
        store.inner_mut().keep_type(ty.content())?;
        let global = store.inner_mut().new_global(ty, value)?;
        // SAFETY: just made.
        Ok(Self::from_obj(store.inner(), unsafe { global.as_ref() }))
    }

    /// The global's type.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        self.obj(store.as_context().inner()).ty
    }

    /// The global's value.
    pub fn get(&self, store: impl AsContext) -> Val {
        let store = store.as_context();
        let global = self.obj(store.inner());
        // SAFETY: what is in a global of this store, if of type `funcref`, is null or a function of it.
        unsafe { Val::from_raw(store.inner(), global.ty.content(), &global.value) }
    }

    /// Sets the global's value.
    ///
    /// # Errors
    ///
    /// If the global is constant, or the value isn't of its type.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<(), Error> {
        let mut store = store.as_context_mut();
        let ty = self.obj(store.inner()).ty;
        if ty.mutability() == Mutability::Const {
            return Err(Error::msg("a constant global can't be set"));
        }
        value.expect_ty(store.inner(), ty.content())?;
        let value = value.to_raw(store.inner());
        // SAFETY: the store is borrowed exclusively, and with it the object.
        unsafe { self.ptr(store.inner_mut()).as_mut() }.value = value;
        Ok(())
    }
}
