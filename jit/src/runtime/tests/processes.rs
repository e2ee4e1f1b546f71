//! Tests that end a process, or might, in child processes.

use super::code;
use super::*;
use crate::runtime::faults::replace_handlers;

/// How a child process ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Exit(i32),
    Signal(i32),
}

/// Runs `f` in a forked child, whose exit code is its result. The child has only this thread: anything of `f` that
/// takes a lock should be done before.
fn in_child(f: impl FnOnce() -> i32) -> End {
    prepare_thread().unwrap();
    // SAFETY: the child only does what the tests below do, and takes no lock that another thread might have held at the
    // fork.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let no_cores = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: only reads `no_cores`.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &no_cores) };
        let code = f();
        // SAFETY: it doesn't return.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: waits for the child, and writes its status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Exit(libc::WEXITSTATUS(status))
    }
}

/// Installs a handler, whose signature depends on the flags.
fn set_handler(signal: i32, handler: usize, flags: i32) {
    // SAFETY: `sigaction` is plain data, for which zeros are valid: no mask.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    (action.sa_sigaction, action.sa_flags) = (handler, flags);
    // SAFETY: the tests' handlers have the signature that the flags demand.
    assert_eq!(unsafe { libc::sigaction(signal, &action, core::ptr::null_mut()) }, 0);
}

const NOWHERE: usize = 0x18;

fn fault() {
    // SAFETY: unsound on purpose, as a bug in unsafe code would be. It only runs in a child process.
    unsafe { (NOWHERE as *const u8).read_volatile() };
}

unsafe extern "C" fn host_faults(_: *mut u8, _: *mut u64) {
    fault();
}

extern "C" fn told_all(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: `info` comes from the kernel.
    let address = unsafe { (*info).si_addr() } as usize;
    let code = if signal == libc::SIGSEGV && address == NOWHERE { 42 } else { 1 };
    // SAFETY: it doesn't return.
    unsafe { libc::_exit(code) }
}

extern "C" fn told_signal(signal: i32) {
    // SAFETY: it doesn't return.
    unsafe { libc::_exit(if signal == libc::SIGSEGV { 43 } else { 1 }) }
}

/// Whether a trap still works, whatever handlers are installed.
fn traps(stack: &CodeStack, chunk: &crate::runtime::CodeChunk) -> bool {
    // SAFETY: `outer` accesses no memory.
    unsafe { run(stack, chunk.address(code::outer()), NOTHING, &mut 0, NOTHING) }.0 == Exit::Unwound
}

#[test]
fn faults_of_others_reach_the_handler_that_was_there() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let all = told_all as extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) as usize;
    let signal = told_signal as extern "C" fn(i32) as usize;
    let handlers = [(all, libc::SA_SIGINFO, End::Exit(42)), (signal, 0, End::Exit(43))];
    let defaults = [libc::SIG_DFL, libc::SIG_IGN].map(|default| (default, 0, End::Signal(libc::SIGSEGV)));
    for (handler, flags, end) in handlers.into_iter().chain(defaults) {
        let prepare = || {
            set_handler(libc::SIGSEGV, handler, flags);
            replace_handlers().unwrap();
            assert!(traps(&stack, &chunk));
        };
        let outside = in_child(|| {
            prepare();
            fault();
            0
        });
        assert_eq!(outside, end);
        // On the code stack, called by machine code.
        let inside = in_child(|| {
            prepare();
            // SAFETY: the host function ignores its arguments.
            unsafe { run_host(&stack, &chunk, host_faults, NOTHING, &mut 0) };
            0
        });
        assert_eq!(inside, end);
    }
}

#[test]
fn bugs_of_the_host_still_end_the_process() {
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    let of_rust = in_child(|| {
        // SAFETY: the host function ignores its arguments.
        unsafe { run_host(&stack, &chunk, host_faults, NOTHING, &mut 0) };
        0
    });
    assert_eq!(of_rust, End::Signal(libc::SIGSEGV));
    let unlisted = in_child(|| {
        // SAFETY: `unlisted` accesses no memory.
        unsafe { run(&stack, chunk.address(code::unlisted()), NOTHING, &mut 0, NOTHING) };
        0
    });
    assert_eq!(unlisted, End::Signal(libc::SIGILL));
    unsafe fn faults_again(_: *mut Activation, _: TrapSite) {
        fault();
    }
    let in_hook = in_child(|| {
        let mut activation = Activation::new(faults_again, 0);
        // SAFETY: `outer` has this signature and accesses no memory.
        unsafe {
            type Code = unsafe extern "C" fn(*mut u8, *mut u64, *const u8);
            let outer = core::mem::transmute::<*const u8, Code>(chunk.address(code::outer()));
            enter(&stack, &mut activation, outer, core::ptr::null_mut(), &mut 0, NOTHING);
        }
        0
    });
    assert_eq!(in_hook, End::Signal(libc::SIGSEGV));
}

