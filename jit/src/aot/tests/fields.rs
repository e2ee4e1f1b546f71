//! What stands behind a module, part by part: each with a value that isn't right, under a checksum that is.

use super::super::bytes::Take;
use super::*;
use crate::MemoryGuard;
use dunlin::{Budget, Kind};
use std::fmt::Write;

/// What stands behind the module of a file.
#[derive(Clone)]
struct Tail {
    format: u32,
    settings: Settings,
    /// By how much the count is more than there are.
    more: u32,
    pieces: Vec<Piece>,
    map: Vec<u8>,
    code: Vec<u8>,
    /// Behind everything.
    rest: Vec<u8>,
}

/// A piece: its kind, its index, where it begins, and what is known of its frame.
#[derive(Clone)]
struct Piece {
    tag: u8,
    index: u32,
    at: u32,
    entry: Vec<u8>,
}

const FUNC: u8 = 0;
const TRAMPOLINE: u8 = 1;
const STUB: u8 = 2;
const DETOUR: u8 = 3;
const BRIDGE: u8 = 4;

/// The head and the module of a file, and what is behind.
fn parts(file: &[u8]) -> (Vec<u8>, Tail) {
    let module = u64::from_le_bytes(file[8..16].try_into().unwrap()) as usize;
    let (front, behind) = file.split_at(HEAD + module);
    let mut take = Take(behind);
    let format = take.u32().unwrap();
    take.bytes(16).unwrap();
    let settings = Settings::read(&mut take).unwrap();
    let pieces = (0..take.u32().unwrap()).map(|_| {
        let (tag, index, at) = (take.u8().unwrap(), take.u32().unwrap(), take.u32().unwrap());
        let entry = take.bytes(if tag == FUNC { 8 } else { 0 }).unwrap().to_vec();
        Piece { tag, index, at, entry }
    });
    let pieces = pieces.collect();
    let [map, code] = [0, 1].map(|_| take.block().unwrap().to_vec());
    assert!(take.0.is_empty());
    (front.to_vec(), Tail { format, settings, more: 0, pieces, map, code, rest: Vec::new() })
}

impl Tail {
    /// A file of these parts, with a checksum that fits.
    fn file(&self, front: &[u8]) -> Vec<u8> {
        let mut file = [front, &self.format.to_le_bytes(), &[0; 16]].concat();
        self.settings.write(&mut file).unwrap();
        file.extend((self.pieces.len() as u32).wrapping_add(self.more).to_le_bytes());
        for Piece { tag, index, at, entry } in &self.pieces {
            file.push(*tag);
            file.extend([index.to_le_bytes(), at.to_le_bytes()].concat());
            file.extend(entry);
        }
        for block in [&self.map, &self.code] {
            file.extend((block.len() as u32).to_le_bytes());
            file.extend(block);
        }
        file.extend(&self.rest);
        resealed(file, front.len())
    }

    /// The first piece of a kind.
    fn piece(&mut self, tag: u8) -> &mut Piece {
        self.pieces.iter_mut().find(|piece| piece.tag == tag).unwrap()
    }

    fn remove(&mut self, tag: u8) {
        let at = self.pieces.iter().position(|piece| piece.tag == tag).unwrap();
        self.pieces.remove(at);
    }
}

