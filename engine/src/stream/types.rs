//! The type section: function types, in recursion groups.

use super::state::{BodyCheck, Core};
use crate::memory::{Buf, Kind, third_party};
use crate::module::load_error::LoadError;
use crate::module::types::{DeclaredType, FuncType, ValType};
use wasmparser::{CompositeInnerType, PackedIndex, RecGroup, SubType};

/// How many types are converted between two probes for memory.
const TYPES_A_CHECK: usize = 256;

impl<C: BodyCheck> Core<C> {
    /// Takes over a type section that validation has accepted.
    pub(super) fn types(&mut self, section: wasmparser::TypeSectionReader<'_>) -> Result<(), LoadError> {
        let mut types = Buf::with_capacity(&self.budget, Kind::Metadata, section.count() as usize)
            .map_err(self.memory())?;
        let mut declared = Buf::new(&self.budget, Kind::Metadata);
        let mut section = section.into_iter();
        while let Some(group) = third_party(|| section.next()) {
            let group = group.map_err(LoadError::invalid)?;
            self.type_group(group, &mut types, &mut declared)?;
        }
        self.limited("types", types.len() as u64, self.limits.types.into())?;
        self.module.types = self.boxed(types)?;
        self.module.declared = self.boxed(declared)?;
        Ok(())
    }

    fn type_group(
        &mut self,
        group: RecGroup,
        types: &mut Buf<FuncType>,
        declared: &mut Buf<DeclaredType>,
    ) -> Result<(), LoadError> {
        let first = types.len() as u32;
        let several = group.types().len() > 1;
        for ty in group.types() {
            if types.len().is_multiple_of(TYPES_A_CHECK) {
                self.probe()?;
            }
            let index = types.len() as u32;
            let func = self.func_type(ty)?;
            let supertype = ty.supertype_idxs.first().and_then(PackedIndex::as_module_index);
            let is_recursive = func.named().any(|named| named.0 >= first);
            if several || is_recursive || !ty.is_final || supertype.is_some() {
                let ty = DeclaredType { index, group: first, is_final: ty.is_final, supertype };
                declared.try_push(ty).map_err(self.memory())?;
            }
            types.try_push(func).map_err(self.memory())?;
        }
        Ok(())
    }

    fn func_type(&mut self, ty: &SubType) -> Result<FuncType, LoadError> {
        let CompositeInnerType::Func(ty) = &ty.composite_type.inner else { return Err(self.unsupported()) };
        let all = || ty.params().iter().chain(ty.results()).map(|ty| ValType::from_wasmparser(*ty));
        if !all().all(|ty| ty.is_some()) {
            return Err(self.unsupported());
        }
        self.module.exceptions |= all().any(|ty| ty.is_some_and(|ty| ty.is_exn()));
        let (params, count) = (ty.params().len(), ty.params().len() + ty.results().len());
        let metadata = &mut self.module.charges.metadata;
        metadata.grow(FuncType::heap_bytes_of(all().flatten(), count)).map_err(self.memory())?;
        FuncType::try_new(all().flatten(), params, count).map_err(self.memory())
    }
}
