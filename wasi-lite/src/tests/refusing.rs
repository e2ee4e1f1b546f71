//! A system that refuses calls, as older kernels and containers do.

use nix::libc::{SYS_openat2, c_long};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};
use std::collections::BTreeMap;
use std::io::Write;

/// Calls `f` on a thread where the system calls of these numbers fail with `errno` (if their arguments are as the rules say).
pub(crate) fn refusing(
    rules: impl IntoIterator<Item = (c_long, Vec<SeccompRule>)>,
    errno: rustix::io::Errno,
    f: impl FnOnce() + Send,
) {
    let Ok(arch) = std::env::consts::ARCH.try_into() else {
        return skip(&"the library for that doesn't know this processor");
    };
    #[allow(clippy::useless_conversion, reason = "not where numbers have 32 bits")]
    let rules: BTreeMap<i64, _> = rules.into_iter().map(|(number, rules)| (number.into(), rules)).collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.raw_os_error().cast_unsigned()),
        arch,
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| match apply_filter(&program) {
            Ok(()) => f(),
            // As where another processor is emulated.
            Err(error) => skip(&error),
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Said past the capture of what tests print.
fn skip(why: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: no system call can be refused here: {why}");
}

/// Calls `f` where there is no `openat2`, so that the sandbox's library resolves paths itself. `EPERM` is what makes it do so
/// for one call; after `ENOSYS` it would never try again in this process.
pub(crate) fn without_openat2(f: impl FnOnce() + Send) {
    refusing([(SYS_openat2, vec![])], rustix::io::Errno::PERM, f);
}
