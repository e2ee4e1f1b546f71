//! Programs that nobody wrote, interpreted and compiled: whatever can be seen of them must be the same.
//!
//! `DUNLIN_FUZZ_MINUTES` has it go on for so long, from a seed of its own, and `DUNLIN_FUZZ_SEED` begin with a certain one.
#![cfg(feature = "compiler")]

mod generate;
mod observe;
mod random;

use dunlin::{Config, Engine};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options};
use generate::Program;
use random::Random;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How many programs the test takes: some twenty seconds.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 60 } else { 800 };

/// An engine that interprets, and ways to compile for it.
struct Engines {
    interpreter: Engine,
    compiled: Vec<(&'static str, Engine, Arc<Jit>)>,
}

impl Engines {
    fn new(fuel: bool) -> Self {
        let mut config = Config::new();
        config.consume_fuel(fuel).canonical_nans(true).check_translation(true).max_wasm_stack(64 << 10);
        let compiled = ways().into_iter().map(|(way, options)| {
            let jit = Jit::new(&options).unwrap();
            let engine = Engine::new(config.clone().tier(jit.clone())).unwrap();
            (way, engine, jit)
        });
        Self { compiled: compiled.collect(), interpreter: Engine::new(&config).unwrap() }
    }
}

fn ways() -> Vec<(&'static str, Options)> {
    let way = |mode, threshold: Option<u32>, guard, every: u64| {
        let mut options = Jit::options();
        options.mode(mode).memory_guard(guard).sample_every(every);
        if let Some(threshold) = threshold {
            options.threshold(threshold);
        }
        options
    };
    vec![
        ("first call", way(Mode::Sync, Some(0), MemoryGuard::On, 7)),
        ("mixed, checked", way(Mode::Sync, Some(1), MemoryGuard::Off, 7)),
        ("eager, checked", way(Mode::Eager, None, MemoryGuard::Off, 1000)),
        ("mixed", way(Mode::Sync, Some(3), MemoryGuard::On, 11)),
        ("background", way(Mode::Background, Some(1), MemoryGuard::On, 3)),
        ("eager, no speculation", {
            let mut options = way(Mode::Eager, None, MemoryGuard::Off, 1000);
            options.spectre_mitigations(true);
            options
        }),
    ]
}

/// Compares one program; true if there was something to compare.
fn compare(seed: u64, engines: &[Engines; 2]) -> bool {
    let Some(program) = Program::new(&mut Random::new(seed)) else { return false };
    let Engines { interpreter, compiled } = &engines[usize::from(seed % 2 == 1)];
    let interpreted = observe::observe(interpreter, &program, seed);
    // Two ways, so that more programs have their turn.
    for i in [seed / 2, seed / 2 + 2] {
        let (way, engine, _) = &compiled[i as usize % compiled.len()];
        let compiled = observe::observe(engine, &program, seed);
        for (step, (compiled, interpreted)) in compiled.iter().zip(&interpreted).enumerate() {
            if compiled != interpreted {
                let path = std::env::temp_dir().join(format!("dunlin-fuzz-{seed}.wasm"));
                let kept = std::fs::write(&path, &program.bytes)
                    .map_or(String::new(), |()| path.display().to_string());
                let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
                let (compiled, interpreted) = (lines(compiled), lines(interpreted));
                let same = compiled.iter().zip(&interpreted).take_while(|(a, b)| a == b).count();
                let rest =
                    |lines: &[String]| lines[same..].iter().take(3).cloned().collect::<Vec<_>>().join("\n");
                panic!(
                    "seed {seed}, {way}, step {step}, line {same}: the module is in {kept}\n   compiled: {}\ninterpreted: {}",
                    rest(&compiled),
                    rest(&interpreted)
                );
            }
        }
        assert_eq!(compiled.len(), interpreted.len(), "seed {seed}, {way}");
    }
    true
}

fn engines() -> [Engines; 2] {
    [Engines::new(false), Engines::new(true)]
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn compiled_programs_do_what_interpreted_ones_do() {
    let engines = engines();
    let first = number("DUNLIN_FUZZ_SEED");
    let minutes = number("DUNLIN_FUZZ_MINUTES");
    let start = Instant::now();
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = first.unwrap_or_else(|| if minutes.is_some() { now() } else { 0 });
    println!("from seed {first}");
    let (mut compared, mut tried) = (0, 0);
    let goes_on = |tried: u64| match minutes {
        Some(minutes) => start.elapsed() < Duration::from_secs(60 * minutes),
        None => tried < PROGRAMS,
    };
    while goes_on(tried) {
        compared += u64::from(compare(first.wrapping_add(tried), &engines));
        tried += 1;
    }
    println!("{compared} of {tried} programs in {:?}", start.elapsed());
    assert!(compared * 10 > tried * 9 || tried < 10);
    for engines in &engines {
        for (way, _, jit) in &engines.compiled {
            let stats = jit.stats();
            println!("{way}: {stats:?}");
            if minutes.is_none() && number("DUNLIN_FUZZ_SEED").is_none() && *way != "background" {
                assert!(stats.functions > 0, "{way}");
                assert!(!way.starts_with("mixed") || stats.osr_entries > 0, "{way}");
            }
        }
    }
}
