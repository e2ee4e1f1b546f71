mod fields;

use super::format::{Checksum, HEAD};
use super::*;
use crate::{Jit, Mode};
use dunlin::{Config, Engine, Instance, Module, Store, Val};
use std::io::{self, Read, Write};

const TEXT: &str = r#"(module
    (memory 1) (table 2 funcref) (elem (i32.const 0) $double $load)
    (type $unary (func (param i32) (result i32)))
    (func $double (type $unary) (i32.shl (local.get 0) (i32.const 1)))
    (func $load (type $unary) (i32.load (local.get 0)))
    (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const 8) (i32.const 21))
        (call_indirect (type $unary) (local.get 0) (local.get 1))))"#;

/// The kind of this machine. Where there is none, no tier can be made, and these tests fail.
fn here() -> Target {
    Target::here().expect("machine code is run on Linux, on x86_64 and aarch64")
}

fn tiered(configure: impl FnOnce(&mut Config)) -> (std::sync::Arc<Jit>, Engine) {
    let jit = Jit::new(Jit::options().mode(Mode::Off)).unwrap();
    let mut config = Config::new();
    config.tier(jit.clone());
    configure(&mut config);
    (jit, Engine::new(&config).unwrap())
}

fn file(how: &Compile) -> Vec<u8> {
    let bytes = wat::parse_str(TEXT).unwrap();
    // Compiling ahead of time needs no tier.
    let module = Module::new(&Engine::default(), &bytes).unwrap();
    let made = compile(&module, &bytes, how).unwrap();
    assert_eq!(made.stats.functions, 3);
    made.bytes
}

/// Loads a file as far as possible.
fn load(engine: &Engine, bytes: &[u8]) -> Option<(Module, Result<Precompiled, Mismatch>)> {
    let Ok(Opened::Precompiled(mut reader)) = open(bytes) else { return None };
    let module = Module::from_reader(engine, &mut reader);
    if !reader.is_intact() {
        assert_eq!(reader.code(engine.budget()).unwrap_err(), Mismatch::Damaged);
        return None;
    }
    Some((module.unwrap(), reader.code(engine.budget())))
}

fn call(engine: &Engine, module: &Module, x: i32, which: i32) -> Result<i32, dunlin::Error> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    let f = instance.get_func(&store, "f").unwrap();
    let mut results = [Val::I32(0)];
    f.call(&mut store, &[Val::I32(x), Val::I32(which)], &mut results)?;
    Ok(results[0].i32().unwrap())
}

#[test]
fn code_comes_from_the_file() {
    let mut how = Compile::new(here());
    for (guarded, cpu) in [(false, CpuFeatures::Baseline), (true, CpuFeatures::Native)] {
        (how.guarded, how.cpu) = (guarded, cpu);
        let (jit, engine) = tiered(|_| {});
        let (module, code) = load(&engine, &file(&how)).unwrap();
        let code = code.unwrap();
        assert_eq!((code.functions(), code.settings().guarded), (3, guarded));
        if guarded && !jit.guards_memories() {
            assert_eq!(jit.attach(&module, &code), Err(Mismatch::Guards));
            // Not by `println`, which the harness keeps for itself.
            let _ =
                writeln!(io::stderr(), "SKIPPED: code with guards, which the address space is too short for");
            continue;
        }
        jit.attach(&module, &code).unwrap();
        drop(code);
        assert_eq!(call(&engine, &module, 4, 0).unwrap(), 8);
        assert_eq!(call(&engine, &module, 8, 1).unwrap(), 21);
        assert!(call(&engine, &module, -1, 1).unwrap_err().trap().is_some());
        assert!(call(&engine, &module, 0, 2).unwrap_err().trap().is_some());
        assert_eq!((jit.stats().precompiled, module.translated_functions()), (3, 0));
    }
}

