//! How much memory a module needs: to be loaded, to start, and at most.

use crate::memory::Kind;
use crate::memory::limits::MAX_TABLE_ELEMENTS;
use crate::memory::pages::charged;
use crate::module::estimate::CODE;
use crate::module::types::FuncType;
use crate::module::{ElemItems, ElemMode, ExternKind, ModuleInner};
use crate::ops::frame::VmLayout;
use crate::runtime::engine::Engine;
use crate::runtime::exec::STACK_STEP;
use crate::runtime::store::InstanceObj;
use crate::runtime::types::Types;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj, TagObj};
use crate::stream::READ_AT_ONCE;
use crate::words::Count;
use alloc::vec::Vec;
use core::fmt;

/// The part of a budget that is set aside for a module's code: enough for the largest function's cells, plus a quarter
/// of what starting leaves of the budget; but no more than all code can use.
pub(crate) fn reserve(module: &ModuleInner, engine: &Engine, available: u64) -> u64 {
    let rest = available.saturating_sub(to_start(module, engine));
    (least_reserve(module) + rest / 4).min(most_reserve(module, engine))
}

/// What a module that has been loaded still needs: the least reserve for its cells, and an instance.
pub(crate) fn to_start(module: &ModuleInner, engine: &Engine) -> u64 {
    let mut bytes = least_reserve(module);
    instance(module, engine, &mut |item| bytes = bytes.saturating_add(item.bytes));
    // What the images hold is charged already.
    bytes.saturating_sub(module.budget.used_for(Kind::Memory))
}

/// What the interpreter needs for the code of the largest function.
pub(crate) fn least_reserve(module: &ModuleInner) -> u64 {
    if module.bodies.records.is_empty() { 0 } else { module.cells.largest + 4 * CODE }
}

fn all_cells(module: &ModuleInner) -> u64 {
    least_reserve(module) + module.cells.all + module.cells.all / 2
}

/// What all code of a module can use: cells and, if there is a tier, machine code and the memory for compiling it.
fn most_reserve(module: &ModuleInner, engine: &Engine) -> u64 {
    all_cells(module) + if engine.tier().is_some() { all_compiled(module) } else { 0 }
}

/// The bytes of machine code for all functions, and of the memory for compiling it.
fn all_compiled(module: &ModuleInner) -> u64 {
    let bodies: u64 = module.bodies.records.iter().map(|body| u64::from(body.len)).sum();
    let largest = module.bodies.records.iter().map(|body| u64::from(body.len)).max().unwrap_or(0);
    let values = |ty: &FuncType| (ty.params().len() + ty.results().len()) as u64;
    let widest = module.types.iter().map(values).max().unwrap_or(0);
    // Measured: machine code has some four times the size of the bodies, five times with its metadata and the unused
    // parts of pages. The compiler is charged a thousand bytes for each byte of body, and more for small functions;
    // inlining may add as much again. Each parameter and result of the widest type is charged 4 KiB.
    bodies * 5 + (1 << 20) + largest * 1600 + widest * (4 << 10) + ways(module, values)
}

/// The bytes of trampolines and stubs: each type that is called has one of each.
fn ways(module: &ModuleInner, values: impl Fn(&FuncType) -> u64) -> u64 {
    // Measured, including the memory for linking them.
    let each = |ty: &FuncType| 1024 + 96 * values(ty);
    let types = module.types.iter().map(each).sum();
    if !module.tables.is_empty() {
        return types;
    }
    // Without tables, only the types of the module's functions are called.
    module.funcs.iter().map(|&ty| each(&module.types[ty as usize])).sum::<u64>().min(types)
}

/// What is held beside a module while it is loaded: an engine, and what was read of a file.
const BESIDE: u64 = READ_AT_ONCE as u64 + (1 << 10);

/// How much memory a module needs: see [`Module::plan`](crate::Module::plan).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    least: u64,
    most: Result<u64, Unbounded>,
    items: Vec<PlanItem>,
}

