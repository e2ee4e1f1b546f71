//! Functions that ask much of a compiler for their size: each family in any size.

mod calls;
mod control;
mod parts;
mod values;

use calls::*;
use control::*;
use values::*;

/// A kind of function, and how one whose body has about so many bytes is made.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) growth: Growth,
    pub(crate) make: fn(usize) -> Vec<u8>,
}

/// What there is to be compiled, by the size of the body.
#[derive(Clone, Copy)]
pub(crate) enum Growth {
    Linear,
    /// Some of its locals meet, or live, at each of some blocks.
    Product,
}

/// The function of each module that the family is about. What it needs besides comes behind it.
pub(crate) const SUBJECT: u32 = 1;

type Make = fn(usize) -> Vec<u8>;

const LINEAR: &[(&str, Make)] = &[
    ("calls of functions with many locals", callees_with_locals),
    ("calls of functions with wide blocks", callees_with_blocks),
    ("calls of functions that call", callees_that_call),
    ("a call of one small recursive function", small_recursive),
    ("calls with many arguments", wide_calls),
    ("calls above many operands", calls_above_operands),
    ("calls through a table", indirect_calls),
    ("tail calls", tail_calls),
    ("loops with values", wide_loops),
    ("branches back above many operands", branches_above_operands),
    ("locals that change places in a loop", rotation),
    ("many branches back to a loop with some locals", branches_back_with_some),
    ("many branches back to a loop with few locals", branches_back_with_few),
    ("wide blocks that nothing branches to", wide_blocks),
    ("wide blocks that something branches to", wide_joins),
    ("wide ifs", wide_ifs),
    ("nested blocks", nested_blocks),
    ("nested ifs", nested_ifs),
    ("nested loops, empty", nested_empty_loops),
    ("nested ifs with values", nested_wide_ifs),
    ("a table of branches with values", wide_table),
    ("tables of branches to all blocks", tables_of_blocks),
    ("tables of branches to all loops", tables_of_loops),
    ("returns of values", wide_returns),
    ("one long expression", expression),
    ("one deep expression", deep_expression),
    ("equal expressions", equal_expressions),
    ("selects", selects),
    ("integer constants", integers),
    ("float constants", floats),
    ("vector constants", vectors),
    ("vector arithmetic", vector_arithmetic),
    ("vector shifts", vector_shifts),
    ("divisions", divisions),
    ("conversions", conversions),
    ("loads and stores", accesses),
    ("globals and loads", globals),
    ("copies of memory", copies),
    ("tables' elements", elements),
];

const PRODUCTS: &[(&str, Make)] = &[
    ("nested loops, each with all locals", nested_loops),
    ("loops in a row, each with all locals", loops_in_a_row),
    ("many branches back to a loop with many locals", branches_back),
    ("many branches out of a block, then all locals", branches_out),
    ("values that live long", long_lives),
    ("scattered values that live long", scattered_lives),
    ("many locals, each in a block of its own", locals_in_blocks),
];

pub(crate) fn families() -> impl Iterator<Item = Family> {
    let linear = LINEAR.iter().map(|&(name, make)| Family { name, growth: Growth::Linear, make });
    linear.chain(PRODUCTS.iter().map(|&(name, make)| Family { name, growth: Growth::Product, make }))
}
