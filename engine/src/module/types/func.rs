//! The types of functions.

use super::ValType;
use crate::memory::{Kind, MemoryError, Shared};
use std::fmt;

/// The type of a function: its parameters and its results.
///
/// Cloning one is cheap.
#[derive(Clone)]
pub struct FuncType {
    types: Types,
    params: u32,
}

/// The parameters, then the results.
#[derive(Clone)]
enum Types {
    /// So few that they need no memory of their own.
    Few {
        len: u8,
        types: [ValType; FEW],
    },
    Many(Shared<Box<[ValType]>>),
}

const FEW: usize = 14;

impl FuncType {
    /// A function type with these parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let params = types.len() as u32;
        types.extend(results);
        let types = if types.len() <= FEW {
            let mut few = [ValType::I32; FEW];
            few[..types.len()].copy_from_slice(&types);
            Types::Few { len: types.len() as u8, types: few }
        } else {
            Types::Many(Shared::new(types.into()))
        };
        FuncType { types, params }
    }

    /// [`FuncType::new`] of `params` and `results` types, of which memory is asked for: [`FuncType::heap_bytes`], for
    /// which the caller has been charged.
    pub(crate) fn try_new(
        types: impl Iterator<Item = ValType>,
        params: usize,
        results: usize,
    ) -> Result<FuncType, MemoryError> {
        let count = params + results;
        let types = if count <= FEW {
            let mut few = [ValType::I32; FEW];
            few.iter_mut().zip(types).for_each(|(to, ty)| *to = ty);
            Types::Few { len: count as u8, types: few }
        } else {
            let mut many = Vec::new();
            let asked = Self::heap_bytes(count);
            many.try_reserve_exact(count).map_err(|_| MemoryError::system(Kind::Metadata, asked))?;
            many.extend(types.take(count));
            Types::Many(Shared::try_new(Kind::Metadata, many.into_boxed_slice())?)
        };
        Ok(FuncType { types, params: params as u32 })
    }

    fn types(&self) -> &[ValType] {
        match &self.types {
            Types::Few { len, types } => &types[..usize::from(*len)],
            Types::Many(types) => types,
        }
    }

    /// The types of the parameters.
    pub fn params(&self) -> &[ValType] {
        &self.types()[..self.params as usize]
    }

    /// The types of the results.
    pub fn results(&self) -> &[ValType] {
        &self.types()[self.params as usize..]
    }

    /// The bytes that a type of `count` parameters and results holds on the heap, for the budget.
    pub(crate) fn heap_bytes(count: usize) -> u64 {
        if count <= FEW { 0 } else { count as u64 + Shared::<Box<[ValType]>>::BYTES }
    }
}

impl PartialEq for FuncType {
    fn eq(&self, other: &FuncType) -> bool {
        self.params == other.params && self.types() == other.types()
    }
}

impl Eq for FuncType {}

impl std::hash::Hash for FuncType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.params.hash(state);
        self.types().hash(state);
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FuncType({self})")
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, types: &[ValType]) -> fmt::Result {
    f.write_str("(")?;
    for (i, ty) in types.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        fmt::Display::fmt(ty, f)?;
    }
    f.write_str(")")
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, self.params())?;
        f.write_str(" -> ")?;
        write_list(f, self.results())
    }
}
