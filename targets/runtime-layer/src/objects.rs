//! What modules import and export, and references to values of the host's.

use crate::convert::*;
use crate::error::{to_dunlin, to_layer};
use crate::wrapper::wrapper;
use crate::{Engine, StoreContext, StoreContextMut};
use anyhow::{Error, Result};
use wasm_runtime_layer::backend::{
    AsContext, AsContextMut, Ref, Val, WasmExternRef, WasmFunc, WasmGlobal, WasmMemory, WasmTable,
};
use wasm_runtime_layer::{FuncType, GlobalType, MemoryType, TableType};

/// Why a conversion can't fail: `Module::new` refuses what the layer has no type for.
const CHECKED: &str = "the layer can't see it";

wrapper! {
    /// A reference to a value of the host's.
    #[derive(Clone, Debug)]
    ExternRef(dunlin::ExternRef)
}

wrapper! {
    /// A function. Methods panic if the layer has no type for it, which can be only if it didn't come through the layer.
    #[derive(Clone, Debug)]
    Func(dunlin::Func)
}

wrapper! {
    /// A global. Methods panic as those of [`Func`].
    #[derive(Clone, Debug)]
    Global(dunlin::Global)
}

wrapper! {
    /// A linear memory. Methods panic as those of [`Func`].
    #[derive(Clone, Debug)]
    Memory(dunlin::Memory)
}

wrapper! {
    /// A table. Methods panic as those of [`Func`].
    #[derive(Clone, Debug)]
    Table(dunlin::Table)
}

impl WasmExternRef<Engine> for ExternRef {
    fn new<T: 'static + Send + Sync>(mut ctx: impl AsContextMut<Engine>, object: T) -> Self {
        let made = dunlin::ExternRef::new(ctx.as_context_mut().0, object);
        Self(made.unwrap_or_else(|error| panic!("a reference can't be had: {error}")))
    }

    fn downcast<'a, 's: 'a, T: 'static, S: 'static>(&'a self, store: StoreContext<'s, S>) -> Result<&'a T> {
        let data: &'s (dyn std::any::Any + Send + Sync) = self.0.data(store.0);
        data.downcast_ref().ok_or_else(|| Error::msg("the reference is to a value of another type"))
    }
}

