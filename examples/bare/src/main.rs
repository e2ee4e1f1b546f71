//! Runs modules on a machine without an operating system. They lie in its flash memory, where they are executed from, and their linear
//! memories in an array; everything else that the engine holds is on a heap of its own. See `targets/bare.sh`.
#![no_std]
#![no_main]

#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod machine;

use core::ptr::addr_of_mut;
use dunlin::{Budget, Config, Engine, Instance, Module, Result, Store};
use linked_list_allocator::LockedHeap;
use semihosting::{println, process::exit};

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::empty();
static mut HEAP_BYTES: [u8; 1 << 20] = [0; 1 << 20];
static mut ARENA: [u8; 2 << 20] = [0; 2 << 20];

macro_rules! modules {
    ($($name:literal)*) => {
        [$(($name, include_bytes!(concat!("../../../benches/workloads/wasm/", $name, ".wasm")))),*]
    };
}
static MODULES: [(&str, &[u8]); 6] = modules!["json" "mandel" "recursion" "nbody" "sha256" "keccak"];

/// Called by the machine, once.
fn start() -> ! {
    // SAFETY: nothing else uses the arrays.
    let arena = unsafe {
        HEAP.lock().init(addr_of_mut!(HEAP_BYTES).cast(), 1 << 20);
        &mut *addr_of_mut!(ARENA)
    };
    if let Err(error) = run(arena) {
        println!("{error:?}");
        exit(1);
    }
    exit(0)
}

fn run(arena: &'static mut [u8]) -> Result<()> {
    let mut config = Config::new();
    config.memory_arena(arena).max_wasm_stack(32 << 10).consume_fuel(true).budget(Budget::new(3 << 20));
    let engine = Engine::new(&config)?;
    for (name, bytes) in MODULES {
        let module = Module::from_static(&engine, bytes)?;
        let mut store = Store::new(&engine, ());
        store.set_fuel(1 << 40)?;
        let instance = Instance::new(&mut store, &module, &[])?;
        let result = instance.get_typed_func::<i32, i64>(&store, "run")?.call(&mut store, 8)?;
        println!("{name}: {result}, {} fuel", (1 << 40) - store.get_fuel()?);
    }
    println!("dispatch: {:?}, peak of the budget: {} bytes", engine.dispatch(), engine.budget().peak());
    Ok(())
}