/// Gives a file a checksum that fits what stands behind the module.
fn resealed(mut bytes: Vec<u8>, tail: usize) -> Vec<u8> {
    let sum = Checksum::of(&[&bytes[..HEAD], &bytes[tail..tail + 4], &bytes[tail + 20..]]);
    bytes[tail + 4..tail + 20].copy_from_slice(&sum);
    bytes
}

#[test]
fn files_of_other_engines_are_known() {
    let bytes = file(&Compile::new(Target::X86_64));
    let tail = HEAD + u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    // After the format's version and the checksum come the engine's version and the hash of what code relies on.
    let version = env!("CARGO_PKG_VERSION");
    let text = tail + 20 + 4;
    let number = text + version.len();
    assert_eq!(&bytes[text..number], version.as_bytes());
    let engine = Engine::default();
    let changed = |at: usize, to: u8| {
        let mut changed = bytes.clone();
        changed[at] = to;
        load(&engine, &resealed(changed, tail)).unwrap().1.unwrap_err()
    };
    let other = format!("{}x", &version[..version.len() - 1]);
    assert_eq!(changed(number - 1, b'x'), Mismatch::Engine(other.clone()));
    assert_eq!(Mismatch::Engine(other.clone()).to_string(), format!("it was made by dunlin {other}"));
    for (at, byte) in bytes.iter().enumerate().skip(number).take(16) {
        let error = changed(at, byte ^ 1);
        assert_eq!(error, Mismatch::Engine(version.into()));
        assert_eq!(error.to_string(), format!("it was made by another build of dunlin {version}"));
    }
    assert_eq!(load(&engine, &resealed(bytes, tail)).unwrap().1.unwrap().settings().engine, version);
}

#[test]
fn damage_is_found_and_what_passes_for_undamaged_is_read_without_panics() {
    let bytes = file(&Compile::new(Target::X86_64));
    let len = u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    let tail = HEAD + len;
    let engine = Engine::default();
    assert!(load(&engine, &bytes).unwrap().1.is_ok());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            match load(&engine, &damaged) {
                None => assert!(at < tail),
                Some((_, code)) => {
                    let expected = if at < tail + 4 { Mismatch::Format } else { Mismatch::Damaged };
                    assert_eq!(code.unwrap_err(), expected, "{at}");
                    assert!(at >= tail);
                }
            }
            if at >= tail + 20
                && let Some((_, Ok(code))) = load(&engine, &resealed(damaged, tail))
            {
                assert!(code.code().len() <= bytes.len());
            }
        }
    }
    for end in tail..bytes.len() {
        assert!(load(&engine, &bytes[..end]).unwrap().1.is_err());
        let mut short = bytes[..end].to_vec();
        if end >= tail + 20 {
            short = resealed(short, tail);
        }
        assert!(load(&engine, &short).unwrap().1.is_err());
    }
    for end in 0..tail {
        assert!(load(&engine, &bytes[..end]).is_none());
    }
}

#[test]
fn the_code_is_paid_for_while_it_is_read() {
    let bytes = file(&Compile::new(Target::X86_64));
    let engine = Engine::default();
    let (module, code) = load(&engine, &bytes).unwrap();
    let code = code.unwrap();
    assert!(engine.budget().used_for(dunlin::Kind::MachineCode) >= code.code().len() as u64);
    drop((module, code));
    assert_eq!(engine.budget().used_for(dunlin::Kind::MachineCode), 0);
    let small = dunlin::Budget::new(1000);
    let Ok(Opened::Precompiled(mut reader)) = open(&bytes[..]) else { panic!() };
    io::copy(&mut reader, &mut io::sink()).unwrap();
    assert!(matches!(reader.code(&small), Err(Mismatch::Memory(_))));
}

