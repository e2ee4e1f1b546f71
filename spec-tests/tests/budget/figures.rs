//! What things cost, against what they should at most.

use crate::guests;
use dunlin::{Budget, Kind, Linker, Module, ModuleOptions, Store, testing};

#[test]
fn an_idle_instance_is_small() {
    let budget = Budget::unlimited();
    let engine = guests::engine(&budget).unwrap();
    let bytes = guests::binary(
        r#"(module (memory (export "memory") 1) (global (mut i32) (i32.const 0)) (table 4 funcref)
            (func (export "run") (param i32) (result i32) (local.get 0)) (elem (i32.const 0) func 0))"#,
    );
    let module = Module::new(&engine, &bytes).unwrap();
    let linker = Linker::<()>::new(&engine);
    let mut instances = Vec::new();
    for called in [false, true] {
        let before = budget.used() - budget.used_for(Kind::Memory) - budget.used_for(Kind::Stack);
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        if called {
            let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
            assert_eq!(run.call(&mut store, 7).unwrap(), 7);
        }
        let after = budget.used() - budget.used_for(Kind::Memory) - budget.used_for(Kind::Stack);
        println!("an instance takes {} bytes besides memory and stack (called: {called})", after - before);
        assert!(after - before <= 8 << 10);
        instances.push(store);
    }
}

#[test]
fn retained_bytes_of_real_modules() {
    let (mut held, mut on_disk, mut total) = (0, 0, 0);
    for (name, bytes) in guests::corpus() {
        let budget = Budget::unlimited();
        let engine = guests::engine(&budget).unwrap();
        let retained = |module: &Module| {
            let kinds = [Kind::Metadata, Kind::Bodies, Kind::Data];
            kinds.map(|kind| module.budget().used_for(kind)).iter().sum::<u64>() as f64 / bytes.len() as f64
        };
        let module = Module::new(&engine, &bytes).unwrap();
        let path = std::env::temp_dir().join(format!("dunlin-figures-{}-{name}", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        let left = Module::from_file_with(&engine, &path, ModuleOptions::new().bodies_on_disk(true)).unwrap();
        std::fs::remove_file(&path).unwrap();
        let (here, there, names) =
            (retained(&module), retained(&left), module.budget().used_for(Kind::Names));
        println!(
            "{name}: {} bytes, {here:.2} retained a byte, {there:.2} with bodies on disk; load peak {:.2}, names {names}",
            bytes.len(),
            module.plan().least() as f64 / bytes.len() as f64,
        );
        // What a module costs whatever its size counts for small ones.
        if bytes.len() > 50_000 {
            assert!(here <= 1.2, "{name}: {here}");
        }
        held += (here * bytes.len() as f64) as u64;
        on_disk += (there * bytes.len() as f64) as u64;
        total += bytes.len() as u64;
    }
    println!(
        "together {:.3} a byte, {:.3} with bodies on disk",
        held as f64 / total as f64,
        on_disk as f64 / total as f64
    );
}

#[test]
fn cells_are_estimated_well() {
    for (name, bytes) in guests::corpus() {
        let module = guests::load(&Budget::unlimited(), &bytes).unwrap();
        let [(largest, all), (most, cells)] = testing::cells(&module).unwrap();
        println!(
            "{name}: the largest function takes {most} of {largest} estimated, all take {cells} of {all}; {:.2} a byte",
            cells as f64 / bytes.len() as f64
        );
        assert!(most <= largest && cells <= all, "{name}");
    }
}

/// Compilers write `ref.func` for each element where a list of functions would do.
#[test]
fn a_segment_of_function_references_takes_no_more_than_a_list() {
    let retained = |items: String| {
        let budget = Budget::unlimited();
        let engine = guests::engine(&budget).unwrap();
        let before = budget.used();
        let bytes = guests::binary(&format!("(module (func $f) (elem {items}))"));
        let module = Module::new(&engine, &bytes).unwrap();
        let used = budget.used() - before;
        drop(module);
        used
    };
    let n = 1000;
    let list = retained(format!("func {}", "$f ".repeat(n)));
    let references = retained(format!("funcref {}", "(ref.func $f)".repeat(n)));
    let others = retained(format!("funcref {}", "(ref.null func)".repeat(n)));
    // The same text takes as much but for the bytes of its sections, which aren't kept.
    assert_eq!(references, list);
    assert!(others > list + 4 * n as u64, "{others} {list}");
}
