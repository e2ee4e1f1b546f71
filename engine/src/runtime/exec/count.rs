//! Counting what is dispatched, for whoever tunes the interpreter.
//!
//! Cells are linked with op numbers instead of handlers, and a loop looks up the handlers of [`Loop`].

use super::LOOP;
use super::regs::{Handler, Loop, Regs, enter_handler};
use crate::ops::{OPS, Op};
use std::collections::HashMap;

/// How often each op was dispatched, and each pair of ops one after the other.
#[derive(Default)]
pub(crate) struct Counts {
    ops: HashMap<u16, u64>,
    pairs: HashMap<(u16, u16), u64>,
    last: Option<u16>,
}

/// What [`Dispatch::Count`](super::Dispatch::Count) has counted: ops by name and form, the most frequent first.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DispatchCounts {
    /// Single ops.
    pub ops: Vec<(String, u64)>,
    /// Ops and their successors.
    pub pairs: Vec<(String, u64)>,
}

/// What stands in a linked cell for `op`: no address is as small.
pub(super) fn word(op: Op) -> u64 {
    op.0 as u64 + 1
}

impl Counts {
    fn note(&mut self, op: u16) {
        *self.ops.entry(op).or_default() += 1;
        if let Some(last) = self.last.replace(op) {
            *self.pairs.entry((last, op)).or_default() += 1;
        }
    }

    pub(crate) fn sorted(&self) -> DispatchCounts {
        let mut ops: Vec<_> = self.ops.iter().map(|(&op, &n)| (Op(op).to_string(), n)).collect();
        let mut pairs: Vec<_> =
            self.pairs.iter().map(|(&(a, b), &n)| (format!("{} {}", Op(a), Op(b)), n)).collect();
        for list in [&mut ops, &mut pairs] {
            list.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        }
        DispatchCounts { ops, pairs }
    }
}

/// Dispatches from `r` until a handler stops.
///
/// # Safety
/// As for [`Backend::run`](super::regs::Backend::run), with cells linked for counting. `counts` is live, and nobody
/// holds a reference to it: nested executions count there too.
pub(crate) unsafe fn run(mut r: Regs, counts: *mut Counts) {
    // SAFETY: the caller keeps the contract; what isn't an op's number is a handler of the loop's.
    unsafe {
        let mut to = *r.ip;
        while to != 0 {
            let h = if to <= OPS as u64 {
                (*counts).note(to as u16 - 1);
                LOOP[to as usize - 1]
            } else {
                core::mem::transmute::<usize, Handler<Loop>>(to as usize)
            };
            let out = enter_handler!(h, r);
            (to, r) = (out.to, out.regs);
        }
    }
}
