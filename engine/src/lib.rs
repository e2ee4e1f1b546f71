//! Dunlin.

mod value;
