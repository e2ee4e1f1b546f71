//! A system that refuses calls, as older kernels and containers do.

use nix::libc::SYS_openat2;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};
use std::collections::BTreeMap;
use std::io::Write;

/// Calls `f` on a thread where the system calls of these numbers fail with `errno` (if their arguments are as the rules say).
pub(crate) fn refusing(
    rules: impl IntoIterator<Item = (i64, Vec<SeccompRule>)>,
    errno: rustix::io::Errno,
    f: impl FnOnce() + Send,
) {
    let filter = SeccompFilter::new(
        rules.into_iter().collect::<BTreeMap<_, _>>(),
        SeccompAction::Allow,
        SeccompAction::Errno(errno.raw_os_error().cast_unsigned()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| match apply_filter(&program) {
            Ok(()) => f(),
            // As where another processor is emulated. Said past the capture of what tests print.
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "SKIPPED: no system call can be refused here: {error}");
            }
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Calls `f` where there is no `openat2`, so that the sandbox's library resolves paths itself. `EPERM` is what makes it do so
/// for one call; after `ENOSYS` it would never try again in this process.
pub(crate) fn without_openat2(f: impl FnOnce() + Send) {
    refusing([(SYS_openat2, vec![])], rustix::io::Errno::PERM, f);
}
