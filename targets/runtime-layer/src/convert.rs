//! Types and values of the layer's, and Dunlin's. The layer's are fewer, so one direction may fail.

use crate::{Engine, ExternRef, Func, Global, Memory, Table};
use anyhow::{Context, Result, bail};
use wasm_runtime_layer::backend::{Extern, Ref, Val};
use wasm_runtime_layer::{ExternType, FuncType, GlobalType, MemoryType, RefType, TableType, ValType};

pub(crate) fn val_to_dunlin(val: &Val<Engine>) -> dunlin::Val {
    match val {
        Val::I32(value) => dunlin::Val::I32(*value),
        Val::I64(value) => dunlin::Val::I64(*value),
        Val::F32(value) => dunlin::Val::F32(value.to_bits()),
        Val::F64(value) => dunlin::Val::F64(value.to_bits()),
        Val::V128(value) => dunlin::Val::V128((*value).into()),
        Val::FuncRef(func) => dunlin::Val::FuncRef(func.as_ref().map(|func| func.0)),
        Val::ExternRef(value) => dunlin::Val::ExternRef(value.as_ref().map(|value| value.0)),
    }
}

pub(crate) fn val_to_layer(val: &dunlin::Val) -> Result<Val<Engine>> {
    Ok(match *val {
        dunlin::Val::I32(value) => Val::I32(value),
        dunlin::Val::I64(value) => Val::I64(value),
        dunlin::Val::F32(bits) => Val::F32(f32::from_bits(bits)),
        dunlin::Val::F64(bits) => Val::F64(f64::from_bits(bits)),
        dunlin::Val::V128(value) => Val::V128(value.to_bits()),
        dunlin::Val::FuncRef(func) => Val::FuncRef(func.map(Func)),
        dunlin::Val::ExternRef(value) => Val::ExternRef(value.map(ExternRef)),
        dunlin::Val::ExnRef(_) => bail!("wasm_runtime_layer has no references to exceptions"),
    })
}

pub(crate) fn ref_to_layer(val: &dunlin::Val) -> Result<Ref<Engine>> {
    match val_to_layer(val)? {
        Val::FuncRef(func) => Ok(Ref::FuncRef(func)),
        Val::ExternRef(value) => Ok(Ref::ExternRef(value)),
        other => bail!("{} isn't a reference", other.ty()),
    }
}

pub(crate) fn val_type_to_dunlin(ty: ValType) -> dunlin::ValType {
    match ty {
        ValType::I32 => dunlin::ValType::I32,
        ValType::I64 => dunlin::ValType::I64,
        ValType::F32 => dunlin::ValType::F32,
        ValType::F64 => dunlin::ValType::F64,
        ValType::V128 => dunlin::ValType::V128,
        ValType::FuncRef => dunlin::ValType::FUNCREF,
        ValType::ExternRef => dunlin::ValType::EXTERNREF,
    }
}

fn val_type_to_layer(ty: dunlin::ValType) -> Result<ValType> {
    Ok(match ty {
        dunlin::ValType::I32 => ValType::I32,
        dunlin::ValType::I64 => ValType::I64,
        dunlin::ValType::F32 => ValType::F32,
        dunlin::ValType::F64 => ValType::F64,
        dunlin::ValType::V128 => ValType::V128,
        dunlin::ValType::Ref(ty) => ref_type_to_layer(ty)?.into(),
    })
}

fn ref_type_to_layer(ty: dunlin::RefType) -> Result<RefType> {
    match ty {
        dunlin::RefType::FUNCREF => Ok(RefType::FuncRef),
        dunlin::RefType::EXTERNREF => Ok(RefType::ExternRef),
        ty => bail!("wasm_runtime_layer has no type `{ty}`"),
    }
}

pub(crate) fn func_type_to_dunlin(ty: &FuncType) -> dunlin::FuncType {
    let [params, results] =
        [ty.params(), ty.results()].map(|types| types.iter().copied().map(val_type_to_dunlin));
    dunlin::FuncType::new(params, results)
}

