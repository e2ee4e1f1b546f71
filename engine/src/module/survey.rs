//! Which features a module's bytes use, and where first.

use crate::module::features::Feature;
use crate::module::operators;
use alloc::vec::Vec;
use wasmparser::{
    AbstractHeapType, BinaryReader, BlockType, CompositeInnerType, ConstExpr, DataKind, Element,
    ElementItems, ElementKind, ExternalKind, FromReader, FunctionBody, GlobalType, HeapType, Imports, MemArg,
    MemArgTarget, MemoryType, Operator, RecGroup, RefType, Result, SectionLimited, StorageType, SubType,
    TableInit, TableType, TypeRef, ValType,
};

/// What the parts of a module that it has been shown use. They need be in order, but not valid.
#[derive(Debug, Default)]
pub struct Survey {
    /// Where each feature was first used.
    first: [Option<u64>; Feature::ALL.len()],
    memories: u32,
    tables: u32,
    imported_globals: u32,
    /// Of each global, whether it is mutable.
    mutable: Vec<bool>,
}

impl Survey {
    /// A survey of a module of which nothing has been shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// One of a module that has these imports.
    pub(crate) fn with_imported(memories: u32, tables: u32) -> Self {
        Self { memories, tables, imported_globals: u32::MAX, ..Self::default() }
    }

