//! Faults: of machine code, which are traps; of the code's stack, which grows; and everybody else's, which are passed on
//! to whoever handled them before.
//!
//! The handler is entered wherever the thread happened to be, so it takes no lock and no memory. It doesn't leave by a
//! jump either: for a trap it changes where the thread goes on once it has returned, so that the kernel ends the signal
//! as usual, and the hook runs as ordinary code.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::enter::{Activation, CALLED, STACK_OVERFLOW, land};
use super::stack::User;
use super::{CodeChunk, CodeStack, altstack, registry};

/// What a fault may arrive as. `udf` and `ud2` are SIGILL; only x86_64 divides by zero with a SIGFPE.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// What handled each of them before. Never freed: a handler may be reading it.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS.len()];

type Handler = unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);

/// Makes this process able to run machine code: faults go through here from now on. Only the first call does something;
/// if it failed, all do.
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let result = *INSTALLED.get_or_init(|| replace_handlers().map_err(|error| error.raw_os_error().unwrap_or(0)));
    result.map_err(io::Error::from_raw_os_error)
}

/// Makes this thread able to enter machine code, and the process before it. Cheap where it has been done.
///
/// Handlers of others that aren't told to run on the signal stack run on the code's stack while machine code does. Where
/// that has no room for one, its signal is lost: whoever relies on a signal handles it with `SA_ONSTACK`, or on another
/// thread.
pub(crate) fn prepare_thread() -> io::Result<()> {
    install()?;
    altstack::ensure()
}

fn faults() -> libc::sigset_t {
    // SAFETY: all zeros are a set, which is then emptied.
    let mut set: libc::sigset_t = unsafe { core::mem::zeroed() };
    // SAFETY: it only writes to the set.
    unsafe { libc::sigemptyset(&mut set) };
    for signal in SIGNALS {
        // SAFETY: as above.
        unsafe { libc::sigaddset(&mut set, signal) };
    }
    set
}

