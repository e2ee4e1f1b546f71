//! Walking the frames of an execution: for backtraces when it stopped, for profiles while it goes on.

use super::Dispatch;
use super::regs::Stub;
use super::sample::Position;
use crate::Module;
use crate::runtime::error::Error;
use crate::runtime::vmctx::VmCtx;
use core::ops::ControlFlow;

/// Told of a frame: its module, function index and place in its code.
type Visit<'v> = &'v mut dyn FnMut(&Module, u32, usize) -> ControlFlow<()>;

/// Adds the wasm frames of the execution that stopped at `at` to `e`'s backtrace, innermost first; not that of a function
/// which `leaves`, replaced by a tail call.
///
/// # Safety
/// As for [`frames`].
pub(crate) unsafe fn with_backtrace(
    mut e: Error,
    at: Position,
    mut leaves: bool,
    dispatch: Dispatch,
) -> Error {
    let Some(backtrace) = e.backtrace_mut() else { return e };
    // SAFETY: the caller keeps the contract.
    let _ = unsafe {
        frames(at, dispatch, false, &mut |module, func, place| {
            if !core::mem::take(&mut leaves) {
                backtrace.push(module, func, place);
            }
            ControlFlow::Continue(())
        })
    };
    e
}

/// Visits the wasm frames of the execution that stands at `at`, innermost first, with their module, function index and
/// place in its code, until the visitor has seen enough. With `mark`, their code is marked as in use.
///
/// # Safety
/// `at` is where a store's execution stands, and its frames are as it left them.
pub(super) unsafe fn frames(
    at: Position,
    dispatch: Dispatch,
    mark: bool,
    visit: Visit<'_>,
) -> ControlFlow<()> {
    // SAFETY: the caller keeps the contract.
    unsafe { outwards(at, dispatch, mark, visit) }.map_continue(|_| ())
}

/// Where the outermost frame of the execution that stands at `at`, or the record before it, has what that goes back to: an
/// instruction pointer, and behind it a frame's address. `None` if the execution stands in no frame.
///
/// # Safety
/// As for [`frames`].
pub(super) unsafe fn way_back(at: Position, dispatch: Dispatch) -> Option<*mut u64> {
    if at.vm.is_null() {
        return None;
    }
    // SAFETY: the caller keeps the contract.
    match unsafe { outwards(at, dispatch, false, &mut |_, _, _| ControlFlow::Continue(())) } {
        ControlFlow::Continue(way_back) => way_back,
        ControlFlow::Break(()) => None,
    }
}

/// Visits frames, and gives the way back of the outermost.
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
    // A frame's own cell is where it stands; its callers' instruction pointers are behind their calls.
    let Position { mut ip, mut sp, mut vm, mut returned } = at;
    let mut way_back = None;
    loop {
        // SAFETY: `vm` runs code of its module, so `ip` lies in one of its functions, whose frame begins at `sp` and
        // has a header; a record lies before a frame that was entered across instances.
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
            let Some((index, word)) = shared.code.find(ip, mark) else { break };
            // A return address is behind its call.
            visit(module, shared.data.imported_funcs + index, word - returned as usize)?;
            let header = sp.add(shared.header(index) as usize);
            way_back = Some(header);
            (ip, sp) = (*header as *const u64, *header.add(1) as *mut u64);
            returned = true;
        }
    }
    ControlFlow::Continue(way_back)
}
