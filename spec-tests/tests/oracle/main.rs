//! Differential fuzzing with wasmtime as an outside oracle: random programs must do the same in both.
//!
//! It runs with the feature `oracle` alone, since it builds another engine. `DUNLIN_FUZZ_MINUTES` makes it run that long,
//! from a new seed; `DUNLIN_FUZZ_SEED` sets the first seed.

#[path = "../../../jit/tests/fuzz/generate.rs"]
mod generate;
#[path = "../../../jit/tests/fuzz/instructions.rs"]
mod instructions;
#[path = "../../../jit/tests/fuzz/looping.rs"]
mod looping;
mod ours;
#[path = "../../../jit/tests/fuzz/random.rs"]
mod random;
mod theirs;
mod typed;

use dunlin_jit::{Jit, Mode};
use generate::Program;
use random::Random;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// What a step of a program came to.
#[derive(PartialEq, Eq, Debug)]
enum Step {
    Seen(String),
    /// The stack was exhausted, which the engines do at different depths: nothing after it can be compared.
    Overflow,
}

/// Whether it is a trap of an atomic access' address. Which of the two comes of one that is neither aligned nor in the memory
/// differs, and nothing else does.
fn is_of_address(step: &Step) -> bool {
    matches!(step, Step::Seen(text) if text == "trap MemoryOutOfBounds" || text == "trap HeapMisaligned")
}

/// How many units a program with loops has for a call.
const UNITS: i32 = 300;

/// The bits of a number that a call gets.
fn number(random: &mut Random) -> u64 {
    const INTERESTING: [u64; 8] =
        [0, 1, u64::MAX, 1 << 31, (1 << 31) - 1, 1 << 63, 65_536, 0x3ff0_0000_0000_0000];
    match random.below(3) {
        0 => random.next(),
        1 => random.below(100),
        _ => INTERESTING[random.below(INTERESTING.len() as u64) as usize],
    }
}

/// A memory's contents in a word.
fn sum(bytes: &[u8]) -> u64 {
    bytes.as_chunks::<8>().0.iter().fold(bytes.len() as u64, |sum, word| {
        (sum ^ u64::from_le_bytes(*word)).wrapping_mul(0x100_0000_01b3).rotate_left(23)
    })
}

fn engines() -> Vec<(&'static str, dunlin::Engine)> {
    let config = || {
        let mut config = dunlin::Config::new();
        config.wasm_wide_arithmetic(true).wasm_custom_page_sizes(true).wasm_compact_imports(true);
        config.canonical_nans(true).check_translation(true);
        config
    };
    let tier = |mode| {
        let mut options = Jit::options();
        if mode != Mode::Eager {
            options.threshold(0);
        }
        dunlin::Engine::new(config().tier(Jit::new(options.mode(mode)).unwrap())).unwrap()
    };
    vec![
        ("interpreted", dunlin::Engine::new(&config()).unwrap()),
        ("compiled", tier(Mode::Sync)),
        ("eager", tier(Mode::Eager)),
    ]
}

/// Which features a program uses.
fn features(bytes: &[u8]) -> Vec<dunlin::Feature> {
    use wasmparser::Payload;
    let mut survey = dunlin::Survey::new();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        let payload = payload.expect("the program is valid");
        if let Payload::CodeSectionEntry(body) = &payload {
            survey.body(body).expect("the program is valid");
        } else if let Some((id, range)) = payload.as_section() {
            let contents = &bytes[range.start as usize..range.end as usize];
            let reader = wasmparser::BinaryReader::new(contents, range.start);
            survey.section(id, reader).expect("the program is valid");
        }
    }
    survey.features().collect()
}

#[test]
fn programs_do_what_they_do_in_wasmtime() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let (minutes, seed) = (number("DUNLIN_FUZZ_MINUTES"), number("DUNLIN_FUZZ_SEED"));
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = seed.unwrap_or_else(|| if minutes.is_some() { now() } else { 0 });
    let (ours, theirs) = (engines(), theirs::engine());
    let mut skipped = 0u64;
    let (mut tried, mut steps, mut traps, mut exceptions, mut overflows) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut used = BTreeMap::new();
    let start = Instant::now();
    let goes_on = |tried| match minutes {
        Some(minutes) => start.elapsed() < Duration::from_secs(60 * minutes),
        None => tried < 100,
    };
    while goes_on(tried) {
        let seed = first.wrapping_add(tried);
        let random = &mut Random::new(seed);
        let bytes = match seed % 3 {
            0 => wat::parse_str(typed::program(random)).unwrap(),
            kind => Program::new(random, kind == 1).bytes,
        };
        let features = features(&bytes);
        // wasmtime has no legacy exceptions.
        if features.contains(&dunlin::Feature::LegacyExceptions) {
            (tried, skipped) = (tried + 1, skipped + 1);
            continue;
        }
        features.into_iter().for_each(|feature| *used.entry(feature.name()).or_insert(0u64) += 1);
        let expected = theirs::observe(&theirs, &bytes, seed);
        let (way, engine) = &ours[(seed / 3) as usize % ours.len()];
        let found = ours::observe(engine, &bytes, seed);
        for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
            if *found == Step::Overflow || *expected == Step::Overflow {
                overflows += 1;
                break;
            }
            if found != expected && !(is_of_address(found) && is_of_address(expected)) {
                let path = std::env::temp_dir().join(format!("dunlin-oracle-{seed}.wasm"));
                std::fs::write(&path, &bytes).unwrap();
                panic!(
                    "seed {seed}, {way}, step {step}: the module is in {}\nhere:     {found:?}\nwasmtime: {expected:?}",
                    path.display()
                );
            }
            steps += 1;
            let Step::Seen(text) = found else { continue };
            traps += u64::from(text.contains("trap"));
            exceptions += u64::from(text.contains("exception"));
        }
        tried += 1;
    }
    println!(
        "oracle: {tried} programs from seed {first} in {:?}: {steps} steps alike, {traps} traps and {exceptions} exceptions \
         among them; {skipped} programs left out for legacy exceptions, {overflows} programs exhausted the stack; features of so many programs: {used:?}",
        start.elapsed()
    );
    assert!(steps > tried - skipped);
}