/// Has this thread take the signals of faults.
pub(super) fn unblock() -> io::Result<()> {
    // SAFETY: it only reads the set; that a thread takes a signal which is handled harms nobody.
    match unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &faults(), ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Whether this thread takes the signals of faults.
pub(super) fn are_unblocked() -> bool {
    let mut blocked = faults();
    // SAFETY: it only writes to the set.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut blocked) };
    // SAFETY: it only reads the set.
    SIGNALS.iter().all(|&signal| unsafe { libc::sigismember(&blocked, signal) } == 0)
}

/// Puts our handler in front of those that there are.
pub(super) fn replace_handlers() -> io::Result<()> {
    for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
        let mut before = MaybeUninit::uninit();
        // SAFETY: only writes what handles the signal now.
        check(unsafe { libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) })?;
        // SAFETY: it has been written.
        let before = unsafe { before.assume_init() };
        // What others want of their handlers (which signals wait, whether the same one does) should stay so when ours
        // calls them.
        let mut ours = before;
        ours.sa_sigaction = handle as Handler as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | (before.sa_flags & libc::SA_NODEFER);
        if before.sa_sigaction == ours.sa_sigaction {
            continue;
        }
        // Before it can be needed.
        previous.store(Box::into_raw(Box::new(before)), Ordering::SeqCst);
        // SAFETY: the handler is of the signature that the flags say, and does only what is allowed in one.
        check(unsafe { libc::sigaction(signal, &ours, ptr::null_mut()) })?;
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

unsafe extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a context of this type, and it is the handler's until it returns.
    let registers = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    // SAFETY: each thread has its own, and the interrupted code may use it again.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the kernel passes what it knows of the signal.
    if !unsafe { is_ours(signal, &*info, registers) } {
        // SAFETY: these are what the kernel passed.
        unsafe { pass_on(signal, info, context) };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Deals with the signal, if it is a fault of machine code or of its stack.
///
/// # Safety
/// It must be called in the signal's handler.
unsafe fn is_ours(signal: libc::c_int, info: &libc::siginfo_t, context: &mut libc::ucontext_t) -> bool {
    // SAFETY: an activation that is current is in its `enter`.
    let Some(activation) = (unsafe { Activation::current().as_ref() }) else { return false };
    // Somebody may send such a signal while machine code runs, and broken memory is nobody's trap.
    if info.si_code <= 0 || (signal == libc::SIGBUS && info.si_code != libc::BUS_ADRERR) {
        return false;
    }
    // SAFETY: as above.
    let stack = unsafe { activation.stack() };
    let registers = Registers::of(context);
    // SAFETY: if the thread was executing a chunk's code, the chunk is there.
    let chunk = unsafe { registry::find(registers.pc) };
    let user = if chunk.is_some() { User::Code } else { User::Host };
    // SAFETY: memory faults come with an address.
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
    // The kernel says this when there was no room on the stack for another signal, one whose handler isn't told to run
    // elsewhere. That signal is lost; all that can be saved is the process.
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

/// From asm-generic/siginfo.h: the kernel had no better reason to give.
const SI_KERNEL: libc::c_int = 0x80;

/// What the kernel may want to put on a stack for a signal, with all vector registers.
const SIGNAL_FRAME: usize = 16 << 10;

fn is_memory(signal: libc::c_int) -> bool {
    matches!(signal, libc::SIGSEGV | libc::SIGBUS)
}

/// Whose the overflow is: that of the instruction; or if a function couldn't even make its frame, of the call that
/// returns to the address given, and [`CALLED`].
fn overflowed(chunk: &CodeChunk, stack: &CodeStack, registers: &Registers) -> (usize, usize) {
    let offset = (registers.pc - chunk.base() as usize) as u32;
    match registers.return_address(stack) {
        Some(caller) if has_no_frame(chunk, offset) => (caller, CALLED),
        _ => (registers.pc, 0),
    }
}

/// Whether a function has made no frame yet that fails at its first instruction; or, where that has signed the return
/// address, at the second.
fn has_no_frame(chunk: &CodeChunk, offset: u32) -> bool {
    let signed = cfg!(target_arch = "aarch64") && offset >= 4 && chunk.map().is_function_start(offset - 4);
    signed || chunk.map().is_function_start(offset)
}

/// The registers that matter here, as they were when the signal came.
struct Registers {
    pc: usize,
    sp: usize,
    fp: usize,
    /// Where it holds the return address at a function's first instruction.
    #[cfg(target_arch = "aarch64")]
    lr: usize,
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    fn of(context: &libc::ucontext_t) -> Self {
        let register = |name: libc::c_int| context.uc_mcontext.gregs[name as usize] as usize;
        Self { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP) }
    }

    /// Lets the thread go on in [`land`], on its own stack.
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
        // SAFETY: the stack pointer is in the stack's accessible part, and the thread doesn't use it meanwhile.
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

    /// Lets the thread go on in [`land`], on its own stack.
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

/// Does what would have been done without us.
///
/// # Safety
/// It must be called in the signal's handler, with what that got.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let previous = SIGNALS.iter().position(|&ours| ours == signal).map(|index| PREVIOUS[index].load(Ordering::SeqCst));
    // SAFETY: it is null or was leaked.
    let Some(previous) = previous.and_then(|previous| unsafe { previous.as_ref() }) else { return };
    // SAFETY: the kernel passed it.
    let sent = unsafe { (*info).si_code } <= 0;
    match previous.sa_sigaction {
        // Nobody can ignore a fault: the kernel takes it for the default.
        libc::SIG_IGN if sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: a signal's default is restored: nothing of ours is called any more. The fault is then repeated;
            // what somebody sent must be sent again, and comes once this has returned.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: whoever installed it said that it is of this signature; it gets what it would have got.
            unsafe { core::mem::transmute::<usize, Handler>(handler)(signal, info, context) }
        }
        handler => {
            // SAFETY: as above.
            unsafe { core::mem::transmute::<usize, unsafe extern "C" fn(libc::c_int)>(handler)(signal) }
        }
    }
}
