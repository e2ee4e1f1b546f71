//! What the engine needs of the operating system. No other folder names one, except that `api` gives the pipe of an
//! interrupt waiter to `poll` and its like, where the platform has file descriptors.

mod file;
mod mapping;
mod pipe;
mod stack;

pub(crate) use file::PositionedFile;
#[cfg(test)]
pub(crate) use mapping::LARGEST;
pub(crate) use mapping::{
    Mapping, REFUSED, REFUSED_AFTER, RESERVE_MEMORIES, Snapshot, page_size, refuses_mappings,
};
pub(crate) use pipe::SignalPipe;
pub(crate) use stack::stack_left;
