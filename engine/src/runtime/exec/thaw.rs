//! From where a call stands, in WebAssembly's terms, to an execution that goes on there.
//!
//! Frames are laid out from the outermost, as deoptimisation exits leave them: every local and operand in its slot.

use super::entry::idle;
use super::regs::{Regs, Stub};
use super::sample::{Position, Standing};
use super::slow::{RECORD, execution, need_stack, write_record};
use super::suspend::{How, Suspension};
use crate::memory::Budget;
use crate::module::trap::Trap;
use crate::ops::cells::Prologue;
use crate::ops::frame::HEADER;
use crate::runtime::error::Error;
use crate::runtime::loaded::ModuleShared;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::translate::Wanted;

/// Frames that are laid out on the stack of the store's execution.
pub(crate) struct Thaw {
    store: *mut StoreInner,
    /// Where the arguments of the next callee are.
    args: *mut u64,
    /// Where that returns to: a cell, a frame, and the context of the calling instance, which is null for the host.
    ip: *const u64,
    sp: *mut u64,
    vm: *mut VmCtx,
}

/// A frame that was laid out last. Its slots are the caller's to write.
pub(crate) struct ThawedFrame {
    pub(crate) sp: *mut u64,
    vm: *mut VmCtx,
    index: u32,
}

fn misplaced() -> Error {
    Error::msg("the snapshot has a frame at an instruction where no call can be")
}

/// The word where the cell of the call at `offset` ends.
pub(crate) fn call_end(
    shared: &ModuleShared,
    index: u32,
    offset: u64,
    budget: &Budget,
) -> Result<usize, Error> {
    let translated = shared.translate(index, Wanted::Operands(offset), budget)?;
    Ok(translated.cell.ok_or_else(misplaced)?.end)
}

/// For the loop at `offset`, or the arm behind the instruction there: its first word, and what it costs.
pub(crate) fn charge_at(
    shared: &ModuleShared,
    index: u32,
    offset: u64,
    budget: &Budget,
) -> Result<(usize, u32), Error> {
    let translated = shared.translate(index, Wanted::Charges, budget)?;
    let found = translated.charge(|found| found.offset == offset).ok_or_else(misplaced)?;
    Ok((found.word, found.cost))
}

/// # Safety
/// For all methods: contexts and functions are of the store, which is used in no other way meanwhile; indices are of functions
/// that modules define; and each frame is told where it is before the next begins.
impl Thaw {
    /// The store has an execution, in which nothing has begun.
    pub(crate) unsafe fn new(store: *mut StoreInner) -> Self {
        // SAFETY: the caller's contract.
        let (args, ip) = unsafe {
            let exit = (*store).engine.dispatch().stub(Stub::Exit);
            (execution(&mut *store).top, exit)
        };
        Self { store, args, ip, sp: args, vm: core::ptr::null_mut() }
    }

    unsafe fn shared<'a>(&self, vm: *mut VmCtx) -> &'a ModuleShared {
        // SAFETY: the caller's contract: instances, and their modules, live as long as the store.
        unsafe { (*(*vm).instance).module.shared() }
    }

    unsafe fn cells(&self, vm: *mut VmCtx, index: u32) -> Result<*const u64, Error> {
        // SAFETY: the caller's contract.
        unsafe { self.shared(vm).cells(index, &Standing(&*self.store)) }
    }

