//! What tells objects from others.

use dunlin::{ExnRef, Func, Global, Instance, Memory, Table, Tag};

/// What tells an object from others, whatever handle C has of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Func(Func),
    Global(Global),
    Table(Table),
    Memory(Memory),
    Tag(Tag),
    Instance(Instance),
    Exception(ExnRef),
    Address(usize),
}
