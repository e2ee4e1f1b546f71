//! Configurations of the tier, and the comparison of what is observed in each.

use dunlin::{Config, Engine, Extern, Instance, Linker, Module, Store, Val};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options, Stats};
use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What was observed, as text.
pub(crate) type Seen = Vec<String>;

/// All tier configurations, by name.
pub(crate) fn configurations() -> Vec<(&'static str, Options)> {
    let with = |change: &dyn Fn(&mut Options)| {
        let mut options = Jit::options();
        change(&mut options);
        options
    };
    let mixed = |options: &mut Options, threshold: u32, every: u64| {
        options.mode(Mode::Sync).threshold(threshold).sample_every(every);
    };
    vec![
        (
            "at the first call",
            with(&|o| {
                o.mode(Mode::Sync).threshold(0);
            }),
        ),
        (
            "eagerly",
            with(&|o| {
                o.mode(Mode::Eager);
            }),
        ),
        (
            "eagerly, with checks",
            with(&|o| {
                o.mode(Mode::Eager).memory_guard(MemoryGuard::Off);
            }),
        ),
        ("mixed at once", with(&|o| mixed(o, 1, 7))),
        ("mixed soon", with(&|o| mixed(o, 4, 7))),
        (
            "mixed later, with checks and against speculation",
            with(&|o| {
                mixed(o, 2, 50);
                o.memory_guard(MemoryGuard::Off).spectre_mitigations(true);
            }),
        ),
        (
            "large functions interpreted",
            with(&|o| {
                o.mode(Mode::Sync).threshold(0).largest_function(40);
            }),
        ),
        (
            "loops alone",
            with(&|o| {
                mixed(o, 1, 7);
                o.largest_function(0);
            }),
        ),
        (
            "in the background",
            with(&|o| {
                o.threshold(1).sample_every(7);
            }),
        ),
    ]
}

/// Calls `run` with the interpreter and with every tier, without and with fuel, and compares. Returns what the
/// interpreter did, with fuel, and the statistics of each tier.
pub(crate) fn compare(run: impl Fn(&Config) -> Seen) -> (Seen, Vec<(&'static str, Stats)>) {
    compare_with(&|_| (), run)
}

pub(crate) fn compare_with(
    change: &dyn Fn(&mut Config),
    run: impl Fn(&Config) -> Seen,
) -> (Seen, Vec<(&'static str, Stats)>) {
    let mut stats = Vec::new();
    let mut interpreted = Seen::new();
    for fuel in [false, true] {
        let mut config = Config::new();
        config.consume_fuel(fuel);
        change(&mut config);
        let (seen, by_configuration) = compare_in(configurations(), config, &run);
        interpreted = seen;
        stats.extend(by_configuration);
    }
    (interpreted, stats)
}

/// Has `run` done by the interpreter and in these configurations. Returns what the interpreter did, and the statistics
/// of each tier.
pub(crate) fn compare_in(
    configurations: Vec<(&'static str, Options)>,
    mut config: Config,
    run: impl Fn(&Config) -> Seen,
) -> (Seen, Vec<(&'static str, Stats)>) {
    config.check_translation(true);
    let interpreted = run(&config);
    let stats = configurations.into_iter().map(|(way, options)| {
        let jit = Jit::new(&options).unwrap();
        assert_same(&format!("{way}, {config:?}"), &run(config.clone().tier(jit.clone())), &interpreted);
        (way, jit.stats())
    });
    let stats = stats.collect();
    (interpreted, stats)
}

/// As `assert_eq`, but shows the first difference alone.
pub(crate) fn assert_same(way: &str, compiled: &Seen, interpreted: &Seen) {
    for (i, (compiled, interpreted)) in compiled.iter().zip(interpreted).enumerate() {
        assert_eq!(compiled, interpreted, "{way}, {i}");
    }
    assert_eq!(compiled.len(), interpreted.len(), "{way}");
}

/// Whether functions were compiled in every configuration, except for those that may not have come to it.
pub(crate) fn all_compiled(stats: &[(&str, Stats)]) -> bool {
    let must = |way: &str| ["at the first call", "eagerly", "mixed at once"].contains(&way);
    stats.iter().all(|(way, stats)| stats.functions > 0 || !must(way))
}

pub(crate) fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).expect("valid text")).expect("valid module")
}

/// A store with an instance of a module without imports, and some fuel.
pub(crate) fn instance(config: &Config, text: &str) -> (Store<()>, Instance) {
    let engine = Engine::new(config).unwrap();
    let mut store = Store::new(&engine, ());
    // This is an error where fuel isn't counted.
    let _ = store.set_fuel(u64::MAX);
    let instance = Linker::new(&engine).instantiate(&mut store, &module(&engine, text)).unwrap();
    (store, instance)
}

/// Calls an export, and describes the outcome: results or error with backtrace, the remaining fuel, and the state of
/// the instance's exports.
pub(crate) fn call<T>(store: &mut Store<T>, instance: Instance, name: &str, args: &[Val]) -> String {
    outcome(store, instance, name, args) + &state(store, instance)
}

/// Calls an export, and tells its results, or the error with its backtrace.
pub(crate) fn outcome<T>(store: &mut Store<T>, instance: Instance, name: &str, args: &[Val]) -> String {
    let func = instance.get_func(&*store, name).unwrap_or_else(|| panic!("no function {name}"));
    let mut results = vec![Val::I32(0); func.ty(&*store).results().len()];
    let mut seen = format!("{name}({}): ", values(args));
    match func.call(&mut *store, args, &mut results) {
        Ok(()) => write!(seen, "{}", values(&results)),
        Err(error) => write!(seen, "{:?}, {:?}: {error:?}", error.kind(), error.trap()),
    }
    .unwrap();
    seen
}

pub(crate) fn values(values: &[Val]) -> String {
    let text = |value: &Val| match value {
        Val::FuncRef(func) => format!("a function: {}", func.is_some()),
        Val::ExternRef(object) => format!("an object: {}", object.is_some()),
        Val::ExnRef(exception) => format!("an exception: {}", exception.is_some()),
        other => format!("{other:?}"),
    };
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The remaining fuel, and the state of the instance's exports.
pub(crate) fn state<T>(store: &Store<T>, instance: Instance) -> String {
    let mut seen = String::new();
    if let Ok(fuel) = store.get_fuel() {
        write!(seen, "; fuel {fuel}").unwrap();
    }
    for export in instance.exports(store) {
        let name = export.name().to_owned();
        match export.into_extern() {
            Extern::Global(global) => write!(seen, "; {name}: {}", values(&[global.get(store)])),
            Extern::Memory(memory) => {
                let data = memory.data(store);
                let mut hasher = DefaultHasher::new();
                data.hash(&mut hasher);
                write!(seen, "; {name}: {} bytes {:#x}", data.len(), hasher.finish())
            }
            Extern::Table(table) => {
                let elements: Vec<Val> = (0..table.size(store)).filter_map(|i| table.get(store, i)).collect();
                write!(seen, "; {name}: {}", values(&elements))
            }
            Extern::Func(_) | Extern::SharedMemory(_) | Extern::Tag(_) => Ok(()),
        }
        .unwrap();
    }
    seen
}

/// As `call`, for several arguments.
pub(crate) fn calls<A: Debug + Copy + Into<Val>>(
    store: &mut Store<()>,
    instance: Instance,
    name: &str,
    args: impl IntoIterator<Item = A>,
) -> Seen {
    args.into_iter().map(|arg| call(store, instance, name, &[arg.into()])).collect()
}
