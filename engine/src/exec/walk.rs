//! Walking the frames of a stopped execution.

use super::Dispatch;
use super::regs::{Backend, Loop, Regs, Stub, Tail};
use crate::code::CodeMap;
use crate::error::Error;
use crate::vmctx::VmCtx;

/// Adds the wasm frames of the execution that stopped with registers `at` to `e`'s backtrace, innermost first.
///
/// # Safety
/// `at` is where a store's execution stopped, and its frames are as it left them.
pub(crate) unsafe fn with_backtrace(mut e: Error, at: &Regs, dispatch: Dispatch) -> Error {
    let (exit, cross) = match dispatch {
        Dispatch::Tail => (Tail::stub(Stub::Exit), Tail::stub(Stub::CrossReturn)),
        Dispatch::Loop | Dispatch::Count => (Loop::stub(Stub::Exit), Loop::stub(Stub::CrossReturn)),
    };
    let backtrace = e.backtrace_mut();
    let (mut ip, mut sp, mut vm) = (at.ip, at.sp, at.vm);
    // Deep stacks are walked to their end, so each instance's code is looked over once only.
    let mut maps: Vec<(*mut VmCtx, CodeMap)> = Vec::new();
    // A frame's own cell is where it stopped; its callers' instruction pointers are behind their calls.
    let mut returned = false;
    loop {
        // SAFETY: `vm` runs code of its module, so `ip` lies in one of its functions, whose frame begins at `sp` and
        // has a header; a record lies before a frame that was entered across instances.
        unsafe {
            let module = &(*(*vm).instance).module;
            let shared = module.shared();
            let known = maps.iter().position(|(of, _)| *of == vm).unwrap_or_else(|| {
                maps.push((vm, shared.code.map()));
                maps.len() - 1
            });
            let Some((index, word)) = maps[known].1.find(ip) else { break };
            // A return address is behind its call.
            backtrace.push(module, shared.data.imported_funcs + index, word - returned as usize);
            let header = sp.add(shared.header(index) as usize);
            (ip, sp) = (*header as *const u64, *header.add(1) as *mut u64);
            if ip == exit {
                break;
            }
            if ip == cross {
                let record = sp;
                (vm, ip, sp) =
                    (*record as *mut VmCtx, *record.add(1) as *const u64, *record.add(2) as *mut u64);
                if ip == exit {
                    break;
                }
            }
            returned = true;
        }
    }
    e
}
