//! What a debugger sends while the guest runs interrupts it.

use crate::host::streams::first_is_readable;
use dunlin::InterruptHandle;
use std::io;
use std::net::TcpStream;
use std::thread;

/// Runs something, which is interrupted when the connection has something to read. Tells whether it was; without a pipe or
/// a thread, it isn't.
pub(super) fn watched(connection: &TcpStream, interrupt: InterruptHandle, run: &mut dyn FnMut()) -> bool {
    let Ok((ended, end)) = io::pipe() else {
        run();
        return false;
    };
    thread::scope(|scope| {
        let watcher = thread::Builder::new().name("debugger".into()).spawn_scoped(scope, move || {
            let is_readable = first_is_readable(connection, &ended);
            if is_readable {
                interrupt.interrupt();
            }
            is_readable
        });
        // However it ends, the watcher ends then.
        let ends = end;
        run();
        drop(ends);
        watcher.is_ok_and(|watcher| watcher.join().unwrap_or(false))
    })
}
