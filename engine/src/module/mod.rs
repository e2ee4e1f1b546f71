//! A validated module: immutable, and without anything of wasmparser's.

pub(crate) mod bodies;
pub(crate) mod const_expr;
pub(crate) mod estimate;
pub(crate) mod features;
pub(crate) mod load_error;
pub(crate) mod names;
pub(crate) mod opcode;
pub(crate) mod operators;
#[cfg(feature = "snapshot")]
pub(crate) mod origin;
pub(crate) mod survey;
pub(crate) mod trap;
pub(crate) mod types;
#[cfg(any(feature = "coredump", feature = "snapshot"))]
pub(crate) mod validated;

use crate::memory::pages::Pages;
use crate::memory::{Budget, Buf, Charge, Kind};
use crate::module::bodies::{Bodies, BodyBytes};
use crate::module::const_expr::ConstExpr;
use crate::module::features::{Feature, Features};
use crate::module::names::Names;
use crate::module::types::{
    DeclaredType, ExportType, ExternType, FuncType, GlobalType, ImportType, MemoryType, RefType, TableType,
    TagType, TooManyTypes, TypeNumber,
};
use crate::sys::Mutex;
use alloc::boxed::Box;

/// What a module consists of. Index spaces hold what is imported first, then what is defined.
#[derive(Debug)]
pub(crate) struct ModuleInner {
    /// The type section.
    pub(crate) types: Box<[FuncType]>,
    /// Those of them that say more of themselves, by their index. Nearly no module has any.
    pub(crate) declared: Box<[DeclaredType]>,
    pub(crate) imports: Box<[Import]>,
    /// The type index of every function.
    pub(crate) funcs: Box<[u32]>,
    pub(crate) imported_funcs: u32,
    pub(crate) imported_tables: u32,
    pub(crate) imported_memories: u32,
    pub(crate) imported_globals: u32,
    pub(crate) imported_tags: u32,
    pub(crate) tables: Box<[TableDef]>,
    pub(crate) memories: Box<[MemoryType]>,
    pub(crate) globals: Box<[GlobalDef]>,
    /// The type index of every tag.
    pub(crate) tags: Box<[u32]>,
    pub(crate) exports: Box<[Export]>,
    /// Indices into `exports`, sorted by name.
    pub(crate) exports_by_name: Box<[u32]>,
    pub(crate) start: Option<u32>,
    /// Functions with many clauses that catch exceptions, and how many: those of fewer than [`MANY_CATCHES`] aren't listed.
    pub(crate) catches: Buf<(u32, u32)>,
    /// Hints for branches, sorted by function and offset.
    pub(crate) branch_hints: Buf<BranchHint>,
    pub(crate) elems: Box<[ElemSegment]>,
    pub(crate) data: Box<[DataSegment]>,
    /// The payloads of all data segments, one after the other.
    pub(crate) data_bytes: Box<[u8]>,
    /// Whether there can be only one instance.
    pub(crate) one_instance: bool,
    /// Memory images: the initial bytes of memories, filled while loading, for the only instance to take over.
    pub(crate) images: Mutex<Buf<Image>>,
    /// The data count section, if there is one.
    pub(crate) data_count: Option<u32>,
    pub(crate) bodies: Bodies,
    pub(crate) names: Names,
    pub(crate) features: Features,
    /// The sections in the order they came, for inspection.
    pub(crate) sections: Box<[SectionInfo]>,
    /// How many bytes the whole module had.
    pub(crate) size: u64,
    /// The digest of its bytes, if the engine's modules keep that.
    #[cfg(feature = "snapshot")]
    pub(crate) digest: Option<origin::ModuleDigest>,
    /// What validating a body again takes, if the engine's modules keep that.
    #[cfg(any(feature = "coredump", feature = "snapshot"))]
    pub(crate) validated: Option<validated::Validated>,
    /// How large its functions' cells may be.
    pub(crate) cells: CellSizes,
    /// The peak of memory while it was loaded, apart from function names.
    pub(crate) load_peak: u64,
    /// The module's budget, which draws on the engine's.
    pub(crate) budget: Budget,
    /// What this holds of the budget (bodies and names hold their own).
    pub(crate) charges: ModuleCharges,
}

/// From so many clauses on, a throw pays for a function's handler table.
pub(crate) const MANY_CATCHES: u32 = 16;

