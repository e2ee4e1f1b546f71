//! The types of tags.

use super::FuncType;
use core::fmt;

/// The type of a tag: what values an exception with this tag carries.
///
/// The specification has a function type for it, whose parameters are these values, and which has no results.
///
/// ```
/// use dunlin::{FuncType, TagType, ValType};
/// let ty = TagType::new(FuncType::new([ValType::I32], []));
/// assert_eq!(ty.to_string(), "tag (i32)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagType(FuncType);

impl TagType {
    /// The type of tags whose exceptions carry the parameters of `ty`.
    ///
    /// # Panics
    ///
    /// If `ty` has results.
    pub fn new(ty: FuncType) -> TagType {
        assert!(ty.results().is_empty(), "the type of a tag has no results, but {ty} has");
        TagType(ty)
    }

    /// The function type that the specification gives the tag.
    pub fn ty(&self) -> &FuncType {
        &self.0
    }
}

impl fmt::Display for TagType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tag ")?;
        fmt::Display::fmt(&self.0.params(), f)
    }
}
