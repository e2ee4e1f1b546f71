//! The module `spectest`, which every script may import from.

use dunlin::{
    Error, ErrorKind, Global, GlobalType, Linker, Memory, MemoryType, Mutability, RefType, SharedMemory,
    Store, Table, TableType, Val,
};

/// Defines the host module that the reference interpreter gives to scripts. What a guest prints is dropped.
pub(crate) fn define(store: &mut Store<()>, linker: &mut Linker<()>) -> Result<(), Error> {
    let module = "spectest";
    linker.func_wrap(module, "print", || {})?;
    linker.func_wrap(module, "print_i32", |_: i32| {})?;
    linker.func_wrap(module, "print_i64", |_: i64| {})?;
    linker.func_wrap(module, "print_f32", |_: f32| {})?;
    linker.func_wrap(module, "print_f64", |_: f64| {})?;
    linker.func_wrap(module, "print_i32_f32", |_: i32, _: f32| {})?;
    linker.func_wrap(module, "print_f64_f64", |_: f64, _: f64| {})?;
    for (name, value) in [
        ("global_i32", Val::from(666i32)),
        ("global_i64", Val::from(666i64)),
        ("global_f32", Val::from(666.6f32)),
        ("global_f64", Val::from(666.6f64)),
    ] {
        let global = Global::new(&mut *store, GlobalType::new(value.ty(), Mutability::Const), value)?;
        linker.define(&*store, module, name, global)?;
    }
    let table = TableType::new(RefType::FUNCREF, 10, Some(20));
    let table = Table::new(&mut *store, table, Val::FuncRef(None))?;
    linker.define(&*store, module, "table", table)?;
    let table = TableType::new64(RefType::FUNCREF, 10, Some(20));
    let table = Table::new(&mut *store, table, Val::FuncRef(None))?;
    linker.define(&*store, module, "table64", table)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&*store, module, "memory", memory)?;
    match SharedMemory::new(store.engine(), MemoryType::shared(1, 2)) {
        Ok(memory) => linker.define(&*store, module, "shared_memory", memory).map(drop),
        // There are none.
        Err(error) if error.kind() == ErrorKind::Limit => Ok(()),
        Err(error) => Err(error),
    }
}
