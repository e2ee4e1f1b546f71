//! The state of a suspended execution in WebAssembly's terms, for snapshots: frames by function and instruction offset.

use super::regs::{Regs, Stub};
use super::sample::Position;
use super::suspend::How;
use super::{Dispatch, Execution, walk};
use crate::memory::{Budget, Buf, Kind};
use crate::ops::cells::{CELL, field};
use crate::ops::{BulkOp, Class, Field, Op, SpecialOp as S, layout};
use crate::runtime::error::Error;
use crate::runtime::loaded::ModuleShared;
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::translate::{Charged, Wanted};
use core::ops::ControlFlow;

/// A suspended execution.
pub(crate) struct Frozen {
    /// From the innermost. All but the innermost are in a call, and that one too unless it is [`Innermost::Before`] or
    /// [`Innermost::Owes`].
    pub(crate) frames: Buf<FrozenFrame>,
    pub(crate) innermost: Innermost,
    /// The accumulators, for operands that only they hold.
    accumulators: Regs,
}

/// A frame, and the instruction that it is at.
#[derive(Clone, Copy)]
pub(crate) struct FrozenFrame {
    pub(crate) vm: *mut VmCtx,
    pub(crate) sp: *mut u64,
    /// The function's index, imports counted.
    pub(crate) func: u32,
    /// The offset of the instruction in the module.
    pub(crate) offset: u64,
}

/// What goes on first.
#[derive(Clone, Copy)]
pub(crate) enum Innermost {
    /// The instruction of the innermost frame, which is done in pieces, or throws.
    Before,
    /// What fuel is charged for at the instruction: a loop that it begins, or the arm behind it.
    Owes,
    /// A function with these arguments.
    Calls(Callee, *const u64),
    /// Results of this host function.
    Awaits(*mut FuncObj),
}

/// A function that is about to be called.
#[derive(Clone, Copy)]
pub(crate) enum Callee {
    Object(*mut FuncObj),
    /// By its index among those that the module of this context defines.
    Defined(*mut VmCtx, u32),
}

/// A place in code.
struct Place<'a> {
    shared: &'a ModuleShared,
    index: u32,
    word: usize,
    ip: *const u64,
    sp: *mut u64,
    vm: *mut VmCtx,
}

fn unknown() -> Error {
    Error::msg("the call stopped at an instruction that snapshots don't know")
}

impl Execution {
    /// Where it stands.
    ///
    /// # Errors
    /// If it can't go on elsewhere, or there is no memory to find out.
    pub(crate) fn freeze(&self, dispatch: Dispatch, budget: &Budget) -> Result<Frozen, Error> {
        let suspension = self.suspension.as_ref().ok_or_else(unknown)?;
        let (regs, how, pending) = suspension.parts();
        if self.waits_at != 0 {
            return Err(Error::msg("an asynchronous call can't be part of a snapshot"));
        }
        let returns = |(ip, sp): (*const u64, *mut u64)| Position { ip, sp, vm: regs.vm, returned: true };
        // SAFETY: a suspended execution's frames are as its position says until it is resumed, and its registers satisfy
        // the handlers' contract.
        unsafe {
            let mut owed = None;
            let (innermost, at) = match how {
                How::Ends(_) => {
                    return Err(Error::msg("a call that has trapped can't be part of a snapshot"));
                }
                How::Results { of, .. } => (Innermost::Awaits(of), returns((regs.ip, regs.sp))),
                How::Call { f, args } => {
                    (Innermost::Calls(Callee::Object(f), args), returns((regs.ip, regs.sp)))
                }
                How::Enter(index) => {
                    let module = (*(*regs.vm).instance).module.shared();
                    let back = header_at(regs.sp.add(module.header(index) as usize));
                    (Innermost::Calls(Callee::Defined(regs.vm, index), regs.sp), returns(back))
                }
                How::Owes(cost) => {
                    let place = Place::of(&regs)?;
                    let charged = place
                        .charge(budget, |charged| charged.word == place.word && charged.is_owed(cost))?;
                    owed = Some(charged.offset);
                    (Innermost::Owes, regs.position())
                }
                How::Handler(_) => Place::of(&regs)?.retried(pending, budget, &mut owed)?,
            };
            let frames = frames_from(at, owed, dispatch, budget)?;
            Ok(Frozen { frames, innermost, accumulators: regs })
        }
    }
}

impl Charged {
    /// Whether so much is owed for it; nothing is, where fuel isn't counted.
    fn is_owed(&self, cost: u32) -> bool {
        cost == 0 || self.cost == cost
    }
}

impl Frozen {
    /// What the accumulator of a class holds where it stands, in the format of slots.
    pub(crate) fn accumulator(&self, class: Class) -> [u64; 2] {
        self.accumulators.accumulator(class)
    }
}

/// # Safety
/// A frame's header is there.
unsafe fn header_at(header: *const u64) -> (*const u64, *mut u64) {
    // SAFETY: the caller's contract.
    unsafe { (*header as *const u64, *header.add(1) as *mut u64) }
}