    /// The features that were used.
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(|feature| self.first[*feature as usize].is_some())
    }

    /// The first use of a feature of this kind, with its offset in the module.
    pub(crate) fn first(&self, wanted: impl Fn(Feature) -> bool) -> Option<(Feature, u64)> {
        let uses =
            Feature::ALL.into_iter().filter_map(|feature| Some((feature, self.first[feature as usize]?)));
        uses.filter(|(feature, _)| wanted(*feature)).min_by_key(|(_, at)| *at)
    }

    /// Looks through the contents of a section with this number, other than code and custom ones.
    ///
    /// # Errors
    /// If they can't be read; what came before has been looked at.
    pub fn section(&mut self, id: u8, contents: BinaryReader<'_>) -> Result<()> {
        let start = contents.original_position();
        match id {
            1 => Self::each(contents, |at, group| self.types(at, group)),
            2 => Self::each(contents, |at, imports| self.imports(at, imports)),
            4 => Self::each(contents, |at, table: wasmparser::Table<'_>| {
                self.table(start, at, table.ty);
                if let TableInit::Expr(expr) = &table.init {
                    self.note(Feature::FunctionReferences, at);
                    self.const_expr(expr)?;
                }
                Ok(())
            }),
            5 => Self::each(contents, |at, ty| {
                self.memory(start, at, ty);
                Ok(())
            }),
            6 => Self::each(contents, |at, global: wasmparser::Global<'_>| {
                self.global(at, global.ty);
                self.const_expr(&global.init_expr)
            }),
            7 => Self::each(contents, |at, export: wasmparser::Export<'_>| {
                match export.kind {
                    ExternalKind::Global => {
                        let mutable = self.mutable.get(export.index as usize).copied().unwrap_or(false);
                        self.note_if(mutable, Feature::MutableGlobals, at);
                    }
                    ExternalKind::Tag => self.note(Feature::Exceptions, at),
                    ExternalKind::FuncExact => self.note(Feature::CustomDescriptors, at),
                    ExternalKind::Func | ExternalKind::Table | ExternalKind::Memory => {}
                }
                Ok(())
            }),
            9 => Self::each(contents, |at, element| self.element(at, element)),
            11 => Self::each(contents, |at, data: wasmparser::Data<'_>| match data.kind {
                DataKind::Active { offset_expr, .. } => self.const_expr(&offset_expr),
                DataKind::Passive => {
                    self.note(Feature::BulkMemory, at);
                    Ok(())
                }
            }),
            12 => {
                self.note(Feature::BulkMemory, start);
                Ok(())
            }
            13 => {
                self.note(Feature::Exceptions, start);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Looks through a function body.
    ///
    /// # Errors
    /// As for [`Survey::section`].
    pub fn body(&mut self, body: &FunctionBody<'_>) -> Result<()> {
        let mut locals = body.get_locals_reader()?;
        for _ in 0..locals.get_count() {
            let at = locals.original_position();
            self.val_type(at, locals.read()?.1);
        }
        let mut instructions = body.get_binary_reader_for_operators()?;
        while !instructions.eof() {
            let at = instructions.original_position();
            self.operator(at, &operators::read(&mut instructions)?);
        }
        Ok(())
    }

    fn each<'a, T: FromReader<'a>>(
        contents: BinaryReader<'a>,
        mut see: impl FnMut(u64, T) -> Result<()>,
    ) -> Result<()> {
        for item in SectionLimited::new(contents)?.into_iter_with_offsets() {
            let (at, item) = item?;
            see(at, item)?;
        }
        Ok(())
    }

    fn note(&mut self, feature: Feature, at: u64) {
        self.first[feature as usize].get_or_insert(at);
    }

    fn note_if(&mut self, used: bool, feature: Feature, at: u64) {
        if used {
            self.note(feature, at);
        }
    }

    fn types(&mut self, at: u64, group: RecGroup) -> Result<()> {
        self.note_if(group.is_explicit_rec_group(), Feature::FunctionReferences, at);
        for SubType { is_final, supertype_idxs, composite_type: ty } in group.into_types() {
            self.note_if(!is_final || !supertype_idxs.is_empty(), Feature::FunctionReferences, at);
            self.note_if(ty.shared, Feature::SharedEverythingThreads, at);
            let described = ty.descriptor_idx.is_some() || ty.describes_idx.is_some();
            self.note_if(described, Feature::CustomDescriptors, at);
            match &ty.inner {
                CompositeInnerType::Func(ty) => {
                    ty.params().iter().chain(ty.results()).for_each(|ty| self.val_type(at, *ty));
                    self.note_if(ty.results().len() > 1, Feature::MultiValue, at);
                }
                CompositeInnerType::Array(ty) => {
                    self.note(Feature::Gc, at);
                    self.storage(at, ty.0.element_type);
                }
                CompositeInnerType::Struct(ty) => {
                    self.note(Feature::Gc, at);
                    ty.fields.iter().for_each(|field| self.storage(at, field.element_type));
                }
                CompositeInnerType::Cont(_) => self.note(Feature::StackSwitching, at),
            }
        }
        Ok(())
    }

    fn storage(&mut self, at: u64, ty: StorageType) {
        if let StorageType::Val(ty) = ty {
            self.val_type(at, ty);
        }
    }

    fn imports(&mut self, at: u64, imports: Imports<'_>) -> Result<()> {
        match imports {
            Imports::Single(_, import) => self.import(at, import.ty),
            Imports::Compact1 { items, .. } => {
                self.note(Feature::CompactImports, at);
                for item in items {
                    self.import(at, item?.ty);
                }
            }
            Imports::Compact2 { ty, names, .. } => {
                self.note(Feature::CompactImports, at);
                (0..names.count()).for_each(|_| self.import(at, ty));
            }
        }
        Ok(())
    }

    fn import(&mut self, at: u64, ty: TypeRef) {
        match ty {
            TypeRef::Func(_) => {}
            TypeRef::FuncExact(_) => self.note(Feature::CustomDescriptors, at),
            TypeRef::Table(ty) => self.table(at, at, ty),
            TypeRef::Memory(ty) => self.memory(at, at, ty),
            TypeRef::Global(ty) => {
                self.note_if(ty.mutable, Feature::MutableGlobals, at);
                self.global(at, ty);
                self.imported_globals = self.imported_globals.saturating_add(1);
            }
            TypeRef::Tag(_) => self.note(Feature::Exceptions, at),
        }
    }

    /// `from` is where it is known that there is one more.
    fn table(&mut self, from: u64, at: u64, ty: TableType) {
        self.tables += 1;
        self.note_if(self.tables > 1, Feature::ReferenceTypes, from);
        self.note_if(ty.table64, Feature::Memory64, at);
        self.note_if(ty.shared, Feature::SharedEverythingThreads, at);
        if ty.element_type != RefType::FUNCREF {
            self.ref_type(at, ty.element_type);
        }
    }

    /// As for [`Survey::table`].
    fn memory(&mut self, from: u64, at: u64, ty: MemoryType) {
        self.memories += 1;
        self.note_if(self.memories > 1, Feature::MultiMemory, from);
        self.note_if(ty.memory64, Feature::Memory64, at);
        self.note_if(ty.shared, Feature::Threads, at);
        self.note_if(ty.page_size_log2.is_some(), Feature::CustomPageSizes, at);
    }

    fn global(&mut self, at: u64, ty: GlobalType) {
        self.mutable.push(ty.mutable);
        self.note_if(ty.shared, Feature::SharedEverythingThreads, at);
        self.val_type(at, ty.content_type);
    }

    fn element(&mut self, at: u64, element: Element<'_>) -> Result<()> {
        match element.kind {
            ElementKind::Active { offset_expr, .. } => self.const_expr(&offset_expr)?,
            ElementKind::Passive | ElementKind::Declared => self.note(Feature::BulkMemory, at),
        }
        if let ElementItems::Expressions(ty, items) = element.items {
            self.ref_type(at, ty);
            for item in items {
                self.const_expr(&item?)?;
            }
        }
        Ok(())
    }

    fn val_type(&mut self, at: u64, ty: ValType) {
        match ty {
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => {}
            ValType::V128 => self.note(Feature::Simd, at),
            ValType::Ref(ty) => self.ref_type(at, ty),
        }
    }

    fn ref_type(&mut self, at: u64, ty: RefType) {
        self.note(Feature::ReferenceTypes, at);
        let heap = ty.heap_type();
        let plain = heap == HeapType::FUNC || heap == HeapType::EXTERN;
        self.note_if(plain && !ty.is_nullable(), Feature::FunctionReferences, at);
        self.heap_type(at, heap);
    }

    fn heap_type(&mut self, at: u64, ty: HeapType) {
        use AbstractHeapType as A;
        let (shared, ty) = match ty {
            HeapType::Abstract { shared, ty } => (shared, ty),
            HeapType::Concrete(_) => return self.note(Feature::FunctionReferences, at),
            HeapType::Exact(_) => return self.note(Feature::CustomDescriptors, at),
        };
        self.note_if(shared, Feature::SharedEverythingThreads, at);
        match ty {
            A::Func | A::Extern => {}
            A::Any | A::None | A::NoExtern | A::NoFunc | A::Eq | A::Struct | A::Array | A::I31 => {
                self.note(Feature::Gc, at);
            }
            A::Exn | A::NoExn => self.note(Feature::Exceptions, at),
            A::Cont | A::NoCont => self.note(Feature::StackSwitching, at),
        }
    }

    fn const_expr(&mut self, expr: &ConstExpr<'_>) -> Result<()> {
        let mut instructions = expr.get_binary_reader();
        while !instructions.eof() {
            let at = instructions.original_position();
            let operator = operators::read(&mut instructions)?;
            match operator {
                Operator::I32Add
                | Operator::I32Sub
                | Operator::I32Mul
                | Operator::I64Add
                | Operator::I64Sub
                | Operator::I64Mul => self.note(Feature::ExtendedConst, at),
                Operator::GlobalGet { global_index } => {
                    self.note_if(global_index >= self.imported_globals, Feature::FunctionReferences, at);
                }
                _ => {}
            }
            self.operator(at, &operator);
        }
        Ok(())
    }

    fn operator(&mut self, at: u64, operator: &Operator<'_>) {
        match operator {
            Operator::Block { blockty }
            | Operator::Loop { blockty }
            | Operator::If { blockty }
            | Operator::Try { blockty } => self.block_type(at, *blockty),
            Operator::TryTable { try_table } => self.block_type(at, try_table.ty),
            Operator::TypedSelect { ty } => self.val_type(at, *ty),
            Operator::RefNull { hty } => self.heap_type(at, *hty),
            _ => {}
        }
        if let Some(feature) = proposal_of(operator) {
            self.note(feature, at);
        }
        if let Some(memarg) = memarg_of(operator) {
            self.note_if(memarg.ordering.is_some(), Feature::AcquireReleaseAtomics, at);
            let array = matches!(memarg.target, MemArgTarget::Array(_));
            self.note_if(array, Feature::MultibyteArrayAccess, at);
        }
    }

    fn block_type(&mut self, at: u64, ty: BlockType) {
        match ty {
            BlockType::Empty => {}
            BlockType::Type(ty) => self.val_type(at, ty),
            BlockType::FuncType(_) => self.note(Feature::MultiValue, at),
        }
    }
}

