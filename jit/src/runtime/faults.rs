//! What faults mean. Faults of machine code are traps, faults of the code stack make it grow, and all others are passed
//! on to the handler that was installed before.
//!
//! The fault handler interrupts arbitrary code, so it takes no lock and allocates nothing. It doesn't leave by a long
//! jump: for a trap it rewrites the interrupted context, so that the kernel ends the signal as usual, and the trap hook
//! then runs as ordinary code.

use super::activation::{Activation, CALLED, landed};
use super::arch::{self, Registers};
use super::chunk::CodeChunk;
use super::registry;
use super::stack::{CodeStack, StackUser};
use super::sys::{self, Context, Fault, FaultHandler, SIGNAL_FRAME};
use crate::code::STACK_OVERFLOW;
use std::io;
use std::sync::OnceLock;

/// Installs the fault handler for this process. Only the first call does something; if it failed, all calls fail.
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let result =
        *INSTALLED.get_or_init(|| replace_handlers().map_err(|error| error.raw_os_error().unwrap_or(0)));
    result.map_err(io::Error::from_raw_os_error)
}

/// Puts our handler in front of those that are installed now.
pub(super) fn replace_handlers() -> io::Result<()> {
    sys::replace_handlers::<MachineCode>()
}

/// Installs the fault handler, and prepares this thread to enter machine code. Cheap once that has been done.
///
/// Other handlers without `SA_ONSTACK` run on the code stack while machine code does. Where that has no room for a
/// signal frame, the signal is lost. Signals that must not be lost need `SA_ONSTACK`, or a thread that runs no guests.
pub(crate) fn prepare_thread() -> io::Result<()> {
    install()?;
    sys::ensure_signal_stack()
}

/// Handles faults of machine code and of its stack.
enum MachineCode {}

impl FaultHandler for MachineCode {
    unsafe fn handle(fault: &Fault, context: &mut Context) -> bool {
        // SAFETY: a current activation lives until its `enter` returns.
        let Some(activation) = (unsafe { Activation::current().as_ref() }) else { return false };
        // SAFETY: a current activation is entered and not left, which is the contract of `Activation::stack`.
        let stack = unsafe { activation.stack() };
        let registers = Registers::of(context);
        // SAFETY: if the thread was executing a chunk's code, the chunk exists.
        let chunk = unsafe { registry::find(registers.pc) };
        if let Some(address) = fault.address.filter(|address| stack.contains(*address)) {
            let user = if chunk.is_some() { StackUser::Code } else { StackUser::Host };
            if stack.grow(address, user) {
                return true;
            }
            let Some(chunk) = chunk else { return false };
            let (pc, called) = overflowed(chunk, stack, &registers);
            let code = usize::from(STACK_OVERFLOW) | called;
            arch::resume_in(context, landed, activation.landing(), [pc, registers.fp, code]);
            return true;
        }
        // The other signal is lost, but growing the stack saves the process.
        if fault.no_room_for_signal && stack.contains(registers.sp) {
            let room = registers.sp.saturating_sub(SIGNAL_FRAME);
            if stack.contains(room) && stack.grow(room, StackUser::Host) {
                return true;
            }
        }
        let Some(chunk) = chunk else { return false };
        let offset = (registers.pc - chunk.base() as usize) as u32;
        let Some(code) = chunk.map().trap_at(offset) else { return false };
        arch::resume_in(
            context,
            landed,
            activation.landing(),
            [registers.pc, registers.fp, usize::from(code)],
        );
        true
    }
}

/// The position of a stack overflow: the instruction; or, if a function couldn't even set up its frame, the return
/// address of the call, with [`CALLED`].
fn overflowed(chunk: &CodeChunk, stack: &CodeStack, registers: &Registers) -> (usize, usize) {
    let offset = (registers.pc - chunk.base() as usize) as u32;
    // SAFETY: an accessible word of the stack is readable, and the thread is stopped in the signal's handler.
    match unsafe { registers.return_address(|address| stack.is_accessible(address)) } {
        Some(caller) if has_no_frame(chunk, offset) => (caller, CALLED),
        _ => (registers.pc, 0),
    }
}

/// Whether the function has no frame yet: the fault is at its first instruction; or at the second, where the first
/// signs the return address.
fn has_no_frame(chunk: &CodeChunk, offset: u32) -> bool {
    let is_start = |offset: u32| chunk.map().is_function_start(offset);
    is_start(offset) || offset.checked_sub(arch::SIGNING).is_some_and(is_start)
}
