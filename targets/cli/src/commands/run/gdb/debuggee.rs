//! The guest as a debugger sees it: a call that stops and goes on.

use crate::guest::wasi::{Wasi, exit_code};
use crate::host::streams::watched;
use dunlin::{
    Breakpoint, DebugFrame, Error, Func, Instance, Module, ResumableCall, Store, SuspendedCall, Trap, Val,
};
use gdbstub::common::Signal;
use gdbstub::conn::ConnectionExt;
use gdbstub_arch::wasm::addr::{WasmAddr, WasmAddrType};
use std::net::TcpStream;
use std::ops::ControlFlow;

/// A guest under a debugger.
pub(super) struct Debuggee<'d> {
    pub(super) store: &'d mut Store<Wasi>,
    pub(super) instance: Instance,
    pub(super) module: Module,
    /// The module, and what it is called.
    pub(super) bytes: &'d [u8],
    pub(super) name: &'d str,
    results: &'d mut [Val],
    state: State,
    /// Whether it goes on by one instruction only.
    pub(super) steps: bool,
    /// Whether the debugger has interrupted it, and it hasn't stopped for that yet.
    is_interrupted: bool,
    /// Offsets in the module, as the debugger gave them.
    pub(super) breakpoints: Vec<u32>,
}

enum State {
    Suspended(SuspendedCall),
    Ended(Result<(), Error>),
}

/// Why a guest doesn't run any more.
pub(super) enum Event {
    /// The debugger has sent something.
    Incoming,
    Stopped(Signal),
    Ended,
}

/// Begins a call, and stops before its first instruction.
pub(super) fn begin(
    store: &mut Store<Wasi>,
    func: Func,
    params: &[Val],
    results: &mut [Val],
) -> Result<ResumableCall, Error> {
    if let Some(mut breakpoints) = store.edit_breakpoints() {
        breakpoints.single_step(true);
    }
    func.call_resumable(store, params, results)
}

impl<'d> Debuggee<'d> {
    pub(super) fn new(
        store: &'d mut Store<Wasi>,
        (instance, begun): (Instance, ResumableCall),
        results: &'d mut [Val],
        bytes: &'d [u8],
        name: &'d str,
    ) -> Self {
        let module = instance.module(&*store).clone();
        let state = match begun {
            ResumableCall::Suspended(call) => State::Suspended(call),
            // Such as a function of the host's.
            ResumableCall::Finished => State::Ended(Ok(())),
        };
        let (steps, is_interrupted, breakpoints) = (false, false, Vec::new());
        Self { store, instance, module, bytes, name, results, state, steps, is_interrupted, breakpoints }
    }

    /// Lets it run until it stops, or the debugger says something.
    pub(super) fn run(&mut self, connection: &mut TcpStream) -> Event {
        loop {
            let incoming = connection.peek();
            // What is sent later waits for its turn.
            let _ = connection.set_nonblocking(false);
            match incoming {
                Ok(None) => {}
                // What reading it then says.
                Ok(Some(_)) | Err(_) => return Event::Incoming,
            }
            let (interrupt, clone) = (self.store.interrupt_handle(), connection.try_clone());
            self.go_on(|run| match &clone {
                Ok(connection) => watched(connection, || interrupt.interrupt(), run),
                Err(_) => {
                    run();
                    false
                }
            });
            match &self.state {
                State::Ended(_) => return Event::Ended,
                State::Suspended(call) => match call.reason().trap() {
                    // By the debugger: looks what that wants.
                    Some(Trap::Interrupt) => {}
                    Some(trap) => return Event::Stopped(signal(trap)),
                    None => return Event::Stopped(Signal::SIGTRAP),
                },
            }
        }
    }

