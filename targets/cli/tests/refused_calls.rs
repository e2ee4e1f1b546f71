//! Programs where the system refuses a call, as containers and older kernels do.
#![cfg(feature = "text")]

mod common;

use common::{Ended, command, example, folder, skipped, wait};
use nix::libc::*;
use rustix::io::Errno;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::path::Path;

/// Runs `dunlin` where the system refuses this call with `errno`, as containers and older kernels do. `None` if it takes the
/// call to start a process, or no call can be refused.
fn refused(syscall: i64, errno: Errno, args: &[&str]) -> Option<Ended> {
    let rules = [(syscall, vec![])].into_iter().collect();
    let refusal = SeccompAction::Errno(errno.raw_os_error().cast_unsigned());
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch).unwrap().try_into().unwrap();
    std::thread::scope(|scope| {
        // What the thread starts inherits the filter.
        let child =
            scope.spawn(|| seccompiler::apply_filter(&filter).ok().and_then(|()| command(args).spawn().ok()));
        child.join().unwrap().map(wait)
    })
}

/// Calls that a program can be run without, or that a sentence says it needs. What every process needs to start at all
/// (`execve`, `mmap` and the like) isn't among them, nor is `ppoll`, without which nobody can wait for anything.
const REFUSED: [i64; 41] = [
    SYS_openat2,
    SYS_statx,
    SYS_getrandom,
    SYS_membarrier,
    SYS_memfd_create,
    SYS_close_range,
    SYS_clone3,
    SYS_rseq,
    SYS_set_robust_list,
    SYS_prlimit64,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_ioctl,
    SYS_fstat,
    SYS_utimensat,
    SYS_fallocate,
    SYS_fadvise64,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_prctl,
    SYS_epoll_create1,
    SYS_eventfd2,
    SYS_pipe2,
    SYS_timerfd_create,
    SYS_clock_nanosleep,
    SYS_clock_getres,
    SYS_nanosleep,
    SYS_madvise,
    SYS_mremap,
    SYS_sigaltstack,
    SYS_getdents64,
    SYS_lseek,
    SYS_socketpair,
    SYS_socket,
    SYS_fcntl,
    SYS_sysinfo,
    SYS_uname,
    SYS_gettid,
];

#[test]
fn the_system_may_refuse_what_it_likes() {
    let folder = folder("the_system_may_refuse_what_it_likes");
    let dir = format!("{}::/", folder.display());
    let (hello, cp) = (&example("wasm/hello.wasm"), &example("wasm/cp.wasm"));
    std::fs::write(folder.join("from"), "contents").unwrap();
    if refused(SYS_nanosleep, Errno::NOSYS, &["--version"]).is_none() {
        return skipped("no system call can be refused here");
    }
    let (mut ran, mut said, mut not_started) = (0, 0, 0);
    for syscall in REFUSED {
        for errno in [Errno::NOSYS, Errno::PERM] {
            let mut check = |ended: Option<Ended>, done: fn(&Path, &Ended) -> bool| match ended {
                None => not_started += 1,
                Some(ended) if ended.code == 0 => {
                    assert!(done(&folder, &ended), "{syscall} {errno:?}: {ended:#?}");
                    ran += 1;
                }
                Some(ended) => {
                    let lines = ended.err.lines().count();
                    assert!((1..4).contains(&lines), "{syscall} {errno:?}: {ended:#?}");
                    eprintln!("without {syscall} ({errno:?}): {}", ended.err.trim_end());
                    said += 1;
                }
            };
            check(refused(syscall, errno, &["run", hello]), |_, ended| ended.out == "Hello, world!\n");
            let _ = std::fs::remove_file(folder.join("to"));
            let args = ["run", "--timeout", "60s", "--dir", &dir, cp, "/from", "/to"];
            check(refused(syscall, errno, &args), |folder, _| {
                std::fs::read(folder.join("to")).is_ok_and(|copy| copy == b"contents")
            });
        }
    }
    eprintln!("{ran} ran, {said} said why not, {not_started} couldn't be started");
    assert_eq!(ran + said + not_started, 4 * REFUSED.len());
    assert!(not_started <= 8 && ran >= 3 * REFUSED.len());
}

/// What isn't on the disk takes no file's place.
#[test]
fn a_disk_may_fail_when_it_is_synchronized() {
    let folder = folder("a_disk_may_fail");
    let report = folder.join("report.json");
    let path = report.to_str().unwrap();
    let hello = &example("wasm/hello.wasm");
    for old in [None, Some("")] {
        if let Some(old) = old {
            std::fs::write(&report, old).unwrap();
        }
        let Some(ended) = refused(SYS_fsync, Errno::IO, &["run", "--report", path, hello]) else {
            return skipped("no system call can be refused here");
        };
        ended.code(1).one_sentence().says("--report").says("Input/output error").prints("Hello, world!\n");
        assert_eq!(std::fs::read_to_string(&report).ok().as_deref(), old);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), usize::from(old.is_some()));
    }
    // A file with several names is written in place.
    std::fs::hard_link(&report, folder.join("second")).unwrap();
    let ended = refused(SYS_fsync, Errno::IO, &["run", "--report", path, hello]).unwrap();
    ended.code(1).one_sentence().says("--report").says("Input/output error").prints("Hello, world!\n");
}
