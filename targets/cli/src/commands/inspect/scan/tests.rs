use super::scanner::{MAX_BLOCKS, MAX_BODY_BYTES, MAX_CUSTOM_BYTES, MAX_OPERANDS};
use super::*;
use wasmparser::{Validator, WasmFeatures};

fn scanned(text: &str) -> Scan {
    let binary = wat::parse_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    scan(&binary[..]).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

#[test]
fn features_are_found_one_by_one() {
    for (text, expected) in [
        ("(memory 1) (table 1 funcref) (elem (i32.const 0) 0) (func (loop (br 0)))", ""),
        ("(global (export \"g\") (mut i32) (i32.const 0))", "mutable-globals"),
        ("(import \"m\" \"g\" (global (mut i32)))", "mutable-globals"),
        ("(func (param i32) (drop (i32.extend8_s (local.get 0))))", "sign-extension"),
        ("(func (param f32) (drop (i32.trunc_sat_f32_s (local.get 0))))", "saturating-float-to-int"),
        ("(func (result i32 i32) unreachable)", "multi-value"),
        ("(func (param i32) (local.get 0) (block (param i32) drop))", "multi-value"),
        ("(memory 1) (data \"x\")", "bulk-memory"),
        ("(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", "bulk-memory"),
        ("(func (param externref))", "reference-types"),
        ("(func (local funcref))", "reference-types"),
        ("(table 1 funcref) (table 1 funcref)", "reference-types"),
        ("(func (local v128))", "simd"),
        ("(func (drop (v128.const i64x2 1 2)))", "simd"),
        ("(func (return_call 0))", "tail-calls"),
        ("(memory 1) (memory 1)", "multi-memory"),
        ("(global i32 (i32.add (i32.const 1) (i32.const 2)))", "extended-const"),
        ("(memory i64 1 0x1_0000_0000)", "memory64"),
        ("(memory 1 2 shared) (func (drop (i32.atomic.load (i32.const 0))))", "threads"),
        ("(tag) (func (throw 0))", "exceptions"),
        ("(func try catch_all end)", "legacy-exceptions"),
        ("(type (struct (field v128)))", "simd gc"),
        (
            "(type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0)))",
            "reference-types function-references",
        ),
        ("(func (local anyref))", "reference-types gc"),
        (
            "(func (result i64 i64) (i64.mul_wide_s (i64.const 1) (i64.const 2)))",
            "multi-value wide-arithmetic",
        ),
        ("(memory 1 (pagesize 1))", "custom-page-sizes"),
        ("(type $f (func)) (type (cont $f))", "stack-switching"),
        ("(global (shared mut i32) (i32.const 0))", "shared-everything-threads"),
        (
            "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
            "simd relaxed-simd",
        ),
        ("(func (pause))", "acquire-release-atomics"),
        ("(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))", "memory-control"),
    ] {
        let names: Vec<_> =
            scanned(&format!("(module {text})")).features.into_iter().map(Feature::name).collect();
        assert_eq!(names.join(" "), expected, "{text}");
    }
}

#[test]
fn memories_and_tables_are_listed_by_index() {
    let scan = scanned(r#"(module (import "a" "m" (memory 1 2)) (table 3 4 externref) (memory 5))"#);
    let memories: Vec<_> = scan.memories.iter().map(|m| (m.ty.initial, m.ty.maximum, m.imported)).collect();
    assert_eq!(memories, [(1, Some(2), true), (5, None, false)]);
    assert_eq!((scan.tables.len(), scan.tables[0].ty.initial, scan.tables[0].imported), (1, 3, false));
}

#[test]
fn what_is_found_is_what_the_engine_finds() {
    let text = r#"(module $named
        (import "a" "f" (func (param i32 v128) (result externref funcref)))
        (import "a" "m" (memory 1)) (import "a" "t" (table 1 2 funcref)) (import "a" "g" (global (mut f64)))
        (func (export "g") (param i64)) (global (export "c") f32 (f32.const 0))
        (export "f again" (func 0)) (export "m" (memory 0)) (table (export "t") 5 5 externref)
        (@custom "note" "text"))"#;
    let scan = scanned(text);
    let module = dunlin::Module::new(&dunlin::Engine::default(), text).unwrap();
    let imports = module
        .imports()
        .map(|import| (import.module().to_owned(), import.name().to_owned(), import.ty().to_string()));
    assert!(imports.eq(scan.imports.into_iter().map(|import| (import.module, import.name, import.ty))));
    let exports = module.exports().map(|export| (export.name().to_owned(), export.ty().to_string()));
    assert!(exports.eq(scan.exports.into_iter().map(|export| (export.name, export.ty))));
    let sections = module.sections().map(|section| {
        (section.id, section.name.unwrap_or_default().to_owned(), section.offset, section.size)
    });
    assert!(sections.eq(scan.sections.into_iter().map(|section| (
        section.id,
        section.name,
        section.offset,
        section.size
    ))));
    assert_eq!((scan.name.as_deref(), scan.size, scan.functions), (Some("named"), module.size(), 1));
}

/// Modules that have every section between them, and much in each.
const MODULES: [&str; 3] = [
    "(module (type (struct)) (tag) (memory i64 1) (func (export \"f\") (throw 0)) (data (i64.const 0) \"x\"))",
    r#"(module (import "a" "f" (func)) (import "a" "t" (table 1 funcref)) (import "a" "m" (memory 1 2))
        (import "a" "g" (global i32)) (import "a" "e" (tag (param i32)))
        (table 2 externref) (global (export "g") (mut f32) (f32.const 1)) (func $s (local i32 f64) nop) (start $s)
        (func (param i32) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)))
        (export "t" (table 1)) (export "e" (tag 0)) (elem declare func $s) (elem (i32.const 0) func $s)
        (data $d "x") (@custom "note" "text"))"#,
    r#"(module $named (rec (type (sub (array (mut i8)))) (type (func (param (ref null 0)))))
        (func $first (type 1) (local $x i64) (block $b (br $b)) (array.len (local.get 0)) drop))"#,
];

