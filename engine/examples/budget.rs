//! One bound on everything that is held for guests, and a part of it for each tenant.
//!
//!     cargo run --release -p dunlin --example budget

use dunlin::{Budget, Config, Engine, Instance, Module, Store};
use std::error::Error;

const TEXT: &str = r#"
    (module
        (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
"#;

const MIB: u64 = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    // Modules, translated code, stacks, memories and tables are charged to it before they are allocated.
    let budget = Budget::new(8 * MIB);
    let engine = Engine::new(Config::new().budget(budget.clone()))?;
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;

    // A plan says before a module runs how much it needs.
    let plan = module.plan();
    println!("{plan}");
    assert!(plan.least() < MIB);

    // Where the tenant's budget has no room, `memory.grow` returns -1, and nothing else happens.
    let tenants = ["one", "two"].map(|name| (name, budget.sub_budget(3 * MIB)));
    for (name, tenant) in &tenants {
        let mut store = Store::with_budget(&engine, tenant, ())?;
        let instance = Instance::new(&mut store, &module, &[])?;
        let grow = instance.get_typed_func::<i32, i32>(&store, "grow")?;
        assert_eq!(grow.call(&mut store, 16)?, 1, "one page before");
        assert_eq!(grow.call(&mut store, 48)?, -1, "3 MiB more are too much");
        println!("{name}: {} KiB used, {} KiB left", tenant.used() >> 10, tenant.available().unwrap() >> 10);
        for (kind, bytes) in tenant.breakdown() {
            println!("    {kind}: {bytes}");
        }
    }

    // A store that is dropped gives everything back.
    assert!(tenants.iter().all(|(_, tenant)| tenant.used() == 0 && tenant.peak() > MIB));

    // Where there isn't even room to start, the error says what was asked for.
    let poor = Engine::new(Config::new().budget(Budget::new(64 << 10)))?;
    let tight = Module::new(&poor, wat::parse_str(TEXT)?)
        .and_then(|module| Instance::new(&mut Store::try_new(&poor, ())?, &module, &[]));
    let error = tight.unwrap_err();
    println!("{error}");
    assert!(error.out_of_budget().is_some());
    Ok(())
}
