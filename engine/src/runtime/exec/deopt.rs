//! Deoptimisation exits: compiled frames become interpreter frames, so that a suspended execution consists of
//! interpreter frames only.
//!
//! While `VmStore::leaving` is set, each compiled function, innermost first, writes its live locals and operands to
//! their slots, calls [`left`] with its place, and returns. Once all have returned, [`settle`] writes the frame headers
//! and records that the interpreter would have written.

use super::entry::idle;
use super::regs::{Regs, Stub};
use super::sample::Position;
use super::slow::{RECORD, execution};
use super::suspend::{How, Suspension};
use super::{Execution, Stop, sample};
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::tier::layout::{
    LEFT_AFTER, LEFT_AT, LEFT_AT_CHARGE, LEFT_AT_ENTRY, LEFT_KIND, LEFT_OFFSET,
};
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::translate::Wanted;

/// A part of the stack that has to be linked to the next outer one. Parts are noted innermost first.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The frame of a compiled function (or of an inlined one). `operand` is packed as [`LEFT_KIND`] and its siblings
    /// say.
    Frame { sp: *mut u64, place: u64 },
    /// A segment of interpreter frames that compiled code called: the header of the outermost frame, and the position
    /// of the innermost.
    Base { header: *mut u64, at: Position },
    /// The same for a call of `f` in another instance: a record lies below the outermost frame.
    Record { record: *mut u64, header: *mut u64, at: Position, f: *mut FuncObj },
    /// A function that compiled code called, and that wasn't entered.
    Entry { index: u32, sp: *mut u64, header: *mut u64 },
    /// A host function, called with these arguments.
    Host { f: *mut FuncObj, args: *mut u64 },
}

/// What returns to the frame that is linked next, and so has to learn its return address.
enum Callee {
    Nothing,
    Header(*mut u64),
    Record(*mut u64),
    /// A function that is about to be entered, by a segment that is nothing else: its header.
    Enters(*mut u64),
    /// A host function that an interpreted function tail-called. The suspension itself holds the return address.
    Replaced,
    Host {
        f: *mut FuncObj,
        args: *mut u64,
    },
    /// A function that is about to be entered.
    Entry {
        index: u32,
        sp: *mut u64,
        header: *mut u64,
    },
}

/// [`BUILTIN_LEFT`](crate::runtime::tier::layout::BUILTIN_LEFT).
pub(crate) unsafe extern "C" fn left(vm: *mut VmCtx, sp: *mut u64, place: u64) -> u32 {
    // SAFETY: compiled code calls this, and no reference into the store is held.
    unsafe { note(vm, Part::Frame { sp, place }) };
    0
}

/// Notes a part for [`settle`].
pub(super) unsafe fn note(vm: *mut VmCtx, part: Part) {
    // SAFETY: a context of a live store, and no reference to the store's parts is held.
    unsafe {
        let exec: *mut Execution = execution(&mut *(*(*vm).store).store);
        (*exec).lost |= (*exec).left.try_push(part).is_err();
    }
}

/// Decides whether an error makes compiled code deoptimise, rather than trap, and if so, starts that.
pub(super) unsafe fn begins(vm: *mut VmCtx, error: &Error) -> bool {
    // SAFETY: as for `note`.
    unsafe {
        let leaves = leaves((*(*vm).store).store, error);
        (*(*vm).store).leaving = u64::from(leaves);
        leaves
    }
}

/// Whether an error of what compiled code has called makes it deoptimise.
///
/// # Safety
/// As for `note`: the store is live.
pub(super) unsafe fn leaves(store: *mut StoreInner, error: &Error) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let exec: *mut Execution = execution(&mut *store);
        let may_leave = (*exec).resumable && (*store).engine.config().suspend_compiled;
        may_leave && (super::suspend::is_retried(error) || (*exec).suspension.is_some())
    }
}

