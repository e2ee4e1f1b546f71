//! The fault handler. Faults of machine code are traps, faults of the code stack make it grow, and all others are
//! passed on to the handler that was installed before.
//!
//! The handler interrupts arbitrary code, so it takes no lock and allocates nothing. It doesn't leave by a long jump:
//! for a trap it rewrites the interrupted context, so that the kernel ends the signal as usual, and the trap hook then
//! runs as ordinary code.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::enter::{Activation, CALLED, STACK_OVERFLOW, land};
use super::stack::User;
use super::{CodeChunk, CodeStack, altstack, registry};

/// The signals of faults. `udf` and `ud2` are SIGILL; only x86_64 raises SIGFPE, for divisions.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// The previous handler of each signal. Never freed: a handler may be reading it.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS.len()];

type Handler = unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);

/// Installs the fault handler for this process. Only the first call does something; if it failed, all calls fail.
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let result = *INSTALLED.get_or_init(|| replace_handlers().map_err(|error| error.raw_os_error().unwrap_or(0)));
    result.map_err(io::Error::from_raw_os_error)
}

/// Installs the fault handler, and prepares this thread to enter machine code. Cheap once that has been done.
///
/// Other handlers without `SA_ONSTACK` run on the code stack while machine code does. Where that has no room for a
/// signal frame, the signal is lost. Signals that must not be lost need `SA_ONSTACK`, or a thread that runs no guests.
pub(crate) fn prepare_thread() -> io::Result<()> {
    install()?;
    altstack::ensure()
}

fn faults() -> libc::sigset_t {
    // SAFETY: `sigset_t` is plain data, for which zeros are valid.
    let mut set: libc::sigset_t = unsafe { core::mem::zeroed() };
    // SAFETY: only writes to the set.
    unsafe { libc::sigemptyset(&mut set) };
    for signal in SIGNALS {
        // SAFETY: only writes to the set, which has been initialised.
        unsafe { libc::sigaddset(&mut set, signal) };
    }
    set
}

/// Unblocks the signals of faults on this thread.
pub(super) fn unblock() -> io::Result<()> {
    // SAFETY: only reads the set, and the signals that it unblocks have a handler.
    match unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &faults(), ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Whether the signals of faults are unblocked on this thread.
pub(super) fn are_unblocked() -> bool {
    let mut blocked = faults();
    // SAFETY: only writes to the set.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut blocked) };
    // SAFETY: only reads the set.
    SIGNALS.iter().all(|&signal| unsafe { libc::sigismember(&blocked, signal) } == 0)
}

/// Installs our handler and saves the previous ones.
pub(super) fn replace_handlers() -> io::Result<()> {
    for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
        let mut before = MaybeUninit::uninit();
        // SAFETY: only writes the current action to `before`.
        check(unsafe { libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) })?;
        // SAFETY: `sigaction` succeeded, so it has been written.
        let before = unsafe { before.assume_init() };
        // Our handler keeps the previous action's mask and SA_NODEFER, since it calls the previous handler.
        let mut ours = before;
        ours.sa_sigaction = handle as Handler as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | (before.sa_flags & libc::SA_NODEFER);
        if before.sa_sigaction == ours.sa_sigaction {
            continue;
        }
        // Stored before our handler can need it.
        previous.store(Box::into_raw(Box::new(before)), Ordering::SeqCst);
        // SAFETY: the handler has the signature that SA_SIGINFO demands, and is async-signal-safe.
        check(unsafe { libc::sigaction(signal, &ours, ptr::null_mut()) })?;
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

unsafe extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a `ucontext_t`, which belongs to the handler until it returns.
    let registers = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    // SAFETY: errno is thread-local. It is saved because the interrupted code may use it afterwards.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: this is the signal's handler, and `info` comes from the kernel.
    if !unsafe { is_ours(signal, &*info, registers) } {
        // SAFETY: this is the signal's handler, and these are its arguments.
        unsafe { pass_on(signal, info, context) };
    }
    // SAFETY: errno is thread-local, and restoring it is why it was saved.
    unsafe { *libc::__errno_location() = errno };
}

/// Handles the signal if it is a fault of machine code or of its stack; false if it isn't.
///
/// # Safety
/// Must be called in the signal's handler.
unsafe fn is_ours(signal: libc::c_int, info: &libc::siginfo_t, context: &mut libc::ucontext_t) -> bool {
    // SAFETY: a current activation lives until its `enter` returns.
    let Some(activation) = (unsafe { Activation::current().as_ref() }) else { return false };
    // A code of at most 0 means that a process sent the signal. A SIGBUS other than BUS_ADRERR (broken hardware memory)
    // is no trap either.
    if info.si_code <= 0 || (signal == libc::SIGBUS && info.si_code != libc::BUS_ADRERR) {
        return false;
    }
    // SAFETY: a current activation is entered and not left, which is the contract of `Activation::stack`.
    let stack = unsafe { activation.stack() };
    let registers = Registers::of(context);
    // SAFETY: if the thread was executing a chunk's code, the chunk exists.
    let chunk = unsafe { registry::find(registers.pc) };
    let user = if chunk.is_some() { User::Code } else { User::Host };
    // SAFETY: `si_addr` is valid for SIGSEGV and SIGBUS.
    let address = if is_memory(signal) { unsafe { info.si_addr() as usize } } else { 0 };
    if is_memory(signal) && stack.contains(address) {
        if stack.grow(address, user) {
            return true;
        }
        let Some(chunk) = chunk else { return false };
        let (pc, called) = overflowed(chunk, stack, &registers);
        registers.go_on(context, activation.landing(), pc, usize::from(STACK_OVERFLOW) | called);
        return true;
    }
    // The kernel reports SI_KERNEL when the stack had no room for the frame of another signal, whose handler lacks
    // SA_ONSTACK. That signal is lost, but growing the stack saves the process.
    if signal == libc::SIGSEGV && info.si_code == SI_KERNEL && stack.contains(registers.sp) {
        let room = registers.sp.saturating_sub(SIGNAL_FRAME);
        if stack.contains(room) && stack.grow(room, User::Host) {
            return true;
        }
    }
    let Some(chunk) = chunk else { return false };
    let Some(code) = chunk.map().trap_at((registers.pc - chunk.base() as usize) as u32) else { return false };
    registers.go_on(context, activation.landing(), registers.pc, usize::from(code));
    true
}

