//! Compiled frames become the interpreter's, so that a suspended execution consists of those alone.
//!
//! Where compiled code is to be left, each of its functions, innermost first, writes its locals and operands to their slots, tells
//! that here, and returns. When all have, their frames are linked as the interpreter would have linked them.

use super::entry::idle;
use super::regs::{Regs, Stub};
use super::sample::Position;
use super::slow::{RECORD, execution};
use super::suspend::{How, Suspension};
use super::{Execution, Stop, sample};
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::tier::layout::{
    LEFT_AFTER, LEFT_AT, LEFT_AT_ENTRY, LEFT_AT_LOOP, LEFT_KIND, LEFT_OFFSET,
};
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::translate::Wanted;

/// What has to be linked, innermost first.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// A function of a compiled frame, as [`LEFT_KIND`] says.
    Frame { sp: *mut u64, place: u64 },
    /// The interpreter's frames that were dispatched from compiled code: the header of the outermost, and where they stand.
    Base { header: *mut u64, at: Position },
    /// The same, in another instance, with the record before the outermost frame; `f` was called.
    Record { record: *mut u64, header: *mut u64, at: Position, f: *mut FuncObj },
    /// A function that was to be dispatched, but wasn't entered.
    Entry { index: u32, sp: *mut u64, header: *mut u64 },
    /// A host function that was called with these arguments.
    Host { f: *mut FuncObj, args: *mut u64 },
}

/// What goes back to the frame that is linked next.
enum Inner {
    Nothing,
    Header(*mut u64),
    Record(*mut u64),
    /// A host function that was called in place of the outermost function, by the interpreter.
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
    // SAFETY: compiled code calls this, and nobody holds a reference into the store.
    unsafe { note(vm, Part::Frame { sp, place }) };
    0
}

/// Notes what has to be linked.
pub(super) unsafe fn note(vm: *mut VmCtx, part: Part) {
    // SAFETY: a context of a live store, to whose parts nobody holds a reference.
    unsafe {
        let exec: *mut Execution = execution(&mut *(*(*vm).store).store);
        (*exec).lost |= (*exec).left.try_push(part).is_err();
    }
}

/// Whether what stopped an execution is to leave compiled code, rather than to trap in it: then it is being left.
pub(super) unsafe fn begins(vm: *mut VmCtx, error: &Error) -> bool {
    // SAFETY: as above.
    unsafe {
        let store = (*(*vm).store).store;
        let exec: *mut Execution = execution(&mut *store);
        let leaves = (*exec).resumable && (*store).engine.config().suspend_compiled;
        let leaves = leaves && (super::suspend::is_retried(error) || (*exec).suspension.is_some());
        (*(*vm).store).leaving = u64::from(leaves);
        leaves
    }
}

/// Begins to leave compiled code, if that can be left.
pub(super) unsafe fn begin(vm: *mut VmCtx) -> bool {
    // SAFETY: as above.
    unsafe {
        let leaves = (*(*(*vm).store).store).engine.config().suspend_compiled;
        (*(*vm).store).leaving = u64::from(leaves);
        leaves
    }
}

