//! The handlers of [`Tail`] and their addresses, for checking the machine code that the compiler made of them.

use super::regs::{Handler, Tail};
use super::{TAIL, call, native, pairs, slow};
use crate::ops::{AtomicOp, BulkOp, Op, SpecialOp};
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;

/// What is expected of a handler's machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandlerKind {
    /// Does a cell's work and jumps to the next cell's handler.
    Single,
    /// Does the work of two or three cells.
    Several,
    /// On the cold path, or the handler of an op that is rare or takes long: it may call, though no handler.
    Cold,
}

/// A handler of [`Dispatch::Tail`](super::Dispatch::Tail).
#[derive(Clone, Debug)]
pub struct TailHandler {
    /// The op and its form, as in [`DispatchCounts`](super::DispatchCounts); or the function's name.
    pub name: String,
    /// Where its code begins.
    pub address: usize,
    /// What is expected of it.
    pub kind: HandlerKind,
}

/// Ops whose handlers are cold: besides [`BulkOp`], and [`AtomicOp`], for which a compiler calls where it can't tell which
/// atomic instructions the processor has, those that only stop or start something.
const COLD: [SpecialOp; 8] = [
    SpecialOp::Breakpoint,
    SpecialOp::Unreachable,
    SpecialOp::Throw,
    SpecialOp::ThrowRef,
    SpecialOp::Exit,
    SpecialOp::CrossReturn,
    SpecialOp::Native,
    SpecialOp::Dropped,
];

/// Every handler that [`Dispatch::Tail`](super::Dispatch::Tail) can reach.
pub fn tail_handlers() -> Vec<TailHandler> {
    use HandlerKind::*;
    let listed = |name: String, kind, h: Handler<Tail>| TailHandler { name, address: h as usize, kind };
    let cold: [(&str, Handler<Tail>); 18] = [
        ("enter_continuation", native::enter_continuation::<Tail>),
        ("enter_island", native::enter_island::<Tail>),
        ("trap_in_acc", slow::trap_in_acc::<Tail>),
        ("trap_in_len", slow::trap_in_len::<Tail>),
        ("out_of_bounds", slow::out_of_bounds::<Tail>),
        ("refill", slow::refill::<Tail>),
        ("refill_back", slow::refill_back::<Tail, 0>),
        ("refill_back", slow::refill_back::<Tail, 1>),
        ("enter_call", slow::enter_call::<Tail>),
        ("enter_func", slow::enter_func::<Tail, 2>),
        ("enter_func", slow::enter_func::<Tail, 3>),
        ("prepare_call", slow::prepare_call::<Tail>),
        ("prepare_func", slow::prepare_func::<Tail>),
        ("call_out", slow::call_out::<Tail, 2>),
        ("call_out", slow::call_out::<Tail, 3>),
        ("return_call_out", slow::return_call_out::<Tail>),
        ("call_subtype", call::call_subtype::<Tail>),
        ("return_call_subtype", call::return_call_subtype::<Tail>),
    ];
    let singles = TAIL.iter().zip(0..).map(|(&h, n)| {
        let is_atomic = (AtomicOp::BASE..AtomicOp::BASE + AtomicOp::COUNT as u16).contains(&n);
        let is_bulk = BulkOp::ALL.map(BulkOp::op).contains(&Op(n));
        let is_cold = is_atomic || is_bulk || COLD.map(SpecialOp::op).contains(&Op(n));
        let kind = if is_cold { Cold } else { Single };
        listed(Op(n).to_string(), kind, h)
    });
    singles
        .chain(better().map(|(op, h)| listed(format!("{op}(sse4.2)"), Single, h)))
        .chain([listed("zero_locals".into(), Single, call::zero_locals::<Tail>)])
        .chain(pairs::all().map(|(a, b, c, h)| listed(several(a, b, c), Several, h)))
        .chain(cold.map(|(name, h)| listed(name.into(), Cold, h)))
        .collect()
}

fn several(a: Op, b: Op, c: Option<Op>) -> String {
    match c {
        Some(c) => format!("{a} {b} {c}"),
        None => format!("{a} {b}"),
    }
}

/// Handlers that need more than the baseline instruction set of the architecture.
fn better() -> impl Iterator<Item = (Op, Handler<Tail>)> {
    #[cfg(target_arch = "x86_64")]
    return crate::runtime::exec::sse42::all();
    #[cfg(not(target_arch = "x86_64"))]
    return core::iter::empty();
}
