//! Every workload does in machine code what it does interpreted: compiled while it runs in every way, and ahead of time.

#[allow(dead_code, reason = "shared with the tier's own tests")]
#[path = "../../jit/tests/compare/configurations.rs"]
mod configurations;

use configurations::{Seen, all_compiled, call, compare_with};
use dunlin::{Config, Engine, Linker, Module, Store, Val};
use dunlin_benches::workloads::WORKLOADS;
use dunlin_jit::aot::{self, Compile, CpuFeatures, Opened, Target};
use dunlin_jit::{Jit, Mode};

#[test]
fn compiled_while_they_run() {
    for workload in WORKLOADS {
        let (name, n) = (workload.name, workload.small_n);
        let nans = |config: &mut Config| {
            config.canonical_nans(true);
        };
        let (seen, stats) = compare_with(&nans, |config| {
            let engine = Engine::new(config).unwrap();
            let module = Module::new(&engine, workload.wasm).unwrap();
            let mut store = Store::new(&engine, ());
            let _ = store.set_fuel(1 << 50);
            let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
            let mut seen = Seen::new();
            for _ in 0..2 {
                seen.push(call(&mut store, instance, "run", &[Val::I32(n)]));
            }
            // Runs out of fuel somewhere in the middle.
            if config_counts_fuel(&store) {
                for fuel in [1000, 12_345, 234_567] {
                    store.set_fuel(fuel).unwrap();
                    seen.push(call(&mut store, instance, "run", &[Val::I32(n)]));
                }
            }
            seen
        });
        assert!(!seen[0].contains("Trap"), "{name}: {}", seen[0]);
        assert!(all_compiled(&stats), "{name}");
        let declined: Vec<_> =
            stats.iter().filter(|(way, _)| !way.contains("large")).map(|(_, s)| &s.declined).collect();
        println!("{name}: {declined:?}");
    }
}

fn config_counts_fuel(store: &Store<()>) -> bool {
    store.get_fuel().is_ok()
}

#[test]
fn compiled_ahead_of_time() {
    let mut how = Compile::new(Target::here().expect("a machine that has a tier"));
    how.cpu = CpuFeatures::Native;
    for workload in WORKLOADS {
        let name = workload.name;
        let module = Module::new(&Engine::default(), workload.wasm).unwrap();
        let file = aot::compile(&module, workload.wasm, &how).unwrap().bytes;

        let jit = Jit::new(Jit::options().mode(Mode::Off)).unwrap();
        let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
        let Opened::Precompiled(mut reader) = aot::open(&file[..]).unwrap() else { panic!("{name}") };
        let module = Module::from_reader(&engine, &mut reader).unwrap();
        jit.attach(&module, &reader.code(engine.budget()).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
        let run = instance.get_typed_func::<i32, i64>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, workload.n).unwrap(), workload.result, "{name}");
        let stats = jit.stats();
        assert!(stats.precompiled > 0 && stats.functions == 0, "{name}: {stats:?}");
    }
}
