//! Dunlin's own time for each workload: `cargo bench -p dunlin-benches`.

use criterion::{Criterion, Throughput};
use dunlin::{Config, Engine, Linker, Module, Store};
use dunlin_benches::workloads::WORKLOADS;
use std::time::Duration;

fn run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    for workload in WORKLOADS {
        let engine = Engine::new(&Config::new()).unwrap();
        let module = Module::new(&engine, workload.wasm).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
        let run = instance.get_typed_func::<i32, i64>(&store, "run").unwrap();
        group.bench_function(workload.name, |bencher| {
            bencher.iter(|| assert_eq!(run.call(&mut store, workload.n).unwrap(), workload.result));
        });
    }
}

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    for workload in WORKLOADS.iter().filter(|workload| workload.wasm.len() > 20_000) {
        let engine = Engine::new(&Config::new()).unwrap();
        group.throughput(Throughput::Bytes(workload.wasm.len() as u64));
        group.bench_function(workload.name, |bencher| {
            bencher.iter(|| Module::new(&engine, workload.wasm).unwrap());
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    run(&mut criterion);
    load(&mut criterion);
    criterion.final_summary();
}