#[test]
fn every_cut_and_every_wrong_byte_is_answered() {
    // A validator that isn't shown the module piece by piece.
    let is_valid =
        |module: &[u8]| Validator::new_with_features(WasmFeatures::all()).validate_all(module).is_ok();
    let check = |module: &[u8]| {
        let found = scan(module);
        assert_eq!(found.is_ok(), is_valid(module), "{module:x?}: {:?}", found.err());
    };
    for text in MODULES {
        let module = wat::parse_str(text).unwrap();
        assert!(is_valid(&module), "{text}");
        check(&module);
        for len in 0..module.len() {
            check(&module[..len]);
            for wrong in [0, 1, 0x7f, 0x80, 0xff, module[len] ^ 1, module[len] ^ 0x40, module[len] + 1] {
                let mut module = module.clone();
                module[len] = wrong;
                check(&module);
            }
        }
        // Sections twice, and out of order.
        let again = [&module[..], &module[8..]].concat();
        assert!(matches!(scan(&again[..]), Err(ScanError::Invalid(_))));
    }
}

/// A number, as modules have it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// A module of one custom section that is so long, and another one.
fn with_custom(len: usize) -> Vec<u8> {
    [HEADER, b"\0", &leb(len), b"\x01a", &vec![7; len - 2], b"\0\x02\x01b"].concat()
}

/// A module of one function without locals that does this.
fn with_body(code: &[u8]) -> Vec<u8> {
    let body = [b"\0", code, b"\x0b"].concat();
    let bodies = [&b"\x01"[..], &leb(body.len()), &body].concat();
    [HEADER, b"\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a", &leb(bodies.len()), &bodies].concat()
}

#[test]
fn custom_sections_of_any_length_pass_by() {
    let most = MAX_CUSTOM_BYTES as usize;
    for len in [2, most - 1, most, most + 1, 2 * most, 2 * most + 1, 5 * most + 7] {
        let module = with_custom(len);
        let found = scan(&module[..]).unwrap();
        let sections: Vec<_> =
            found.sections.iter().map(|section| (&*section.name, section.size as usize)).collect();
        assert_eq!(sections, [("a", len), ("b", 2)]);
        assert_eq!((found.sections[1].offset, found.size as usize), (module.len() as u64 - 2, module.len()));
        assert!(matches!(scan(&module[..module.len() - 1]), Err(ScanError::Invalid(_))));
    }
}

#[test]
fn only_so_many_sections_are_listed() {
    for (number, listed) in [(999, 999), (1000, 1000), (1001, 1000)] {
        let module = [HEADER, &b"\0\x02\x01c".repeat(number)].concat();
        let found = scan(&module[..]).unwrap();
        assert_eq!((found.sections.len(), found.size), (listed, 8 + 4 * number as u64));
    }
}

#[test]
fn what_validation_would_take_is_bounded() {
    let is_bounded = |most: usize, body: &dyn Fn(usize) -> Vec<u8>| {
        assert!(scan(&with_body(&body(most))[..]).is_ok());
        assert!(matches!(scan(&with_body(&body(most + 1))[..]), Err(ScanError::Invalid(_))));
    };
    // Blocks, of which the function itself is one.
    is_bounded(MAX_BLOCKS as usize - 1, &|number| [b"\x02\x40".repeat(number), vec![0x0b; number]].concat());
    // Constants, and what makes it valid that they are left.
    is_bounded(MAX_OPERANDS as usize, &|number| [b"\x41\0".repeat(number), vec![0]].concat());
    // Bytes, with the number of kinds of locals and the end.
    is_bounded(MAX_BODY_BYTES as usize, &|number| vec![1; number - 2]);
}

