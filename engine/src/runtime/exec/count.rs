//! Counts of dispatched ops, for tuning the interpreter.
//!
//! Cells are linked with op numbers instead of handlers' addresses; a loop counts them and looks up the handlers of
//! [`Loop`].

use super::regs::{Handler, Loop, Regs, enter_handler};
use super::{LOOP, pairs};
use crate::ops::{OPS, Op};
use std::collections::HashMap;

/// How often each op, and each pair of consecutive ops, was dispatched.
#[derive(Default)]
pub(crate) struct Counts {
    ops: HashMap<u16, u64>,
    pairs: HashMap<(u16, u16), u64>,
    last: Option<u16>,
    /// What [`Dispatch::Tail`](super::Dispatch::Tail) would have executed: a cell's handler, or that of a pair.
    tail: HashMap<(u16, Option<u16>), u64>,
    /// A cell that may be the first of a pair.
    open: Option<u16>,
}

/// What [`Dispatch::Count`](super::Dispatch::Count) has counted: ops by name and form, the most frequent first.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DispatchCounts {
    /// Single ops.
    pub ops: Vec<(String, u64)>,
    /// Ops and their successors.
    pub pairs: Vec<(String, u64)>,
    /// The handlers that [`Dispatch::Tail`](super::Dispatch::Tail) would have executed, named as by
    /// [`tail_handlers`](crate::tail_handlers).
    pub tail: Vec<(String, u64)>,
}

/// What a linked cell holds for `op`. No address is as small.
pub(super) fn word(op: Op) -> u64 {
    op.0 as u64 + 1
}

impl Counts {
    fn note(&mut self, op: u16) {
        *self.ops.entry(op).or_default() += 1;
        if let Some(last) = self.last.replace(op) {
            *self.pairs.entry((last, op)).or_default() += 1;
        }
        // What is first in a pair goes on with the cell behind it, or traps: this is that cell.
        self.open = match self.open {
            Some(first) if pairs::fused(Op(first), Op(op)).is_some() => {
                *self.tail.entry((first, Some(op))).or_default() += 1;
                None
            }
            open => {
                self.note_single(open);
                Some(op)
            }
        };
    }

    fn note_single(&mut self, op: Option<u16>) {
        if let Some(op) = op {
            *self.tail.entry((op, None)).or_default() += 1;
        }
    }

    /// Notes that nothing follows the last cell. If that could have been a pair's first, it has trapped, in which
    /// handler is open.
    fn note_end(&mut self) {
        let last = self.open.take();
        self.note_single(last.filter(|op| !pairs::begins(Op(*op))));
        self.last = None;
    }

    pub(crate) fn sorted(&self) -> DispatchCounts {
        let mut ops: Vec<_> = self.ops.iter().map(|(&op, &n)| (Op(op).to_string(), n)).collect();
        let mut pairs: Vec<_> =
            self.pairs.iter().map(|(&(a, b), &n)| (format!("{} {}", Op(a), Op(b)), n)).collect();
        let mut tail: Vec<_> = self.tail.iter().map(|(&(a, b), &n)| (tail_name(a, b), n)).collect();
        for list in [&mut ops, &mut pairs, &mut tail] {
            list.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        }
        DispatchCounts { ops, pairs, tail }
    }
}

fn tail_name(op: u16, next: Option<u16>) -> String {
    match next {
        Some(next) => format!("{} {}", Op(op), Op(next)),
        #[cfg(target_arch = "x86_64")]
        None if super::sse42::handler(Op(op)).is_some() => format!("{}(sse4.2)", Op(op)),
        None => Op(op).to_string(),
    }
}

/// Dispatches from `r` until a handler stops.
///
/// # Safety
/// As for [`Backend::run`](super::regs::Backend::run), with cells linked for counting. `counts` is live, and no
/// reference to it is held: nested executions count there too.
pub(crate) unsafe fn run(mut r: Regs, counts: *mut Counts) {
    // SAFETY: the caller keeps the contract; what isn't an op's number is a handler of [`Loop`].
    unsafe {
        (*counts).note_end();
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
        (*counts).note_end();
    }
}