/// A part with another value, what it is, and what the file is refused for, if it is.
type Change = (&'static str, fn(&mut Tail), Option<Mismatch>);

/// A file for this machine in parts. The module has three functions, of two types.
fn whole() -> (Vec<u8>, Tail) {
    let (front, tail) = parts(&file(&Compile::new(here())));
    assert_eq!(tail.file(&front), file(&Compile::new(here())), "the parts are all there is");
    (front, tail)
}

#[test]
fn each_part_is_looked_at_when_it_is_read() {
    let damaged = || Some(Mismatch::Damaged);
    let changes: &[Change] = &[
        ("as it is", |_| (), None),
        ("the format's version", |tail| tail.format += 1, Some(Mismatch::Format)),
        ("no format's version", |tail| tail.format = 0, Some(Mismatch::Format)),
        ("the engine", |tail| tail.settings.engine = "9.9".into(), Some(Mismatch::Engine("9.9".into()))),
        ("no engine", |tail| tail.settings.engine.clear(), Some(Mismatch::Engine(String::new()))),
        ("more pieces", |tail| tail.more = 1, damaged()),
        ("fewer pieces", |tail| tail.more = u32::MAX, damaged()),
        ("far too many pieces", |tail| tail.more = u32::MAX - 100, damaged()),
        ("an unknown kind", |tail| tail.piece(BRIDGE).tag = 5, damaged()),
        ("a kind with something more", |tail| tail.piece(BRIDGE).tag = FUNC, damaged()),
        ("a piece behind the code", |tail| tail.piece(BRIDGE).at = u32::MAX, damaged()),
        ("a piece at the code's end", |tail| tail.piece(STUB).at = tail.code.len() as u32, damaged()),
        ("a piece at the code's last byte", |tail| tail.piece(STUB).at = tail.code.len() as u32 - 1, None),
        ("no map", |tail| tail.map.clear(), damaged()),
        ("a map that is cut", |tail| _ = tail.map.pop(), damaged()),
        ("something behind the map", |tail| tail.map.push(0), damaged()),
        ("no code", |tail| tail.code.clear(), damaged()),
        ("something behind the code", |tail| tail.rest.push(0), damaged()),
    ];
    let (front, tail) = whole();
    for (what, change, expected) in changes {
        let mut tail = tail.clone();
        change(&mut tail);
        let (_, code) = load(&Engine::default(), &tail.file(&front)).unwrap();
        assert_eq!(code.err(), *expected, "{what}");
    }
}

#[test]
fn settings_are_text_and_known_switches() {
    let (front, tail) = whole();
    let file = tail.file(&front);
    let Settings { engine, arch, features, .. } = &tail.settings;
    let refused = |at: usize, byte: u8| {
        let mut changed = file.clone();
        changed[at] = byte;
        load(&Engine::default(), &resealed(changed, front.len())).unwrap().1.err()
    };
    // Version, checksum, and each text behind its length.
    let engine_at = front.len() + 20 + 4;
    let arch_at = engine_at + engine.len() + 16 + 4;
    let features_at = arch_at + arch.len() + 4;
    let switches_at = features_at + features.join(" ").len();
    assert_eq!(&file[arch_at..][..arch.len()], arch.as_bytes());
    for at in [engine_at, arch_at].into_iter().chain((!features.is_empty()).then_some(features_at)) {
        assert_eq!(refused(at, 0xff), Some(Mismatch::Damaged));
    }
    assert_eq!(refused(switches_at, 0b111_1111), None);
    assert_eq!(refused(switches_at, 0b1000_0000), Some(Mismatch::Damaged));
}

/// A tier and an engine of its own; a module from the file; and whether its code is taken.
fn attached(
    bytes: &[u8],
    options: &crate::Options,
    configure: fn(&mut Config),
) -> (u64, Result<(), Mismatch>) {
    let jit = Jit::new(options).unwrap();
    let mut config = Config::new();
    configure(config.tier(jit.clone()));
    let engine = Engine::new(&config).unwrap();
    let (module, code) = load(&engine, bytes).unwrap();
    let taken = jit.attach(&module, &code.unwrap());
    // Where it isn't, it is as if there were no code. Without fuel nothing is executed.
    match call(&engine, &module, 4, 0) {
        Ok(result) => assert_eq!((result, module.translated_functions() == 0), (8, taken.is_ok())),
        Err(error) => assert_eq!(error.trap(), Some(dunlin::Trap::OutOfFuel)),
    }
    (jit.stats().precompiled, taken)
}

#[test]
fn each_part_is_looked_at_before_it_is_taken() {
    let module = || Some(Mismatch::Module);
    let changes: &[Change] = &[
        ("as it is", |_| (), None),
        ("signed return addresses", |tail| tail.settings.branch_protection = true, None),
        ("no speculation", |tail| tail.settings.spectre = true, None),
        (
            "another processor",
            |tail| (tail.settings.arch, tail.settings.features) = ("vax".into(), Vec::new()),
            Some(Mismatch::Arch("vax".into())),
        ),
        (
            "another processor with features",
            |tail| {
                (tail.settings.arch, tail.settings.features) = ("vax".into(), vec!["a".into(), "b".into()])
            },
            Some(Mismatch::Arch("vax with a, b".into())),
        ),
        (
            "a feature that nobody has",
            |tail| tail.settings.features.push("warp".into()),
            Some(Mismatch::Feature("warp".into())),
        ),
        ("fuel", |tail| tail.settings.fuel = true, Some(Mismatch::Fuel(true))),
        ("NaNs", |tail| tail.settings.canonical_nans = true, Some(Mismatch::Nans(true))),
        ("a function too many", |tail| tail.piece(FUNC).index = 3, module()),
        ("a function far behind", |tail| tail.piece(FUNC).index = u32::MAX, module()),
        (
            "a detour of no function",
            |tail| tail.pieces.push(Piece { tag: DETOUR, index: 3, at: 0, entry: Vec::new() }),
            module(),
        ),
        ("a trampoline of no type", |tail| tail.piece(TRAMPOLINE).index = 2, module()),
        ("a stub of no type", |tail| tail.piece(STUB).index = 2, module()),
        ("a stub of another type", |tail| tail.piece(STUB).index ^= 1, module()),
        (
            "a trampoline and a stub of no type",
            |tail| (tail.piece(TRAMPOLINE).index, tail.piece(STUB).index) = (2, 2),
            module(),
        ),
        ("a trampoline without a stub", |tail| tail.remove(STUB), module()),
        ("a stub without a trampoline", |tail| tail.remove(TRAMPOLINE), module()),
        (
            "more stubs than trampolines",
            |tail| {
                let stub = tail.piece(STUB).clone();
                let at = tail.pieces.iter().position(|piece| piece.tag == STUB).unwrap();
                tail.pieces.insert(at, stub);
            },
            module(),
        ),
        (
            "more trampolines than stubs",
            |tail| {
                let trampoline = tail.piece(TRAMPOLINE).clone();
                tail.pieces.push(trampoline);
            },
            module(),
        ),
        (
            "a stub that comes first",
            |tail| {
                let stub = tail.piece(STUB).clone();
                tail.remove(STUB);
                tail.pieces.insert(0, stub);
            },
            module(),
        ),
        (
            "a function without a way in",
            |tail| {
                tail.remove(TRAMPOLINE);
                tail.remove(STUB);
            },
            module(),
        ),
        ("no bridge", |tail| tail.remove(BRIDGE), module()),
    ];
    let (front, tail) = whole();
    for (what, change, expected) in changes {
        let mut tail = tail.clone();
        change(&mut tail);
        let (functions, taken) = attached(&tail.file(&front), Jit::options().mode(Mode::Off), |_| ());
        assert_eq!(taken.err(), *expected, "{what}");
        assert_eq!(functions, if expected.is_some() { 0 } else { 3 }, "{what}");
    }
}

#[test]
fn engines_and_tiers_have_wishes() {
    let (front, mut tail) = whole();
    let plain = tail.file(&front);
    let refused =
        |bytes: &[u8], options: &crate::Options, configure| attached(bytes, options, configure).1.err();
    let mut off = Jit::options();
    off.mode(Mode::Off);
    assert_eq!(refused(&plain, &off, |_| ()), None);
    assert_eq!(refused(&plain, &off, |config| _ = config.consume_fuel(true)), Some(Mismatch::Fuel(false)));
    assert_eq!(refused(&plain, &off, |config| _ = config.canonical_nans(true)), Some(Mismatch::Nans(false)));
    let machines_own = |config: &mut dunlin::Config| _ = config.relaxed_simd_deterministic(false);
    assert_eq!(refused(&plain, &off, machines_own), Some(Mismatch::RelaxedSimd));
    assert_eq!(refused(&plain, &off, |config| _ = config.suspend_compiled(true)), Some(Mismatch::Suspension));
    let against_speculation = off.clone().spectre_mitigations(true).clone();
    assert_eq!(refused(&plain, &against_speculation, |_| ()), Some(Mismatch::Spectre));
    tail.settings.spectre = true;
    assert_eq!(refused(&tail.file(&front), &against_speculation, |_| ()), None);
    tail.settings.spectre = false;
    tail.settings.guarded = true;
    assert_eq!(
        refused(&tail.file(&front), off.clone().memory_guard(MemoryGuard::Off), |_| ()),
        Some(Mismatch::Guards)
    );
    // Code of one module isn't for another.
    let (jit, engine) = tiered(|_| {});
    let (_, code) = load(&engine, &plain).unwrap();
    let other = Module::new(&engine, "(module (func))").unwrap();
    assert_eq!(jit.attach(&other, &code.unwrap()), Err(Mismatch::Module));
    // Nor for another machine.
    let foreign = Target::ALL.into_iter().find(|target| *target != here()).unwrap();
    let foreign_file = file(&Compile::new(foreign));
    assert!(
        matches!(refused(&foreign_file, &off, |_| ()), Some(Mismatch::Arch(arch)) if arch.starts_with(foreign.arch()))
    );
}

#[test]
fn every_refusal_says_why() {
    let mut texts = String::new();
    for mismatch in [
        Mismatch::Damaged,
        Mismatch::Unreadable("no disk".into()),
        Mismatch::Format,
        Mismatch::Engine("9\n".into()),
        Mismatch::Engine(env!("CARGO_PKG_VERSION").into()),
        Mismatch::Arch("vax".into()),
        Mismatch::Feature("warp".into()),
        Mismatch::Fuel(true),
        Mismatch::Fuel(false),
        Mismatch::Nans(true),
        Mismatch::Nans(false),
        Mismatch::Suspension,
        Mismatch::Guards,
        Mismatch::Spectre,
        Mismatch::Module,
        Mismatch::Memory("none".into()),
    ] {
        writeln!(texts, "{mismatch}").unwrap();
    }
    let build = format!("it was made by another build of dunlin {}\n", env!("CARGO_PKG_VERSION"));
    let expected = format!(
        "it is damaged\nit can't be read: no disk\nit has another version's format\nit was made by dunlin 9\\n\n{build}\
         it is for vax\nthis processor lacks warp\nit counts fuel\nit doesn't count fuel\nits NaNs are canonical\n\
         its NaNs aren't canonical\nit can't be suspended\nit needs memory guards\nit does nothing against speculation\n\
         it isn't for this module\nthere is no memory for it: none\n"
    );
    assert_eq!(texts, expected);
}

/// What stands behind the module grows while it is read, by doubling; while it moves, there are the old one and the new one.
#[test]
fn what_moves_is_charged_twice() {
    const STEP: u64 = 64 << 10;
    let (front, mut tail) = whole();
    for (bytes, most) in [(3 * STEP / 2, 3 * STEP), (3 * STEP, 6 * STEP)] {
        tail.code.resize(bytes as usize, 0);
        let file = tail.file(&front);
        let read = |budget: &Budget| {
            let Ok(Opened::Precompiled(mut reader)) = open(&file[..]) else { panic!() };
            io::copy(&mut reader, &mut io::sink()).unwrap();
            reader.code(budget)
        };
        let budget = Budget::new(most);
        let code = read(&budget).unwrap();
        assert_eq!((code.code().len() as u64, budget.peak()), (bytes, most));
        assert!(budget.used_for(Kind::MachineCode) >= bytes);
        drop(code);
        assert_eq!(budget.used(), 0);
        for little in [0, STEP, most - STEP, most - 1] {
            let budget = Budget::new(little);
            assert!(matches!(read(&budget), Err(Mismatch::Memory(_))), "{little} of {most}");
            assert_eq!(budget.used(), 0);
        }
    }
}

/// Gives a byte at a time, and says each other time that it was interrupted; fails behind so many bytes.
struct Slow<'a> {
    bytes: &'a [u8],
    fails_after: usize,
    interrupted: bool,
}

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.fails_after = self.fails_after.checked_sub(1).ok_or_else(|| io::Error::other("no disk"))?;
        self.bytes.read(&mut into[..1])
    }
}

