//! Modules that use what is off, or what this version doesn't have: which feature, and where, is said in our words.

use dunlin::{Config, Engine, Error, ErrorKind, Feature, Module, ModuleStream, Survey};
use wasmparser::{BinaryReader, Parser, Payload};

/// The error for a module, which is the same however its bytes are cut.
#[track_caller]
fn refused(config: &Config, bytes: &[u8]) -> Error {
    let engine = Engine::new(config).unwrap();
    let error = Module::new(&engine, bytes).expect_err("it uses what is off");
    for size in [1, 7] {
        let mut stream = ModuleStream::new(&engine);
        let result = bytes.chunks(size).try_for_each(|chunk| stream.push(chunk));
        let cut = result.and_then(|()| stream.finish().map(drop)).unwrap_err();
        assert_eq!((cut.to_string(), cut.offset()), (error.to_string(), error.offset()));
        assert_eq!(cut.missing_feature(), error.missing_feature());
    }
    error
}

#[track_caller]
fn is_refused(config: &Config, bytes: &[u8], feature: Feature, part: &str) {
    let error = refused(config, bytes);
    assert_eq!((error.kind(), error.missing_feature()), (ErrorKind::Invalid, Some(feature)), "{error}");
    let consequence = match feature.switch() {
        Some(switch) => format!("which {switch} turns on"),
        None => "which this version of Dunlin doesn't have".into(),
    };
    let (what, offset) = (feature.description(), error.offset().unwrap());
    let sentence =
        format!("{part} uses {what} (the proposal {feature}), {consequence} (at offset {offset:#x})");
    assert_eq!(error.to_string(), sentence);
}

/// The features that a survey finds in a module, whatever is on.
fn surveyed(bytes: &[u8]) -> Vec<Feature> {
    let mut survey = Survey::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        match payload {
            Payload::CodeSectionEntry(body) => survey.body(&body).unwrap(),
            _ => {
                if let Some((id, range)) = payload.as_section()
                    && id != 0
                    && id != 10
                {
                    let (start, end) = (range.start as usize, range.end as usize);
                    survey.section(id, BinaryReader::new(&bytes[start..end], range.start)).unwrap();
                }
            }
        }
    }
    survey.features().collect()
}

/// A module that ends in a section of these contents, behind a type section with one type, `() -> ()`.
fn with_section(id: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0".to_vec();
    bytes.extend_from_slice(&[id, contents.len() as u8]);
    bytes.extend_from_slice(contents);
    bytes
}

#[test]
fn proposals_that_dunlin_lacks_are_named() {
    use Feature::*;
    for (feature, part, text) in [
        (Gc, "the type section", "(type (struct))"),
        (Gc, "the type section", "(type (array (mut i8)))"),
        (Gc, "the type section", "(rec (type (func)) (type (struct)))"),
        (Gc, "the type section", "(func (param anyref))"),
        (Gc, "function 2", "(import \"a\" \"f\" (func)) (func) (func (drop (ref.i31 (i32.const 0))))"),
        (Gc, "function 0", "(func (local i31ref))"),
        (Gc, "function 0", "(func (drop (ref.null none)))"),
        (Gc, "function 0", "(func (drop (ref.null noextern)))"),
        (StackSwitching, "the type section", "(type $f (func)) (type (cont $f))"),
        (SharedEverythingThreads, "the global section", "(global (shared mut i32) (i32.const 0))"),
        (SharedEverythingThreads, "the type section", "(type (shared (func)))"),
        (MemoryControl, "function 0", "(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))"),
        (AcquireReleaseAtomics, "function 0", "(func (pause))"),
    ] {
        let bytes =
            wat::parse_str(format!("(module {text})")).unwrap_or_else(|error| panic!("{text}: {error}"));
        println!("{text}");
        is_refused(&Config::new(), &bytes, feature, part);
        assert!(surveyed(&bytes).contains(&feature));
    }
    // What the text format's parser doesn't write.
    let compact = with_section(2, b"\x01\x01a\0\x7f\x02\x01f\0\0\x01g\0\0");
    is_refused(&Config::new(), &compact, CompactImports, "the import section");
    let exact = with_section(2, b"\x01\x01a\x01f\x20\0");
    is_refused(&Config::new(), &exact, CustomDescriptors, "the import section");
}

