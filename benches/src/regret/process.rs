//! One process, measured from outside: what it used, on as many processors as it may have.

use rustix::process::{Pid, Resource, Rlimit, Signal, getgid, prlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// What a process used, from its start to its end.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) wall_ns: i64,
    /// User and system time of all its threads.
    pub(crate) cpu_ns: i64,
    pub(crate) peak_kib: i64,
}

/// How a process ended.
pub(crate) enum End {
    /// It wrote this to its standard output, and succeeded.
    Success(Vec<u8>),
    /// It used all the CPU time that it was given.
    OutOfTime,
}

/// The processors that this program may use.
pub(crate) struct Processors(Vec<usize>);

impl Processors {
    /// Finds them. To be called before [`Self::confine`].
    pub(crate) fn find() -> Result<Processors, String> {
        let set = sched_getaffinity(None).map_err(|error| format!("the processors are unknown: {error}"))?;
        Ok(Processors((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Lets this thread, and what it starts from now on, run on the first `count` processors alone.
    pub(crate) fn confine(&self, count: usize) -> Result<(), String> {
        let mut set = CpuSet::new();
        self.0.iter().take(count).for_each(|&cpu| set.set(cpu));
        sched_setaffinity(None, &set).map_err(|error| format!("no affinity to {count} processors: {error}"))
    }
}

/// Runs a command until it ends or has used `limit` of CPU time. Its messages go to a file in `scratch`.
pub(crate) fn run(command: &mut Command, limit: Duration, scratch: &Path) -> Result<(Usage, End), String> {
    let failed = |error: std::io::Error| error.to_string();
    let messages = scratch.join("messages");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&messages).map_err(failed)?);
    // With a group, even its own, the child is made by `fork` instead of `vfork`. Its peak of memory begins as this
    // process's otherwise, which is more than small programs take.
    command.gid(getgid().as_raw());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    let seconds = limit.as_secs().max(1);
    let bound = Rlimit { current: Some(seconds), maximum: Some(seconds + 1) };
    // A process that has ended already needs no limit.
    let _ = prlimit(Pid::from_raw(child.id() as i32), Resource::Cpu, bound);
    let mut output = Vec::new();
    if let Some(out) = &mut child.stdout {
        out.read_to_end(&mut output).map_err(failed)?;
    }
    let used = child.wait4().map_err(failed)?;
    let usage = Usage {
        wall_ns: start.elapsed().as_nanos() as i64,
        cpu_ns: (used.rusage.utime + used.rusage.stime).as_nanos() as i64,
        peak_kib: (used.rusage.maxrss / 1024) as i64,
    };
    if used.status.success() {
        return Ok((usage, End::Success(output)));
    }
    if used.status.signal() == Some(Signal::XCPU.as_raw()) {
        return Ok((usage, End::OutOfTime));
    }
    let messages = std::fs::read_to_string(&messages).unwrap_or_default();
    Err(format!("{} ({})", messages.trim(), used.status))
}
