//! What hostile modules are made of.

use super::SUBJECT;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module,
    RefType, TableSection, TableType, TypeSection, ValType,
};

/// What a module is made of.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) types: TypeSection,
    pub(super) functions: FunctionSection,
    pub(super) code: CodeSection,
    pub(super) globals: GlobalSection,
}

pub(super) const I32: ValType = ValType::I32;
pub(super) const I64: ValType = ValType::I64;
pub(super) const NONE: &[ValType] = &[];

impl Parts {
    /// With a function that does nothing, whose type is the first.
    pub(super) fn new() -> Self {
        let mut parts = Self::default();
        let none = parts.ty(NONE, NONE);
        parts.func(none, &[], |_| {});
        parts
    }

    pub(super) fn ty(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        self.types.ty().function(params.iter().copied(), results.iter().copied());
        self.types.len() - 1
    }

    pub(super) fn func(
        &mut self,
        ty: u32,
        locals: &[(usize, ValType)],
        body: impl FnOnce(&mut InstructionSink<'_>),
    ) -> u32 {
        self.functions.function(ty);
        let mut function = Function::new(locals.iter().map(|&(n, ty)| (n as u32, ty)));
        let mut sink = function.instructions();
        body(&mut sink);
        sink.end();
        self.code.function(&function);
        self.functions.len() - 1
    }

    pub(super) fn finish(&self) -> Vec<u8> {
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: 8,
            maximum: None,
            table64: false,
            shared: false,
        });
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("f", ExportKind::Func, SUBJECT);
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([0u32][..].into()));
        let mut module = Module::new();
        module.section(&self.types).section(&self.functions).section(&tables).section(&memories);
        module.section(&self.globals).section(&exports).section(&elements).section(&self.code);
        module.finish()
    }
}

/// A module with one function that isn't empty.
pub(super) fn alone(
    params: &[ValType],
    results: &[ValType],
    locals: &[(usize, ValType)],
    body: impl FnOnce(&mut InstructionSink<'_>),
) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(params, results);
    parts.func(ty, locals, body);
    parts.finish()
}

/// The same with an `i32`, and types for blocks of so many `i32`s: [`WIDE`] and [`WIDE_RESULTS`].
pub(super) fn alone_with_wide(
    width: usize,
    locals: &[(usize, ValType)],
    body: impl FnOnce(&mut InstructionSink<'_>),
) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I32], NONE);
    let wide = vec![I32; width];
    parts.ty(&wide, &wide);
    parts.ty(NONE, &wide);
    parts.func(ty, locals, body);
    parts.finish()
}

pub(super) const WIDE: BlockType = BlockType::FunctionType(2);
pub(super) const WIDE_RESULTS: BlockType = BlockType::FunctionType(3);
pub(super) const EMPTY: BlockType = BlockType::Empty;

pub(super) fn memarg(offset: u64) -> MemArg {
    MemArg { offset, align: 0, target: MemArgTarget::Memory(0), ordering: None }
}

pub(super) fn constants(sink: &mut InstructionSink<'_>, n: usize) {
    for i in 0..n {
        sink.i32_const(i as i32 & 63);
    }
}

pub(super) fn drops(sink: &mut InstructionSink<'_>, n: usize) {
    for _ in 0..n {
        sink.drop();
    }
}

pub(super) fn callees(n: usize, params: &[ValType], callee: impl Fn(&mut Parts, u32, usize)) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(params, params);
    let all = (n / 3).max(1);
    parts.func(0, &[], |sink| {
        constants(sink, params.len());
        for i in 0..all {
            sink.call(SUBJECT + 1 + i as u32);
        }
        drops(sink, params.len());
    });
    for i in 0..all {
        callee(&mut parts, ty, i);
    }
    parts.finish()
}
