//! What a guest's thread and its client's connection share while a request is answered: the answer as far as it is
//! there, and how either side ends it.

use super::failure::Failure;
use dunlin::InterruptHandle;
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Response, StatusCode, header};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How much of an answer is held for its client; a guest that has written more waits.
const WINDOW: usize = 64 << 10;

/// How much of an answer is held back before its head is sent, in the hope that it ends: then its length is known.
const EAGER: usize = 16 << 10;

/// A request's answer in the making.
pub(super) struct Exchange {
    /// Whether only the head is wanted.
    head_only: bool,
    state: Mutex<State>,
    /// There is room for more, or nobody wants more.
    room: Condvar,
}

#[derive(Default)]
struct State {
    head: Option<Response<()>>,
    chunks: VecDeque<Bytes>,
    /// The length of `chunks`.
    held: usize,
    /// How much of the body has been written.
    written: u64,
    /// What follows the body.
    trailers: Option<HeaderMap>,
    /// How much the guest says there is.
    announced: Option<u64>,
    /// How the answer ended.
    end: Option<Result<(), Failure>>,
    /// Whether what the guest writes is passed on at once, since it takes long.
    prompt: bool,
    /// What the guest has used, as far as that is known.
    fuel: u64,
    /// What stops its guests, each with its number: several may be at work for one request.
    guests: Vec<(u64, InterruptHandle)>,
    /// The number of the next.
    next_guest: u64,
    /// The connection, waiting for more.
    waker: Option<Waker>,
    /// The connection, waiting for the end.
    watcher: Option<Waker>,
}

/// Of an answer's body, the next that there is.
pub(super) enum Next {
    Chunk(Bytes),
    Trailers(HeaderMap),
    End,
    Broken(Failure),
}

