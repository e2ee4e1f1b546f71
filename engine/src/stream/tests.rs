//! The loader against wasmparser, and against itself with the input cut in other places.

mod limits;
mod memory;
mod names;
mod verdicts;

use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use std::io::Write;

use wasmparser::{FunctionBody, Parser, ValidPayload, Validator};

use super::*;
use crate::module::bodies::BodyError;
use crate::module::estimate::BodyStats;
use crate::module::features::Feature;
use crate::module::types::RefType;
use crate::module::{DataMode, ElemItems, ElemMode, ImportKind};

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// Everything a module can have, in little.
const EVERYTHING: &str = r#"(module $everything
  (type $pair (func (param i32 i64) (result f32 f64)))
  (import "env" "print" (func $print (param i32)))
  (import "env" "base" (global $base i32))
  (import "env" "table" (table $imported 1 4 externref))
  (import "env" "memory" (memory 1 2))
  (table $own 3 funcref)
  (memory $second 1)
  (global $counter (mut i64) (i64.mul (i64.const 6) (i64.const 7)))
  (global $wide v128 (v128.const i32x4 1 2 3 4))
  (global $null externref (ref.null extern))
  (func $start (local i32 v128) (call $print (i32.const 1)))
  (func $pair (export "pair") (type $pair)
    (block (loop (br_if 0 (local.get 0))))
    (f32.const 1) (f64.const 2))
  (func $tail (export "a tail") (param i32) (return_call $print (local.get 0)))
  (export "memory" (memory $second))
  (start $start)
  (elem (table $own) (i32.add (global.get $base) (i32.const 1)) func $start $pair)
  (elem $list funcref (item ref.func $tail) (item ref.null func))
  (elem declare func $print)
  (data (memory $second) (i32.const 8) "hello")
  (data $passive "\00\01\02")
  (data (memory 0) (i32.const 0) "")
  (func (memory.init $second $passive (i32.const 0) (i32.const 0) (i32.const 3)))
  (@custom "note" "a custom section")
)"#;

const SMALL: [&str; 8] = [
    "(module)",
    EVERYTHING,
    r#"(module (memory 1) (data (i32.const 0) "abc") (data (i32.const 4) "defg"))"#,
    "(module (func) (func (result i32) (i32.const 300000)) (func (param i64) (local f64)))",
    r#"(module (@custom "a" "") (@custom "name" "\00\05\04self") (@custom "asm" "asm"))"#,
    r#"(module (import "a" "b" (func)) (import "" "" (memory 0)) (export "" (func 0)))"#,
    "(module (table 5 funcref) (elem (i32.const 0) funcref (ref.func 0) (ref.func 0)) (func))",
    "(module (global (mut i32) (i32.const -1)) (func (global.set 0 (i32.const 2))))",
];

fn load_in(
    budget: &Budget,
    chunks: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<ModuleInner, LoadError> {
    let mut loader = Loader::new(Features::default(), budget, LoadOptions::default(), AcceptAll)
        .map_err(|error| LoadError::memory(error, 0))?;
    for chunk in chunks {
        loader.push(chunk.as_ref())?;
    }
    loader.finish()
}

fn load(chunks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<ModuleInner, LoadError> {
    load_in(&Budget::unlimited(), chunks)
}

/// The whole answer in text: with charges and peak, for they mustn't depend on the cuts either.
fn answer(result: Result<ModuleInner, LoadError>) -> String {
    match result {
        Ok(module) => format!("{module:?}"),
        Err(error) => format!("{error:?}"),
    }
}

/// A small generator of numbers that are the same in each run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % bound as u64) as usize
    }

    fn cut<'a>(&mut self, mut bytes: &'a [u8], longest: usize) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        while !bytes.is_empty() {
            let (chunk, rest) = bytes.split_at(self.below(longest + 1).min(bytes.len()));
            chunks.push(chunk);
            bytes = rest;
        }
        chunks
    }
}

/// What wasmparser says when it is shown the module as it comes, each body after the other.
fn wasmparser(bytes: &[u8]) -> Result<(), wasmparser::Error> {
    let features = Features::default().of_sections();
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        if let ValidPayload::Func(func, body) = validator.payload(&payload?)? {
            func.into_validator(Default::default()).validate(&body)?;
        }
    }
    Ok(())
}

