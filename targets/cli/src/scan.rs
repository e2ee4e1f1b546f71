//! What a valid module uses and contains that the engine has no need to know after validation.

use std::collections::BTreeSet;
use wasmparser::{
    BlockType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, MemoryType, Operator, Parser,
    Payload, Result, TableType, TypeRef, ValType,
};

/// A part of WebAssembly that came after its first version. The names are those of the proposals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Feature {
    /// Imports and exports of mutable globals.
    MutableGlobals,
    /// `i32.extend8_s` and its kin.
    SignExtension,
    /// `i32.trunc_sat_f32_s` and its kin.
    SaturatingConversions,
    /// Several results; blocks with parameters.
    MultiValue,
    /// `memory.copy` and its kin, passive segments.
    BulkMemory,
    /// `externref`, several tables, instructions on references.
    ReferenceTypes,
    /// `v128`.
    Simd,
    /// `return_call` and `return_call_indirect`.
    TailCalls,
    /// Several memories.
    MultiMemory,
    /// Arithmetic in constant expressions.
    ExtendedConst,
}

impl Feature {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Feature::MutableGlobals => "mutable-globals",
            Feature::SignExtension => "sign-extension",
            Feature::SaturatingConversions => "saturating-float-to-int",
            Feature::MultiValue => "multi-value",
            Feature::BulkMemory => "bulk-memory",
            Feature::ReferenceTypes => "reference-types",
            Feature::Simd => "simd",
            Feature::TailCalls => "tail-calls",
            Feature::MultiMemory => "multi-memory",
            Feature::ExtendedConst => "extended-const",
        }
    }
}

/// A memory or a table, and whether it is imported.
pub(crate) struct Item<T> {
    /// Its type.
    pub(crate) ty: T,
    /// Whether it is imported.
    pub(crate) imported: bool,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Scan {
    /// The features that the module needs.
    pub(crate) features: BTreeSet<Feature>,
    /// All memories, by index.
    pub(crate) memories: Vec<Item<MemoryType>>,
    /// All tables, by index.
    pub(crate) tables: Vec<Item<TableType>>,
    /// Of each global, whether it is mutable.
    mutable: Vec<bool>,
}

/// Looks through a module that has been found valid.
pub(crate) fn scan(module: &[u8]) -> Result<Scan> {
    let mut scan = Scan::default();
    for payload in Parser::new(0).parse_all(module) {
        scan.payload(payload?)?;
    }
    if scan.memories.len() > 1 {
        scan.features.insert(Feature::MultiMemory);
    }
    if scan.tables.len() > 1 {
        scan.features.insert(Feature::ReferenceTypes);
    }
    Ok(scan)
}

impl Scan {
    fn payload(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    ty.params().iter().chain(ty.results()).for_each(|ty| self.val_type(*ty));
                    self.note_if(ty.results().len() > 1, Feature::MultiValue);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    match import?.ty {
                        TypeRef::Memory(ty) => self.memories.push(Item { ty, imported: true }),
                        TypeRef::Table(ty) => self.table(ty, true),
                        TypeRef::Global(ty) => {
                            self.mutable.push(ty.mutable);
                            self.val_type(ty.content_type);
                            self.note_if(ty.mutable, Feature::MutableGlobals);
                        }
                        _ => {}
                    }
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.table(table?.ty, false);
                }
            }
            Payload::MemorySection(memories) => {
                for ty in memories {
                    self.memories.push(Item { ty: ty?, imported: false });
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    self.mutable.push(global.ty.mutable);
                    self.val_type(global.ty.content_type);
                    self.const_expr(&global.init_expr)?;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    let mutable = export.kind == ExternalKind::Global && self.mutable[export.index as usize];
                    self.note_if(mutable, Feature::MutableGlobals);
                }
            }
            Payload::ElementSection(elements) => {
                for element in elements {
                    let element = element?;
                    match element.kind {
                        ElementKind::Active { offset_expr, .. } => self.const_expr(&offset_expr)?,
                        ElementKind::Passive => self.note(Feature::BulkMemory),
                        ElementKind::Declared => self.note(Feature::ReferenceTypes),
                    }
                    if let ElementItems::Expressions(ty, items) = element.items {
                        self.note(Feature::ReferenceTypes);
                        self.val_type(ValType::Ref(ty));
                        for item in items {
                            self.const_expr(&item?)?;
                        }
                    }
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    match segment?.kind {
                        DataKind::Active { offset_expr, .. } => self.const_expr(&offset_expr)?,
                        DataKind::Passive => self.note(Feature::BulkMemory),
                    }
                }
            }
            Payload::DataCountSection { .. } => self.note(Feature::BulkMemory),
            Payload::CodeSectionEntry(body) => {
                for local in body.get_locals_reader()? {
                    self.val_type(local?.1);
                }
                for op in body.get_operators_reader()? {
                    self.operator(&op?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, feature: Feature) {
        self.features.insert(feature);
    }

    fn note_if(&mut self, used: bool, feature: Feature) {
        if used {
            self.note(feature);
        }
    }

    fn val_type(&mut self, ty: ValType) {
        match ty {
            ValType::V128 => self.note(Feature::Simd),
            ValType::Ref(_) => self.note(Feature::ReferenceTypes),
            _ => {}
        }
    }

    fn table(&mut self, ty: TableType, imported: bool) {
        self.note_if(!ty.element_type.is_func_ref(), Feature::ReferenceTypes);
        self.tables.push(Item { ty, imported });
    }

    fn const_expr(&mut self, expr: &ConstExpr<'_>) -> Result<()> {
        for op in expr.get_operators_reader() {
            let op = op?;
            let arithmetic = matches!(
                op,
                Operator::I32Add
                    | Operator::I32Sub
                    | Operator::I32Mul
                    | Operator::I64Add
                    | Operator::I64Sub
                    | Operator::I64Mul
            );
            self.note_if(arithmetic, Feature::ExtendedConst);
            self.operator(&op);
        }
        Ok(())
    }

    fn operator(&mut self, op: &Operator<'_>) {
        if let Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } = op {
            match blockty {
                BlockType::FuncType(_) => self.note(Feature::MultiValue),
                BlockType::Type(ty) => self.val_type(*ty),
                BlockType::Empty => {}
            }
        }
        if let Some(feature) = feature_of(op) {
            self.note(feature);
        }
    }
}

fn feature_of(op: &Operator<'_>) -> Option<Feature> {
    macro_rules! by_proposal {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $(Operator::$op $({ $($arg: _),* })? => by_proposal!(@$proposal),)*
                _ => None,
            }
        };
        (@sign_extension) => { Some(Feature::SignExtension) };
        (@saturating_float_to_int) => { Some(Feature::SaturatingConversions) };
        (@bulk_memory) => { Some(Feature::BulkMemory) };
        (@reference_types) => { Some(Feature::ReferenceTypes) };
        (@tail_call) => { Some(Feature::TailCalls) };
        (@simd) => { Some(Feature::Simd) };
        // The first version, and what isn't supported.
        (@$proposal:ident) => { None };
    }
    wasmparser::for_each_operator!(by_proposal)
}

