//! Many calls that wait at once cost their frames.

use dunlin::{Budget, Caller, Config, Engine, Linker, Module, Store};

/// Bytes of the process that are in memory, where the system says.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn ten_thousand_calls_wait_at_once() {
    const COUNT: usize = 10_000;
    let budget = Budget::new(1 << 30);
    let mut config = Config::new();
    if cfg!(target_pointer_width = "32") {
        // Each call reserves address space for all its stack.
        config.max_wasm_stack(64 << 10);
    }
    let engine = Engine::new(config.budget(budget.clone())).unwrap();
    let mut linker = Linker::<i32>::new(&engine);
    linker
        .func_wrap_async("host", "wait", |caller: Caller<'_, i32>, (n,): (i32,)| {
            Box::new(async move {
                crate::later().await;
                n + *caller.data()
            })
        })
        .unwrap();
    let text = r#"(module
        (import "host" "wait" (func $wait (param i32) (result i32)))
        (func $deep (param i32 i32) (result i32)
            (if (result i32) (local.get 1)
                (then (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1))))
                (else (call $wait (local.get 0)))))
        (func (export "run") (param i32) (result i32) (call $deep (local.get 0) (i32.const 10))))"#;
    let module = Module::new(&engine, text).unwrap();
    let before = resident();
    let mut stores: Vec<_> = (0..COUNT as i32).map(|n| Store::new(&engine, n)).collect();
    let (idle, idle_resident) = (budget.used(), resident());
    let mut calls = Vec::new();
    for store in &mut stores {
        let instance = linker.instantiate(&mut *store, &module).unwrap();
        let run = instance.get_typed_func::<i32, i32>(&*store, "run").unwrap();
        calls.push(Box::pin(async move { run.call_async(store, 1).await }));
    }
    let (begun, mut context) = (budget.used(), std::task::Context::from_waker(std::task::Waker::noop()));
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    let each = (budget.used() - begun) / COUNT as u64;
    println!(
        "a store: {} bytes of the budget; an instance: {}; a suspended call: {each}",
        idle / COUNT as u64,
        (begun - idle) / COUNT as u64
    );
    if let (Some(before), Some(idle), Some(now)) = (before, idle_resident, resident()) {
        let count = COUNT as u64;
        println!(
            "resident: a store {} bytes; a suspended call with its instance {}",
            idle.saturating_sub(before) / count,
            now.saturating_sub(idle) / count
        );
    }
    assert!(each <= 8 << 10, "a suspended call holds {each} bytes");
    for (n, call) in (0..).zip(calls) {
        assert_eq!(smol::block_on(call).unwrap(), 1 + n);
    }
}