    unsafe fn claim(&self, end: *mut u64) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe { Ok(need_stack(&mut *self.store, end)?) }
    }

    /// The next frame's place, with its header, which begins at slot `header`. For a callee in another instance there is a record
    /// below it.
    unsafe fn place(&self, vm: *mut VmCtx, header: u32) -> Result<*mut u64, Error> {
        let header = header as usize;
        // SAFETY: what is written has been claimed.
        unsafe {
            let crosses = !self.vm.is_null() && self.vm != vm;
            let sp = if crosses { self.args.add(header + RECORD) } else { self.args };
            self.claim(sp.wrapping_add(header + HEADER as usize))?;
            let mut back = (self.ip, self.sp);
            if crosses {
                let record = self.args.add(header);
                write_record(record, self.vm, back, self.args, header);
                back = ((*self.store).engine.dispatch().stub(Stub::CrossReturn), record);
            }
            *sp.add(header) = back.0 as u64;
            *sp.add(header + 1) = back.1 as u64;
            Ok(sp)
        }
    }

    /// Begins the frame of a function, which is called where the frame before is.
    pub(crate) unsafe fn enter(&mut self, vm: *mut VmCtx, index: u32) -> Result<ThawedFrame, Error> {
        // SAFETY: the frame is claimed before it is written.
        unsafe {
            let header = self.shared(vm).header(index);
            // Cells are only looked at: whoever says where the frame is gets them again.
            let frame = (*Prologue::at(self.cells(vm, index)?)).frame as usize;
            let crosses = !self.vm.is_null() && self.vm != vm;
            let sp = if crosses { self.args.wrapping_add(header as usize + RECORD) } else { self.args };
            self.claim(sp.wrapping_byte_add(frame))?;
            core::ptr::write_bytes(sp.cast::<u8>(), 0, frame);
            let sp = self.place(vm, header)?;
            Ok(ThawedFrame { sp, vm, index })
        }
    }

    /// The frame is in the call at `offset`, whose arguments begin at slot `args`.
    pub(crate) unsafe fn calls(&mut self, frame: &ThawedFrame, offset: u64, args: u32) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let shared = self.shared(frame.vm);
            let end = call_end(shared, frame.index, offset, &(*self.store).budget)?;
            self.calls_before(frame, end, args)
        }
    }

    /// The frame is in the call whose cell ends at the word `end`, and whose arguments begin at slot `args`.
    pub(crate) unsafe fn calls_before(
        &mut self,
        frame: &ThawedFrame,
        end: usize,
        args: u32,
    ) -> Result<(), Error> {
        let ThawedFrame { sp, vm, index } = *frame;
        // SAFETY: the slot is one of the frame's.
        unsafe {
            let cells = self.cells(vm, index)?;
            (self.args, self.ip, self.sp, self.vm) = (sp.add(args as usize), cells.add(end), sp, vm);
            execution(&mut *self.store).at = self.back();
            Ok(())
        }
    }

    fn back(&self) -> Position {
        Position { ip: self.ip, sp: self.sp, vm: self.vm, returned: true }
    }

    unsafe fn suspend(&mut self, regs: Regs, how: How, at: Position) {
        // SAFETY: the caller's contract.
        unsafe {
            let execution = execution(&mut *self.store);
            execution.at = at;
            execution.suspension = Some(Suspension::new(regs, how));
        }
    }

    /// The frame is before the instruction at `offset`, and all operands are in their slots.
    pub(crate) unsafe fn before(&mut self, frame: &ThawedFrame, offset: u64) -> Result<(), Error> {
        let ThawedFrame { sp, vm, index } = *frame;
        // SAFETY: the caller's contract.
        unsafe {
            let cells = self.cells(vm, index)?;
            let wanted = Wanted::Operands(offset);
            let translated = self.shared(vm).translate(index, wanted, &(*self.store).budget)?;
            let regs = Regs::at(&translated.cell.ok_or_else(misplaced)?, cells, sp, vm);
            self.suspend(regs, How::Handler(0), regs.position());
            Ok(())
        }
    }

    /// The frame owes for the loop at `offset`, or the arm behind the instruction there. All operands are in their slots.
    pub(crate) unsafe fn owes(&mut self, frame: &ThawedFrame, offset: u64) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let shared = self.shared(frame.vm);
            let (word, cost) = charge_at(shared, frame.index, offset, &(*self.store).budget)?;
            self.owes_before(frame, word, cost)
        }
    }

    /// The frame owes so much for what begins at a word of its function's code.
    pub(crate) unsafe fn owes_before(
        &mut self,
        frame: &ThawedFrame,
        word: usize,
        cost: u32,
    ) -> Result<(), Error> {
        let ThawedFrame { sp, vm, index } = *frame;
        // SAFETY: the caller's contract.
        unsafe {
            let cost = if (*self.store).engine.consumes_fuel() { cost } else { 0 };
            let regs = Regs { ip: self.cells(vm, index)?.add(word), sp, vm, ..idle() };
            self.suspend(regs, How::Owes(cost), regs.position());
            Ok(())
        }
    }

    /// Where the arguments of a function are to be written that is called next. One that the host calls hasn't begun: that is
    /// no execution yet.
    pub(crate) unsafe fn call(&mut self, func: *mut FuncObj) -> Result<*mut u64, Error> {
        let back = self.back();
        // SAFETY: arguments and header are claimed.
        unsafe {
            let header = (*func).header as usize;
            if (*func).vm.is_null() {
                self.claim(self.args.wrapping_add(header + HEADER as usize))?;
                let (ip, sp, vm) = (self.ip, self.sp, self.vm);
                let args = self.args;
                self.suspend(Regs { ip, sp, vm, ..idle() }, How::Call { f: func, args }, back);
                return Ok(args);
            }
            let vm = (*func).vm;
            let sp = self.place(vm, (*func).header)?;
            let (ip, around) = (*sp.add(header) as *const u64, *sp.add(header + 1) as *mut u64);
            let at = Position { ip, sp: around, vm, returned: true };
            self.suspend(Regs { ip, sp, vm, ..idle() }, How::Enter((*func).index), at);
            Ok(sp)
        }
    }

    /// The innermost frame awaits results of a host function.
    pub(crate) unsafe fn awaits(&mut self, of: *mut FuncObj) -> Result<(), Error> {
        if self.vm.is_null() {
            return Err(Trap::StackOverflow.into());
        }
        // SAFETY: the slots of the results are in the frame.
        unsafe { self.claim(self.args.wrapping_add((*of).header as usize + HEADER as usize))? };
        let (ip, sp, vm, to) = (self.ip, self.sp, self.vm, self.args);
        let back = self.back();
        // SAFETY: the caller's contract.
        unsafe { self.suspend(Regs { ip, sp, vm, ..idle() }, How::Results { of, to }, back) };
        Ok(())
    }
}
