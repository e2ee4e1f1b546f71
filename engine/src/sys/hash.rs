//! Hash tables, whose keys nobody can foresee.

pub(crate) use std::collections::HashMap;