/// Something that a module needs memory for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanItem {
    /// What it is.
    pub kind: Kind,
    /// Which memory or table, if it is one.
    pub index: Option<u32>,
    /// How many bytes it takes at first.
    pub bytes: u64,
    /// How many bytes it may come to, if something bounds it.
    pub most: Option<u64>,
}

/// What has no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unbounded {
    Memory(u32),
    Table(u32),
}

impl Plan {
    /// A budget with which the module can be loaded, and an instance of it made. It leaves out what the host needs
    /// by itself (a linker with host functions, for example), and what a start function asks for.
    pub fn least(&self) -> u64 {
        self.least
    }

    /// What one instance can come to at most, with everything translated and each memory, table and stack as
    /// large as it may get; `None` if the module declares no maximum for something.
    pub fn most(&self) -> Option<u64> {
        self.most.ok()
    }

    /// The part of [`Plan::least`] that an instance takes, the module left out.
    pub fn instance(&self) -> u64 {
        let module = [Kind::Metadata, Kind::Bodies, Kind::Data, Kind::Names, Kind::Cells];
        let instance = self.items.iter().filter(|item| !module.contains(&item.kind));
        sum(instance.map(|item| item.bytes))
    }

    /// What it consists of, the largest first.
    pub fn items(&self) -> &[PlanItem] {
        &self.items
    }
}

/// `at least 1.1 MiB to start; at most 18.2 MiB`, or `...; unbounded: memory 0 declares no maximum`
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at least {} to start; ", Size(self.least))?;
        match self.most {
            Ok(most) => write!(f, "at most {}", Size(most)),
            Err(Unbounded::Memory(index)) => write!(f, "unbounded: memory {index} declares no maximum"),
            Err(Unbounded::Table(index)) => write!(f, "unbounded: table {index} declares no maximum"),
        }
    }
}

impl fmt::Display for PlanItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.index) {
            (Kind::Memory, Some(index)) => write!(f, "memory {index}")?,
            (Kind::Table, Some(index)) => write!(f, "table {index}")?,
            (kind, _) => write!(f, "{kind}")?,
        }
        match self.most {
            Some(most) if most == self.bytes => write!(f, ": {}", Size(most)),
            Some(most) => write!(f, ": {} to {}", Size(self.bytes), Size(most)),
            None => write!(f, ": {} or more", Size(self.bytes)),
        }
    }
}

/// A size for people: rounded up, so that it does as a budget.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..0x400 => return Count(self.0, "bytes").fmt(f),
            0x400..0x10_0000 => (0x400, "KiB"),
            0x10_0000..0x4000_0000 => (0x10_0000, "MiB"),
            _ => (0x4000_0000, "GiB"),
        };
        let tenths = (u128::from(self.0) * 10).div_ceil(unit);
        write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
    }
}

pub(crate) fn plan(module: &ModuleInner, engine: &Engine) -> Plan {
    let item = |kind, bytes, most| PlanItem { kind, index: None, bytes, most: Some(most) };
    let held = |kind| module.budget.used_for(kind);
    let mut items = Vec::new();
    let heap = |ty: &FuncType| ty.heap_bytes();
    let mut numbered = Types::bytes(module.types.len(), module.declared.len());
    numbered += module.types.iter().map(heap).sum::<u64>();
    // Types of groups are held once more, as groups are compared.
    numbered += module.declared.iter().map(|ty| heap(&module.types[ty.index as usize])).sum::<u64>();
    for (kind, more) in [(Kind::Metadata, numbered), (Kind::Bodies, 0), (Kind::Data, 0)] {
        items.push(item(kind, held(kind) + more, held(kind) + more));
    }
    // Names are dropped when there is no room for them.
    items.push(item(Kind::Names, 0, held(Kind::Names)));
    items.push(item(Kind::Cells, least_reserve(module), most_reserve(module, engine)));
    instance(module, engine, &mut |item| items.push(item));
    let most = items
        .iter()
        .map(|item| {
            item.most.ok_or(match item.kind {
                Kind::Memory => Unbounded::Memory(item.index.unwrap_or(0)),
                _ => Unbounded::Table(item.index.unwrap_or(0)),
            })
        })
        .try_fold(0u64, |most, item| Ok(most.saturating_add(item?)));
    let to_load = module.load_peak + BESIDE;
    let most = most.map(|most| most.max(to_load));
    let least = sum(items.iter().map(|item| item.bytes)).max(to_load);
    items.retain(|item| item.bytes > 0 || item.most != Some(0));
    items.sort_by_key(|item| core::cmp::Reverse((item.most.unwrap_or(u64::MAX), item.bytes)));
    Plan { least, most, items }
}

