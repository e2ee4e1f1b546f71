//! Runs machine code from a mapping: in this process, or in a child if it is going to trap.

use crate::code::trap_of;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::TargetIsa;
use dunlin::Trap;
use memmap2::{Mmap, MmapMut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

/// Functions of arguments, a result, and a context.
type Entry = unsafe extern "C" fn(*const u128, *mut u128, *const u64);

pub(super) struct Native {
    code: Mmap,
    entries: Vec<usize>,
    /// Offsets that may trap, and their codes, in ascending order.
    traps: Vec<(usize, u8)>,
}

impl Native {
    pub(super) fn new(isa: &dyn TargetIsa, funcs: Vec<Function>) -> Native {
        let (mut bytes, mut entries, mut traps) = (Vec::new(), Vec::new(), Vec::new());
        for func in funcs {
            let mut context = Context::for_function(func);
            let code = match context.compile(isa, &mut ControlPlane::default()) {
                Ok(code) => code,
                Err(error) => panic!("{:?}\n{}", error.inner, error.func),
            };
            assert!(code.buffer.relocs().is_empty(), "nothing refers to anything else");
            bytes.resize(bytes.len().next_multiple_of(64), 0);
            entries.push(bytes.len());
            traps.extend(
                code.buffer
                    .traps()
                    .iter()
                    .map(|trap| (bytes.len() + trap.offset as usize, trap.code.as_raw().get())),
            );
            bytes.extend_from_slice(code.code_buffer());
        }
        let mut mapping = MmapMut::map_anon(bytes.len()).unwrap();
        mapping.copy_from_slice(&bytes);
        Native { code: mapping.make_exec().unwrap(), entries, traps }
    }

    pub(super) fn call(&self, func: usize, args: &[u128], vm: &[u64]) -> u128 {
        let mut result = 0;
        // SAFETY: this is the code of a function of that type. It reads as many arguments as it has, and memory that
        // the context leads to.
        unsafe {
            let entry: Entry = std::mem::transmute(self.code.as_ptr().add(self.entries[func]));
            entry(args.as_ptr(), &mut result, vm.as_ptr());
        }
        result
    }

    /// Why a call traps.
    pub(super) fn trap(&self, func: usize, args: &[u128], vm: &[u64]) -> Option<Trap> {
        // SAFETY: the child only makes system calls and runs the code under test, and ends without unwinding.
        unsafe {
            let child = libc::fork();
            assert!(child >= 0, "fork failed");
            if child == 0 {
                BASE.store(self.code.as_ptr().cast_mut(), Relaxed);
                TRAPS.store(self.traps.as_ptr().cast_mut(), Relaxed);
                COUNT.store(self.traps.len(), Relaxed);
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = trapped as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
                for signal in [libc::SIGILL, libc::SIGFPE, libc::SIGSEGV, libc::SIGBUS, libc::SIGTRAP] {
                    libc::sigaction(signal, &action, std::ptr::null_mut());
                }
                self.call(func, args, vm);
                libc::_exit(0);
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            assert!(libc::WIFEXITED(status), "ended by a signal that is no trap's");
            trap_of(libc::WEXITSTATUS(status) as u8)
        }
    }
}

static BASE: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static TRAPS: AtomicPtr<(usize, u8)> = AtomicPtr::new(std::ptr::null_mut());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The signal handler: ends the process with the trap's code.
extern "C" fn trapped(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a context, and the statics were set before the code was called.
    unsafe {
        let context = &(*context.cast::<libc::ucontext_t>()).uc_mcontext;
        #[cfg(target_arch = "x86_64")]
        let at = context.gregs[libc::REG_RIP as usize] as usize;
        #[cfg(target_arch = "aarch64")]
        let at = context.pc as usize;
        let traps = std::slice::from_raw_parts(TRAPS.load(Relaxed), COUNT.load(Relaxed));
        let at = at.wrapping_sub(BASE.load(Relaxed) as usize);
        match traps.binary_search_by_key(&at, |trap| trap.0) {
            Ok(found) => libc::_exit(traps[found].1.into()),
            Err(_) => libc::abort(),
        }
    }
}

/// A linear memory at the beginning of its reservation, the rest of which faults.
pub(super) struct Memory {
    base: *mut u8,
    reserved: usize,
    len: usize,
}

impl Memory {
    pub(super) fn new(len: usize, reserved: usize) -> Memory {
        // SAFETY: makes a new mapping, and makes its beginning accessible.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let base = libc::mmap(std::ptr::null_mut(), reserved, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(base, len, libc::PROT_READ | libc::PROT_WRITE), 0);
            Memory { base: base.cast(), reserved, len }
        }
    }

    pub(super) fn base(&self) -> u64 {
        self.base as u64
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: `len` bytes are accessible, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.len) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made.
        unsafe { libc::munmap(self.base.cast(), self.reserved) };
    }
}