/// Links the frames that were left, which go back to `back`: a cell and a frame. The execution has said why it stopped.
pub(super) unsafe fn settle(vm: *mut VmCtx, back: (*const u64, *mut u64)) {
    // SAFETY: as above.
    unsafe {
        (*(*vm).store).leaving = 0;
        let store = (*(*vm).store).store;
        let exec: *mut Execution = execution(&mut *store);
        let budget = &(*store).budget;
        let none = crate::memory::alloc::Buf::new(budget, crate::memory::budget::Kind::Stack);
        let parts = core::mem::replace(&mut (*exec).left, none);
        let lost = core::mem::take(&mut (*exec).lost);
        let mut linked = Linked { vm, store, exec, inner: Inner::Nothing };
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
    inner: Inner,
}

impl Linked {
    unsafe fn suspend(&mut self, ip: *const u64, sp: *mut u64, how: How) {
        // SAFETY: the execution is the store's, and nobody holds a reference to it.
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

    /// What of dispatched frames goes back: the outermost's header, unless what is suspended has replaced that.
    unsafe fn dispatched(&self, header: *mut u64) -> Inner {
        // SAFETY: as above; nobody holds a reference to the execution.
        let suspension = unsafe { &(*self.exec).suspension };
        let exit = self.stub(Stub::Exit);
        match suspension {
            Some(suspension) if suspension.goes_back_to(exit) => Inner::Replaced,
            _ => Inner::Header(header),
        }
    }

    unsafe fn part(&mut self, part: Part) -> Result<(), Error> {
        // SAFETY: compiled code has told places of its module, in frames that it has claimed.
        unsafe {
            let (sp, place) = match part {
                Part::Frame { sp, place } => (sp, place),
                Part::Base { header, at } => {
                    self.inner = self.dispatched(header);
                    (*self.exec).at = at;
                    return Ok(());
                }
                Part::Entry { index, sp, header } => {
                    self.inner = Inner::Entry { index, sp, header };
                    return Ok(());
                }
                Part::Record { record, header, at, f } if at.vm.is_null() => {
                    // It wasn't entered.
                    let cross = self.stub(Stub::CrossReturn);
                    *record = self.vm as u64;
                    *header = cross as u64;
                    *header.add(1) = record as u64;
                    let regs = Regs { ip: cross, sp: record.add(RECORD), vm: (*f).vm, ..idle() };
                    (*self.exec).suspension = Some(Suspension::new(regs, How::Enter((*f).index)));
                    (*self.exec).at = Position { ip: cross, sp: record, vm: (*f).vm, returned: true };
                    self.inner = Inner::Record(record);
                    return Ok(());
                }
                Part::Record { record, header, at, .. } => {
                    *record = self.vm as u64;
                    self.inner = self.dispatched(header);
                    self.link(self.stub(Stub::CrossReturn), record);
                    self.inner = Inner::Record(record);
                    (*self.exec).at = at;
                    return Ok(());
                }
                Part::Host { f, args } => {
                    self.inner = Inner::Host { f, args };
                    return Ok(());
                }
            };
            let module = &(*(*self.vm).instance).module;
            let shared = module.shared();
            let (index, offset) = (place as u32, (place & LEFT_OFFSET) >> 32);
            let header = sp.add(shared.header(index) as usize);
            let kind = place & LEFT_KIND;
            if kind == LEFT_AT_ENTRY {
                self.inner = Inner::Entry { index, sp, header };
                return Ok(());
            }
            if let Stop::Error(error) = &mut (*self.exec).stop
                && let Some(backtrace) = error.backtrace_mut()
            {
                backtrace.push_compiled(module, shared.data.imported_funcs + index, offset);
            }
            let cells = shared.cells(index, &sample::Standing(&*self.store))?;
            let budget = &shared.data.budget;
            let gone = || Error::msg("a place in compiled code is in no function");
            if kind == LEFT_AT_LOOP {
                let translated = shared.translate(index, Wanted::Loops, budget)?;
                let mut loops = translated.loops.iter().flat_map(|loops| loops.iter());
                let found = loops.find(|found| found.0 == offset).ok_or_else(gone)?;
                let cost = if shared.engine.consumes_fuel() { found.2 } else { 0 };
                self.suspend(cells.add(found.1), sp, How::Owes(cost));
            } else {
                let translated = shared.translate(index, Wanted::CellOf(offset), budget)?;
                let (start, end) = translated.cell.ok_or_else(gone)?;
                if kind == LEFT_AT {
                    self.suspend(cells.add(start), sp, How::Handler(0));
                } else {
                    debug_assert_eq!(kind, LEFT_AFTER);
                    self.link(cells.add(end), sp);
                }
            }
            self.inner = Inner::Header(header);
            Ok(())
        }
    }

    /// Has the inner frame go back to `ip`, in the frame at `sp`.
    unsafe fn link(&mut self, ip: *const u64, sp: *mut u64) {
        // SAFETY: as for `part`: headers and records lie in frames that were claimed.
        unsafe {
            let at = Position { ip, sp, vm: self.vm, returned: true };
            match core::mem::replace(&mut self.inner, Inner::Nothing) {
                Inner::Nothing => {}
                Inner::Header(header) => {
                    *header = ip as u64;
                    *header.add(1) = sp as u64;
                }
                Inner::Record(record) => {
                    *record.add(1) = ip as u64;
                    *record.add(2) = sp as u64;
                }
                Inner::Replaced => {
                    if let Some(suspension) = &mut (*self.exec).suspension {
                        suspension.go_back_to(ip, sp);
                    }
                    (*self.exec).at = at;
                }
                Inner::Host { f, args } => {
                    let retried = match &(*self.exec).stop {
                        Stop::Error(error) => super::suspend::is_retried(error),
                        _ => false,
                    };
                    let how = if retried { How::Call { f, args } } else { How::Results { of: f, to: args } };
                    self.suspend(ip, sp, how);
                    (*self.exec).at = at;
                }
                Inner::Entry { index, sp: own, header } => {
                    *header = ip as u64;
                    *header.add(1) = sp as u64;
                    self.suspend(ip, own, How::Enter(index));
                    (*self.exec).at = at;
                }
            }
        }
    }
}
