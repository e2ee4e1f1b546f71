//! The sections that have to be seen whole: validated, then converted.

use alloc::boxed::Box;
use alloc::vec::Vec;
use wasmparser::{
    BinaryReader, ElementItems, ElementKind, ExternalKind, FromReader, SectionLimited, TableInit,
};

use super::compact::Imports;
use super::cost;
use super::framing::{Leb, SectionId};
use super::groups::Groups;
use super::state::{BodyCheck, Core};
use crate::memory::limits::Limits;
use crate::memory::pages::PAGE;
use crate::memory::{Buf, Kind, MemoryError, sort_by_key, try_str};
use crate::module::const_expr::ConstExpr;
use crate::module::load_error::{ErrorKind, LoadError};
use crate::module::types::{GlobalType, MemoryType, Mutability, RefType, TableType, ValType};
use crate::module::{ElemItems, ElemMode, ElemSegment, Export, ExternKind, GlobalDef, TableDef};

/// A count below this does no harm, even if the section is too short for it.
const SMALL_COUNT: u32 = 1024;

impl<C: BodyCheck> Core<C> {
    pub(super) fn section(&mut self, id: SectionId, contents: &[u8], offset: u64) -> Result<(), LoadError> {
        // The validator reserves memory for as many items as the section claims, or a recursion group in it. If the
        // section is too short for them, the validator gets a smaller count, and fails at the same byte.
        let believable = self.believable(id, contents)?;
        let contents = believable.as_deref().unwrap_or(contents);
        let reader = BinaryReader::new_features(contents, offset, self.features.of_sections());
        let range = offset..offset + contents.len() as u64;
        match id {
            SectionId::Type => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.type_section(&section))?;
                self.types(section)?;
            }
            SectionId::Import => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.import_section(&section))?;
                self.imports(section)?;
            }
            SectionId::Function => {
                let section: SectionLimited<'_, u32> = self.reader(reader)?;
                self.order.functions(section.count());
                self.validated(|validator| validator.function_section(&section))?;
                self.module.funcs = self.extend(|m| &mut m.funcs, section, |_, ty| Ok(ty))?;
            }
            SectionId::Table => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.table_section(&section))?;
                self.module.tables = self.extend(|m| &mut m.tables, section, Core::table)?;
            }
            SectionId::Memory => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.memory_section(&section))?;
                self.module.memories =
                    self.extend(|m| &mut m.memories, section, |core, ty| core.memory_type(ty))?;
            }
            SectionId::Tag => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.tag_section(&section))?;
                self.module.tags = self.extend(
                    |m| &mut m.tags,
                    section,
                    |_, tag: wasmparser::TagType| Ok(tag.func_type_idx),
                )?;
            }
            SectionId::Global => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.global_section(&section))?;
                self.module.globals = self.extend(|m| &mut m.globals, section, Core::global)?;
            }
            SectionId::Export => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.export_section(&section))?;
                self.exports(section)?;
            }
            SectionId::Start => {
                let func = self.single_number(reader, "start")?;
                self.validated(|validator| validator.start_section(func, &range))?;
                self.module.start = Some(func);
            }
            SectionId::Element => {
                let section = self.reader(reader)?;
                self.validated(|validator| validator.element_section(&section))?;
                self.module.elems = self.extend(|m| &mut m.elems, section, Core::elem_segment)?;
            }
            SectionId::DataCount => {
                let count = self.single_number(reader, "data count")?;
                self.order.data_count(count);
                self.validated(|validator| validator.data_count_section(count, &range))?;
                self.module.data_count = Some(count);
            }
            SectionId::Custom | SectionId::Code | SectionId::Data => return Err(self.unsupported()),
        }
        Ok(())
    }

    /// Charges for what the validator will hold of this section. Gives a copy with a smaller count, if a
    /// count is more than the contents can hold.
    fn believable(&mut self, id: SectionId, contents: &[u8]) -> Result<Option<Buf<u8>>, LoadError> {
        if matches!(id, SectionId::Start | SectionId::DataCount) {
            return Ok(None);
        }
        let Leb::Done(count, leb) = Leb::read(contents) else { return Ok(None) };
        self.check_count(id, count)?;
        let bytes = (contents.len() - leb) as u64;
        let most = bytes / cost::smallest_item(id as u8);
        let groups = if id == SectionId::Type { Groups::of(contents) } else { Groups::default() };
        let imports = if id == SectionId::Import { Imports::of(contents) } else { None };
        let (held, text) = match imports {
            Some(imports) => {
                self.check_count(id, imports.count.try_into().unwrap_or(u32::MAX))?;
                (imports.count, imports.bytes)
            }
            None => (most.min(count.into()).max(groups.types), bytes),
        };
        self.pay(cost::section(id as u8, held, text, self.features.interns_types()))?;
        // wasmparser refuses more than a million of anything before it reserves.
        let exaggerates =
            |count: u32, most: u64| u64::from(count) > most && (SMALL_COUNT..=1_000_000).contains(&count);
        let items = exaggerates(count, most).then_some((0, leb, most));
        let group = groups.last.filter(|group| exaggerates(group.count, group.most));
        let claims = [items, group.map(|group| (group.at, group.leb, group.most))];
        if claims.iter().all(|claim| claim.is_none()) {
            return Ok(None);
        }
        let mut copy =
            Buf::with_capacity(&self.budget, Kind::Metadata, contents.len()).map_err(self.memory())?;
        copy.try_extend_from_slice(contents).map_err(self.memory())?;
        for (at, leb, most) in claims.into_iter().flatten() {
            let mut rest = most + 1;
            for (i, byte) in copy[at..at + leb].iter_mut().enumerate() {
                *byte = rest as u8 & 0x7f | if i + 1 < leb { 0x80 } else { 0 };
                rest >>= 7;
            }
        }
        Ok(Some(copy))
    }

    /// Refuses more of what the section holds than the limits allow.
    pub(super) fn check_count(&self, id: SectionId, count: u32) -> Result<(), LoadError> {
        let of = |limits: &Limits| match id {
            SectionId::Type => Some(("types", 0, limits.types)),
            SectionId::Import => Some(("imports", 0, limits.imports)),
            SectionId::Function => Some(("functions", self.module.imported_funcs, limits.functions)),
            SectionId::Table => Some(("tables", self.module.imported_tables, limits.tables)),
            SectionId::Memory => Some(("memories", self.module.imported_memories, limits.memories)),
            SectionId::Global => Some(("globals", self.module.imported_globals, limits.globals)),
            SectionId::Tag => Some(("tags", self.module.imported_tags, limits.tags)),
            SectionId::Export => Some(("exports", 0, limits.exports)),
            SectionId::Element => Some(("element segments", 0, limits.element_segments)),
            _ => None,
        };
        match of(&self.limits) {
            // The defaults are the validator's limits, for which it has its own error messages.
            limited if limited == of(&Limits::default()) => Ok(()),
            Some((what, imported, limit)) => {
                self.limited(what, u64::from(imported) + u64::from(count), limit.into())
            }
            None => Ok(()),
        }
    }

    fn reader<'a, T>(&self, reader: BinaryReader<'a>) -> Result<SectionLimited<'a, T>, LoadError> {
        SectionLimited::new(reader).map_err(LoadError::invalid)
    }

    fn single_number(&self, mut reader: BinaryReader<'_>, section: &str) -> Result<u32, LoadError> {
        let number = reader.read_var_u32().map_err(LoadError::invalid)?;
        if !reader.eof() {
            let message = format_args!("unexpected content in the {section} section");
            return Err(self.invalid(message, reader.original_position()));
        }
        Ok(number)
    }

    /// The error for an item of a proposal that the validator has, because another one builds on it, and Dunlin hasn't.
    #[cold]
    pub(super) fn unsupported(&self) -> LoadError {
        LoadError::new(ErrorKind::Unsupported, "unsupported WebAssembly proposal", self.offset)
    }

    /// Puts a finished buffer into a box that the module's charge pays for.
    pub(super) fn boxed<T>(&mut self, buf: Buf<T>) -> Result<Box<[T]>, LoadError> {
        let (items, charge) = buf.into_boxed().map_err(self.memory())?;
        self.module.charges.metadata.merge(charge);
        Ok(items)
    }

    /// Extends an index space, which holds the imported items, by those of the section.
    fn extend<'a, T, U>(
        &mut self,
        space: fn(&mut crate::module::ModuleInner) -> &mut Box<[T]>,
        section: SectionLimited<'a, U>,
        mut convert: impl FnMut(&mut Self, U) -> Result<T, LoadError>,
    ) -> Result<Box<[T]>, LoadError>
    where
        U: FromReader<'a>,
    {
        let imported = core::mem::take(space(&mut self.module));
        let count = imported.len() + section.count() as usize;
        let mut items = Buf::with_capacity(&self.budget, Kind::Metadata, count).map_err(self.memory())?;
        let freed = size_of_val(&*imported) as u64;
        for item in Vec::from(imported) {
            items.try_push(item).map_err(self.memory())?;
        }
        self.module.charges.metadata.shrink(freed);
        for item in section {
            let item = convert(self, item.map_err(LoadError::invalid)?)?;
            items.try_push(item).map_err(self.memory())?;
        }
        self.boxed(items)
    }

    fn exports(&mut self, section: wasmparser::ExportSectionReader<'_>) -> Result<(), LoadError> {
        let count = section.count() as usize;
        let mut exports = Buf::with_capacity(&self.budget, Kind::Metadata, count).map_err(self.memory())?;
        let mut by_name = Buf::with_capacity(&self.budget, Kind::Metadata, count).map_err(self.memory())?;
        for export in section {
            let export = export.map_err(LoadError::invalid)?;
            let kind = match export.kind {
                ExternalKind::Func => ExternKind::Func,
                ExternalKind::Table => ExternKind::Table,
                ExternalKind::Memory => ExternKind::Memory,
                ExternalKind::Global => ExternKind::Global,
                ExternalKind::Tag => ExternKind::Tag,
                ExternalKind::FuncExact => return Err(self.unsupported()),
            };
            let name = self.text(export.name)?;
            by_name.try_push(exports.len() as u32).map_err(self.memory())?;
            exports.try_push(Export { name, kind, index: export.index }).map_err(self.memory())?;
        }
        sort_by_key(&mut by_name, |at| &*exports[*at as usize].name);
        self.module.exports = self.boxed(exports)?;
        self.module.exports_by_name = self.boxed(by_name)?;
        Ok(())
    }

    fn table(&mut self, table: wasmparser::Table<'_>) -> Result<TableDef, LoadError> {
        let ty = self.table_type(table.ty)?;
        let init = match &table.init {
            TableInit::RefNull => None,
            TableInit::Expr(expr) => Some(self.const_expr(expr)?),
        };
        Ok(TableDef { ty, init })
    }

    fn global(&mut self, global: wasmparser::Global<'_>) -> Result<GlobalDef, LoadError> {
        let ty = self.global_type(global.ty)?;
        Ok(GlobalDef { ty, init: Some(self.const_expr(&global.init_expr)?) })
    }

    fn elem_segment(&mut self, segment: wasmparser::Element<'_>) -> Result<ElemSegment, LoadError> {
        let mode = match &segment.kind {
            ElementKind::Passive => ElemMode::Passive,
            ElementKind::Declared => ElemMode::Declared,
            ElementKind::Active { table_index, offset_expr } => {
                ElemMode::Active { table: table_index.unwrap_or(0), offset: self.const_expr(offset_expr)? }
            }
        };
        let (ty, items) = match segment.items {
            ElementItems::Functions(funcs) => {
                let funcs = self.collect(funcs.count(), funcs.into_iter())?;
                (RefType::FUNCREF, ElemItems::Funcs(funcs))
            }
            ElementItems::Expressions(ty, exprs) => {
                let ty = RefType::from_wasmparser(ty).ok_or_else(|| self.unsupported())?;
                (ty, self.elem_exprs(exprs)?)
            }
        };
        Ok(ElemSegment { ty, items, mode })
    }

    /// Compilers write `ref.func` for each item where a list of functions would do: that is kept as one.
    fn elem_exprs(
        &mut self,
        exprs: SectionLimited<'_, wasmparser::ConstExpr<'_>>,
    ) -> Result<ElemItems, LoadError> {
        let count = exprs.count();
        let mut funcs =
            Buf::with_capacity(&self.budget, Kind::Metadata, count as usize).map_err(self.memory())?;
        for expr in exprs.clone() {
            let expr = expr.map_err(LoadError::invalid)?;
            let (expr, _charge) = ConstExpr::parse(&expr, &self.budget)?;
            let Some(func) = expr.as_ref_func() else { break };
            funcs.try_push(func).map_err(self.memory())?;
        }
        if funcs.len() == count as usize {
            return Ok(ElemItems::Funcs(self.boxed(funcs)?));
        }
        drop(funcs);
        let mut items =
            Buf::with_capacity(&self.budget, Kind::Metadata, count as usize).map_err(self.memory())?;
        for expr in exprs {
            let expr = self.const_expr(&expr.map_err(LoadError::invalid)?)?;
            items.try_push(expr).map_err(self.memory())?;
        }
        Ok(ElemItems::Exprs(self.boxed(items)?))
    }

    fn collect<T>(
        &mut self,
        count: u32,
        items: impl Iterator<Item = wasmparser::Result<T>>,
    ) -> Result<Box<[T]>, LoadError> {
        let mut buf =
            Buf::with_capacity(&self.budget, Kind::Metadata, count as usize).map_err(self.memory())?;
        for item in items {
            buf.try_push(item.map_err(LoadError::invalid)?).map_err(self.memory())?;
        }
        self.boxed(buf)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<Box<str>, LoadError> {
        let (text, charge) =
            try_str(&self.budget, Kind::Metadata, text).map_err(self.memory::<MemoryError>())?;
        self.module.charges.metadata.merge(charge);
        Ok(text)
    }

    fn const_expr(&mut self, expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, LoadError> {
        let (expr, charge) = ConstExpr::parse(expr, &self.budget)?;
        self.module.charges.metadata.merge(charge);
        Ok(expr)
    }

    pub(super) fn table_type(&self, ty: wasmparser::TableType) -> Result<TableType, LoadError> {
        let element = RefType::from_wasmparser(ty.element_type);
        match element {
            Some(element) if !ty.shared => {
                Ok(TableType { element, minimum: ty.initial, maximum: ty.maximum, is_64: ty.table64 })
            }
            _ => Err(self.unsupported()),
        }
    }

    pub(super) fn memory_type(&self, ty: wasmparser::MemoryType) -> Result<MemoryType, LoadError> {
        let page_size_log2 = ty.page_size_log2.map_or(PAGE.trailing_zeros(), u32::from) as u8;
        let (minimum, maximum) = (ty.initial, ty.maximum);
        Ok(MemoryType { minimum, maximum, page_size_log2, is_64: ty.memory64, is_shared: ty.shared })
    }

    pub(super) fn global_type(&self, ty: wasmparser::GlobalType) -> Result<GlobalType, LoadError> {
        let content = ValType::from_wasmparser(ty.content_type).ok_or_else(|| self.unsupported())?;
        let mutability = if ty.mutable { Mutability::Var } else { Mutability::Const };
        Ok(GlobalType { content, mutability })
    }
}
