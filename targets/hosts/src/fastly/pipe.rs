//! Pipes: bytes on their way between a guest and a backend, on two threads.

use super::status::Status;
use dunlin::{Budget, Charge, Kind};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much a pipe holds.
const WINDOW: usize = 64 << 10;

/// Tells a guest that something has happened, whatever it waits for.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *lock(&self.rings) += 1;
        self.rung.notify_all();
    }

    /// How often it has rung.
    pub(super) fn rings(&self) -> u64 {
        *lock(&self.rings)
    }

    /// Waits until it has rung more often than that, or the time is up.
    pub(super) fn wait(&self, rings: u64, time: Duration) {
        let held = lock(&self.rings);
        let waited = self.rung.wait_timeout_while(held, time, |now| *now == rings);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pipe {
    state: Mutex<State>,
    /// Either side has done something.
    changed: Condvar,
    bell: Arc<Bell>,
}

struct State {
    bytes: VecDeque<u8>,
    /// How the writer ended.
    end: Option<Result<(), String>>,
    reader_gone: bool,
    _charge: Charge,
}

/// Where bytes go into a pipe. One that is dropped before it has ended leaves a body without an end.
pub(super) struct Inlet(Arc<Pipe>);

/// Where bytes come out of a pipe.
pub(super) struct Outlet(Arc<Pipe>);

/// A pipe, charged to the budget. The bell rings whenever either side has done something.
pub(super) fn pipe(budget: &Budget, bell: &Arc<Bell>) -> Result<(Inlet, Outlet), Status> {
    let charge = budget.charge(Kind::Host, WINDOW as u64)?;
    let state = State { bytes: VecDeque::new(), end: None, reader_gone: false, _charge: charge };
    let pipe = Pipe { state: Mutex::new(state), changed: Condvar::new(), bell: bell.clone() };
    let pipe = Arc::new(pipe);
    Ok((Inlet(pipe.clone()), Outlet(pipe)))
}

impl Pipe {
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut lock(&self.state));
        self.changed.notify_all();
        self.bell.ring();
        result
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody takes what is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Closed;

impl Inlet {
    /// Writes as much as there is room for now; `None` if there is none.
    pub(super) fn try_write(&self, bytes: &[u8]) -> Result<Option<usize>, Closed> {
        {
            let state = lock(&self.0.state);
            if state.reader_gone {
                return Err(Closed);
            }
            if state.bytes.len() >= WINDOW {
                return Ok(None);
            }
        }
        Ok(Some(self.0.change(|state| {
            let count = bytes.len().min(WINDOW - state.bytes.len());
            state.bytes.extend(&bytes[..count]);
            count
        })))
    }

    /// Whether there is room, or no use in waiting for it.
    pub(super) fn is_ready(&self) -> bool {
        let state = lock(&self.0.state);
        state.reader_gone || state.bytes.len() < WINDOW
    }

    /// Writes everything, and waits for room.
    pub(super) fn write_all(&self, mut bytes: &[u8]) -> Result<(), Closed> {
        while !bytes.is_empty() {
            match self.try_write(bytes)? {
                Some(count) => bytes = &bytes[count..],
                None => {
                    let mut state = lock(&self.0.state);
                    while !state.reader_gone && state.bytes.len() >= WINDOW {
                        state = self.0.wait(state);
                    }
                }
            }
        }
        Ok(())
    }

    /// Says that nothing more comes, and whether that is because something failed.
    pub(super) fn end(self, end: Result<(), String>) {
        self.0.change(|state| _ = state.end.get_or_insert(end));
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        let ended = lock(&self.0.state).end.is_some();
        if !ended {
            self.0.change(|state| state.end = Some(Err("the body was abandoned".into())));
        }
    }
}

impl Outlet {
    /// Reads what there is now; `None` if it has to be waited for. Nothing is the end.
    pub(super) fn try_read(&self, into: &mut [u8]) -> Result<Option<usize>, Status> {
        {
            let state = lock(&self.0.state);
            match &state.end {
                _ if !state.bytes.is_empty() => {}
                None => return Ok(None),
                Some(Ok(())) => return Ok(Some(0)),
                Some(Err(_)) => return Err(Status::HttpIncomplete),
            }
        }
        Ok(Some(self.0.change(|state| state.bytes.read(into).unwrap_or(0))))
    }

    /// Whether reading gives something, or the end.
    pub(super) fn is_ready(&self) -> bool {
        let state = lock(&self.0.state);
        !state.bytes.is_empty() || state.end.is_some()
    }
}

/// Waits for bytes.
impl Read for Outlet {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.try_read(into) {
                Ok(Some(count)) => return Ok(count),
                Ok(None) => {
                    let mut state = lock(&self.0.state);
                    while state.bytes.is_empty() && state.end.is_none() {
                        state = self.0.wait(state);
                    }
                }
                Err(_) => {
                    let why = lock(&self.0.state).end.clone().and_then(Result::err).unwrap_or_default();
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
                }
            }
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.reader_gone = true;
            state.bytes = VecDeque::new();
        });
    }
}

impl std::fmt::Debug for Inlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inlet")
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outlet")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_in_order_and_are_bounded() {
        let budget = Budget::new(WINDOW as u64);
        let bell = Arc::new(Bell::default());
        let (inlet, mut outlet) = pipe(&budget, &bell).unwrap();
        assert_eq!(pipe(&budget, &bell).err(), Some(Status::LimitExceeded));
        let sent: Vec<u8> = (0..4 * WINDOW).map(|i| (i / 7) as u8).collect();
        let copy = sent.clone();
        let writer = std::thread::spawn(move || {
            inlet.write_all(&copy).unwrap();
            inlet.end(Ok(()));
        });
        let mut read = Vec::new();
        outlet.read_to_end(&mut read).unwrap();
        writer.join().unwrap();
        assert!(read == sent && bell.rings() > 0);
        drop(outlet);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn either_side_learns_of_the_others_end() {
        let (budget, bell) = (Budget::unlimited(), Arc::new(Bell::default()));
        let (inlet, outlet) = pipe(&budget, &bell).unwrap();
        assert!(!outlet.is_ready() && inlet.is_ready());
        assert_eq!(inlet.try_write(&[7; WINDOW + 1]), Ok(Some(WINDOW)));
        assert_eq!((inlet.try_write(b"x"), inlet.is_ready()), (Ok(None), false));
        drop(outlet);
        assert_eq!((inlet.try_write(b"x"), inlet.is_ready()), (Err(Closed), true));
        let (inlet, outlet) = pipe(&budget, &bell).unwrap();
        drop(inlet);
        assert_eq!((outlet.try_read(&mut [0]), outlet.is_ready()), (Err(Status::HttpIncomplete), true));
        let (inlet, outlet) = pipe(&budget, &bell).unwrap();
        inlet.end(Ok(()));
        assert_eq!(outlet.try_read(&mut [0]), Ok(Some(0)));
    }
}