fn proposal_of(operator: &Operator<'_>) -> Option<Feature> {
    macro_rules! by_proposal {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op $({ $($arg: _),* })? => by_proposal!(@$proposal),)*
                _ => None,
            }
        };
        (@mvp) => { None };
        (@sign_extension) => { Some(Feature::SignExtension) };
        (@saturating_float_to_int) => { Some(Feature::SaturatingConversions) };
        (@bulk_memory) => { Some(Feature::BulkMemory) };
        (@reference_types) => { Some(Feature::ReferenceTypes) };
        (@tail_call) => { Some(Feature::TailCalls) };
        (@simd) => { Some(Feature::Simd) };
        (@relaxed_simd) => { Some(Feature::RelaxedSimd) };
        (@exceptions) => { Some(Feature::Exceptions) };
        (@legacy_exceptions) => { Some(Feature::LegacyExceptions) };
        (@function_references) => { Some(Feature::FunctionReferences) };
        (@gc) => { Some(Feature::Gc) };
        (@threads) => { Some(Feature::Threads) };
        (@shared_everything_threads) => { Some(Feature::SharedEverythingThreads) };
        (@acquire_release_atomics) => { Some(Feature::AcquireReleaseAtomics) };
        (@stack_switching) => { Some(Feature::StackSwitching) };
        (@wide_arithmetic) => { Some(Feature::WideArithmetic) };
        (@memory_control) => { Some(Feature::MemoryControl) };
        (@custom_descriptors) => { Some(Feature::CustomDescriptors) };
    }
    wasmparser::for_each_operator!(by_proposal)
}

fn memarg_of<'o>(operator: &'o Operator<'_>) -> Option<&'o MemArg> {
    macro_rules! by_argument {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op $({ $($arg),* })? => {
                    let found = None;
                    $($(let found = by_argument!(@$arg $arg found);)*)?
                    found
                })*
                _ => None,
            }
        };
        (@memarg $arg:ident $found:ident) => { $found.or(Some($arg)) };
        (@$name:ident $arg:ident $found:ident) => {{
            let _ = $arg;
            $found
        }};
    }
    wasmparser::for_each_operator!(by_argument)
}