impl WasmFunc<Engine> for Func {
    fn new<T: 'static>(
        mut ctx: impl AsContextMut<Engine, UserState = T>,
        ty: FuncType,
        func: impl 'static
        + Send
        + Sync
        + Fn(StoreContextMut<'_, T>, &[Val<Engine>], &mut [Val<Engine>]) -> Result<()>,
    ) -> Self {
        let ty = func_type_to_dunlin(&ty);
        Self(dunlin::Func::new(ctx.as_context_mut().0, ty, move |mut caller, args, results| {
            let args = to_layer_vals(args).map_err(to_dunlin)?;
            let mut given = to_layer_vals(results).map_err(to_dunlin)?;
            let store = dunlin::AsContextMut::as_context_mut(&mut caller);
            func(StoreContextMut(store), &args, &mut given).map_err(to_dunlin)?;
            results.iter_mut().zip(&given).for_each(|(result, given)| *result = val_to_dunlin(given));
            Ok(())
        }))
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> FuncType {
        func_type_to_layer(&self.0.ty(ctx.as_context().0)).expect(CHECKED)
    }

    fn call<T>(
        &self,
        mut ctx: impl AsContextMut<Engine>,
        args: &[Val<Engine>],
        results: &mut [Val<Engine>],
    ) -> Result<()> {
        let args: Vec<_> = args.iter().map(val_to_dunlin).collect();
        let mut given = vec![dunlin::Val::I32(0); results.len()];
        self.0.call(ctx.as_context_mut().0, &args, &mut given).map_err(to_layer)?;
        for (result, given) in results.iter_mut().zip(&given) {
            *result = val_to_layer(given)?;
        }
        Ok(())
    }
}

fn to_layer_vals(vals: &[dunlin::Val]) -> Result<Vec<Val<Engine>>> {
    vals.iter().map(val_to_layer).collect()
}

impl WasmGlobal<Engine> for Global {
    fn new(mut ctx: impl AsContextMut<Engine>, value: Val<Engine>, mutable: bool) -> Self {
        let mutability = if mutable { dunlin::Mutability::Var } else { dunlin::Mutability::Const };
        let ty = dunlin::GlobalType::new(val_type_to_dunlin(value.ty()), mutability);
        let made = dunlin::Global::new(ctx.as_context_mut().0, ty, val_to_dunlin(&value));
        Self(made.unwrap_or_else(|error| panic!("a global can't be had: {error}")))
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> GlobalType {
        global_type_to_layer(self.0.ty(ctx.as_context().0)).expect(CHECKED)
    }

    fn set(&self, mut ctx: impl AsContextMut<Engine>, new_value: Val<Engine>) -> Result<()> {
        self.0.set(ctx.as_context_mut().0, val_to_dunlin(&new_value)).map_err(to_layer)
    }

    fn get(&self, ctx: impl AsContextMut<Engine>) -> Val<Engine> {
        val_to_layer(&self.0.get(ctx.as_context().0)).expect(CHECKED)
    }
}

impl WasmMemory<Engine> for Memory {
    fn new(mut ctx: impl AsContextMut<Engine>, ty: MemoryType) -> Result<Self> {
        let ty = memory_type_to_dunlin(ty);
        dunlin::Memory::new(ctx.as_context_mut().0, ty).map(Self).map_err(to_layer)
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> MemoryType {
        memory_type_to_layer(self.0.ty(ctx.as_context().0)).expect(CHECKED)
    }

    fn grow(&self, mut ctx: impl AsContextMut<Engine>, additional: u32) -> Result<u32> {
        self.0.grow(ctx.as_context_mut().0, additional.into()).map_err(to_layer).and_then(count)
    }

    fn current_pages(&self, ctx: impl AsContext<Engine>) -> u32 {
        count(self.0.size(ctx.as_context().0)).expect(CHECKED)
    }

    fn read(&self, ctx: impl AsContext<Engine>, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.0.read(ctx.as_context().0, offset, buffer).map_err(Error::new)
    }

    fn write(&self, mut ctx: impl AsContextMut<Engine>, offset: usize, buffer: &[u8]) -> Result<()> {
        self.0.write(ctx.as_context_mut().0, offset, buffer).map_err(Error::new)
    }
}

impl WasmTable<Engine> for Table {
    fn new(mut ctx: impl AsContextMut<Engine>, ty: TableType, init: Ref<Engine>) -> Result<Self> {
        let (ty, init) = (table_type_to_dunlin(ty), val_to_dunlin(&init.into()));
        dunlin::Table::new(ctx.as_context_mut().0, ty, init).map(Self).map_err(to_layer)
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> TableType {
        table_type_to_layer(self.0.ty(ctx.as_context().0)).expect(CHECKED)
    }

    fn size(&self, ctx: impl AsContext<Engine>) -> u32 {
        count(self.0.size(ctx.as_context().0)).expect(CHECKED)
    }

    fn grow(&self, mut ctx: impl AsContextMut<Engine>, delta: u32, init: Ref<Engine>) -> Result<u32> {
        let init = val_to_dunlin(&init.into());
        self.0.grow(ctx.as_context_mut().0, delta.into(), init).map_err(to_layer).and_then(count)
    }

    fn get(&self, ctx: impl AsContextMut<Engine>, index: u32) -> Option<Ref<Engine>> {
        let element = self.0.get(ctx.as_context().0, index.into())?;
        Some(ref_to_layer(&element).expect(CHECKED))
    }

    fn set(&self, mut ctx: impl AsContextMut<Engine>, index: u32, elem: Ref<Engine>) -> Result<()> {
        self.0.set(ctx.as_context_mut().0, index.into(), val_to_dunlin(&elem.into())).map_err(to_layer)
    }
}
