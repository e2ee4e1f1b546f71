//! The types of functions.

use super::list::ValTypes;
use super::plain::PlainType;
use super::{TypeNumber, ValType};
use crate::memory::{Kind, MemoryError, Shared};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// The type of a function: its parameters and its results.
///
/// Cloning one is cheap.
#[derive(Clone)]
pub struct FuncType(Types);

/// The parameters, as many as `params` says, then the results. Each list has one form: the first that can hold it.
#[derive(Clone)]
enum Types {
    /// So few that they need no memory of their own.
    Few {
        params: u8,
        len: u8,
        types: [PlainType; FEW],
    },
    Plain {
        params: u32,
        types: Shared<Box<[PlainType]>>,
    },
    Any {
        params: u32,
        types: Shared<Box<[ValType]>>,
    },
}

const FEW: usize = 13;

/// There is one for each type of each module, one in the engine, and two for each host function.
const _: () = assert!(size_of::<FuncType>() == 16);

impl FuncType {
    /// A function type with these parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let params = types.len() as u32;
        types.extend(results);
        let plain = || types.iter().map_while(|ty| ty.plain());
        FuncType(if plain().count() < types.len() {
            Types::Any { params, types: Shared::new(types.into()) }
        } else if types.len() <= FEW {
            Types::few(params, plain())
        } else {
            Types::Plain { params, types: Shared::new(plain().collect()) }
        })
    }

    /// [`FuncType::new`] of the `count` types that there are, `params` of them parameters. Memory is asked for:
    /// [`FuncType::heap_bytes_of`], for which the caller has been charged.
    pub(crate) fn try_new(
        types: impl Iterator<Item = ValType> + Clone,
        params: usize,
        count: usize,
    ) -> Result<FuncType, MemoryError> {
        let asked = Self::heap_bytes_of(types.clone(), count);
        let plain = types.clone().map_while(|ty| ty.plain());
        let params = params as u32;
        Ok(FuncType(if plain.clone().count() < count {
            Types::Any { params, types: shared(types, count, asked)? }
        } else if count <= FEW {
            Types::few(params, plain)
        } else {
            Types::Plain { params, types: shared(plain, count, asked)? }
        }))
    }

    fn all(&self) -> ValTypes<'_> {
        match &self.0 {
            Types::Few { len, types, .. } => ValTypes::plain(&types[..usize::from(*len)]),
            Types::Plain { types, .. } => ValTypes::plain(types),
            Types::Any { types, .. } => ValTypes::any(types),
        }
    }

    /// The parameters, if it names no other type.
    #[inline]
    pub(crate) fn plain_params(&self) -> Option<&[PlainType]> {
        let (all, params) = self.plain()?;
        Some(&all[..params])
    }

    /// The results, if it names no other type.
    #[inline]
    pub(crate) fn plain_results(&self) -> Option<&[PlainType]> {
        let (all, params) = self.plain()?;
        Some(&all[params..])
    }

    #[inline]
    fn plain(&self) -> Option<(&[PlainType], usize)> {
        match &self.0 {
            Types::Few { params, len, types } => Some((&types[..usize::from(*len)], usize::from(*params))),
            Types::Plain { params, types } => Some((types, *params as usize)),
            Types::Any { .. } => None,
        }
    }

    /// All of a type of few, as one number: every host function's type is hashed when it is made.
    fn packed(&self) -> u128 {
        let Types::Few { params, len, types } = &self.0 else { return 0 };
        let mut bytes = [0; 16];
        (bytes[0], bytes[1]) = (*params, *len);
        bytes[2..].iter_mut().zip(types).for_each(|(byte, ty)| *byte = *ty as u8);
        u128::from_ne_bytes(bytes)
    }

    fn count_of_params(&self) -> usize {
        match self.0 {
            Types::Few { params, .. } => params.into(),
            Types::Plain { params, .. } | Types::Any { params, .. } => params as usize,
        }
    }

    /// The types of the parameters.
    pub fn params(&self) -> ValTypes<'_> {
        self.all().first(self.count_of_params())
    }

    /// The types of the results.
    pub fn results(&self) -> ValTypes<'_> {
        self.all().behind(self.count_of_params())
    }

    /// The types that it names.
    pub(crate) fn named(&self) -> impl Iterator<Item = TypeNumber> {
        let types: &[ValType] = if let Types::Any { types, .. } = &self.0 { types } else { &[] };
        types.iter().filter_map(|ty| ty.concrete())
    }

    /// The same type, which names types by the numbers that `rename` gives for these ones. Memory is asked for:
    /// [`FuncType::heap_bytes`], for which the caller has been charged.
    pub(crate) fn renamed<E: From<MemoryError>>(
        &self,
        rename: impl FnMut(TypeNumber) -> Result<TypeNumber, E>,
    ) -> Result<FuncType, E> {
        let Types::Any { params, types } = &self.0 else { return Ok(self.clone()) };
        let (params, asked) = (*params, self.heap_bytes());
        let types = shared(types.iter().copied(), types.len(), asked)?;
        let mut copy = FuncType(Types::Any { params, types });
        copy.rename(rename)?;
        Ok(copy)
    }

    /// Has it name types by the numbers that `rename` gives for the former ones. Nothing else may own it yet.
    pub(crate) fn rename<E>(
        &mut self,
        mut rename: impl FnMut(TypeNumber) -> Result<TypeNumber, E>,
    ) -> Result<(), E> {
        if let Types::Any { types, .. } = &mut self.0 {
            for ty in Shared::get_mut(types).expect("it is new").iter_mut() {
                *ty = ty.renamed(&mut rename)?;
            }
        }
        Ok(())
    }

    /// The bytes that it holds on the heap, for the budget.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let bytes = match &self.0 {
            Types::Few { .. } => return 0,
            Types::Plain { types, .. } => size_of_val(&***types),
            Types::Any { types, .. } => size_of_val(&***types),
        };
        bytes as u64 + Shared::<Box<[ValType]>>::BYTES
    }

    /// The bytes that a type of these `count` parameters and results holds on the heap.
    pub(crate) fn heap_bytes_of(types: impl Iterator<Item = ValType>, count: usize) -> u64 {
        let plain = types.map_while(|ty| ty.plain()).count() == count;
        match (plain, count) {
            (true, ..=FEW) => 0,
            (true, _) => count as u64 + Shared::<Box<[PlainType]>>::BYTES,
            (false, _) => (count * size_of::<ValType>()) as u64 + Shared::<Box<[ValType]>>::BYTES,
        }
    }
}

