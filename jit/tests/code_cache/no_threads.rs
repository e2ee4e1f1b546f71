//! Tests without a compiler thread, because the system gives none.

use crate::{WORK, run, wanted};
use dunlin::{Config, Engine, Module};
use dunlin_jit::{Jit, Mode};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use std::thread;

/// Forbids this thread to create others; false if the system has no way to do that.
fn makes_no_threads() -> bool {
    let rules = [libc::SYS_clone, libc::SYS_clone3].map(|call| (call, Vec::new()));
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EAGAIN as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    apply_filter(&program).is_ok()
}

/// The thread that executes then compiles.
#[test]
fn without_a_thread_code_is_compiled_all_the_same() {
    let wanted = wanted(80);
    // The filter only affects this thread.
    let tried = thread::spawn(move || {
        if !makes_no_threads() {
            return false;
        }
        assert!(thread::Builder::new().spawn(|| {}).is_err());
        for mode in [Mode::Background, Mode::Sync, Mode::Eager] {
            let jit = Jit::new(Jit::options().mode(mode).threshold(1).sample_every(50)).unwrap();
            let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
            let module = Module::new(&engine, WORK).unwrap();
            for _ in 0..4 {
                assert_eq!(run(&engine, &module, 80).unwrap(), wanted);
            }
            let stats = jit.stats();
            println!("{mode:?}: {stats:?}");
            assert!(stats.functions > 3 && stats.declined.is_empty(), "{stats:?}");
            // A module that is compiled before it executes needs no compiler thread.
            assert_eq!(stats.no_thread.is_some(), mode != Mode::Eager);
        }
        true
    });
    // Only emulators lack seccomp filters.
    assert!(tried.join().unwrap() || cfg!(not(target_arch = "x86_64")));
}
