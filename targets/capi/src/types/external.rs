//! Types of functions, globals, tables and memories.

use super::wasm_valtype_t;
use crate::boundary::{c_types, exports};
use crate::own::{try_box, try_vec};
use crate::pointers::Handle;
use crate::vec::CVec;
use dunlin::{
    ExternType, FuncType, GlobalType, MemoryType, Mutability, TableType, TagType, ValType, ValTypes,
};

/// Sizes of tables in elements, of memories in pages. A maximum of all ones is none.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasm_limits_t {
    min: u32,
    max: u32,
}

impl wasm_limits_t {
    fn new(minimum: u64, maximum: Option<u64>) -> Self {
        let narrow = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        Self { min: narrow(minimum), max: maximum.map_or(u32::MAX, narrow) }
    }

    fn max(&self) -> Option<u32> {
        (self.max != u32::MAX).then_some(self.max)
    }
}

/// The type of something that modules import and export.
pub struct wasm_externtype_t(Kind);

enum Kind {
    Func { ty: FuncType, params: Types, results: Types },
    Global { ty: GlobalType, content: wasm_valtype_t },
    Table { ty: TableType, element: wasm_valtype_t, limits: wasm_limits_t },
    Memory { ty: MemoryType, limits: wasm_limits_t },
    Tag(TagType),
}

/// Types as a vector that C may look at.
struct Types(CVec<Option<Box<wasm_valtype_t>>>);

impl Types {
    fn new(types: ValTypes<'_>) -> Option<Self> {
        let mut all = try_vec(types.len())?;
        for ty in types {
            all.push(Some(try_box(wasm_valtype_t(ty))?));
        }
        Some(Self(all.into()))
    }
}

impl Drop for Types {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl wasm_externtype_t {
    /// The type as an object of C's; `None` if there is no memory for it.
    pub(crate) fn new(ty: ExternType) -> Option<Box<Self>> {
        try_box(Self(match ty {
            ExternType::Func(ty) => {
                Kind::Func { params: Types::new(ty.params())?, results: Types::new(ty.results())?, ty }
            }
            ExternType::Global(ty) => Kind::Global { content: wasm_valtype_t(ty.content()), ty },
            ExternType::Table(ty) => Kind::Table {
                element: wasm_valtype_t(ValType::Ref(ty.element())),
                limits: wasm_limits_t::new(ty.minimum(), ty.maximum()),
                ty,
            },
            ExternType::Memory(ty) => {
                Kind::Memory { limits: wasm_limits_t::new(ty.minimum(), ty.maximum()), ty }
            }
            ExternType::Tag(ty) => Kind::Tag(ty),
        }))
    }

    pub(crate) fn get(&self) -> ExternType {
        match &self.0 {
            Kind::Func { ty, .. } => ExternType::Func(ty.clone()),
            Kind::Global { ty, .. } => ExternType::Global(*ty),
            Kind::Table { ty, .. } => ExternType::Table(*ty),
            Kind::Memory { ty, .. } => ExternType::Memory(*ty),
            Kind::Tag(ty) => ExternType::Tag(ty.clone()),
        }
    }

    pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
        Self::new(self.get())
    }

    fn number(&self) -> u8 {
        match self.0 {
            Kind::Func { .. } => 0,
            Kind::Global { .. } => 1,
            Kind::Table { .. } => 2,
            Kind::Memory { .. } => 3,
            Kind::Tag(_) => 4,
        }
    }
}

