//! The benchmarks' programs.

use crate::configurations::{Seen, all_compiled, call, compare_with};
use dunlin::{Config, Engine, Linker, Module, Store, Val};
use std::path::Path;

/// Programs, with an argument for each that gives it something to do but lets it end soon.
const PROGRAMS: [(&str, i32); 25] = [
    ("mix", 3),
    ("recursion", 12),
    ("sort", 500),
    ("lz", 4000),
    ("vm", 40),
    ("btree", 600),
    ("trees", 20),
    ("mandel", 24),
    ("sha256", 2),
    ("keccak", 1),
    ("argon2", 40),
    ("x25519", 1),
    ("nbody", 500),
    ("matmul", 16),
    ("matmul_simd", 24),
    ("mandel_simd", 16),
    ("chacha_simd", 2),
    ("image_simd", 1),
    ("text_simd", 1),
    ("hashmap", 2000),
    ("json", 10),
    ("regex", 800),
    ("format", 10),
    ("objects", 10),
    ("script", 40),
];

#[test]
fn benchmarks() {
    for (name, n) in PROGRAMS {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../benches/workloads/wasm/{name}.wasm"));
        let bytes = std::fs::read(&path).unwrap();
        let nans = |config: &mut Config| {
            config.canonical_nans(true);
        };
        let (seen, stats) = compare_with(&nans, |config| {
            let engine = Engine::new(config).unwrap();
            let module = Module::new(&engine, &bytes).unwrap();
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