/// What the module says of a branch, in the section `metadata.code.branch_hint`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BranchHint {
    /// The function, imports counted.
    pub(crate) func: u32,
    /// The offset of the instruction in the function's body.
    pub(crate) offset: u32,
    /// Whether the branch is likely to be taken; otherwise it is unlikely.
    pub(crate) likely: bool,
}

/// Estimates of the bytes of cells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CellSizes {
    /// For the largest function, including the memory for translating it.
    pub(crate) largest: u64,
    /// For all functions.
    pub(crate) all: u64,
}

/// The charge of a module.
#[derive(Debug)]
pub(crate) struct ModuleCharges {
    pub(crate) metadata: Charge,
    pub(crate) data: Charge,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) module: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) kind: ImportKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportKind {
    /// By type index.
    Func(u32),
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
    /// By type index.
    Tag(u32),
}

#[derive(Debug)]
pub(crate) struct TableDef {
    pub(crate) ty: TableType,
    /// The value of the first elements, if it isn't null.
    pub(crate) init: Option<ConstExpr>,
}

#[derive(Debug)]
pub(crate) struct GlobalDef {
    pub(crate) ty: GlobalType,
    /// `None` for an imported global.
    pub(crate) init: Option<ConstExpr>,
}

#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) name: Box<str>,
    pub(crate) kind: ExternKind,
    pub(crate) index: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExternKind {
    Func,
    Table,
    Memory,
    Global,
    Tag,
}

#[derive(Debug)]
pub(crate) struct ElemSegment {
    #[allow(dead_code, reason = "what the bytes say, whoever asks")]
    pub(crate) ty: RefType,
    pub(crate) items: ElemItems,
    pub(crate) mode: ElemMode,
}

#[derive(Debug)]
pub(crate) enum ElemItems {
    Funcs(Box<[u32]>),
    Exprs(Box<[ConstExpr]>),
}

impl ElemItems {
    pub(crate) fn len(&self) -> usize {
        match self {
            ElemItems::Funcs(items) => items.len(),
            ElemItems::Exprs(items) => items.len(),
        }
    }
}

#[derive(Debug)]
pub(crate) enum ElemMode {
    Active { table: u32, offset: ConstExpr },
    Passive,
    Declared,
}

#[derive(Debug)]
pub(crate) struct DataSegment {
    pub(crate) mode: DataMode,
    /// Where its payload starts in the module's `data_bytes`, or in its bytes if they stay.
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// A memory image: a memory's initial bytes.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) memory: u32,
    pub(crate) pages: Pages,
}

#[derive(Debug)]
pub(crate) enum DataMode {
    Active {
        memory: u32,
        offset: ConstExpr,
    },
    /// Active, and written into the memory's image while loading; or not, since it doesn't fit.
    InImage {
        fits: bool,
    },
    Passive,
}

/// A section, for inspection.
#[derive(Debug)]
pub(crate) struct SectionInfo {
    pub(crate) id: u8,
    /// The name of a custom section.
    pub(crate) name: Option<Box<str>>,
    /// Where its contents start in the module.
    pub(crate) offset: u64,
    /// How many bytes its contents have.
    pub(crate) size: u32,
}

impl ModuleInner {
    /// A module of which nothing has come yet; `budget` is its own.
    pub(crate) fn empty(features: Features, budget: &Budget, one_instance: bool) -> ModuleInner {
        ModuleInner {
            types: Box::default(),
            declared: Box::default(),
            imports: Box::default(),
            funcs: Box::default(),
            imported_funcs: 0,
            imported_tables: 0,
            imported_memories: 0,
            imported_globals: 0,
            imported_tags: 0,
            tables: Box::default(),
            memories: Box::default(),
            globals: Box::default(),
            tags: Box::default(),
            exports: Box::default(),
            exports_by_name: Box::default(),
            start: None,
            catches: Buf::new(budget, Kind::Metadata),
            branch_hints: Buf::new(budget, Kind::Metadata),
            elems: Box::default(),
            data: Box::default(),
            data_bytes: Box::default(),
            data_count: None,
            one_instance,
            images: Mutex::new(Buf::new(budget, Kind::Metadata)),
            bodies: Bodies {
                records: Box::default(),
                bytes: BodyBytes::Memory(Box::default()),
                charge: budget.nothing(Kind::Bodies),
            },
            names: Names::default(),
            features,
            sections: Box::default(),
            size: 0,
            #[cfg(feature = "snapshot")]
            digest: None,
            #[cfg(any(feature = "coredump", feature = "snapshot"))]
            validated: None,
            cells: CellSizes::default(),
            load_peak: 0,
            budget: budget.clone(),
            charges: ModuleCharges {
                metadata: budget.nothing(Kind::Metadata),
                data: budget.nothing(Kind::Data),
            },
        }
    }