#[test]
fn proposals_that_are_switched_off_are_named() {
    use Feature::*;
    type Switch = fn(&mut Config, bool) -> &mut Config;
    let cases: &[(Feature, Switch, &str, &str)] = &[
        (Threads, Config::wasm_threads, "the memory section", "(memory 1 1 shared)"),
        (
            Threads,
            Config::wasm_threads,
            "function 1",
            "(memory 1) (func) (func (drop (i32.atomic.load (i32.const 0))))",
        ),
        (Threads, Config::wasm_threads, "function 0", "(func (atomic.fence))"),
        (
            MutableGlobals,
            Config::wasm_mutable_global,
            "the import section",
            "(import \"a\" \"g\" (global (mut i32)))",
        ),
        (
            MutableGlobals,
            Config::wasm_mutable_global,
            "the export section",
            "(global (export \"g\") (mut i32) (i32.const 0))",
        ),
        (
            SignExtension,
            Config::wasm_sign_extension,
            "function 0",
            "(func (drop (i32.extend8_s (i32.const 0))))",
        ),
        (
            SaturatingConversions,
            Config::wasm_saturating_float_to_int,
            "function 0",
            "(func (drop (i32.trunc_sat_f32_s (f32.const 0))))",
        ),
        (MultiValue, Config::wasm_multi_value, "the type section", "(func (result i32 i32) unreachable)"),
        (MultiValue, Config::wasm_multi_value, "function 0", "(func (i32.const 0) (block (param i32) drop))"),
        (
            BulkMemory,
            Config::wasm_bulk_memory,
            "the data count section",
            "(memory 1) (data \"x\") (func (data.drop 0))",
        ),
        (BulkMemory, Config::wasm_bulk_memory, "the data section", "(memory 1) (data \"x\")"),
        (BulkMemory, Config::wasm_bulk_memory, "the element section", "(func $f) (elem func $f)"),
        (
            BulkMemory,
            Config::wasm_bulk_memory,
            "function 0",
            "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        ),
        (ReferenceTypes, Config::wasm_reference_types, "the type section", "(func (param externref))"),
        (ReferenceTypes, Config::wasm_reference_types, "function 0", "(func (local funcref))"),
        (ReferenceTypes, Config::wasm_reference_types, "the table section", "(table 1 externref)"),
        (
            ReferenceTypes,
            Config::wasm_reference_types,
            "the table section",
            "(table 1 funcref) (table 1 funcref)",
        ),
        (
            ReferenceTypes,
            Config::wasm_reference_types,
            "the table section",
            "(import \"a\" \"t\" (table 1 funcref)) (table 1 funcref)",
        ),
        (Simd, Config::wasm_simd, "the type section", "(func (param v128))"),
        (Simd, Config::wasm_simd, "function 0", "(func (drop (v128.const i64x2 0 0)))"),
        (TailCalls, Config::wasm_tail_call, "function 0", "(func (return_call 0))"),
        (MultiMemory, Config::wasm_multi_memory, "the memory section", "(memory 1) (memory 1)"),
        (
            MultiMemory,
            Config::wasm_multi_memory,
            "the import section",
            "(import \"a\" \"m\" (memory 1)) (import \"a\" \"n\" (memory 1))",
        ),
        (
            ExtendedConst,
            Config::wasm_extended_const,
            "the global section",
            "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        ),
        (
            ExtendedConst,
            Config::wasm_extended_const,
            "the data section",
            "(memory 1) (data (i32.add (i32.const 1) (i32.const 2)) \"x\")",
        ),
        (Memory64, Config::wasm_memory64, "the memory section", "(memory i64 1)"),
        (Memory64, Config::wasm_memory64, "the memory section", "(memory i64 1 0x1_0000_0000_0000)"),
        (Memory64, Config::wasm_memory64, "the memory section", "(memory i64 0x1_0000_0000)"),
        (Memory64, Config::wasm_memory64, "the memory section", "(memory 1) (memory i64 0x1_0000_0000)"),
        (
            Memory64,
            Config::wasm_memory64,
            "the import section",
            "(import \"a\" \"m\" (memory i64 1 0x1_0000_0000_0000))",
        ),
        (Memory64, Config::wasm_memory64, "the table section", "(table i64 1 0x1_0000_0000_0000 funcref)"),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "the type section",
            "(rec (type (func)) (type (func)))",
        ),
        (FunctionReferences, Config::wasm_function_references, "the type section", "(type (sub (func)))"),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "the type section",
            "(type $t (func (param (ref null $t))))",
        ),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "the global section",
            "(global i32 (i32.const 0)) (global i32 (global.get 0))",
        ),
        (Exceptions, Config::wasm_exceptions, "the tag section", "(tag)"),
        (Exceptions, Config::wasm_exceptions, "the import section", "(import \"a\" \"t\" (tag))"),
        (Exceptions, Config::wasm_exceptions, "the type section", "(func (param exnref))"),
        (Exceptions, Config::wasm_exceptions, "function 0", "(func (try_table))"),
        (Exceptions, Config::wasm_exceptions, "function 0", "(func (drop (ref.null exn)))"),
        (LegacyExceptions, Config::wasm_legacy_exceptions, "function 0", "(func try catch_all end)"),
        (CustomPageSizes, Config::wasm_custom_page_sizes, "the memory section", "(memory 1 (pagesize 1))"),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "the type section",
            "(func (param (ref func)))",
        ),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "the type section",
            "(type $t (func)) (func (param (ref null $t)))",
        ),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "function 0",
            "(func (drop (ref.as_non_null (ref.null func))))",
        ),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "function 0",
            "(type $t (func)) (func (call_ref $t (ref.null $t)))",
        ),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "function 0",
            "(type $t (func)) (func (drop (ref.null $t)))",
        ),
        (
            FunctionReferences,
            Config::wasm_function_references,
            "the table section",
            "(func $f) (table 1 funcref (ref.func $f))",
        ),
        (
            RelaxedSimd,
            Config::wasm_relaxed_simd,
            "function 0",
            "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
        ),
        (
            WideArithmetic,
            Config::wasm_wide_arithmetic,
            "function 0",
            "(func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 1)))",
        ),
    ];
    for &(feature, switch, part, text) in cases {
        let bytes = wat::parse_str(format!("(module {text})")).unwrap();
        println!("{text}");
        let mut config = Config::new();
        Module::new(&Engine::new(switch(&mut config, true)).unwrap(), &bytes).unwrap();
        switch(&mut config, false);
        is_refused(&config, &bytes, feature, part);
        assert!(surveyed(&bytes).contains(&feature));
    }
}