/// Words that are ours are as good as wasmparser's.
fn same_words(ours: &str, theirs: &str) -> bool {
    ["unexpected end-of-file", "magic header not detected"]
        .iter()
        .any(|words| ours.starts_with(words) && theirs.starts_with(words))
        || ours == theirs
}

/// Checks one input, whole and in bytes, against wasmparser. Gives whether the error was the same.
fn check(bytes: &[u8]) -> bool {
    let whole = load([bytes]);
    let theirs = wasmparser(bytes);
    assert_eq!(
        theirs.is_ok(),
        Validator::new_with_features(Features::default().of_sections()).validate_all(bytes).is_ok()
    );
    let same = match (&whole, &theirs) {
        (Ok(_), Ok(_)) => true,
        (Err(ours), Err(theirs)) => {
            same_words(&ours.message(), theirs.message()) && ours.offset == theirs.offset()
        }
        // wasmparser is shown sections with that switched on.
        (Err(ours), Ok(())) if ours.missing == Some(Feature::Gc) => true,
        // A component is neither a module for us nor unknown to it.
        _ => panic!("{whole:?} but wasmparser {theirs:?} for {bytes:x?}"),
    };
    assert_eq!(answer(whole), answer(load(bytes.chunks(1))), "{bytes:x?}");
    same
}

#[test]
fn everything_is_taken_over() {
    let bytes = wasm(EVERYTHING);
    let module = load([&bytes]).unwrap();
    assert_eq!(module.imports.len(), 4);
    assert_eq!(module.imports[0].kind, ImportKind::Func(1));
    assert_eq!(
        module.imports.iter().map(|i| module.import_type(i).ty().to_string()).collect::<Vec<_>>(),
        [
            "function (i32) -> ()",
            "i32 global",
            "externref table of 1 to 4 elements",
            "memory of 1 to 2 pages"
        ]
    );
    assert_eq!(
        (module.imported_funcs, module.imported_tables, module.imported_memories, module.imported_globals),
        (1, 1, 1, 1)
    );
    assert_eq!((module.funcs.len(), module.tables.len(), module.memories.len()), (5, 2, 2));
    assert_eq!(module.func_type(2).to_string(), "(i32, i64) -> (f32, f64)");
    assert_eq!(module.tables[1].ty.to_string(), "funcref table of at least 3 elements");
    let globals: Vec<u128> = module.globals[1..]
        .iter()
        .map(|global| global.init.as_ref().unwrap().eval(|_| panic!(), |_| panic!()))
        .collect();
    assert_eq!(globals, [42, 4 << 96 | 3 << 64 | 2 << 32 | 1, 0]);
    assert_eq!(module.export("pair").unwrap().index, 2);
    assert_eq!(module.export("a tail").unwrap().index, 3);
    let memory = module.export("memory").unwrap();
    assert_eq!(module.export_type(memory).ty().to_string(), "memory of at least 1 page");
    assert!(module.export("start").is_none());
    assert_eq!(module.start, Some(1));

    assert_eq!(module.elems.len(), 3);
    let ElemMode::Active { table: 1, offset } = &module.elems[0].mode else { panic!() };
    assert_eq!(offset.eval(|global| 10 + u128::from(global), |_| panic!()), 11);
    assert!(matches!(&module.elems[0].items, ElemItems::Funcs(funcs) if **funcs == [1, 2]));
    assert!(matches!(&module.elems[1].items, ElemItems::Exprs(exprs) if exprs.len() == 2));
    assert!(matches!(module.elems[1].mode, ElemMode::Passive));
    assert!(matches!(module.elems[2].mode, ElemMode::Declared));
    assert_eq!(module.elems[1].ty, RefType::FUNCREF);

    assert_eq!(module.data_count, Some(3));
    let payloads: Vec<&[u8]> = (0..3).map(|i| module.data_payload(i)).collect();
    assert_eq!(payloads, [&b"hello"[..], &[0, 1, 2], b""]);
    assert!(matches!(&module.data[0].mode, DataMode::Active { memory: 1, offset }
        if offset.eval(|_| panic!(), |_| panic!()) == 8));
    assert!(matches!(module.data[1].mode, DataMode::Passive));

    assert_eq!(module.names.module.as_deref(), Some("everything"));
    let names: Vec<_> = (0..6).map(|i| module.names.func(i)).collect();
    assert_eq!(names, [Some("print"), Some("start"), Some("pair"), Some("tail"), None, None]);
    assert_eq!(module.size, bytes.len() as u64);
    assert!(module.sections.iter().any(|s| s.name.as_deref() == Some("note") && s.size == 21));
    assert!(module.sections.iter().all(|s| s.offset + u64::from(s.size) <= module.size));
}

