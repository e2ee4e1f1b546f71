//! What memory may be had: the system's mappings, bounds on hostile input, budgets, collections that ask them, and
//! the pages of linear memories.

pub(crate) mod alloc;
pub(crate) mod budget;
pub(crate) mod limits;
pub(crate) mod pages;
pub(crate) mod sys;
