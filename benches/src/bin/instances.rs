//! The cost of many small instances: time and memory for each.
//!
//! `instances [COUNT] [one|stores] [off|jit] [idle|called]` makes that many instances of a small module (a memory of one
//! page that is never touched, a table, three globals), all in one store or each in its own, without or with the compiled
//! tier, and calls none or each of them once. Without further arguments it does so in each of the eight ways, in a
//! process of its own. Times are of the processor; memory is what is resident, and page tables, which don't count as
//! resident.

use dunlin::{Config, Engine, Error, Instance, Module, Result, Store};
use dunlin_benches::usage::{cpu_us, status};
use dunlin_jit::Jit;
use std::process::Command;

/// `(module (memory (export "memory") 1) (table 4 funcref) (elem (i32.const 1) 0) (global (mut i32) (i32.const 1))
/// (global (mut i32) (i32.const 1048576)) (global i32 (i32.const 5)) (func (export "add") (param i32) (result i32)
/// (global.set 0 (i32.add (global.get 0) (local.get 0))) (global.get 0)))`
const MODULE: &[u8] = b"\0asm\x01\0\0\0\
    \x01\x06\x01\x60\x01\x7f\x01\x7f\
    \x03\x02\x01\0\
    \x04\x04\x01\x70\0\x04\
    \x05\x03\x01\0\x01\
    \x06\x13\x03\x7f\x01\x41\x01\x0b\x7f\x01\x41\x80\x80\xc0\0\x0b\x7f\0\x41\x05\x0b\
    \x07\x10\x02\x06memory\x02\0\x03add\0\0\
    \x09\x07\x01\0\x41\x01\x0b\x01\0\
    \x0a\x0d\x01\x0b\0\x23\0\x20\0\x6a\x24\0\x23\0\x0b";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let count = arguments.first().copied().unwrap_or("10000");
    if let [_, stores, tier, use_] = arguments[..] {
        let count = count.parse().map_err(|_| Error::msg(format!("{count} is no number")))?;
        return measure(count, stores == "stores", tier == "jit", use_ == "called");
    }
    let program = std::env::current_exe().map_err(|error| Error::msg(error.to_string()))?;
    println!("{count} instances, each:");
    println!("{:>8} {:>5} {:>7} {:>9} {:>12} {:>9}", "", "tier", "", "us", "KiB resident", "of tables");
    for (stores, tier) in [("one", "off"), ("one", "jit"), ("stores", "off"), ("stores", "jit")] {
        for use_ in ["idle", "called"] {
            let status = Command::new(&program).args([count, stores, tier, use_]).status();
            if !status.is_ok_and(|status| status.success()) {
                println!("{stores:>8} {tier:>5} {use_:>7}    failed");
            }
        }
    }
    Ok(())
}

fn measure(count: usize, stores: bool, jit: bool, called: bool) -> Result<()> {
    let mut config = Config::new();
    if jit {
        config.tier(Jit::new(&Jit::options()).map_err(|error| Error::msg(error.to_string()))?);
    }
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, MODULE)?;
    let mut made = Vec::with_capacity(count);
    let (resident, tables, start) = (status("VmRSS")?, status("VmPTE")?, cpu_us());
    for number in 0..count {
        if stores || number == 0 {
            made.push(Store::new(&engine, ()));
        }
        let store = made.last_mut().expect("one was made");
        let instance = Instance::new(&mut *store, &module, &[])?;
        if called {
            let add = instance.get_typed_func::<i32, i32>(&*store, "add")?;
            assert_eq!(add.call(store, 6)?, 7);
        }
    }
    let each = |before: f64, now: f64| (now - before) / count as f64;
    println!(
        "{:>8} {:>5} {:>7} {:9.2} {:12.2} {:9.2}",
        if stores { "stores" } else { "one" },
        if jit { "jit" } else { "off" },
        if called { "called" } else { "idle" },
        each(start, cpu_us()),
        each(resident, status("VmRSS")?),
        each(tables, status("VmPTE")?),
    );
    Ok(())
}
