//! `--gdb`: gdb's remote protocol, with what LLDB adds to it for WebAssembly.
//!
//! `debuggee` is the guest as a debugger sees it, which `target` tells the protocol's library.

mod debuggee;
mod target;

use crate::failure::{Failure, io_reason};
use crate::guest::wasi::Wasi;
use crate::modules::load::{Opened, Whole};
use crate::modules::precompiled::PrecompiledCode;
use crate::output::complain;
use debuggee::{Debuggee, Event, begin};
use dunlin::{Engine, Error, Func, Instance, Module, ModuleOptions, Store, Trap, Val};
use gdbstub::common::Signal;
use gdbstub::conn::ConnectionExt;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStub, GdbStubError, SingleThreadStopReason};
use gdbstub_arch::wasm::reg::id::WasmRegId;
use std::io;
use std::net::{TcpListener, TcpStream};

/// A debugger that has connected, and the module's bytes, which it asks for.
pub(super) struct Debugger {
    connection: TcpStream,
    bytes: Vec<u8>,
    name: String,
}

/// A module, perhaps with machine code, and with its bytes if a debugger will ask for them.
type Loaded = (Module, Option<PrecompiledCode>, Vec<u8>);

/// Loads a module.
pub(super) fn load(
    opened: Opened,
    engine: &Engine,
    options: &ModuleOptions,
    debugs: bool,
) -> Result<Loaded, Failure> {
    if debugs {
        let Whole { module, bytes } = opened.load_whole(engine, options)?;
        return Ok((module, None, bytes));
    }
    let (module, code) = opened.load(engine, options)?;
    Ok((module, code, Vec::new()))
}

impl Debugger {
    /// Waits until one connects at this address.
    pub(super) fn wait(address: &str, name: String, bytes: Vec<u8>) -> Result<Self, Failure> {
        let connected = || {
            let listener = TcpListener::bind(address)?;
            let address = listener.local_addr()?;
            complain(format_args!(
                "waiting for a debugger: process connect --plugin wasm connect://{address}"
            ));
            Ok(listener.accept()?.0)
        };
        let connection = connected().map_err(|error: io::Error| {
            Failure::unusable(format_args!("--gdb {address}: {}", io_reason(&error)))
        })?;
        Ok(Self { connection, bytes, name })
    }

    /// Calls a function under its control, from before the first instruction on.
    pub(super) fn call(
        self,
        store: &mut Store<Wasi>,
        (instance, func): (Instance, Func),
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        let Self { connection, bytes, name } = self;
        let begun = begin(store, func, params, results)?;
        let mut debuggee = Debuggee::new(store, (instance, begun), results, &bytes, &name);
        match converse(connection, &mut debuggee) {
            Ok(DisconnectReason::Disconnect) => debuggee.run_alone(),
            Ok(DisconnectReason::TargetExited(_) | DisconnectReason::TargetTerminated(_)) => debuggee.end(),
            // Who kills it, or is gone, has no more use for it.
            Ok(DisconnectReason::Kill) | Err(_) => Err(Trap::Interrupt.into()),
        }
    }
}

type Gone = GdbStubError<Error, io::Error>;

/// Does what the debugger asks for, until one of the two has enough.
fn converse(connection: TcpStream, debuggee: &mut Debuggee<'_>) -> Result<DisconnectReason, Gone> {
    let mut stub = GdbStub::new(connection).run_state_machine(debuggee)?;
    loop {
        stub = match stub {
            GdbStubStateMachine::Idle(mut stub) => match stub.borrow_conn().read() {
                Ok(byte) => stub.incoming_data(debuggee, byte)?,
                Err(_) => return Ok(DisconnectReason::Kill),
            },
            GdbStubStateMachine::Running(mut stub) => match debuggee.run(stub.borrow_conn()) {
                Event::Incoming => match stub.borrow_conn().read() {
                    Ok(byte) => stub.incoming_data(debuggee, byte)?,
                    Err(_) => return Ok(DisconnectReason::Kill),
                },
                Event::Stopped(signal) => {
                    let reason = SingleThreadStopReason::SignalWithThread { tid: (), signal };
                    // LLDB looks for the program counter in the message itself.
                    let pc = debuggee.pc().to_le_bytes();
                    let mut registers = std::iter::once((WasmRegId::Pc, &pc[..]));
                    stub.report_stop_with_regs(debuggee, reason, &mut registers)?
                }
                Event::Ended => {
                    let reason = match debuggee.exit_code() {
                        Some(code) => SingleThreadStopReason::Exited(code as u8),
                        None => SingleThreadStopReason::Terminated(Signal::SIGABRT),
                    };
                    stub.report_stop(debuggee, reason)?
                }
            },
            GdbStubStateMachine::CtrlCInterrupt(stub) => {
                let reason = SingleThreadStopReason::SignalWithThread { tid: (), signal: Signal::SIGINT };
                stub.interrupt_handled(debuggee, Some(reason))?
            }
            GdbStubStateMachine::Disconnected(stub) => return Ok(stub.get_reason()),
        };
    }
}