#[test]
fn no_more_is_read_than_it_takes_to_tell() {
    struct Counting<'a>(&'a [u8], usize);
    impl Read for Counting<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 += into.len();
            self.0.read(into)
        }
    }
    for text in [&b"\0asm\x01\0\0\0"[..], b"(module)", b"", b"\0dunlin", b"\0dunlin\x02"] {
        let mut reader = Counting(text, 0);
        let Ok(Opened::Other(mut other)) = open(&mut reader) else { panic!("{text:?}") };
        let mut same = Vec::new();
        other.read_to_end(&mut same).unwrap();
        assert_eq!(same, text);
    }
    let mut reader = Counting(b"\0asm\x01\0\0\0", 0);
    drop(open(&mut reader));
    assert_eq!(reader.1, 2);
}

#[test]
fn targets_have_their_names() {
    for (name, target) in [
        ("x86_64-linux", Some(Target::X86_64)),
        ("aarch64-linux", Some(Target::Aarch64)),
        ("aarch64-unknown-linux-musl", Some(Target::Aarch64)),
        ("aarch64", None),
        ("aarch64-apple-darwin", None),
        ("riscv64-linux", None),
    ] {
        assert_eq!(Target::named(name), target, "{name}");
        assert!(target.is_none_or(|target| Target::named(&target.to_string()) == Some(target)));
    }
    let foreign = Target::ALL.into_iter().find(|target| Some(*target) != Target::here()).unwrap();
    let module = Module::new(&Engine::default(), "(module)").unwrap();
    let native = Compile { cpu: CpuFeatures::Native, ..Compile::new(foreign) };
    assert!(compile(&module, b"", &native).unwrap_err().contains("no example"));
    let level = Compile { cpu: CpuFeatures::V3, ..Compile::new(Target::Aarch64) };
    assert!(compile(&module, b"", &level).is_err());
}

/// Instructions of a file for aarch64 that are this one.
fn count_words(file: &[u8], word: u32) -> usize {
    (0..4)
        .map(|start| file[start..].chunks_exact(4).filter(|&bytes| bytes == word.to_le_bytes()).count())
        .sum()
}

#[test]
fn return_addresses_are_signed_if_that_is_wanted() {
    // `paciasp`, with which a function signs its return address; it is a hint to other processors.
    let sign = 0xd503_233f;
    let plain = Compile::new(Target::Aarch64);
    assert_eq!(count_words(&file(&plain), sign), 0);
    let protected = Compile { branch_protection: true, ..plain };
    assert!(count_words(&file(&protected), sign) >= 3);
}

#[test]
fn threads_make_the_same_file_as_one() {
    let functions: String = (0..300)
        .map(|n| format!("(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const {n})))"))
        .collect();
    let bytes = wat::parse_str(format!("(module {functions})")).unwrap();
    let module = Module::new(&Engine::default(), &bytes).unwrap();
    let one = Compile { parallel: false, ..Compile::new(here()) };
    let file = compile(&module, &bytes, &one).unwrap().bytes;
    for _ in 0..3 {
        assert!(compile(&module, &bytes, &Compile { parallel: true, ..one.clone() }).unwrap().bytes == file);
    }
}

#[test]
fn code_for_newer_processors_uses_what_they_have() {
    let bytes = wat::parse_str(
        r#"(module (func (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1))))"#,
    )
    .unwrap();
    let module = Module::new(&Engine::default(), &bytes).unwrap();
    let code = |cpu| {
        let how = Compile { cpu, ..Compile::new(Target::X86_64) };
        compile(&module, &bytes, &how).unwrap().bytes
    };
    // `addsd xmm0, xmm1` in the older encoding, and with the prefix of AVX.
    let (older, newer) = ([0xf2, 0x0f, 0x58], [0xc5, 0xfb, 0x58]);
    let has = |file: &[u8], wanted: [u8; 3]| file.windows(3).any(|bytes| bytes == wanted);
    let (baseline, v3) = (code(CpuFeatures::Baseline), code(CpuFeatures::V3));
    assert!(has(&baseline, older) && !has(&baseline, newer));
    assert!(has(&v3, newer) && !has(&v3, older));
}
