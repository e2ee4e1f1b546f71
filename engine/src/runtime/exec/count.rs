//! Counts of dispatched ops, for tuning the interpreter.
//!
//! Cells are linked with op numbers instead of handlers' addresses; a loop counts them and looks up the handlers of
//! [`Loop`].

use super::regs::{Handler, Loop, Regs, enter_handler};
use super::{loop_handler, pairs};
use crate::ops::{OPS, Op};
use crate::sys::HashMap;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;

/// How often each op, and each two and three consecutive ops, were dispatched.
#[derive(Default)]
pub(crate) struct Counts {
    ops: HashMap<u16, u64>,
    pairs: HashMap<(u16, u16), u64>,
    triples: HashMap<(u16, u16, u16), u64>,
    /// The last op, and the one before it.
    last: [Option<u16>; 2],
    /// What [`Dispatch::Tail`](super::Dispatch::Tail) would have executed: a cell's handler, or that of two or three.
    tail: HashMap<Executed, u64>,
    /// One or two cells whose handler may do the work of the next one, too.
    open: Option<(u16, Option<u16>)>,
}

/// The cells of a handler.
type Executed = (u16, Option<u16>, Option<u16>);

/// What [`Dispatch::Count`](super::Dispatch::Count) has counted: ops by name and form, the most frequent first.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DispatchCounts {
    /// Single ops.
    pub ops: Vec<(String, u64)>,
    /// Ops and their successors.
    pub pairs: Vec<(String, u64)>,
    /// Three ops in a row.
    pub triples: Vec<(String, u64)>,
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
        let [last, before] = self.last;
        if let Some(last) = last {
            *self.pairs.entry((last, op)).or_default() += 1;
            if let Some(before) = before {
                *self.triples.entry((before, last, op)).or_default() += 1;
            }
        }
        self.last = [Some(op), last];
        // What isn't the last cell of a handler goes on with the cell behind it, or traps: this is that cell.
        self.open = match self.open {
            None => Some((op, None)),
            Some((first, None)) => match pairs::reach(Op(first), Op(op), None) {
                None => Some((first, Some(op))),
                Some(2) => self.note_tail((first, Some(op), None)),
                Some(_) => {
                    self.note_tail((first, None, None));
                    Some((op, None))
                }
            },
            Some((first, Some(second))) => match pairs::reach(Op(first), Op(second), Some(Op(op))) {
                Some(3) => self.note_tail((first, Some(second), Some(op))),
                _ => {
                    self.note_tail((first, Some(second), None));
                    Some((op, None))
                }
            },
        };
    }

    /// Notes that a handler was executed. None is open then.
    fn note_tail(&mut self, executed: Executed) -> Option<(u16, Option<u16>)> {
        *self.tail.entry(executed).or_default() += 1;
        None
    }

    /// Notes that nothing follows the last cell. If its handler could have done the work of more cells, it has trapped, in
    /// which handler is open.
    fn note_end(&mut self) {
        if let Some((op, None)) = self.open.take()
            && !pairs::begins(Op(op))
        {
            self.note_tail((op, None, None));
        }
        self.last = [None; 2];
    }

    pub(crate) fn sorted(&self) -> DispatchCounts {
        let name = |op| Op(op).to_string();
        let mut ops: Vec<_> = self.ops.iter().map(|(&op, &n)| (name(op), n)).collect();
        let mut pairs: Vec<_> =
            self.pairs.iter().map(|(&(a, b), &n)| (format!("{} {}", name(a), name(b)), n)).collect();
        let three = |(a, b, c)| format!("{} {} {}", name(a), name(b), name(c));
        let mut triples: Vec<_> = self.triples.iter().map(|(&ops, &n)| (three(ops), n)).collect();
        let mut tail: Vec<_> = self.tail.iter().map(|(&executed, &n)| (tail_name(executed), n)).collect();
        for list in [&mut ops, &mut pairs, &mut triples, &mut tail] {
            list.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        }
        DispatchCounts { ops, pairs, triples, tail }
    }
}

fn tail_name((op, second, third): Executed) -> String {
    #[cfg(target_arch = "x86_64")]
    if second.is_none() && super::sse42::handler(Op(op)).is_some() {
        return format!("{}(sse4.2)", Op(op));
    }
    let names: Vec<_> =
        [Some(op), second, third].into_iter().flatten().map(|op| Op(op).to_string()).collect();
    names.join(" ")
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
                loop_handler(Op(to as u16 - 1))
            } else {
                core::mem::transmute::<usize, Handler<Loop>>(to as usize)
            };
            let out = enter_handler!(h, r);
            (to, r) = (out.to, out.regs);
        }
        (*counts).note_end();
    }
}
