//! Stack walking over interpreter frames: for backtraces, for profiles, and to find code that is in use.

use super::Dispatch;
use super::native::instance_of;
use super::regs::Stub;
use super::sample::Position;
use crate::Module;
use crate::memory::Shared;
use crate::runtime::backtrace::FrameValues;
use crate::runtime::error::Error;
use crate::runtime::vmctx::VmCtx;
use core::ops::ControlFlow;

/// A frame of an interpreted function.
pub(crate) struct Frame<'a> {
    pub(crate) module: &'a Module,
    /// The function's index, imports counted.
    pub(crate) func: u32,
    /// The word of its cell in the function's code. A return address stands for its call's last word.
    pub(crate) word: usize,
    /// The same as an address.
    pub(super) ip: *const u64,
    pub(crate) sp: *mut u64,
    pub(crate) vm: *mut VmCtx,
    /// Whether that cell is of a call that is under way.
    pub(crate) calls: bool,
}

/// Gives what is to be kept of a frame for a core dump.
pub(super) type ValuesOf<'v> = &'v mut dyn FnMut(&Frame<'_>) -> Option<Shared<FrameValues>>;

/// Called for each frame.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(&Frame<'_>) -> ControlFlow<()>;

impl super::Execution {
    /// Visits the frames of a suspended execution, innermost first, until the visitor breaks off.
    pub(crate) fn visit_frames(&self, dispatch: Dispatch, visit: Visit<'_>) {
        if self.suspension.is_some() {
            // SAFETY: a suspended execution's frames are as its position says until it is resumed.
            let _ = unsafe { frames(self.at, dispatch, false, visit) };
        }
    }
}

/// Adds the wasm frames of the execution that stopped at `at` to `e`'s backtrace, innermost first. If it `leaves`, the
/// innermost function is being replaced by a tail call and is left out. `values` gives what is to be kept of a frame for a core
/// dump.
///
/// # Safety
/// As for [`frames`].
pub(crate) unsafe fn with_backtrace(
    mut e: Error,
    at: Position,
    mut leaves: bool,
    dispatch: Dispatch,
    mut values: Option<ValuesOf<'_>>,
) -> Error {
    let Some(backtrace) = e.backtrace_mut() else { return e };
    let mut following = 0usize;
    if values.is_some() {
        // Of a deep stack, most frames' values aren't asked for.
        // SAFETY: the caller keeps the contract.
        let _ = unsafe {
            frames(at, dispatch, false, &mut |_| {
                following += 1;
                ControlFlow::Continue(())
            })
        };
    }
    // SAFETY: the caller keeps the contract.
    let _ = unsafe {
        frames(at, dispatch, false, &mut |frame| {
            following = following.saturating_sub(1);
            if !core::mem::take(&mut leaves) {
                let values = values.as_mut().filter(|_| backtrace.keeps_next(following));
                let values = values.and_then(|values| values(frame));
                // SAFETY: a frame's context is live.
                let instance = instance_of(frame.vm);
                backtrace.push((instance, frame.module, frame.func), frame.word, values);
            }
            ControlFlow::Continue(())
        })
    };
    e
}

/// Visits the wasm frames of the execution whose position is `at`, innermost first, until the visitor breaks off. With
/// `mark`, their code is marked as in use.
///
/// # Safety
/// `at` is the position of a store's execution, and its frames haven't changed since.
pub(super) unsafe fn frames(
    at: Position,
    dispatch: Dispatch,
    mark: bool,
    visit: Visit<'_>,
) -> ControlFlow<()> {
    // SAFETY: the caller keeps the contract.
    unsafe { outwards(at, dispatch, mark, visit) }.map_continue(|_| ())
}

/// The place of the outermost return address: the two words, in the header of the outermost frame or in the record
/// below it, that hold the instruction pointer and the frame to return to. `None` if there is no frame.
///
/// # Safety
/// As for [`frames`].
pub(super) unsafe fn way_back(at: Position, dispatch: Dispatch) -> Option<*mut u64> {
    // SAFETY: the caller keeps the contract.
    match unsafe { outwards(at, dispatch, false, &mut |_| ControlFlow::Continue(())) } {
        ControlFlow::Continue(way_back) => way_back,
        ControlFlow::Break(()) => None,
    }
}

/// Visits frames, and gives what [`way_back`] does.
///
/// # Safety
/// As for [`frames`].
unsafe fn outwards(
    at: Position,
    dispatch: Dispatch,
    mark: bool,
    visit: Visit<'_>,
) -> ControlFlow<(), Option<*mut u64>> {
    let (exit, cross) = (dispatch.stub(Stub::Exit), dispatch.stub(Stub::CrossReturn));
    // The innermost frame's instruction pointer is at its current cell; those of its callers are behind their calls.
    let Position { mut ip, mut sp, mut vm, mut returned } = at;
    let mut way_back = None;
    // An execution without frames has no position.
    if vm.is_null() {
        return ControlFlow::Continue(way_back);
    }
    loop {
        // SAFETY: `ip` lies in a function of `vm`'s module, and that function's frame, with a header, begins at `sp`. A
        // record lies below a frame that was entered from another instance.
        unsafe {
            if ip == exit {
                break;
            }
            if ip == cross {
                let record = sp;
                way_back = Some(record.add(1));
                (vm, ip, sp) =
                    (*record as *mut VmCtx, *record.add(1) as *const u64, *record.add(2) as *mut u64);
                if ip == exit {
                    break;
                }
            }
            let module = &(*(*vm).instance).module;
            let shared = module.shared();
            let Some((index, word)) = shared.code.find(ip, mark) else {
                if cfg!(any(test, debug_assertions)) {
                    panic!("code was dropped that a frame is in");
                }
                break;
            };
            // A return address is behind its call.
            let behind = usize::from(returned);
            let func = shared.data.imported_funcs + index;
            let (word, ip_of_cell) = (word - behind, ip.sub(behind));
            visit(&Frame { module, func, word, ip: ip_of_cell, sp, vm, calls: returned })?;
            let header = sp.add(shared.header(index) as usize);
            way_back = Some(header);
            (ip, sp) = (*header as *const u64, *header.add(1) as *mut u64);
            returned = true;
        }
    }
    ControlFlow::Continue(way_back)
}
