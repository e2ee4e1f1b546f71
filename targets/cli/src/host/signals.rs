//! Terminating signals, and a timer whose signal ends the process.

use super::status::ignored_signals;
#[cfg(feature = "hosts")]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register_conditional_default, register_conditional_shutdown};
use std::ffi::c_int;
use std::io;
use std::sync::atomic::AtomicBool;

pub(crate) use ending::{Timer, exit_at};
pub(crate) use signal_hook::iterator::{Handle, Signals};

/// From now on, the signals that ask a process to end come out of the result. While `over` is true, they have their
/// default effect.
pub(crate) fn terminating_signals(over: &'static AtomicBool) -> io::Result<Signals> {
    Signals::new(obeyed(over)?)
}

/// From now on, a signal that asks a process to end does so at once; the exit code is `base` and the signal's number.
/// While `over` is true, they have their default effect.
pub(crate) fn exit_at_signals(base: u8, over: &'static AtomicBool) -> io::Result<()> {
    for signal in obeyed(over)? {
        register_conditional_shutdown(signal, c_int::from(base) + signal, &ALWAYS)?;
    }
    Ok(())
}

/// The terminating signals, except for those that the process inherited as ignored.
fn obeyed(over: &'static AtomicBool) -> io::Result<impl Iterator<Item = c_int>> {
    let ignored = ignored_signals();
    let obeyed = [SIGINT, SIGTERM].into_iter().filter(move |signal| ignored >> (signal - 1) & 1 == 0);
    for signal in obeyed.clone() {
        register_conditional_default(signal, over)?;
    }
    Ok(obeyed)
}

#[cfg(target_os = "linux")]
mod ending {
    use super::ALWAYS;
    use nix::sys::signal::{SigEvent, SigevNotify, Signal};
    use nix::sys::timer::{Expiration, TimerSetTimeFlags};
    use nix::time::ClockId;
    use signal_hook::{consts::SIGALRM, flag::register_conditional_shutdown};
    use std::io;
    use std::time::{Duration, Instant};

    pub(crate) use nix::sys::timer::Timer;

    /// Ends the process with `code` at `deadline`, by a timer's signal.
    pub(crate) fn exit_at(deadline: Instant, code: u8) -> io::Result<Timer> {
        register_conditional_shutdown(SIGALRM, code.into(), &ALWAYS)?;
        let notify = SigevNotify::SigevSignal { signal: Signal::SIGALRM, si_value: 0 };
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify))?;
        // A timer set to zero is disarmed.
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        timer.set(Expiration::OneShot(left.into()), TimerSetTimeFlags::empty())?;
        Ok(timer)
    }
}

#[cfg(not(target_os = "linux"))]
mod ending {
    use std::io;
    use std::time::Instant;

    /// There is none: see [`exit_at`].
    pub(crate) enum Timer {}

    /// Fails: this system has no such timers.
    pub(crate) fn exit_at(_: Instant, _: u8) -> io::Result<Timer> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether there is a signal SIGUSR1 here.
#[cfg(feature = "snapshot")]
pub(crate) const HAS_SIGUSR1: bool = true;

/// From now on, a thread of its own asks for a snapshot at each SIGUSR1.
#[cfg(feature = "snapshot")]
pub(crate) fn ask_for_snapshots(ask: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([signal_hook::consts::SIGUSR1])?;
    let listen = move || signals.forever().for_each(|_| ask());
    std::thread::Builder::new().name("snapshots".into()).stack_size(128 << 10).spawn(listen)?;
    Ok(())
}

/// What a signal asks of a server.
#[cfg(feature = "hosts")]
#[derive(Clone, Copy)]
pub(crate) enum ServerSignal {
    /// To answer what is in flight, and end.
    Stop,
    /// To load again what it serves.
    Reload,
}

/// From now on, a thread of its own tells `obey` of signals to a server. The second signal to stop ends the process at
/// once, with `base` and the signal's number as the exit code.
#[cfg(feature = "hosts")]
pub(crate) fn obey_server_signals(
    base: u8,
    mut obey: impl FnMut(ServerSignal) + Send + 'static,
) -> io::Result<()> {
    let ignored = ignored_signals();
    let obeyed = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(obeyed)?;
    let listen = move || {
        let mut stops = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP => obey(ServerSignal::Reload),
                signal if stops => std::process::exit(c_int::from(base) + signal),
                _ => {
                    stops = true;
                    obey(ServerSignal::Stop);
                }
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).stack_size(128 << 10).spawn(listen)?;
    Ok(())
}

static ALWAYS: AtomicBool = AtomicBool::new(true);