macro_rules! kinds {
    ($($ty:ident $name:literal $number:literal $variant:ident $engine:ident: $delete:ident $copy:ident $up:ident $up_const:ident $down:ident $down_const:ident)*) => {
        $(
            /// One kind of external type.
            #[repr(transparent)]
            pub struct $ty(wasm_externtype_t);

            impl $ty {
                pub(crate) fn new(ty: $engine) -> Option<Box<Self>> {
                    let ty = wasm_externtype_t::new(ExternType::$variant(ty))?;
                    // SAFETY: it is a struct of nothing else.
                    Some(unsafe { Box::from_raw(Box::into_raw(ty).cast()) })
                }

                /// The type; `None` if C has passed another kind of type for it.
                pub(crate) fn get(&self) -> Option<$engine> {
                    match self.0.get() {
                        ExternType::$variant(ty) => Some(ty),
                        _ => None,
                    }
                }

                pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
                    Self::new(self.get()?)
                }

                fn cast(ty: Option<&wasm_externtype_t>) -> Option<&Self> {
                    let ty = ty.filter(|ty| ty.number() == $number)?;
                    // SAFETY: it is a struct of nothing else.
                    Some(unsafe { &*(&raw const *ty).cast() })
                }
            }

            c_types! { $ty = $name; }
        )*

        mod casts {
            use super::*;

            exports! {
                $(
                    fn $delete(ty: Option<Box<$ty>>) {
                        drop(ty);
                    }

                    fn $copy(ty: Option<&$ty>) -> Option<Box<$ty>> {
                        ty?.try_clone()
                    }

                    fn $up(ty: Handle<'_, $ty>) -> Handle<'_, wasm_externtype_t> {
                        Handle::new(ty.get().map(|ty| &ty.0))
                    }

                    fn $up_const(ty: Option<&$ty>) -> Option<&wasm_externtype_t> {
                        ty.map(|ty| &ty.0)
                    }

                    fn $down(ty: Handle<'_, wasm_externtype_t>) -> Handle<'_, $ty> {
                        Handle::new($ty::cast(ty.get()))
                    }

                    fn $down_const(ty: Option<&wasm_externtype_t>) -> Option<&$ty> {
                        $ty::cast(ty)
                    }
                )*
            }
        }
    };
}

kinds! {
    wasm_functype_t "wasm_functype_t" 0 Func FuncType: wasm_functype_delete wasm_functype_copy
        wasm_functype_as_externtype wasm_functype_as_externtype_const
        wasm_externtype_as_functype wasm_externtype_as_functype_const
    wasm_globaltype_t "wasm_globaltype_t" 1 Global GlobalType: wasm_globaltype_delete wasm_globaltype_copy
        wasm_globaltype_as_externtype wasm_globaltype_as_externtype_const
        wasm_externtype_as_globaltype wasm_externtype_as_globaltype_const
    wasm_tabletype_t "wasm_tabletype_t" 2 Table TableType: wasm_tabletype_delete wasm_tabletype_copy
        wasm_tabletype_as_externtype wasm_tabletype_as_externtype_const
        wasm_externtype_as_tabletype wasm_externtype_as_tabletype_const
    wasm_memorytype_t "wasm_memorytype_t" 3 Memory MemoryType: wasm_memorytype_delete wasm_memorytype_copy
        wasm_memorytype_as_externtype wasm_memorytype_as_externtype_const
        wasm_externtype_as_memorytype wasm_externtype_as_memorytype_const
}

c_types! {
    wasm_externtype_t = "wasm_externtype_t";
    wasm_limits_t = "wasm_limits_t";
}

/// The types in a vector, which C gives up.
fn taken(types: Option<&mut CVec<Option<Box<wasm_valtype_t>>>>) -> Option<Vec<Option<Box<wasm_valtype_t>>>> {
    let types = types.map_or_else(Vec::new, CVec::take);
    types.iter().all(Option::is_some).then_some(types)
}

exports! {
    fn wasm_functype_new(
        params: Option<&mut CVec<Option<Box<wasm_valtype_t>>>>,
        results: Option<&mut CVec<Option<Box<wasm_valtype_t>>>>,
    ) -> Option<Box<wasm_functype_t>> {
        let (params, results) = (taken(params), taken(results));
        let types = |types: Vec<Option<Box<wasm_valtype_t>>>| types.into_iter().flatten().map(|ty| ty.0);
        wasm_functype_t::new(FuncType::new(types(params?), types(results?)))
    }

    fn wasm_functype_params(ty: Option<&wasm_functype_t>) -> Option<&CVec<Option<Box<wasm_valtype_t>>>> {
        match &ty?.0.0 {
            Kind::Func { params, .. } => Some(&params.0),
            _ => None,
        }
    }

    fn wasm_functype_results(ty: Option<&wasm_functype_t>) -> Option<&CVec<Option<Box<wasm_valtype_t>>>> {
        match &ty?.0.0 {
            Kind::Func { results, .. } => Some(&results.0),
            _ => None,
        }
    }

    fn wasm_globaltype_new(content: Option<Box<wasm_valtype_t>>, mutability: u8) -> Option<Box<wasm_globaltype_t>> {
        let mutability = match mutability {
            0 => Mutability::Const,
            1 => Mutability::Var,
            _ => return None,
        };
        wasm_globaltype_t::new(GlobalType::new(content?.0, mutability))
    }

    fn wasm_globaltype_content(ty: Option<&wasm_globaltype_t>) -> Option<&wasm_valtype_t> {
        match &ty?.0.0 {
            Kind::Global { content, .. } => Some(content),
            _ => None,
        }
    }

    fn wasm_globaltype_mutability(ty: Option<&wasm_globaltype_t>) -> u8 {
        match ty.and_then(wasm_globaltype_t::get) {
            Some(ty) => (ty.mutability() == Mutability::Var).into(),
            None => 0,
        }
    }

    fn wasm_tabletype_new(
        element: Option<Box<wasm_valtype_t>>,
        limits: Option<&wasm_limits_t>,
    ) -> Option<Box<wasm_tabletype_t>> {
        let (element, limits) = (element?, limits?);
        let ValType::Ref(element) = element.0 else { return None };
        wasm_tabletype_t::new(TableType::new(element, limits.min, limits.max()))
    }

    fn wasm_tabletype_element(ty: Option<&wasm_tabletype_t>) -> Option<&wasm_valtype_t> {
        match &ty?.0.0 {
            Kind::Table { element, .. } => Some(element),
            _ => None,
        }
    }

    fn wasm_tabletype_limits(ty: Option<&wasm_tabletype_t>) -> Option<&wasm_limits_t> {
        match &ty?.0.0 {
            Kind::Table { limits, .. } => Some(limits),
            _ => None,
        }
    }

    fn wasm_memorytype_new(limits: Option<&wasm_limits_t>) -> Option<Box<wasm_memorytype_t>> {
        let limits = limits?;
        wasm_memorytype_t::new(MemoryType::new(limits.min, limits.max()))
    }

    fn wasm_memorytype_limits(ty: Option<&wasm_memorytype_t>) -> Option<&wasm_limits_t> {
        match &ty?.0.0 {
            Kind::Memory { limits, .. } => Some(limits),
            _ => None,
        }
    }

    fn dunlin_memorytype_new64(min: u64, max: u64) -> Option<Box<wasm_memorytype_t>> {
        wasm_memorytype_t::new(MemoryType::new64(min, (max != u64::MAX).then_some(max)))
    }

    fn dunlin_memorytype_new_shared(min: u32, max: u32) -> Option<Box<wasm_memorytype_t>> {
        wasm_memorytype_t::new(MemoryType::shared(min, max))
    }

    fn dunlin_memorytype_is64(ty: Option<&wasm_memorytype_t>) -> bool {
        ty.and_then(wasm_memorytype_t::get).is_some_and(|ty| ty.is_64())
    }

    fn dunlin_memorytype_is_shared(ty: Option<&wasm_memorytype_t>) -> bool {
        ty.and_then(wasm_memorytype_t::get).is_some_and(|ty| ty.is_shared())
    }

    fn dunlin_memorytype_minimum(ty: Option<&wasm_memorytype_t>) -> u64 {
        ty.and_then(wasm_memorytype_t::get).map_or(0, |ty| ty.minimum())
    }

    fn dunlin_memorytype_maximum(ty: Option<&wasm_memorytype_t>) -> u64 {
        ty.and_then(wasm_memorytype_t::get).and_then(|ty| ty.maximum()).unwrap_or(u64::MAX)
    }

    fn wasm_externtype_delete(ty: Option<Box<wasm_externtype_t>>) {
        drop(ty);
    }

    fn wasm_externtype_copy(ty: Option<&wasm_externtype_t>) -> Option<Box<wasm_externtype_t>> {
        ty?.try_clone()
    }

    fn wasm_externtype_kind(ty: Option<&wasm_externtype_t>) -> u8 {
        ty.map_or(0, wasm_externtype_t::number)
    }
}

#[cfg(test)]
pub(crate) use casts::prototypes as casts;
