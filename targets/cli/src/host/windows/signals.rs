//! What ends a process: Ctrl+C, Ctrl+Break, and a console that is closed. All three count as SIGINT. Nothing else can
//! be sent to a process, and no timer ends one.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// C's number, which exit codes are made of.
const SIGINT: u8 = 2;

/// What a process that a console ends exits with: STATUS_CONTROL_C_EXIT.
const CONTROL_C_EXIT: i32 = 0xC000_013A_u32 as i32;

/// Who is told.
enum Listener {
    Nobody,
    Thread(Sender<i32>),
    /// The process exits with this.
    Exit(u8),
}

static LISTENER: Mutex<Listener> = Mutex::new(Listener::Nobody);

fn listener() -> MutexGuard<'static, Listener> {
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, this listener is told. While `over` is true, the process ends.
fn listen(new: Listener, over: &'static AtomicBool) -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    *listener() = new;
    let told = move || match &*listener() {
        Listener::Thread(sender) if !over.load(Ordering::Relaxed) && sender.send(SIGINT.into()).is_ok() => {}
        Listener::Exit(code) if !over.load(Ordering::Relaxed) => std::process::exit((*code).into()),
        _ => std::process::exit(CONTROL_C_EXIT),
    };
    let installed = INSTALLED.get_or_init(|| ctrlc::set_handler(told).map_err(|error| error.to_string()));
    installed.clone().map_err(io::Error::other)
}

/// Signals as they come.
pub(crate) struct Signals(Receiver<i32>);

impl Signals {
    /// Waits for each, until the handle is closed.
    pub(crate) fn forever(&mut self) -> impl Iterator<Item = i32> {
        self.0.iter()
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle
    }
}

/// Ends what waits for signals.
pub(crate) struct Handle;

impl Handle {
    pub(crate) fn close(&self) {
        *listener() = Listener::Nobody;
    }
}

/// From now on, what asks the process to end comes out of the result. While `over` is true, it ends.
pub(crate) fn terminating_signals(over: &'static AtomicBool) -> io::Result<Signals> {
    let (sender, receiver) = channel();
    listen(Listener::Thread(sender), over)?;
    Ok(Signals(receiver))
}

/// From now on, what asks the process to end does so at once; the exit code is `base` and the signal's number.
pub(crate) fn exit_at_signals(base: u8, over: &'static AtomicBool) -> io::Result<()> {
    listen(Listener::Exit(base + SIGINT), over)
}

/// There is none: see [`exit_at`].
pub(crate) enum Timer {}

/// Fails: this system has no such timers.
pub(crate) fn exit_at(_: Instant, _: u8) -> io::Result<Timer> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether there is a signal SIGUSR1 here.
#[cfg(feature = "snapshot")]
pub(crate) const HAS_SIGUSR1: bool = false;

/// Fails: see [`HAS_SIGUSR1`].
#[cfg(feature = "snapshot")]
pub(crate) fn ask_for_snapshots(_: impl Fn() + Send + 'static) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