#[test]
fn bodies_are_where_they_were() {
    let bytes = wasm(EVERYTHING);
    let module = load([&bytes]).unwrap();
    for i in 0..4 {
        let at = module.bodies.file_offset(i) as usize;
        let body = module.bodies.with_body(i, &module.budget, <[u8]>::to_vec).unwrap();
        assert_eq!(body, bytes[at..at + module.bodies.body_len(i) as usize]);
        assert_eq!(body.last(), Some(&0x0b));
    }
}

#[test]
fn small_modules_split_anywhere() {
    for text in SMALL {
        let bytes = wasm(text);
        let whole = answer(load([&bytes]));
        assert!(whole.starts_with("ModuleInner"), "{whole}");
        assert_eq!(whole, answer(load(bytes.chunks(1))));
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(whole, answer(load([a, &[], b])), "{text} split at {at}");
        }
        let mut random = Random(7);
        for _ in 0..200 {
            assert_eq!(whole, answer(load(random.cut(&bytes, 9))));
        }
    }
}

/// A module with large bodies, many functions, long names and much data.
fn large_module() -> Vec<u8> {
    use std::fmt::Write;
    let mut text = String::from("(module (memory 40)");
    for i in 0..600 {
        write!(text, "(func $function_number_{i} (export \"f{i}\") (result i32) (i32.const {i})").unwrap();
        for j in 0..(if i % 100 == 0 { 20_000 } else { i % 7 }) {
            write!(text, "(i32.const {j}) i32.add").unwrap();
        }
        text.push(')');
    }
    for i in 0..40 {
        let size = if i == 20 { 300_000 } else { i };
        write!(text, "(data (i32.const {}) \"{}\")", i * 1000, "x".repeat(size)).unwrap();
    }
    text.push(')');
    wasm(&text)
}

#[test]
fn a_large_module_split_at_random() {
    let bytes = large_module();
    let whole = answer(load([&bytes]));
    assert!(whole.starts_with("ModuleInner"), "{}", &whole[..200]);
    assert!(whole == answer(load(bytes.chunks(1))));
    let mut random = Random(1);
    for longest in [3, 100, 5_000, 70_000, 1_000_000] {
        for _ in 0..3 {
            assert!(whole == answer(load(random.cut(&bytes, longest))), "chunks of up to {longest}");
        }
    }
}

#[test]
fn what_is_not_a_module_is_named() {
    let error = load([b"\0asm\x0d\0\x01\0"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message().starts_with("this is a WebAssembly component, not a core module"), "{error}");
    for text in ["(module)", "  (module)", ";; hello\n(module)"] {
        let error = load([text]).unwrap_err();
        assert!(error.message().contains("looks like the text format"), "{error}");
    }
    assert_eq!(
        load([b"\x7fELF"]).unwrap_err().to_string(),
        "magic header not detected: this is not a WebAssembly binary (at offset 0x0)"
    );
}

#[test]
fn an_error_stays() {
    let mut loader =
        Loader::new(Features::default(), &Budget::unlimited(), LoadOptions::default(), AcceptAll).unwrap();
    let first = loader.push(b"\0asm\x01\0\0\0\x0e\x00").unwrap_err();
    assert_eq!(loader.push(b"\0").unwrap_err(), first);
    assert_eq!(loader.push(b"").unwrap_err(), first);
    assert_eq!(loader.finish().map(|_| ()).unwrap_err(), first);
}

/// A number as sections have them.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A section of this id.
fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id], &*leb(contents.len()), contents].concat()
}

fn with_sections(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0", &*sections.concat()].concat()
}