impl Exchange {
    pub(super) fn new(method: &Method) -> Arc<Self> {
        Arc::new(Self { head_only: method == Method::HEAD, state: Mutex::default(), room: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The guest's side: this is the head.
    pub(super) fn start(&self, head: Response<()>) {
        let length = head.headers().get(header::CONTENT_LENGTH);
        let mut state = self.state();
        state.announced = length.and_then(|length| length.to_str().ok()?.parse().ok());
        state.head = Some(head);
        if state.flows() {
            state.wake();
        }
    }

    /// The guest's side: adds to the body. Waits while much of it hasn't been taken.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut state = self.state();
        loop {
            if let Some(Err(failure)) = &state.end {
                return Err(failure.clone());
            }
            if state.held < WINDOW {
                break;
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.written += bytes.len() as u64;
        if !self.head_only && !bytes.is_empty() {
            state.held += bytes.len();
            state.chunks.push_back(Bytes::copy_from_slice(bytes));
            if state.flows() {
                state.wake();
            }
        }
        Ok(())
    }

    /// The guest's side: passes on what is there, and waits until the connection has it. Says whether it does.
    pub(super) fn flush(&self) -> bool {
        self.hurry();
        let goes_on = |state: &mut State| state.held > 0 && !matches!(state.end, Some(Err(_)));
        let state = self.room.wait_while(self.state(), goes_on).unwrap_or_else(PoisonError::into_inner);
        !matches!(state.end, Some(Err(_)))
    }

    /// The guest's side: these follow the body.
    pub(super) fn end_with(&self, trailers: HeaderMap) {
        self.state().trailers = Some(trailers).filter(|trailers| !trailers.is_empty());
    }

    /// Ends the answer, unless it has ended.
    pub(super) fn end(&self, end: Result<(), Failure>) {
        self.end_state(&mut self.state(), end);
    }

    fn end_state(&self, state: &mut State, end: Result<(), Failure>) {
        if state.end.is_none() {
            state.end = Some(end);
            self.room.notify_all();
            state.wake();
            if let Some(watcher) = state.watcher.take() {
                watcher.wake();
            }
        }
    }

    /// Ends the answer before its guest is done, and stops the guest.
    pub(super) fn stop(&self, why: Result<(), Failure>) {
        let mut state = self.state();
        if state.end.is_none() {
            for (_, guest) in &state.guests {
                guest.interrupt();
            }
            self.end_state(&mut state, why);
        }
    }

    /// The connection's side: nobody wants more of the answer.
    pub(super) fn abandon(&self) {
        let state = self.state();
        // Whoever has all that was announced wants no more, and the guest may have more to do.
        if state.chunks.is_empty() && state.announced == Some(state.written) {
            return;
        }
        drop(state);
        // Whoever asked for the head has it.
        self.stop(if self.head_only { Ok(()) } else { Err(Failure::client_gone()) });
    }

    /// Why the answer ended before its guest was done.
    pub(super) fn stopped(&self) -> Option<Failure> {
        self.state().end.as_ref().and_then(|end| end.as_ref().err().cloned())
    }

    /// From now on, what is written is passed on at once.
    pub(super) fn hurry(&self) {
        let mut state = self.state();
        state.prompt = true;
        state.wake();
    }

    /// The connection's side: the head, as soon as it is to be sent.
    pub(super) async fn head(&self) -> Result<Response<()>, Failure> {
        poll_fn(|cx| {
            let mut state = self.state();
            let ready = state.end.is_some() || state.prompt && state.head.is_some() || state.held > EAGER;
            if !ready {
                state.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(match (state.head.take(), &state.end) {
                // Nothing has been sent yet, so the client can still be told.
                (_, Some(Err(failure))) => Err(failure.clone()),
                (Some(mut head), Some(Ok(()))) => {
                    // Only chunks have trailers behind them.
                    if state.trailers.is_none() {
                        self.set_length(&mut head, state.written);
                    }
                    Ok(head)
                }
                (Some(head), None) => Ok(head),
                (None, _) => Err(Failure::guest("no answer", "there is no answer")),
            })
        })
        .await
    }

    /// Now that the length is known, whatever the guest said of it.
    fn set_length(&self, head: &mut Response<()>, written: u64) {
        match head.status() {
            StatusCode::NO_CONTENT => drop(head.headers_mut().remove(header::CONTENT_LENGTH)),
            StatusCode::NOT_MODIFIED => {}
            // Whoever wrote nothing says nothing of the length.
            _ if self.head_only && (written == 0 || head.headers().contains_key(header::CONTENT_LENGTH)) => {}
            _ => drop(head.headers_mut().insert(header::CONTENT_LENGTH, written.into())),
        }
    }

    /// The connection's side: what comes next of the body.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Next> {
        let mut state = self.state();
        if let Some(chunk) = state.chunks.pop_front() {
            state.held -= chunk.len();
            self.room.notify_all();
            return Poll::Ready(Next::Chunk(chunk));
        }
        if matches!(state.end, Some(Ok(())))
            && let Some(trailers) = state.trailers.take()
        {
            return Poll::Ready(Next::Trailers(trailers));
        }
        match &state.end {
            Some(Ok(())) => Poll::Ready(Next::End),
            Some(Err(failure)) => Poll::Ready(Next::Broken(failure.clone())),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// How much of the body is left, if all of it is there.
    pub(super) fn rest(&self) -> Option<u64> {
        let state = self.state();
        (matches!(state.end, Some(Ok(()))) && state.trailers.is_none()).then_some(state.held as u64)
    }

    /// The guest's side: this is how much fuel it used.
    pub(super) fn used(&self, fuel: u64) {
        self.state().fuel = fuel;
    }

    /// How the answer ended so far, and the fuel that it took.
    pub(super) fn outcome(&self) -> (Option<Failure>, u64) {
        let state = self.state();
        (state.end.as_ref().and_then(|end| end.as_ref().err().cloned()), state.fuel)
    }

    /// The connection's side: the guest is done, or was stopped.
    pub(super) async fn ended(&self) {
        poll_fn(|cx| {
            let mut state = self.state();
            if state.end.is_some() {
                return Poll::Ready(());
            }
            state.watcher = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Adds what stops a guest, and gives its number. If the answer was stopped before, so is the guest.
    pub(super) fn add_guest(&self, handle: InterruptHandle) -> u64 {
        let mut state = self.state();
        if matches!(state.end, Some(Err(_))) {
            handle.interrupt();
        }
        let number = state.next_guest;
        state.next_guest += 1;
        state.guests.push((number, handle));
        number
    }

    /// The guest isn't stopped from now on. Says whether it never was.
    pub(super) fn remove_guest(&self, number: u64) -> bool {
        let mut state = self.state();
        state.guests.retain(|(other, _)| *other != number);
        state.end.is_none()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("end", &self.state().end).finish_non_exhaustive()
    }
}

impl State {
    /// Whether what is there can be sent. If not, waking the connection is in vain, and each time is two changes of threads.
    fn flows(&self) -> bool {
        self.head.is_none() || self.prompt || self.held > EAGER
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