pub(crate) fn func_type_to_layer(ty: &dunlin::FuncType) -> Result<FuncType> {
    let params = ty.params().map(val_type_to_layer).collect::<Result<Vec<_>>>()?;
    let results = ty.results().map(val_type_to_layer).collect::<Result<Vec<_>>>()?;
    Ok(FuncType::new(params, results))
}

pub(crate) fn global_type_to_layer(ty: dunlin::GlobalType) -> Result<GlobalType> {
    Ok(GlobalType::new(val_type_to_layer(ty.content())?, ty.mutability() == dunlin::Mutability::Var))
}

pub(crate) fn memory_type_to_layer(ty: dunlin::MemoryType) -> Result<MemoryType> {
    if ty.is_64() || ty.is_shared() || ty.page_size() != 1 << 16 {
        bail!("wasm_runtime_layer has no {ty}");
    }
    Ok(MemoryType::new(count(ty.minimum())?, ty.maximum().map(count).transpose()?))
}

pub(crate) fn memory_type_to_dunlin(ty: MemoryType) -> dunlin::MemoryType {
    dunlin::MemoryType::new(ty.initial_pages(), ty.maximum_pages())
}

pub(crate) fn table_type_to_layer(ty: dunlin::TableType) -> Result<TableType> {
    if ty.is_64() {
        bail!("wasm_runtime_layer has no {ty}");
    }
    let element = ref_type_to_layer(ty.element())?;
    Ok(TableType::new(element, count(ty.minimum())?, ty.maximum().map(count).transpose()?))
}

pub(crate) fn table_type_to_dunlin(ty: TableType) -> dunlin::TableType {
    let element = match ty.element() {
        RefType::FuncRef => dunlin::RefType::FUNCREF,
        RefType::ExternRef => dunlin::RefType::EXTERNREF,
    };
    dunlin::TableType::new(element, ty.minimum(), ty.maximum())
}

/// A number of pages or elements, which the layer has 32 bits for.
pub(crate) fn count(count: u64) -> Result<u32> {
    u32::try_from(count)
        .with_context(|| format!("wasm_runtime_layer has no place for {count} pages or elements"))
}

pub(crate) fn extern_type_to_layer(ty: &dunlin::ExternType) -> Result<ExternType> {
    Ok(match ty {
        dunlin::ExternType::Func(ty) => ExternType::Func(func_type_to_layer(ty)?),
        dunlin::ExternType::Table(ty) => ExternType::Table(table_type_to_layer(*ty)?),
        dunlin::ExternType::Memory(ty) => ExternType::Memory(memory_type_to_layer(*ty)?),
        dunlin::ExternType::Global(ty) => ExternType::Global(global_type_to_layer(*ty)?),
        dunlin::ExternType::Tag(_) => bail!("wasm_runtime_layer has no tags"),
    })
}

/// `None` for what the layer has no name for.
pub(crate) fn extern_to_layer(item: dunlin::Extern) -> Option<Extern<Engine>> {
    match item {
        dunlin::Extern::Func(func) => Some(Extern::Func(Func(func))),
        dunlin::Extern::Table(table) => Some(Extern::Table(Table(table))),
        dunlin::Extern::Memory(memory) => Some(Extern::Memory(Memory(memory))),
        dunlin::Extern::Global(global) => Some(Extern::Global(Global(global))),
        dunlin::Extern::SharedMemory(_) | dunlin::Extern::Tag(_) => None,
    }
}

pub(crate) fn extern_to_dunlin(item: &Extern<Engine>) -> dunlin::Extern {
    match item {
        Extern::Func(func) => func.0.into(),
        Extern::Table(table) => table.0.into(),
        Extern::Memory(memory) => memory.0.into(),
        Extern::Global(global) => global.0.into(),
    }
}