#[test]
fn reading_may_be_interrupted_and_may_fail() {
    let (front, tail) = whole();
    let file = tail.file(&front);
    let read = |fails_after: usize| {
        let Opened::Precompiled(mut reader) = open(Slow { bytes: &file, fails_after, interrupted: false })?
        else {
            panic!()
        };
        io::copy(&mut reader, &mut io::sink())?;
        assert!(reader.is_intact());
        Ok::<_, io::Error>(reader.code(&Budget::unlimited()))
    };
    assert!(read(usize::MAX).unwrap().is_ok());
    for fails_after in [0, 1, MAGIC.len(), HEAD - 1, HEAD, front.len() - 1] {
        assert_eq!(read(fails_after).unwrap_err().to_string(), "no disk");
    }
    for fails_after in [front.len(), front.len() + 1, file.len() - 1, file.len()] {
        assert_eq!(read(fails_after).unwrap().unwrap_err(), Mismatch::Unreadable("no disk".into()));
    }
    // Behind a module that hasn't been read stands nothing.
    let Ok(Opened::Precompiled(reader)) = open(&file[..]) else { panic!() };
    assert!(!reader.is_intact());
    assert_eq!(reader.code(&Budget::unlimited()).unwrap_err(), Mismatch::Damaged);
    // A head that ends early is no other file.
    for end in MAGIC.len()..HEAD {
        assert_eq!(open(&file[..end]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
