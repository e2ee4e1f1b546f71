//! Stops a guest from another thread: when somebody asks for it, or at a deadline.
//!
//!     cargo run --release -p dunlin --example interrupt

use dunlin::{Engine, Instance, InterruptHandle, Module, Store, Trap};
use std::error::Error;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const TEXT: &str = r#"
    (module
        (func (export "forever") (loop $again (br $again)))
        (func (export "soon") (result i32) (i32.const 7)))
"#;

/// Does work with a deadline: a thread interrupts the guest unless the work is done before.
fn within<R>(time: Duration, handle: InterruptHandle, work: impl FnOnce() -> R) -> R {
    thread::scope(|scope| {
        let (done, waiting) = mpsc::channel::<()>();
        scope.spawn(move || {
            if waiting.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    // Interruption needs no configuration. It also ends a long `memory.fill`.
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let forever = instance.get_typed_func::<(), ()>(&store, "forever")?;
    let soon = instance.get_typed_func::<(), i32>(&store, "soon")?;

    // Handles can be cloned and sent to whoever may stop the guest.
    let handle = store.interrupt_handle();
    let error =
        within(Duration::from_millis(50), handle.clone(), || forever.call(&mut store, ())).unwrap_err();
    println!("after 50 ms: {error}");
    assert_eq!(error.trap(), Some(Trap::Interrupt));

    // Work that is done in time isn't interrupted. The store is as usable as before.
    assert_eq!(within(Duration::from_secs(3600), handle.clone(), || soon.call(&mut store, ()))?, 7);

    // An interruption while nothing is executed stops the next call.
    handle.interrupt();
    assert_eq!(soon.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
    assert_eq!(soon.call(&mut store, ())?, 7);
    Ok(())
}
