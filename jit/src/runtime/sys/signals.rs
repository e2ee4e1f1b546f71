//! The signals of faults: installs a handler in front of the existing ones, and passes on to those what isn't its own.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use std::io;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The signals of faults. `udf` and `ud2` are SIGILL; only x86_64 raises SIGFPE, for divisions.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// The previous handler of each signal. Never freed: a handler may be reading it.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS.len()];

type SignalHandler = unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);

/// From asm-generic/siginfo.h: the kernel sent the signal, without a more specific reason.
const SI_KERNEL: libc::c_int = 0x80;

/// An upper bound on the kernel's signal frame, with all vector registers.
pub(crate) const SIGNAL_FRAME: usize = 16 << 10;

/// The registers of the code that a signal has interrupted, with which it resumes when the signal's handler returns.
pub(crate) type Context = libc::ucontext_t;

/// A fault of the instruction that was executing.
pub(crate) struct Fault {
    /// The address of the access, if it is one to memory. Otherwise the instruction itself is the reason.
    pub(crate) address: Option<usize>,
    /// The kernel reports this when the stack had no room for the frame of another signal, whose handler lacks
    /// SA_ONSTACK. That signal is lost.
    pub(crate) no_room_for_signal: bool,
}

impl Fault {
    /// The fault that a signal means; `None` if it means something else.
    fn of(signal: libc::c_int, info: &libc::siginfo_t) -> Option<Self> {
        // A code of at most 0 means that a process sent the signal. A SIGBUS other than BUS_ADRERR (broken hardware
        // memory) is no trap either.
        if info.si_code <= 0 || (signal == libc::SIGBUS && info.si_code != libc::BUS_ADRERR) {
            return None;
        }
        let is_access = matches!(signal, libc::SIGSEGV | libc::SIGBUS);
        // SAFETY: `si_addr` is valid for SIGSEGV and SIGBUS.
        let address = is_access.then(|| unsafe { info.si_addr() as usize });
        Some(Self { address, no_room_for_signal: signal == libc::SIGSEGV && info.si_code == SI_KERNEL })
    }
}

/// Decides what a fault means.
pub(crate) trait FaultHandler {
    /// Handles a fault of this thread. False if it isn't this handler's; then the context must be unchanged.
    ///
    /// This interrupts arbitrary code, so it must take no lock and allocate nothing.
    ///
    /// # Safety
    /// Must be called in the signal's handler, with the context that the kernel passed.
    unsafe fn handle(fault: &Fault, context: &mut Context) -> bool;
}

/// Installs a handler for the signals of faults, and saves the previous ones.
pub(crate) fn replace_handlers<H: FaultHandler>() -> io::Result<()> {
    for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
        let mut before = MaybeUninit::uninit();
        // SAFETY: only writes the current action to `before`.
        check(unsafe { libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) })?;
        // SAFETY: `sigaction` succeeded, so it has been written.
        let before = unsafe { before.assume_init() };
        // Our handler keeps the previous action's mask and SA_NODEFER, since it calls the previous handler.
        let mut ours = before;
        ours.sa_sigaction = handle::<H> as SignalHandler as usize;
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

unsafe extern "C" fn handle<H: FaultHandler>(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    // SAFETY: the kernel passes a `ucontext_t`, which belongs to the handler until it returns.
    let registers = unsafe { &mut *context.cast::<Context>() };
    // SAFETY: errno is thread-local. It is saved because the interrupted code may use it afterwards.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: `info` comes from the kernel.
    let fault = Fault::of(signal, unsafe { &*info });
    // SAFETY: this is the signal's handler, and the kernel passed the context.
    if !fault.is_some_and(|fault| unsafe { H::handle(&fault, registers) }) {
        // SAFETY: this is the signal's handler, and these are its arguments.
        unsafe { pass_on(signal, info, context) };
    }
    // SAFETY: errno is thread-local, and restoring it is why it was saved.
    unsafe { *libc::__errno_location() = errno };
}

/// Does what would have happened without our handler.
///
/// # Safety
/// Must be called in the signal's handler, with the handler's arguments.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let previous =
        SIGNALS.iter().position(|&ours| ours == signal).map(|index| PREVIOUS[index].load(Ordering::SeqCst));
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
            unsafe { core::mem::transmute::<usize, SignalHandler>(handler)(signal, info, context) }
        }
        handler => {
            // SAFETY: it was installed without SA_SIGINFO, so it has this signature.
            unsafe { core::mem::transmute::<usize, unsafe extern "C" fn(libc::c_int)>(handler)(signal) }
        }
    }
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
pub(crate) fn unblock() -> io::Result<()> {
    // SAFETY: only reads the set, and the signals that it unblocks have a handler.
    match unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &faults(), ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Whether the signals of faults are unblocked on this thread.
pub(crate) fn are_unblocked() -> bool {
    let mut blocked = faults();
    // SAFETY: only writes to the set.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut blocked) };
    // SAFETY: only reads the set.
    SIGNALS.iter().all(|&signal| unsafe { libc::sigismember(&blocked, signal) } == 0)
}