#[test]
fn a_survey_notes_each_operator_of_constant_expressions() {
    for ty in ["i32", "i64"] {
        for op in ["add", "sub", "mul"] {
            let text = format!("(module (global {ty} ({ty}.{op} ({ty}.const 1) ({ty}.const 2))))");
            assert_eq!(surveyed(&wat::parse_str(text).unwrap()), [Feature::ExtendedConst], "{ty}.{op}");
        }
    }
    assert_eq!(surveyed(&wat::parse_str("(module (global i32 (i32.const 1)))").unwrap()), []);
}

/// An encoding that came with a feature: a memory's or table's index where there was none, or in more bytes than needed.
#[test]
fn encodings_that_are_switched_off_are_named() {
    let body = |code: &[u8]| {
        let mut bytes =
            b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x04\x04\x01\x70\0\0\x05\x03\x01\0\x01"
                .to_vec();
        bytes.extend_from_slice(&[10, code.len() as u8 + 4, 1, code.len() as u8 + 2, 0]);
        bytes.extend_from_slice(code);
        bytes.push(0x0b);
        bytes
    };
    let load = body(b"\x41\0\x28\x42\0\0\x1a");
    Module::new(&Engine::default(), &load).unwrap();
    is_refused(Config::new().wasm_multi_memory(false), &load, Feature::MultiMemory, "function 0");
    let call = body(b"\x41\0\x11\0\x80\0");
    Module::new(&Engine::default(), &call).unwrap();
    is_refused(Config::new().wasm_reference_types(false), &call, Feature::ReferenceTypes, "function 0");
}

#[test]
fn what_is_wrong_otherwise_has_no_feature() {
    for text in [
        "(func (result i32))",
        "(func (result i32) (i64.const 0)) (memory 1 1 shared)",
        "(memory 2 1)",
        "(func (call 7)) (func (atomic.fence))",
        "(global i32 (i64.const 0)) (func (param i32) (drop (i32.extend8_s (local.get 1))))",
    ] {
        let bytes = wat::parse_str(format!("(module {text})")).unwrap();
        let error = refused(&Config::new(), &bytes);
        assert_eq!(error.missing_feature(), None, "{text}: {error}");
    }
    for bytes in [
        &b"\0asm\x01\0\0\0\x0e\0"[..],
        b"\0asm\x0d\0\x01\0",
        b"\0asm\x02\0\0\0",
        b"MZ",
        b"\0asm\x01\0\0\0\x05\x03\x01\x04",
    ] {
        assert_eq!(refused(&Config::new(), bytes).missing_feature(), None);
    }
}

#[test]
fn a_component_is_named() {
    let error = refused(&Config::new(), b"\0asm\x0d\0\x01\0");
    assert!(error.to_string().starts_with("this is a WebAssembly component, not a core module"), "{error}");
}