/// From asm-generic/siginfo.h: the kernel sent the signal, without a more specific reason.
const SI_KERNEL: libc::c_int = 0x80;

/// An upper bound on the kernel's signal frame, with all vector registers.
const SIGNAL_FRAME: usize = 16 << 10;

fn is_memory(signal: libc::c_int) -> bool {
    matches!(signal, libc::SIGSEGV | libc::SIGBUS)
}

/// The position of a stack overflow: the instruction; or, if a function couldn't even set up its frame, the return
/// address of the call, with [`CALLED`].
fn overflowed(chunk: &CodeChunk, stack: &CodeStack, registers: &Registers) -> (usize, usize) {
    let offset = (registers.pc - chunk.base() as usize) as u32;
    match registers.return_address(stack) {
        Some(caller) if has_no_frame(chunk, offset) => (caller, CALLED),
        _ => (registers.pc, 0),
    }
}

/// Whether the function has no frame yet: the fault is at its first instruction; or at the second, where the first
/// signs the return address.
fn has_no_frame(chunk: &CodeChunk, offset: u32) -> bool {
    let signed = cfg!(target_arch = "aarch64") && offset >= 4 && chunk.map().is_function_start(offset - 4);
    signed || chunk.map().is_function_start(offset)
}

/// The registers that matter here, as of the interruption.
struct Registers {
    pc: usize,
    sp: usize,
    fp: usize,
    /// The link register, which holds the return address at a function's first instruction.
    #[cfg(target_arch = "aarch64")]
    lr: usize,
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    fn of(context: &libc::ucontext_t) -> Self {
        let register = |name: libc::c_int| context.uc_mcontext.gregs[name as usize] as usize;
        Self { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP) }
    }

    /// Makes the thread resume in [`land`], on its own stack.
    fn go_on(&self, context: &mut libc::ucontext_t, sp: usize, pc: usize, code: usize) {
        let mut set = |name: libc::c_int, value: usize| {
            context.uc_mcontext.gregs[name as usize] = value as libc::greg_t;
        };
        set(libc::REG_RIP, land as *const () as usize);
        set(libc::REG_RSP, sp);
        set(libc::REG_RDI, pc);
        set(libc::REG_RSI, self.fp);
        set(libc::REG_RDX, code);
    }

    fn return_address(&self, stack: &CodeStack) -> Option<usize> {
        if !stack.is_accessible(self.sp) || !self.sp.is_multiple_of(8) {
            return None;
        }
        // SAFETY: the stack pointer is in the accessible part of the stack, and the thread is stopped in this handler.
        Some(unsafe { *(self.sp as *const usize) })
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    fn of(context: &libc::ucontext_t) -> Self {
        let machine = &context.uc_mcontext;
        let [fp, lr] = [29, 30].map(|register| machine.regs[register] as usize);
        Self { pc: machine.pc as usize, sp: machine.sp as usize, fp, lr }
    }

    /// Makes the thread resume in [`land`], on its own stack.
    fn go_on(&self, context: &mut libc::ucontext_t, sp: usize, pc: usize, code: usize) {
        let machine = &mut context.uc_mcontext;
        machine.pc = land as *const () as u64;
        machine.sp = sp as u64;
        machine.regs[..3].copy_from_slice(&[pc as u64, self.fp as u64, code as u64]);
    }

    fn return_address(&self, _: &CodeStack) -> Option<usize> {
        Some(super::frames::without_signature(self.lr))
    }
}

/// Does what would have happened without our handler.
///
/// # Safety
/// Must be called in the signal's handler, with the handler's arguments.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let previous = SIGNALS.iter().position(|&ours| ours == signal).map(|index| PREVIOUS[index].load(Ordering::SeqCst));
    // SAFETY: it is null or was leaked by `replace_handlers`.
    let Some(previous) = previous.and_then(|previous| unsafe { previous.as_ref() }) else { return };
    // SAFETY: `info` comes from the kernel.
    let sent = unsafe { (*info).si_code } <= 0;
    match previous.sa_sigaction {
        // A fault can't be ignored: the kernel then takes the default action.
        libc::SIG_IGN if sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: only restores the default action. A fault is then repeated by the instruction; a signal that was
            // sent must be raised again, and is delivered once this handler returns.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: it was installed with SA_SIGINFO, so it has this signature; it gets the original arguments.
            unsafe { core::mem::transmute::<usize, Handler>(handler)(signal, info, context) }
        }
        handler => {
            // SAFETY: it was installed without SA_SIGINFO, so it has this signature.
            unsafe { core::mem::transmute::<usize, unsafe extern "C" fn(libc::c_int)>(handler)(signal) }
        }
    }
}