    /// Has everything but the function types, which do already, name types by their numbers in the engine.
    pub(crate) fn rename_types(&mut self, numbers: &[u32]) -> Result<(), TooManyTypes> {
        if !self.features.has(Feature::FunctionReferences) {
            return Ok(());
        }
        let rename = |index: TypeNumber| TypeNumber::new(numbers[index.0 as usize]);
        for import in &mut self.imports {
            match &mut import.kind {
                ImportKind::Table(ty) => ty.element = ty.element.renamed(rename)?,
                ImportKind::Global(ty) => ty.content = ty.content.renamed(rename)?,
                ImportKind::Func(_) | ImportKind::Memory(_) | ImportKind::Tag(_) => {}
            }
        }
        for table in &mut self.tables {
            table.ty.element = table.ty.element.renamed(rename)?;
        }
        for global in &mut self.globals {
            global.ty.content = global.ty.content.renamed(rename)?;
        }
        for segment in &mut self.elems {
            segment.ty = segment.ty.renamed(rename)?;
        }
        Ok(())
    }

    /// Whether a function type has no subtypes.
    pub(crate) fn is_final(&self, ty: u32) -> bool {
        let declared = self.declared.binary_search_by_key(&ty, |declared| declared.index);
        declared.is_ok_and(|at| self.declared[at].is_final) || declared.is_err()
    }

    /// How many clauses that catch exceptions a function has; 0 if they aren't many.
    pub(crate) fn many_catches(&self, func: u32) -> u32 {
        let found = self.catches.binary_search_by_key(&func, |(func, _)| *func);
        found.map_or(0, |at| self.catches[at].1)
    }

    /// The type of the function with this index.
    pub(crate) fn func_type(&self, func: u32) -> &FuncType {
        &self.types[self.funcs[func as usize] as usize]
    }

    /// The type of the tag with this index: its parameters are what exceptions carry.
    pub(crate) fn tag_type(&self, tag: u32) -> &FuncType {
        &self.types[self.tags[tag as usize] as usize]
    }

    /// The payload of a data segment.
    pub(crate) fn data_payload(&self, segment: u32) -> &[u8] {
        let DataSegment { start, len, .. } = self.data[segment as usize];
        let bytes = match self.bodies.bytes {
            BodyBytes::Static(bytes) => bytes,
            _ => &self.data_bytes,
        };
        &bytes[start as usize..start as usize + len as usize]
    }

    /// What is exported by this name.
    pub(crate) fn export(&self, name: &str) -> Option<&Export> {
        let at = self
            .exports_by_name
            .binary_search_by(|&index| (*self.exports[index as usize].name).cmp(name))
            .ok()?;
        Some(&self.exports[self.exports_by_name[at] as usize])
    }

    pub(crate) fn import_type<'m>(&'m self, import: &'m Import) -> ImportType<'m> {
        let ty = match import.kind {
            ImportKind::Func(ty) => ExternType::Func(self.types[ty as usize].clone()),
            ImportKind::Table(ty) => ExternType::Table(ty),
            ImportKind::Memory(ty) => ExternType::Memory(ty),
            ImportKind::Global(ty) => ExternType::Global(ty),
            ImportKind::Tag(ty) => ExternType::Tag(TagType::new(self.types[ty as usize].clone())),
        };
        ImportType::new(&import.module, &import.name, ty)
    }

    pub(crate) fn export_type<'m>(&'m self, export: &'m Export) -> ExportType<'m> {
        let index = export.index as usize;
        let ty = match export.kind {
            ExternKind::Func => ExternType::Func(self.func_type(export.index).clone()),
            ExternKind::Table => ExternType::Table(self.tables[index].ty),
            ExternKind::Memory => ExternType::Memory(self.memories[index]),
            ExternKind::Global => ExternType::Global(self.globals[index].ty),
            ExternKind::Tag => ExternType::Tag(TagType::new(self.tag_type(export.index).clone())),
        };
        ExportType::new(&export.name, ty)
    }
}