/// At most, as much as can be told: a memory with 64-bit addresses may begin with 2^64 bytes.
fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    bytes.fold(0, u64::saturating_add)
}

/// What an instance takes, in a store of its own.
fn instance(module: &ModuleInner, engine: &Engine, note: &mut dyn FnMut(PlanItem)) {
    for (index, ty) in (0..).zip(&*module.memories).skip(module.imported_memories as usize) {
        let sizes = ty.sizes();
        let most = ty.maximum().map(|_| charged(sizes.most));
        note(PlanItem { kind: Kind::Memory, index: Some(index), bytes: charged(sizes.minimum), most });
    }
    for (index, def) in (0..).zip(&*module.tables).skip(module.imported_tables as usize) {
        let bytes = |elements: u64| elements.min(MAX_TABLE_ELEMENTS) * 8;
        let most = def.ty.maximum().map(bytes);
        let bytes = bytes(def.ty.minimum());
        note(PlanItem { kind: Kind::Table, index: Some(index), bytes, most });
    }
    let stack = engine.max_wasm_stack() as u64;
    let first = stack.min(STACK_STEP as u64);
    note(PlanItem { kind: Kind::Stack, index: None, bytes: first, most: Some(stack) });
    let globals = module.globals.len() as u64 - u64::from(module.imported_globals);
    // Objects, and pointers to them in lists that grow by half.
    const ADDRESS: u64 = size_of::<*const ()>() as u64;
    const POINTER: u64 = ADDRESS * 5 / 2;
    let globals = globals * (size_of::<GlobalObj>() as u64 + POINTER);
    note(PlanItem { kind: Kind::Global, index: None, bytes: globals, most: Some(globals) });
    let defined = module.funcs.len() as u64 - u64::from(module.imported_funcs);
    let exported = module.exports.iter().filter(|export| export.kind == ExternKind::Func).count() as u64;
    let active = module.elems.iter().filter(|elem| matches!(elem.mode, ElemMode::Active { .. }));
    let listed: u64 = active
        .map(|elem| match &elem.items {
            ElemItems::Funcs(funcs) => funcs.len() as u64,
            ElemItems::Exprs(exprs) => exprs.len() as u64,
        })
        .sum();
    let references = |count: u64| {
        let each = size_of::<FuncObj>() as u64 + POINTER;
        if count == 0 { 0 } else { count.min(defined) * each + defined * ADDRESS }
    };
    let own = module.memories.len() as u64 * (size_of::<MemoryObj>() as u64 + POINTER)
        + module.tables.len() as u64 * (size_of::<TableObj>() as u64 + POINTER)
        + (module.tags.len() as u64 - u64::from(module.imported_tags))
            * (size_of::<TagObj>() as u64 + POINTER);
    // Objects of imported host functions, each with an entry in the store's hash table.
    let imported = u64::from(module.imported_funcs) * (size_of::<FuncObj>() as u64 + 2 * POINTER + 64);
    let segments = (module.elems.len() + module.data.len()).div_ceil(64) as u64 * 8;
    let block = u64::from(VmLayout::new(module).words) * 8 + segments + size_of::<InstanceObj>() as u64;
    let store = crate::runtime::store::EMPTY_BYTES;
    let bytes = own + imported + block + store + references(exported + listed + 1);
    let most = own + imported + block + store + references(u64::MAX);
    note(PlanItem { kind: Kind::Instance, index: None, bytes, most: Some(most) });
}

#[cfg(test)]
mod tests;