#[test]
fn what_somebody_sends_is_no_fault() {
    // SAFETY: sends a signal to this thread.
    let send = || unsafe { libc::raise(libc::SIGSEGV) };
    assert_eq!(
        in_child(|| {
            set_handler(libc::SIGSEGV, libc::SIG_DFL, 0);
            replace_handlers().unwrap();
            send();
            0
        }),
        End::Signal(libc::SIGSEGV)
    );
    assert_eq!(
        in_child(|| {
            set_handler(libc::SIGSEGV, libc::SIG_IGN, 0);
            replace_handlers().unwrap();
            send();
            44
        }),
        End::Exit(44)
    );
}

/// At an instruction that may trap: a signal is a trap only if the processor found the fault.
#[test]
fn what_comes_at_a_trap_may_be_somebody_elses() {
    /// A code of the processor's or the kernel's, and those of `kill`, `tgkill` and `sigqueue`.
    const SENT: [i32; 3] = [0, -6, -1];
    extern "C" fn told_code(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel passes it; the call doesn't return.
        unsafe { libc::_exit(100 + (*info).si_code) }
    }
    let handler = told_code as extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) as usize;
    let (stack, chunk) = (stack(1 << 20), code::chunk());
    // Broken memory, say, is no trap.
    let faults = [
        (libc::SIGSEGV, 1, true),
        (libc::SIGSEGV, 2, true),
        (libc::SIGBUS, libc::BUS_ADRERR, true),
        (libc::SIGILL, 2, true),
        (libc::SIGFPE, 1, true),
        (libc::SIGBUS, libc::BUS_ADRALN, false),
        (libc::SIGBUS, libc::BUS_OBJERR, false),
        (libc::SIGBUS, libc::BUS_MCEERR_AR, false),
        (libc::SIGBUS, libc::BUS_MCEERR_AO, false),
    ];
    let sent = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
    let sent = sent.into_iter().flat_map(|signal| SENT.map(|code| (signal, code, false)));
    for (signal, code, traps) in faults.into_iter().chain(sent) {
        // The emulator for aarch64 takes these for its own.
        if cfg!(target_arch = "aarch64") && code > 0 {
            continue;
        }
        let end = in_child(|| {
            set_handler(signal, handler, libc::SA_SIGINFO);
            replace_handlers().unwrap();
            // As the kernel lays it out: number, error, code, and the address.
            let mut info = [0_u64; 16];
            (info[0], info[1], info[2]) = (signal as u64, u64::from(code as u32), NOWHERE as u64);
            // SAFETY: asks who this is.
            let (process, thread) = unsafe { (libc::getpid() as u64, libc::gettid() as u64) };
            let call = [
                libc::SYS_rt_tgsigqueueinfo as u64,
                process,
                thread,
                signal as u64,
                info.as_ptr().addr() as u64,
            ];
            // SAFETY: `sends` makes that system call, by which this thread sends itself a signal.
            let (exit, seen) =
                unsafe { run(&stack, chunk.address(code::sends()), call.as_ptr(), &mut 0, NOTHING) };
            i32::from((exit, seen.code) == (Exit::Unwound, code::SENT))
        });
        let expected = if traps { 1 } else { (100 + code) & 0xff };
        assert_eq!(end, End::Exit(expected), "signal {signal}, code {code}");
    }
}

#[test]
fn an_overflow_of_the_threads_own_stack_is_still_told() {
    #[expect(unconditional_recursion, reason = "that is what it is for")]
    fn endless(depth: u64) -> u64 {
        let room = core::hint::black_box([depth; 64]);
        endless(depth + 1) + core::hint::black_box(room)[1]
    }
    // Rust's own handler reports the overflow and aborts; without it, the child would end by SIGSEGV.
    assert_eq!(in_child(|| endless(0) as i32), End::Signal(libc::SIGABRT));
}