#[cfg(all(test, feature = "text"))]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let binary = wat::parse_str(text).unwrap();
        scan(&binary).unwrap().features.into_iter().map(Feature::name).collect()
    }

    #[test]
    fn features_are_found_one_by_one() {
        for (text, expected) in [
            ("(memory 1) (table 1 funcref) (elem (i32.const 0) 0) (func (loop (br 0)))", ""),
            ("(global (export \"g\") (mut i32) (i32.const 0))", "mutable-globals"),
            ("(import \"m\" \"g\" (global (mut i32)))", "mutable-globals"),
            ("(func (param i32) (drop (i32.extend8_s (local.get 0))))", "sign-extension"),
            ("(func (param f32) (drop (i32.trunc_sat_f32_s (local.get 0))))", "saturating-float-to-int"),
            ("(func (result i32 i32) unreachable)", "multi-value"),
            ("(func (param i32) (local.get 0) (block (param i32) drop))", "multi-value"),
            ("(memory 1) (data \"x\")", "bulk-memory"),
            ("(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", "bulk-memory"),
            ("(func (param externref))", "reference-types"),
            ("(func (local funcref))", "reference-types"),
            ("(table 1 funcref) (table 1 funcref)", "reference-types"),
            ("(func (local v128))", "simd"),
            ("(func (drop (v128.const i64x2 1 2)))", "simd"),
            ("(func (return_call 0))", "tail-calls"),
            ("(memory 1) (memory 1)", "multi-memory"),
            ("(global i32 (i32.add (i32.const 1) (i32.const 2)))", "extended-const"),
        ] {
            assert_eq!(names(&format!("(module {text})")).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn memories_and_tables_are_listed_by_index() {
        let text = r#"(module (import "a" "m" (memory 1 2)) (table 3 4 externref) (memory 5))"#;
        let scan = scan(&wat::parse_str(text).unwrap()).unwrap();
        let memories: Vec<_> =
            scan.memories.iter().map(|m| (m.ty.initial, m.ty.maximum, m.imported)).collect();
        assert_eq!(memories, [(1, Some(2), true), (5, None, false)]);
        assert_eq!((scan.tables.len(), scan.tables[0].ty.initial, scan.tables[0].imported), (1, 3, false));
    }
}