#[test]
fn the_check_sees_each_body_and_may_refuse_it() {
    struct Record(Vec<(u32, u64, BodyStats)>);
    impl BodyCheck for &mut Record {
        fn body(
            &mut self,
            module: &ModuleInner,
            func_index: u32,
            body: &FunctionBody<'_>,
            stats: BodyStats,
        ) -> Result<(), LoadError> {
            assert_eq!(module.types.len(), 1);
            self.0.push((func_index, body.range().start, stats));
            match func_index {
                1 => Err(LoadError::new(ErrorKind::Limit, "no more", body.range().start)),
                _ => Ok(()),
            }
        }
    }
    let bytes = wasm(
        "(module (func (param i32 i32) (local v128) \
           (block (drop (i32.add (local.get 0) (local.get 1))))) (func (param i32 i32)) (func (param i32 i32)))",
    );
    let mut record = Record(Vec::new());
    let mut loader =
        Loader::new(Features::default(), &Budget::unlimited(), LoadOptions::default(), &mut record).unwrap();
    let error = loader.push(&bytes).unwrap_err();
    assert_eq!((error.kind, error.message().as_str()), (ErrorKind::Limit, "no more"));
    drop(loader);
    assert_eq!(record.0.len(), 2);
    let stats = BodyStats { locals: 3, max_operands: 2, max_control_depth: 2, instructions: 7, catches: 0 };
    assert_eq!((record.0[0].0, record.0[0].2), (0, stats));
}

#[test]
fn bodies_left_in_a_file_are_checked_when_read_again() {
    let bytes = large_module();
    let path = std::env::temp_dir().join(format!("dunlin-bodies-{}.wasm", std::process::id()));
    let write = |bytes: &[u8]| std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    write(&bytes);
    let budget = Budget::unlimited();
    let options =
        LoadOptions { bodies: Source::file(std::fs::File::open(&path).unwrap()), ..LoadOptions::default() };
    let mut loader = Loader::new(Features::default(), &budget, options, AcceptAll).unwrap();
    bytes.chunks(1000).for_each(|chunk| loader.push(chunk).unwrap());
    let module = loader.finish().unwrap();
    let in_memory = load([&bytes]).unwrap();
    assert!(budget.used_for(Kind::Bodies) < 20_000);

    let body = |i| module.bodies.with_body(i, &budget, <[u8]>::to_vec);
    for i in 0..600 {
        assert_eq!(body(i).unwrap(), in_memory.bodies.with_body(i, &budget, <[u8]>::to_vec).unwrap());
    }
    assert!(budget.used_for(Kind::Bodies) < 20_000 && budget.peak() > 80_000);

    let mut changed = bytes.clone();
    changed[module.bodies.file_offset(3) as usize + 2] ^= 1;
    write(&changed);
    assert!(matches!(body(3), Err(BodyError::Changed)));
    assert!(body(2).is_ok() && body(4).is_ok());
    write(&bytes[..module.bodies.file_offset(500) as usize + 1]);
    assert!(body(499).is_ok() && body(3).is_ok());
    assert!(matches!(body(500), Err(BodyError::Changed)));
    assert_eq!(body(500).unwrap_err().to_string(), "module file changed");
    std::fs::remove_file(&path).unwrap();
    drop(module);
    assert_eq!(budget.used(), 0);
}

#[test]
fn switched_off_proposals_are_refused() {
    let load = |features: Features, text: &str| {
        let mut loader =
            Loader::new(features, &Budget::unlimited(), LoadOptions::default(), AcceptAll).unwrap();
        loader.push(&wasm(text)).and_then(|()| loader.finish())
    };
    let mut features = Features::default();
    features.wasm_multi_memory(false).wasm_tail_call(false).wasm_bulk_memory(false);
    assert!(load(features, "(module (memory 1))").is_ok());
    for text in ["(module (memory 1) (memory 1))", "(module (func (return_call 0)))", "(module (data \"\"))"]
    {
        assert!(load(Features::default(), text).is_ok());
        let error = load(features, text).unwrap_err();
        assert!(error.kind == ErrorKind::Unsupported && error.missing.is_some(), "{error}");
    }
    for text in ["(module (type (struct)))", "(module (global (shared i32) (i32.const 0)))"] {
        let error = load(Features::default(), text).unwrap_err();
        assert!(error.kind == ErrorKind::Unsupported && error.missing.is_some(), "{error}");
    }
}