/// A handler without SA_ONSTACK runs on the code stack, where there may be no room for it.
#[test]
fn a_signal_without_room_does_not_end_the_process() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    extern "C" fn ticks(_: i32) {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
    let chunk = code::chunk();
    // Often enough that the stack has no room a few times. The emulator for aarch64 takes longer for each round, and
    // keeps the signal blocked after the first time without room. So the test counts rounds, not signals.
    let (often, rounds) = if cfg!(target_arch = "aarch64") { (500, 300) } else { (50, 500) };
    let end = in_child(|| {
        set_handler(libc::SIGALRM, ticks as extern "C" fn(i32) as usize, libc::SA_RESTART);
        let often = libc::timeval { tv_sec: 0, tv_usec: often };
        // SAFETY: requests signals that have a handler.
        unsafe {
            libc::setitimer(
                libc::ITIMER_REAL,
                &libc::itimerval { it_interval: often, it_value: often },
                core::ptr::null_mut(),
            )
        };
        for _ in 0..rounds {
            let stack = stack(1 << 20);
            // SAFETY: `recurse` counts down a word that exists.
            let (exit, _) =
                unsafe { run(&stack, chunk.address(code::recurse()), NOTHING, &mut 9000, NOTHING) };
            assert_eq!(exit, Exit::Returned);
        }
        assert!(COUNT.load(Ordering::Relaxed) > 0);
        45
    });
    assert_eq!(end, End::Exit(45));
}

/// Whatever signals the embedder blocks on a thread, a guest's trap doesn't end the process.
#[test]
fn a_thread_that_blocks_signals_traps() {
    let chunk = code::chunk();
    let end = in_child(|| {
        let thread = std::thread::spawn(move || {
            // SAFETY: `sigset_t` is plain data, for which zeros are valid; it is then filled. The thread's mask is its
            // own.
            unsafe {
                let mut all: libc::sigset_t = core::mem::zeroed();
                libc::sigfillset(&mut all);
                assert_eq!(libc::pthread_sigmask(libc::SIG_SETMASK, &all, core::ptr::null_mut()), 0);
            }
            let stack = stack(1 << 20);
            // SAFETY: `load` reads an inaccessible page, which the map lists as a trap; `divide` accesses no memory.
            unsafe {
                let (exit, _) =
                    run(&stack, chunk.address(code::load()), NOWHERE as *const u8, &mut 0, NOTHING);
                let (divided, _) = run(&stack, chunk.address(code::divide()), NOTHING, &mut 0, NOTHING);
                (exit, divided)
            }
        });
        let trapped = thread.join().unwrap() == (Exit::Unwound, Exit::Unwound);
        if trapped && traps(&stack(1 << 20), &code::chunk()) { 46 } else { 1 }
    });
    assert_eq!(end, End::Exit(46));
}

/// Where the system forbids executing what was written, creating a tier fails.
#[test]
#[cfg(feature = "compiler")]
fn memory_that_cannot_be_executed() {
    const SET_MDWE: i32 = 65;
    const REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    let end = in_child(|| {
        assert!(crate::Jit::new(&crate::Options::default()).is_ok());
        // SAFETY: only restricts what this process may do from now on.
        if unsafe { libc::prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) } != 0 {
            return 48;
        }
        for mode in [crate::Mode::Background, crate::Mode::Sync, crate::Mode::Eager, crate::Mode::Off] {
            let why = crate::Jit::new(crate::Jit::options().mode(mode)).unwrap_err().to_string();
            assert!(why.starts_with("machine code can't be run here: the system doesn't let"), "{why}");
            assert!(why.contains("Permission denied"), "{why}");
        }
        47
    });
    if end == End::Exit(48) {
        println!("not tested: this kernel can't forbid it (PR_SET_MDWE, Linux 6.3)");
        return;
    }
    assert_eq!(end, End::Exit(47));
}

#[test]
fn a_signal_stack_goes_with_its_thread() {
    let end = in_child(|| {
        let thread = std::thread::spawn(|| {
            prepare_thread().unwrap();
            let mut now: libc::stack_t =
                libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
            // SAFETY: only writes the current signal stack to `now`.
            unsafe { libc::sigaltstack(core::ptr::null(), &mut now) };
            assert!(now.ss_size >= 64 << 10);
            now.ss_sp as usize
        });
        let was = thread.join().unwrap();
        let there = faults::maps().lines().any(|line| {
            let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).unwrap();
            let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
            (start..end).contains(&was)
        });
        i32::from(there)
    });
    assert_eq!(end, End::Exit(0));
}
