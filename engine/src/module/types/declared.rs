//! What function types say of themselves besides parameters and results.

/// A function type of a module that is in a recursion group, or has a place among subtypes. All others are in a group of
/// their own, are final, and have no supertype.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeclaredType {
    /// Its index.
    pub(crate) index: u32,
    /// The index of its group's first type. All of a group follow each other.
    pub(crate) group: u32,
    /// Whether it has no subtypes.
    pub(crate) is_final: bool,
    /// The index of its supertype.
    pub(crate) supertype: Option<u32>,
}
