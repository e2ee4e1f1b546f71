//! The import section.

use super::framing::SectionId;
use super::state::{BodyCheck, Core};
use crate::memory::{Buf, Kind};
use crate::module::load_error::LoadError;
use crate::module::types::ValType;
use crate::module::{GlobalDef, Import, ImportKind, TableDef};
use wasmparser::TypeRef;

impl<C: BodyCheck> Core<C> {
    /// Takes over an import section that validation has accepted.
    pub(super) fn imports(&mut self, section: wasmparser::ImportSectionReader<'_>) -> Result<(), LoadError> {
        let count = section.count() as usize;
        let mut imports = Buf::with_capacity(&self.budget, Kind::Metadata, count).map_err(self.memory())?;
        let mut funcs = Buf::new(&self.budget, Kind::Metadata);
        let mut tables = Buf::new(&self.budget, Kind::Metadata);
        let mut memories = Buf::new(&self.budget, Kind::Metadata);
        let mut globals = Buf::new(&self.budget, Kind::Metadata);
        let mut tags = Buf::new(&self.budget, Kind::Metadata);
        for import in section.into_imports() {
            let import = import.map_err(LoadError::invalid)?;
            let kind = match import.ty {
                TypeRef::Func(ty) => {
                    funcs.try_push(ty).map_err(self.memory())?;
                    ImportKind::Func(ty)
                }
                TypeRef::Table(ty) => {
                    let ty = self.table_type(ty)?;
                    tables.try_push(TableDef { ty, init: None }).map_err(self.memory())?;
                    ImportKind::Table(ty)
                }
                TypeRef::Memory(ty) => {
                    let ty = self.memory_type(ty)?;
                    memories.try_push(ty).map_err(self.memory())?;
                    ImportKind::Memory(ty)
                }
                TypeRef::Global(ty) => {
                    let ty = self.global_type(ty)?;
                    globals.try_push(GlobalDef { ty, init: None }).map_err(self.memory())?;
                    ImportKind::Global(ty)
                }
                TypeRef::Tag(ty) => {
                    tags.try_push(ty.func_type_idx).map_err(self.memory())?;
                    ImportKind::Tag(ty.func_type_idx)
                }
                TypeRef::FuncExact(_) => return Err(self.unsupported()),
            };
            let module = self.text(import.module)?;
            let name = self.text(import.name)?;
            imports.try_push(Import { module, name, kind }).map_err(self.memory())?;
        }
        let module = &mut self.module;
        module.imported_funcs = funcs.len() as u32;
        module.imported_tables = tables.len() as u32;
        module.imported_memories = memories.len() as u32;
        module.imported_globals = globals.len() as u32;
        module.imported_tags = tags.len() as u32;
        // What is defined besides is looked at when its section comes, if one does.
        for space in
            [SectionId::Function, SectionId::Table, SectionId::Memory, SectionId::Tag, SectionId::Global]
        {
            self.check_count(space, 0)?;
        }
        self.module.imports = self.boxed(imports)?;
        self.module.funcs = self.boxed(funcs)?;
        self.module.tables = self.boxed(tables)?;
        self.module.memories = self.boxed(memories)?;
        self.module.globals = self.boxed(globals)?;
        self.module.exceptions |= self.module.tables.iter().any(|t| ValType::Ref(t.ty.element).is_exn())
            || self.module.globals.iter().any(|g| g.ty.content.is_exn());
        self.module.tags = self.boxed(tags)?;
        Ok(())
    }
}