    /// Resumes it once. `around` runs it, and tells whether the debugger has interrupted it.
    fn go_on(&mut self, around: impl FnOnce(&mut dyn FnMut()) -> bool) {
        let State::Suspended(call) = std::mem::replace(&mut self.state, State::Ended(Ok(()))) else { return };
        // It would trap again.
        if call.reason().trap().is_some_and(|trap| trap != Trap::Interrupt) {
            self.state = State::Ended(Err(call.into_reason()));
            return;
        }
        if let Some(mut breakpoints) = self.store.edit_breakpoints() {
            breakpoints.single_step(self.steps);
        }
        let (mut call, mut resumed) = (Some(call), None);
        self.is_interrupted |= around(&mut || {
            if let Some(call) = call.take() {
                resumed = Some(call.resume(&mut *self.store, self.results));
            }
        });
        self.state = match resumed {
            Some(Ok(ResumableCall::Suspended(call))) if self.can_go_on(call.reason()) => {
                State::Suspended(call)
            }
            Some(Ok(ResumableCall::Suspended(call))) => State::Ended(Err(call.into_reason())),
            Some(Ok(ResumableCall::Finished)) | None => State::Ended(Ok(())),
            Some(Err(error)) => State::Ended(Err(error)),
        };
    }

    /// Whether a call that stopped for this reason is still the debugger's: it is at a breakpoint, has trapped, or was
    /// interrupted by the debugger, and not by somebody else.
    fn can_go_on(&mut self, reason: &Error) -> bool {
        match reason.trap() {
            Some(Trap::Interrupt) => std::mem::take(&mut self.is_interrupted),
            Some(trap) => trap != Trap::OutOfFuel,
            None => reason.downcast_ref::<Breakpoint>().is_some(),
        }
    }

    /// Lets it run to its end, without the debugger.
    pub(super) fn run_alone(mut self) -> Result<(), Error> {
        self.steps = false;
        for offset in std::mem::take(&mut self.breakpoints) {
            self.set_breakpoint(offset, false)?;
        }
        while matches!(self.state, State::Suspended(_)) {
            self.go_on(|run| {
                run();
                false
            });
        }
        self.end()
    }

    /// How it has ended.
    pub(super) fn end(self) -> Result<(), Error> {
        match self.state {
            State::Ended(result) => result,
            State::Suspended(call) => Err(call.into_reason()),
        }
    }

    /// The exit code that it has ended with; `None` if it has trapped.
    pub(super) fn exit_code(&self) -> Option<u32> {
        match &self.state {
            State::Ended(Ok(())) => Some(0),
            State::Ended(Err(error)) => exit_code(error),
            State::Suspended(_) => None,
        }
    }

    /// Adds a breakpoint, or removes one; whether there can be one at that offset.
    pub(super) fn set_breakpoint(&mut self, offset: u32, on: bool) -> Result<bool, Error> {
        let Some(mut breakpoints) = self.store.edit_breakpoints() else { return Ok(false) };
        if !on {
            breakpoints.remove_breakpoint(&self.module, offset)?;
            self.breakpoints.retain(|known| *known != offset);
            return Ok(true);
        }
        let found = breakpoints.add_breakpoint(&self.module, offset)?.is_some();
        if found {
            self.breakpoints.push(offset);
        }
        Ok(found)
    }

    /// Where it is.
    pub(super) fn pc(&self) -> u64 {
        self.frame(0, |frame| frame.next_offset()).flatten().map_or(0, address)
    }

    /// Shows the frames, innermost first.
    pub(super) fn frames(&self, visit: &mut dyn FnMut(DebugFrame<'_>) -> ControlFlow<()>) {
        if let State::Suspended(call) = &self.state {
            call.debug_frames(&*self.store, visit);
        }
    }

    /// Shows one frame.
    pub(super) fn frame<R>(&self, number: usize, mut show: impl FnMut(DebugFrame<'_>) -> R) -> Option<R> {
        let (mut before, mut shown) = (number, None);
        self.frames(&mut |frame| match before.checked_sub(1) {
            Some(left) => {
                before = left;
                ControlFlow::Continue(())
            }
            None => {
                shown = Some(show(frame));
                ControlFlow::Break(())
            }
        });
        shown
    }
}

/// The address of an instruction, by its offset in the module.
pub(super) fn address(offset: u32) -> u64 {
    WasmAddr::new(WasmAddrType::Object, 0, offset).map_or(0, WasmAddr::as_raw)
}

/// What a debugger calls a trap.
fn signal(trap: Trap) -> Signal {
    match trap {
        Trap::UnreachableCodeReached => Signal::SIGILL,
        Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger => Signal::SIGFPE,
        _ => Signal::SIGSEGV,
    }
}
