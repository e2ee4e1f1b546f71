//! In place of `pairs`, in builds without them: every handler does one cell's work.

use super::regs::{Handler, Tail};
use crate::ops::Op;

pub(super) fn fused(_: Op, _: Op, _: impl FnOnce() -> Option<Op>) -> Option<Handler<Tail>> {
    None
}

pub(super) fn reach(_: Op, _: Op, _: Option<Op>) -> Option<usize> {
    Some(1)
}

pub(super) fn begins(_: Op) -> bool {
    false
}

pub(super) fn all() -> impl Iterator<Item = (Op, Op, Option<Op>, Handler<Tail>)> {
    core::iter::empty()
}
