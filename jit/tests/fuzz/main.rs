//! Differential fuzzing: random programs are interpreted and compiled, and everything observable must be the same.
//!
//! `DUNLIN_FUZZ_MINUTES` makes it run that long, with a random seed; `DUNLIN_FUZZ_SEED` sets the first seed.
#![cfg(feature = "compiler")]

mod generate;
mod instructions;
mod looping;
mod observe;
mod random;

use dunlin::{Config, Engine};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options};
use generate::Program;
use random::Random;
use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The number of programs: for about twenty seconds.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 60 } else { 1000 };

/// An engine that interprets, and tiers in various configurations.
struct Engines {
    interpreter: Engine,
    compiled: Vec<(&'static str, Engine, Arc<Jit>)>,
}

impl Engines {
    fn new(fuel: bool, tail_calls: bool) -> Self {
        let mut config = Config::new();
        config.wasm_wide_arithmetic(true).wasm_custom_page_sizes(true);
        config.consume_fuel(fuel).canonical_nans(true).check_translation(true);
        // Compiled tail calls to other instances or to the host take less of the value stack than interpreted ones.
        // Programs with tail calls get a stack that suffices for both.
        config.max_wasm_stack(if tail_calls { 16 << 20 } else { 64 << 10 });
        let compiled = configurations().into_iter().map(|(way, options)| {
            let jit = Jit::new(&options).unwrap();
            let engine = Engine::new(config.clone().tier(jit.clone())).unwrap();
            (way, engine, jit)
        });
        Self { compiled: compiled.collect(), interpreter: Engine::new(&config).unwrap() }
    }
}

fn configurations() -> Vec<(&'static str, Options)> {
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
        ("mixed, checked", way(Mode::Sync, Some(4), MemoryGuard::Off, 5)),
        ("eager, checked", way(Mode::Eager, None, MemoryGuard::Off, 1000)),
        ("mixed", way(Mode::Sync, Some(2), MemoryGuard::On, 30)),
        ("loops alone", {
            let mut options = way(Mode::Sync, Some(1), MemoryGuard::On, 3);
            options.largest_function(0);
            options
        }),
        ("loops alone, checked", {
            let mut options = way(Mode::Sync, Some(2), MemoryGuard::Off, 5);
            options.largest_function(0);
            options
        }),
        ("background", way(Mode::Background, Some(1), MemoryGuard::On, 3)),
        ("eager, no speculation", {
            let mut options = way(Mode::Eager, None, MemoryGuard::Off, 1000);
            options.spectre_mitigations(true);
            options
        }),
    ]
}

/// Compares one program; gives how many of its functions were entered.
fn compare(seed: u64, engines: &[Engines; 4]) -> usize {
    let kind = seed % 4;
    let program = Program::new(&mut Random::new(seed), kind >= 2);
    let Engines { interpreter, compiled } = &engines[kind as usize];
    let interpreted = observe::observe(interpreter, &program, seed);
    // Only two configurations for each program, so that more programs are tried.
    for i in [seed / 4, seed / 4 + 2] {
        let (way, engine, _) = &compiled[i as usize % compiled.len()];
        let compiled = observe::observe(engine, &program, seed);
        for (step, (compiled, interpreted)) in compiled.steps.iter().zip(&interpreted.steps).enumerate() {
            if compiled != interpreted {
                let path = std::env::temp_dir().join(format!("dunlin-fuzz-{seed}.wasm"));
                let kept = std::fs::write(&path, &program.bytes)
                    .map_or(String::new(), |()| path.display().to_string());
                let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
                let (compiled, interpreted) = (lines(compiled), lines(interpreted));
                let same = compiled.iter().zip(&interpreted).take_while(|(a, b)| a == b).count();
                let near = |lines: &[String]| {
                    lines.iter().skip(same.saturating_sub(5)).take(10).cloned().collect::<Vec<_>>().join("\n")
                };
                panic!(
                    "seed {seed}, {way}, step {step}, line {same}: the module is in {kept}\ncompiled:\n{}\n\ninterpreted:\n{}",
                    near(&compiled),
                    near(&interpreted)
                );
            }
        }
        assert_eq!(compiled.steps.len(), interpreted.steps.len(), "seed {seed}, {way}");
    }
    interpreted.entered
}

fn engines() -> [Engines; 4] {
    [(false, false), (true, false), (false, true), (true, true)]
        .map(|(fuel, tail_calls)| Engines::new(fuel, tail_calls))
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
    let (mut executed, mut entered, mut tried) = (0, 0, 0);
    let goes_on = |tried: u64| match minutes {
        Some(minutes) => start.elapsed() < Duration::from_secs(60 * minutes),
        None => tried < PROGRAMS,
    };
    while goes_on(tried) {
        let functions = compare(first.wrapping_add(tried), &engines);
        executed += u64::from(functions > 0);
        entered += functions;
        tried += 1;
    }
    // Not by `println`, which the harness keeps for itself.
    let _ = writeln!(
        stderr(),
        "fuzz: {executed} of {tried} programs from seed {first} were executed, {entered} functions of theirs, in {:?}",
        start.elapsed()
    );
    assert!(executed * 100 >= tried * 95 || tried < 10, "{executed} of {tried} programs were executed");
    let mut osr_entries = 0;
    for engines in &engines {
        for (way, _, jit) in &engines.compiled {
            let stats = jit.stats();
            println!("{way}: {stats:?}");
            if minutes.is_none() && number("DUNLIN_FUZZ_SEED").is_none() && *way != "background" {
                assert!(stats.functions + stats.loops > 0, "{way}");
            }
            osr_entries += stats.osr_entries;
            let known = [
                "so many results is not supported",
                "delegating out of a loop that is compiled alone is not supported",
                "its native frame is too large",
                "it is too large",
            ];
            assert!(stats.declined.keys().all(|why| known.contains(&why.as_str())), "{stats:?}");
        }
    }
    assert!(osr_entries > 0 || tried < PROGRAMS);
}