/// Why a module is refused.
fn refusal(module: &[u8]) -> String {
    match scan(module) {
        Err(ScanError::Invalid(why)) => why,
        Err(ScanError::Read(error)) => panic!("{error}"),
        Ok(_) => panic!("{module:x?}"),
    }
}

#[test]
fn what_is_announced_is_looked_at_before_it_comes() {
    // Sections behind these 14 bytes end at the last byte that a module may have, and one behind.
    let custom = |size: u32| [HEADER, b"\0", &leb(size as usize)].concat();
    assert_eq!(refusal(&custom(u32::MAX - 14)), "unexpected end-of-file");
    assert_eq!(refusal(&custom(u32::MAX - 13)), "module is larger than 4294967295 bytes");
    // Bodies that are larger than they may be, and than their section.
    let body = |section: usize, size: usize| {
        let start = [HEADER, b"\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a", &leb(section), b"\x01"].concat();
        [start, leb(size)].concat()
    };
    let most = MAX_BODY_BYTES as usize;
    assert_eq!(refusal(&body(10 * most, most)), "unexpected end-of-file");
    assert_eq!(refusal(&body(10 * most, most + 1)), format!("function body has {} bytes", most + 1));
    assert_eq!(refusal(&body(100, 98)), "unexpected end-of-file");
    assert_eq!(refusal(&body(100, 99)), "function body has 99 bytes");
    // The section ends in the middle of a number, or of a body, or goes on behind it.
    let cut = with_body(b"");
    let longer = |by: u8| {
        let mut module = cut.clone();
        let section = module.len() - 5;
        module[section] += by;
        [module, vec![0; usize::from(by)]].concat()
    };
    assert_eq!(longer(0), cut);
    assert!(scan(&cut[..]).is_ok());
    assert_eq!(refusal(&longer(1)), "code section has other bytes than its functions");
    assert_eq!(refusal(&[HEADER, b"\x01"].concat()), "unexpected end-of-file");
    assert_eq!(refusal(b"\0asm\x02\0\0\0"), "this is no WebAssembly module");
    let twice = [HEADER, &b"\x01\x01\0".repeat(2)].concat();
    assert_eq!(refusal(&twice), "unknown section, or one out of order (at offset 0xd)");
    assert_eq!(
        refusal(&[HEADER, b"\x0e\x01\0"].concat()),
        "unknown section, or one out of order (at offset 0xa)"
    );
}

/// A custom section of this name.
fn named(name: &[u8], contents: &[u8]) -> Vec<u8> {
    let inner = [&leb(name.len()), name, contents].concat();
    [b"\0", &leb(inner.len())[..], &inner].concat()
}

#[test]
fn names_are_taken_from_what_is_read() {
    let of = |sections: &[Vec<u8>]| {
        let module = [HEADER, &sections.concat()].concat();
        let found = scan(&module[..]).unwrap();
        let engine = dunlin::Engine::default();
        assert_eq!(dunlin::Module::new(&engine, &module).unwrap().name(), found.name.as_deref());
        let sections: Vec<_> = found.sections.into_iter().map(|section| section.name.len()).collect();
        (found.name, sections)
    };
    let module =
        |name: &[u8]| named(b"name", &[b"\0", &leb(name.len() + 1)[..], &leb(name.len()), name].concat());
    let (first, last) = (module(b"first"), module(b"last"));
    assert_eq!(of(std::slice::from_ref(&first)), (Some("first".into()), vec![4]));
    assert_eq!(of(&[first.clone(), last]), (Some("first".into()), vec![4, 4]));
    assert_eq!(of(&[named(b"name", b""), first.clone()]), (None, vec![4, 4]));
    // Locals' names before it, and an empty name.
    assert_eq!(of(&[named(b"name", b"\x02\x01\0\0\x02\x01n")]), (None, vec![4]));
    assert_eq!(of(&[module(b"")]), (None, vec![4]));
    assert_eq!(of(&[first, named(b"name", b"")]), (Some("first".into()), vec![4, 4]));
    assert_eq!(of(&[named(b"note", b"\0\x02\x01n")]), (None, vec![4]));
    // A section's name fits into what is looked at, or is left out.
    let fits = vec![b'n'; MAX_CUSTOM_BYTES as usize - 3];
    assert_eq!(of(&[named(&fits, b""), named(&fits, b"more")]), (None, vec![fits.len(); 2]));
    let longer = [&fits[..], b"n"].concat();
    assert_eq!(of(&[named(&longer, b""), named(b"a", b"")]), (None, vec![0, 1]));
}
