//! Lists of types.

use super::ValType;
use super::plain::PlainType;
use core::fmt;

/// The types of a function's parameters, or of its results: an iterator that knows how many there are.
///
/// ```
/// use dunlin::{FuncType, ValType};
/// let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::F32]);
/// assert_eq!(ty.params().len(), 2);
/// assert!(ty.params().eq([ValType::I32, ValType::I64]));
/// assert_eq!(ty.results().get(0), Some(ValType::F32));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValTypes<'a>(List<'a>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum List<'a> {
    Plain(&'a [PlainType]),
    Any(&'a [ValType]),
}

impl<'a> ValTypes<'a> {
    pub(super) fn plain(types: &'a [PlainType]) -> Self {
        ValTypes(List::Plain(types))
    }

    pub(super) fn any(types: &'a [ValType]) -> Self {
        ValTypes(List::Any(types))
    }

    pub(super) fn first(self, count: usize) -> Self {
        ValTypes(match self.0 {
            List::Plain(types) => List::Plain(&types[..count]),
            List::Any(types) => List::Any(&types[..count]),
        })
    }

    pub(super) fn behind(self, count: usize) -> Self {
        ValTypes(match self.0 {
            List::Plain(types) => List::Plain(&types[count..]),
            List::Any(types) => List::Any(&types[count..]),
        })
    }

    /// No types.
    pub(crate) fn none() -> Self {
        Self::plain(&[])
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type at this index.
    pub fn get(&self, index: usize) -> Option<ValType> {
        match self.0 {
            List::Plain(types) => types.get(index).map(|ty| ty.val_type()),
            List::Any(types) => types.get(index).copied(),
        }
    }
}

impl Iterator for ValTypes<'_> {
    type Item = ValType;

    fn next(&mut self) -> Option<ValType> {
        match &mut self.0 {
            List::Plain(types) => types.split_off_first().map(|ty| ty.val_type()),
            List::Any(types) => types.split_off_first().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match self.0 {
            List::Plain(types) => types.len(),
            List::Any(types) => types.len(),
        };
        (len, Some(len))
    }
}

impl DoubleEndedIterator for ValTypes<'_> {
    fn next_back(&mut self) -> Option<ValType> {
        match &mut self.0 {
            List::Plain(types) => types.split_off_last().map(|ty| ty.val_type()),
            List::Any(types) => types.split_off_last().copied(),
        }
    }
}

impl ExactSizeIterator for ValTypes<'_> {}

impl fmt::Display for ValTypes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, ty) in self.enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            fmt::Display::fmt(&ty, f)?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for ValTypes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValTypes{self}")
    }
}
