//! Stores, and borrows of them.

use crate::Engine;
use crate::wrapper::wrapper;
use ref_cast::RefCast;
use wasm_runtime_layer::backend::{
    AsContext, AsContextMut, WasmStore, WasmStoreContext, WasmStoreContextMut,
};

wrapper! {
    /// A store.
    Store<T>(dunlin::Store<T>)
}

wrapper! {
    /// A shared borrow of a store.
    StoreContext<'a, T>(dunlin::StoreContext<'a, T>)
}

wrapper! {
    /// An exclusive borrow of a store.
    StoreContextMut<'a, T>(dunlin::StoreContextMut<'a, T>)
}

impl<T: 'static> WasmStore<T, Engine> for Store<T> {
    fn new(engine: &Engine, data: T) -> Self {
        Self(dunlin::Store::new(&engine.0, data))
    }

    fn engine(&self) -> &Engine {
        Engine::ref_cast(self.0.engine())
    }

    fn data(&self) -> &T {
        self.0.data()
    }

    fn data_mut(&mut self) -> &mut T {
        self.0.data_mut()
    }

    fn into_data(self) -> T {
        self.0.into_data()
    }
}

macro_rules! contexts {
    ($($(<$life:lifetime>)? $name:ident;)*) => {$(
        impl<T: 'static> AsContext<Engine> for $name<$($life,)? T> {
            type UserState = T;

            fn as_context(&self) -> StoreContext<'_, T> {
                StoreContext(dunlin::AsContext::as_context(&self.0))
            }
        }
    )*};
}

contexts! {
    Store;
    <'_> StoreContext;
    <'_> StoreContextMut;
}

impl<T: 'static> AsContextMut<Engine> for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(dunlin::AsContextMut::as_context_mut(&mut self.0))
    }
}

impl<T: 'static> AsContextMut<Engine> for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(dunlin::AsContextMut::as_context_mut(&mut self.0))
    }
}

impl<'a, T: 'static> WasmStoreContext<'a, T, Engine> for StoreContext<'a, T> {
    fn engine(&self) -> &Engine {
        Engine::ref_cast(self.0.engine())
    }

    fn data(&self) -> &T {
        self.0.data()
    }
}

impl<'a, T: 'static> WasmStoreContext<'a, T, Engine> for StoreContextMut<'a, T> {
    fn engine(&self) -> &Engine {
        Engine::ref_cast(self.0.engine())
    }

    fn data(&self) -> &T {
        self.0.data()
    }
}

impl<'a, T: 'static> WasmStoreContextMut<'a, T, Engine> for StoreContextMut<'a, T> {
    fn data_mut(&mut self) -> &mut T {
        self.0.data_mut()
    }
}
