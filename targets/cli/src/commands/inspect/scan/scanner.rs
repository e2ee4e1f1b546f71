//! Goes through the sections of a module.

use super::input::Input;
use super::{Declared, External, Scan, ScanError, Section};
use crate::commands::inspect::shape;
use dunlin::Survey;
use std::io::Read;
use wasmparser::{
    BinaryReader, CompositeInnerType, Encoding, ExternalKind, FuncValidatorAllocations, FunctionBody,
    GlobalType, Imports, KnownCustom, Name, SectionLimited, SubType, TypeRef, Validator, WasmFeatures,
};

type Result<T> = std::result::Result<T, ScanError>;

/// The bytes of a module, as everywhere in Dunlin.
const MAX_BYTES: u64 = u32::MAX as u64;
/// The operands and the open blocks of a function being validated, and its bytes: as the engine's.
pub(super) const MAX_OPERANDS: u32 = 1 << 20;
pub(super) const MAX_BLOCKS: u32 = 1 << 16;
pub(super) const MAX_BODY_BYTES: u32 = 7_654_321;
/// The sections that are listed, and the bytes of a custom section that are looked at.
const MAX_SECTIONS: usize = 1000;
pub(super) const MAX_CUSTOM_BYTES: u32 = 64 << 10;

/// The numbers of sections in the order that they must have.
const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/// A module that is being looked through.
pub(super) struct Scanner<R> {
    input: Input<R>,
    validator: Validator,
    allocations: FuncValidatorAllocations,
    survey: Survey,
    scan: Scan,
    /// Whether there was a name section.
    has_names: bool,
    types: Vec<SubType>,
    /// The types of functions, tags and globals, by index.
    funcs: Vec<u32>,
    tags: Vec<u32>,
    globals: Vec<GlobalType>,
    /// How many functions have bodies, and how many data segments are announced and there.
    bodies: u32,
    data_count: Option<u32>,
    data_segments: u32,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            input: Input { reader, offset: 0 },
            validator: Validator::new_with_features(WasmFeatures::all()),
            allocations: FuncValidatorAllocations::default(),
            survey: Survey::new(),
            scan: Scan::default(),
            has_names: false,
            types: Vec::new(),
            funcs: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            bodies: 0,
            data_count: None,
            data_segments: 0,
        }
    }

    /// What was found in the whole module.
    pub(super) fn finish(mut self) -> Scan {
        self.scan.features = self.survey.features().collect();
        self.scan.size = self.input.offset;
        self.scan
    }

    /// Reads the whole module.
    pub(super) fn module(&mut self) -> Result<()> {
        let header = self.input.bytes(8)?;
        if header != *b"\0asm\x01\0\0\0" {
            return Err(ScanError::Invalid("this is no WebAssembly module".into()));
        }
        self.validator.version(1, Encoding::Module, &(0..8))?;
        let mut last = 0;
        while let Some(id) = self.input.byte()? {
            let size = self.input.number()?;
            let offset = self.input.offset;
            if offset + u64::from(size) > MAX_BYTES {
                return Err(ScanError::Invalid(format!("module is larger than {MAX_BYTES} bytes")));
            }
            let mut section = Section { id, name: String::new(), offset, size };
            if id == 0 {
                section.name = self.custom(size)?;
            } else {
                let place = ORDER.iter().position(|known| *known == id).map_or(0, |place| place + 1);
                if place <= last {
                    return Err(ScanError::Invalid(format!(
                        "unknown section, or one out of order (at offset {offset:#x})"
                    )));
                }
                last = place;
                match id {
                    10 => self.code(size)?,
                    _ => self.section(id, size, offset)?,
                }
            }
            if self.scan.sections.len() < MAX_SECTIONS {
                self.scan.sections.push(section);
            }
        }
        self.validator.end(self.input.offset)?;
        // The validator leaves it to whoever shows it the sections that none is missing.
        if self.bodies != self.scan.functions {
            return Err(ScanError::Invalid(
                "function section has non-zero count but code section is absent".into(),
            ));
        }
        if self.data_count.is_some_and(|count| count != self.data_segments) {
            return Err(ScanError::Invalid("data count and data section have inconsistent lengths".into()));
        }
        Ok(())
    }

    /// Looks at a custom section's beginning, and gives its name.
    fn custom(&mut self, size: u32) -> Result<String> {
        let offset = self.input.offset;
        let beginning = self.input.bytes(size.min(MAX_CUSTOM_BYTES))?;
        self.input.skip(size - beginning.len() as u32)?;
        let mut reader = BinaryReader::new(&beginning, offset);
        let name = match reader.read_string() {
            Ok(name) => name.to_owned(),
            // A name longer than the part that is read is shown as empty.
            Err(_) if (beginning.len() as u32) < size => String::new(),
            Err(error) => return Err(error.into()),
        };
        let custom = wasmparser::CustomSectionReader::new(BinaryReader::new(&beginning, offset));
        if !self.has_names
            && let Ok(custom) = custom
            && let KnownCustom::Name(mut names) = custom.as_known()
        {
            // As the engine does it: the first such section counts, where the module's own name comes first.
            self.has_names = true;
            if let Some(Ok(Name::Module { name, .. })) = names.next()
                && !name.is_empty()
            {
                self.scan.name = Some(name.to_owned());
            }
        }
        Ok(name)
    }

    fn code(&mut self, size: u32) -> Result<()> {
        let start = self.input.offset;
        let end = start + u64::from(size);
        let count = self.input.number()?;
        if count != self.scan.functions {
            return Err(ScanError::Invalid("function and code section have inconsistent lengths".into()));
        }
        self.validator.code_section_start(&(start..end))?;
        self.bodies = count;
        for _ in 0..count {
            let size = self.input.number()?;
            if size > MAX_BODY_BYTES || self.input.offset + u64::from(size) > end {
                return Err(ScanError::Invalid(format!("function body has {size} bytes")));
            }
            let offset = self.input.offset;
            let body = self.input.bytes(size)?;
            self.body(&FunctionBody::new(BinaryReader::new(&body, offset)))?;
        }
        if self.input.offset != end {
            return Err(ScanError::Invalid("code section has other bytes than its functions".into()));
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<()> {
        let func = self.validator.code_section_entry(body)?;
        let mut validator = func.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        while !reader.eof() {
            let at = reader.original_position();
            reader.visit_operator(&mut validator.visitor(at))??;
            if validator.operand_stack_height() > MAX_OPERANDS
                || validator.control_stack_height() > MAX_BLOCKS
            {
                return Err(ScanError::Invalid("function has too many operands or blocks".into()));
            }
        }
        reader.finish_expression(&validator.visitor(reader.original_position()))?;
        self.allocations = validator.into_allocations();
        self.survey.body(body)?;
        Ok(())
    }

    /// A section that has to be read whole.
    fn section(&mut self, id: u8, size: u32, offset: u64) -> Result<()> {
        let contents = self.input.bytes(size)?;
        let mut reader = BinaryReader::new(&contents, offset);
        let validator = &mut self.validator;
        macro_rules! validated {
            ($section:ident) => {{
                let section = SectionLimited::new(reader.clone())?;
                validator.$section(&section)?;
                section
            }};
        }
        let range = offset..offset + u64::from(size);
        match id {
            1 => {
                for group in validated!(type_section) {
                    self.types.extend(group?.into_types());
                }
            }
            2 => {
                let imports = validated!(import_section);
                self.survey.section(id, reader)?;
                return self.imports(imports);
            }
            3 => {
                let funcs = validated!(function_section);
                self.scan.functions = funcs.count();
                for ty in funcs {
                    self.funcs.push(ty?);
                }
            }
            4 => {
                for table in validated!(table_section) {
                    self.scan.tables.push(Declared { ty: table?.ty, imported: false });
                }
            }
            5 => {
                for ty in validated!(memory_section) {
                    self.scan.memories.push(Declared { ty: ty?, imported: false });
                }
            }
            6 => {
                for global in validated!(global_section) {
                    self.globals.push(global?.ty);
                }
            }
            7 => {
                let exports = validated!(export_section);
                self.survey.section(id, reader)?;
                return self.exports(exports);
            }
            8 => validator.start_section(reader.read_var_u32()?, &range)?,
            9 => {
                validated!(element_section);
            }
            11 => {
                self.data_segments = validated!(data_section).count();
            }
            12 => {
                let count = reader.clone().read_var_u32()?;
                validator.data_count_section(count, &range)?;
                self.data_count = Some(count);
            }
            _ => {
                for tag in validated!(tag_section) {
                    self.tags.push(tag?.func_type_idx);
                }
            }
        }
        Ok(self.survey.section(id, BinaryReader::new(&contents, offset))?)
    }

    fn imports(&mut self, imports: wasmparser::ImportSectionReader<'_>) -> Result<()> {
        for imports in imports {
            match imports? {
                Imports::Single(_, import) => self.import(import.module, import.name, import.ty),
                Imports::Compact1 { module, items } => {
                    for item in items {
                        let item = item?;
                        self.import(module, item.name, item.ty);
                    }
                }
                Imports::Compact2 { module, ty, names } => {
                    for name in names {
                        self.import(module, name?, ty);
                    }
                }
            }
        }
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str, ty: TypeRef) {
        let (kind, ty) = match ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                self.funcs.push(index);
                ("function", self.function(index))
            }
            TypeRef::Table(ty) => {
                self.scan.tables.push(Declared { ty, imported: true });
                ("table", shape::table(&ty))
            }
            TypeRef::Memory(ty) => {
                self.scan.memories.push(Declared { ty, imported: true });
                ("memory", shape::memory(&ty))
            }
            TypeRef::Global(ty) => {
                self.globals.push(ty);
                ("global", shape::global(&ty))
            }
            TypeRef::Tag(ty) => {
                self.tags.push(ty.func_type_idx);
                ("tag", self.tag(ty.func_type_idx))
            }
        };
        self.scan.imports.push(External { module: module.into(), name: name.into(), kind, ty });
    }

    fn exports(&mut self, exports: wasmparser::ExportSectionReader<'_>) -> Result<()> {
        for export in exports {
            let export = export?;
            let index = export.index as usize;
            // Validation has checked these indices.
            let (kind, ty) = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => {
                    ("function", self.function(self.funcs[index]))
                }
                ExternalKind::Table => ("table", shape::table(&self.scan.tables[index].ty)),
                ExternalKind::Memory => ("memory", shape::memory(&self.scan.memories[index].ty)),
                ExternalKind::Global => ("global", shape::global(&self.globals[index])),
                ExternalKind::Tag => ("tag", self.tag(self.tags[index])),
            };
            self.scan.exports.push(External { module: String::new(), name: export.name.into(), kind, ty });
        }
        Ok(())
    }

    fn function(&self, ty: u32) -> String {
        match &self.types[ty as usize].composite_type.inner {
            CompositeInnerType::Func(ty) => format!("function {}", shape::function(ty)),
            _ => String::from("function"),
        }
    }

    fn tag(&self, ty: u32) -> String {
        match &self.types[ty as usize].composite_type.inner {
            CompositeInnerType::Func(ty) => format!("tag {}", shape::list(ty.params())),
            _ => String::from("tag"),
        }
    }
}