/// # Safety
/// As for [`walk::frames`].
unsafe fn frames_from(
    at: Position,
    mut owed: Option<u64>,
    dispatch: Dispatch,
    budget: &Budget,
) -> Result<Buf<FrozenFrame>, Error> {
    let mut frames = Buf::new(budget, Kind::Host);
    if at.ip == dispatch.stub(Stub::Exit) {
        return Ok(frames);
    }
    let mut failure = None;
    let visit: walk::Visit<'_> = &mut |frame| {
        let shared = frame.module.shared();
        let index = frame.func - shared.data.imported_funcs;
        let offset = owed.take().or_else(|| shared.offset_of(index, frame.word));
        let pushed = match offset {
            Some(offset) => frames
                .try_push(FrozenFrame { vm: frame.vm, sp: frame.sp, func: frame.func, offset })
                .map_err(Error::from),
            None => Err(crate::Trap::OutOfBudget.into()),
        };
        match pushed {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    // SAFETY: the caller's contract.
    let _ = unsafe { walk::frames(at, dispatch, false, visit) };
    match failure {
        None => Ok(frames),
        Some(error) => Err(error),
    }
}

impl<'a> Place<'a> {
    /// # Safety
    /// The registers satisfy the handlers' contract.
    unsafe fn of(regs: &Regs) -> Result<Self, Error> {
        let Regs { ip, sp, vm, .. } = *regs;
        // SAFETY: the caller's contract; an instance lives as long as its store.
        let shared = unsafe { (*(*vm).instance).module.shared() };
        let (index, word) = shared.code.find(ip, false).ok_or_else(unknown)?;
        Ok(Self { shared, index, word, ip, sp, vm })
    }

    /// What fuel is charged for in the function, and what is searched for.
    fn charge(&self, budget: &Budget, is_it: impl Fn(&Charged) -> bool) -> Result<Charged, Error> {
        let translated = self.shared.translate(self.index, Wanted::Charges, budget)?;
        translated.charge(is_it).ok_or_else(unknown)
    }

    /// For a cell that is to be retried: what goes on first, and from where on frames are in calls. If something is owed,
    /// `owed` becomes the instruction.
    ///
    /// # Safety
    /// The frame is there.
    unsafe fn retried(
        &self,
        pending: *mut FuncObj,
        budget: &Budget,
        owed: &mut Option<u64>,
    ) -> Result<(Innermost, Position), Error> {
        let here = Position { ip: self.ip, sp: self.sp, vm: self.vm, returned: false };
        // SAFETY: the caller's contract: the header, and the slots that the cell names, are in the frame.
        let slot = |n: u16| unsafe { self.sp.add(n.into()).cast_const() };
        // SAFETY: as for `slot`.
        let back = || unsafe {
            let (ip, sp) = header_at(self.sp.add(self.shared.header(self.index) as usize));
            Position { ip, sp, vm: self.vm, returned: true }
        };
        if self.shared.code.is_native(self.ip) {
            // It has been called, and couldn't be entered.
            let callee = Callee::Defined(self.vm, self.index);
            return Ok((Innermost::Calls(callee, self.sp), back()));
        }
        let translated = self.shared.translate(self.index, Wanted::Charges, budget)?;
        let (op, operands) = (Op(translated.words[self.word] as u16), translated.words[self.word + 1]);
        let charge = |is_it: &dyn Fn(&Charged) -> bool| {
            translated.charge(is_it).map(|charged| charged.offset).ok_or_else(unknown)
        };
        let args = slot(field(operands, 0));
        let is = |ops: &[S]| ops.iter().any(|special| special.op() == op);
        if is(&[S::Charge]) {
            *owed = Some(charge(&|charged| charged.word == self.word + CELL)?);
            return Ok((Innermost::Owes, here));
        }
        if layout(op).0[2] == Field::T {
            let header = self.word as i64 + i64::from((operands >> 32) as u32 as i32);
            *owed = Some(charge(&|charged| charged.is_loop && charged.word as i64 == header)?);
            return Ok((Innermost::Owes, here));
        }
        if is(&[S::Call]) {
            let callee = Callee::Defined(self.vm, (operands >> 32) as u32);
            return Ok((Innermost::Calls(callee, args), here));
        }
        if is(&[S::CallImport, S::CallIndirect, S::CallIndirectAcc, S::CallRef]) {
            return Ok((Innermost::Calls(Callee::Object(pending), args), here));
        }
        if is(&[S::ReturnCall]) {
            let callee = Callee::Defined(self.vm, translated.words[self.word + CELL] as u32);
            return Ok((Innermost::Calls(callee, args), back()));
        }
        if is(&[S::ReturnCallImport, S::ReturnCallIndirect, S::ReturnCallRef]) {
            return Ok((Innermost::Calls(Callee::Object(pending), args), back()));
        }
        let is_bulk = (BulkOp::BASE..BulkOp::BASE + (BulkOp::COUNT * BulkOp::STRIDE) as u16).contains(&op.0);
        if is_bulk || is(&[S::Throw, S::ThrowRef]) {
            return Ok((Innermost::Before, here));
        }
        Err(unknown())
    }
}