/// Starts to deoptimise, if the engine's compiled code supports it.
pub(super) unsafe fn begin(vm: *mut VmCtx) -> bool {
    // SAFETY: as for `note`.
    unsafe {
        let leaves = (*(*(*vm).store).store).engine.config().suspend_compiled;
        (*(*vm).store).leaving = u64::from(leaves);
        leaves
    }
}

/// Links the noted parts, the outermost of which returns to `back`: a cell and a frame. `exec.stop` is set already.
pub(super) unsafe fn settle(vm: *mut VmCtx, back: (*const u64, *mut u64)) {
    // SAFETY: as for `note`.
    unsafe {
        (*(*vm).store).leaving = 0;
        let store = (*(*vm).store).store;
        let exec: *mut Execution = execution(&mut *store);
        let budget = &(*store).budget;
        let none = crate::memory::Buf::new(budget, crate::memory::Kind::Stack);
        let parts = core::mem::replace(&mut (*exec).left, none);
        let lost = core::mem::take(&mut (*exec).lost);
        let mut linked = Linked { vm, store, exec, callee: Callee::Nothing };
        let mut result = if lost { Err(crate::module::trap::Trap::OutOfBudget.into()) } else { Ok(()) };
        for part in parts.iter() {
            result = result.and_then(|()| linked.part(*part));
        }
        linked.link(back.0, back.1);
        if let Err(error) = result {
            (*exec).suspension = None;
            (*exec).stop = Stop::Error(error);
        }
    }
}

struct Linked {
    vm: *mut VmCtx,
    store: *mut StoreInner,
    exec: *mut Execution,
    callee: Callee,
}

impl Linked {
    unsafe fn suspend(&mut self, ip: *const u64, sp: *mut u64, how: How) {
        // SAFETY: the execution is the store's, and no reference to it is held.
        unsafe {
            let regs = Regs { ip, sp, vm: self.vm, ..idle() };
            (*self.exec).suspension = Some(Suspension::new(regs, how));
            (*self.exec).at = Position { ip, sp, vm: self.vm, returned: false };
        }
    }

    fn stub(&self, stub: Stub) -> *const u64 {
        // SAFETY: the store is live.
        unsafe { (*self.store).engine.dispatch() }.stub(stub)
    }

    /// What of a segment returns to compiled code: the header of its outermost frame, unless a suspended tail call has
    /// replaced that frame. Then it's that of the function that is to be entered, or nothing if that is the host's.
    unsafe fn dispatched(&self, header: *mut u64) -> Callee {
        let exit = self.stub(Stub::Exit);
        // SAFETY: as for `note`; no reference to the execution is held.
        unsafe {
            match &(*self.exec).suspension {
                Some(suspension) if suspension.goes_back_to(exit) => Callee::Replaced,
                Some(suspension) => {
                    suspension.enters_from(exit).map_or(Callee::Header(header), Callee::Enters)
                }
                None => Callee::Header(header),
            }
        }
    }