impl Types {
    fn few(params: u32, types: impl Iterator<Item = PlainType>) -> Types {
        let mut few = [PlainType::I32; FEW];
        let len = few.iter_mut().zip(types).map(|(to, ty)| *to = ty).count();
        Types::Few { params: params as u8, len: len as u8, types: few }
    }
}

/// A list of `count` items; `asked` is what it takes with all that is around it.
fn shared<T>(
    items: impl Iterator<Item = T>,
    count: usize,
    asked: u64,
) -> Result<Shared<Box<[T]>>, MemoryError> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| MemoryError::system(Kind::Metadata, asked))?;
    list.extend(items.take(count));
    Shared::try_new(Kind::Metadata, list.into_boxed_slice())
}

/// Equal types have the same form, since a list of types has one.
impl PartialEq for FuncType {
    fn eq(&self, other: &FuncType) -> bool {
        match (&self.0, &other.0) {
            (Types::Few { .. }, Types::Few { .. }) => self.packed() == other.packed(),
            (Types::Plain { params: a, types }, Types::Plain { params: b, types: others }) => {
                a == b && **types == **others
            }
            (Types::Any { params: a, types }, Types::Any { params: b, types: others }) => {
                a == b && **types == **others
            }
            _ => false,
        }
    }
}

impl Eq for FuncType {}

impl core::hash::Hash for FuncType {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        match &self.0 {
            Types::Few { .. } => state.write_u128(self.packed()),
            Types::Plain { params, types } => (params, &**types).hash(state),
            Types::Any { params, types } => (params, &**types).hash(state),
        }
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FuncType({self})")
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.params(), self.results())
    }
}
