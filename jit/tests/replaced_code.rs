//! Test of code that takes other code's place: a processor that executes what it fetched before would compute the former's results.
//! It is alone in its process, whose mappings it looks at.
#![cfg(all(feature = "compiler", target_os = "linux"))]

use dunlin::{Config, Engine, Instance, Module, Store};
use dunlin_jit::{Jit, Mode};
use std::collections::BTreeSet;

const MODULES: i64 = 500;
const FUNCTIONS: i64 = 16;

/// Where anonymous executable mappings begin.
fn places() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let fields = maps.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let code = fields.filter(|fields| fields[1].contains('x') && fields.len() == 5);
    code.map(|fields| fields[0].to_owned()).collect()
}

#[test]
fn thousands_of_functions_take_the_place_of_others() {
    let jit = Jit::new(Jit::options().mode(Mode::Eager)).unwrap();
    let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
    let before = places();
    let mut taken = BTreeSet::new();
    let mut most = 0;
    for round in 0..MODULES {
        // Of equal length each time, so that they fit where others were.
        let constant = |n: i64| 0x1234_5678_9abc_0000 + round * FUNCTIONS + n;
        let functions: String = (0..FUNCTIONS)
            .map(|n| {
                let constant = constant(n);
                format!(r#"(func (export "{n}") (param i64) (result i64) (i64.xor (local.get 0) (i64.const {constant})))"#)
            })
            .collect();
        let module = Module::new(&engine, format!("(module {functions})")).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for n in 0..FUNCTIONS {
            let f = instance.get_typed_func::<i64, i64>(&store, &n.to_string()).unwrap();
            assert_eq!(f.call(&mut store, round).unwrap(), constant(n) ^ round, "{round} {n}");
        }
        let now: Vec<_> = places().into_iter().filter(|place| !before.contains(place)).collect();
        most = most.max(now.len());
        taken.extend(now);
    }
    assert_eq!(jit.stats().functions, (MODULES * FUNCTIONS) as u64);
    // Else each would have had its own place. An emulator comes back to a place only once it has used all others.
    let replaced = (MODULES as usize - taken.len()) * FUNCTIONS as usize;
    assert!(most > 0 && replaced >= 2000, "{most} at once, {} in all", taken.len());
}