    unsafe fn part(&mut self, part: Part) -> Result<(), Error> {
        // SAFETY: the places are in the context's module, and the frames have been claimed: compiled code noted them.
        unsafe {
            let (sp, place) = match part {
                Part::Frame { sp, place } => (sp, place),
                Part::Base { header, at } => {
                    self.callee = self.dispatched(header);
                    (*self.exec).at = at;
                    return Ok(());
                }
                Part::Entry { index, sp, header } => {
                    self.callee = Callee::Entry { index, sp, header };
                    return Ok(());
                }
                Part::Record { record, header, at, f } if at.vm.is_null() => {
                    // The callee wasn't entered.
                    let cross = self.stub(Stub::CrossReturn);
                    *record = self.vm as u64;
                    *header = cross as u64;
                    *header.add(1) = record as u64;
                    let regs = Regs { ip: cross, sp: record.add(RECORD), vm: (*f).vm, ..idle() };
                    (*self.exec).suspension = Some(Suspension::new(regs, How::Enter((*f).index)));
                    (*self.exec).at = Position { ip: cross, sp: record, vm: (*f).vm, returned: true };
                    self.callee = Callee::Record(record);
                    return Ok(());
                }
                Part::Record { record, header, at, .. } => {
                    *record = self.vm as u64;
                    self.callee = self.dispatched(header);
                    (*self.exec).at = at;
                    // The position becomes another one, if nothing of the segment is left but what is called next.
                    self.link(self.stub(Stub::CrossReturn), record);
                    self.callee = Callee::Record(record);
                    return Ok(());
                }
                Part::Host { f, args } => {
                    self.callee = Callee::Host { f, args };
                    return Ok(());
                }
            };
            let module = &(*(*self.vm).instance).module;
            let shared = module.shared();
            let (index, offset) = (place as u32, (place & LEFT_OFFSET) >> 32);
            let header = sp.add(shared.header(index) as usize);
            let kind = place & LEFT_KIND;
            if kind == LEFT_AT_ENTRY {
                self.callee = Callee::Entry { index, sp, header };
                return Ok(());
            }
            let cells = shared.cells(index, &sample::Standing(&*self.store))?;
            let budget = &shared.data.budget;
            let gone = || Error::msg("a place in compiled code is in no function");
            if kind == LEFT_AT_CHARGE {
                let translated = shared.translate(index, Wanted::Charges, budget)?;
                let found = translated.charge(|found| found.offset == offset).ok_or_else(gone)?;
                let cost = if shared.engine.consumes_fuel() { found.cost } else { 0 };
                self.suspend(cells.add(found.word), sp, How::Owes(cost));
            } else {
                let translated = shared.translate(index, Wanted::Operands(offset), budget)?;
                let cell = translated.cell.ok_or_else(gone)?;
                if kind == LEFT_AT {
                    let regs = Regs::at(&cell, cells, sp, self.vm);
                    (*self.exec).suspension = Some(Suspension::new(regs, How::Handler(0)));
                    (*self.exec).at = regs.position();
                } else {
                    debug_assert_eq!(kind, LEFT_AFTER);
                    self.link(cells.add(cell.end), sp);
                }
            }
            self.callee = Callee::Header(header);
            Ok(())
        }
    }

    /// Has the inner frame return to `ip`, in the frame at `sp`.
    unsafe fn link(&mut self, ip: *const u64, sp: *mut u64) {
        // SAFETY: as for `part`: headers and records lie in frames that were claimed.
        unsafe {
            let at = Position { ip, sp, vm: self.vm, returned: true };
            match core::mem::replace(&mut self.callee, Callee::Nothing) {
                Callee::Nothing => {}
                Callee::Header(header) => {
                    *header = ip as u64;
                    *header.add(1) = sp as u64;
                }
                Callee::Record(record) => {
                    *record.add(1) = ip as u64;
                    *record.add(2) = sp as u64;
                }
                Callee::Enters(header) => {
                    *header = ip as u64;
                    *header.add(1) = sp as u64;
                    if let Some(suspension) = &mut (*self.exec).suspension {
                        suspension.enter_from(ip);
                    }
                    (*self.exec).at = at;
                }
                Callee::Replaced => {
                    if let Some(suspension) = &mut (*self.exec).suspension {
                        suspension.go_back_to(ip, sp);
                    }
                    (*self.exec).at = at;
                }
                Callee::Host { f, args } => {
                    let how = match &(*self.exec).stop {
                        Stop::Error(error) => How::after_host(f, args, error),
                        _ => How::Results { of: f, to: args },
                    };
                    self.suspend(ip, sp, how);
                    (*self.exec).at = at;
                }
                Callee::Entry { index, sp: own, header } => {
                    *header = ip as u64;
                    *header.add(1) = sp as u64;
                    self.suspend(ip, own, How::Enter(index));
                    (*self.exec).at = at;
                }
            }
        }
    }
}
