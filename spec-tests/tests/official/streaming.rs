//! A module is the same however its bytes are cut: every module of every suite, whole and in chunks.

use crate::data::{
    CORE, CUSTOM_PAGE_SIZES, EXCEPTIONS, EXTENDED_CONST, FUNCTION_REFERENCES, MEMORY64, MULTI_MEMORY,
    RELAXED_SIMD, SIMD, Suite, TAIL_CALL, THREADS, WIDE_ARITHMETIC,
};
use dunlin::{Dispatch, Engine, Error, ErrorKind, Module, ModuleStream};
use dunlin_wast::binaries;

/// Modules of up to this many bytes are cut between any two.
const SMALL: usize = 4096;
const CHUNK: usize = 1000;

fn load<'a>(engine: &Engine, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Module, Error> {
    let mut stream = ModuleStream::new(engine);
    for chunk in chunks {
        stream.push(chunk)?;
    }
    stream.finish()
}

/// What can be seen of a module, or the error with its offset.
fn verdict(loaded: Result<Module, Error>) -> Result<String, (ErrorKind, Option<u64>, String)> {
    match loaded {
        Ok(module) => {
            let imports: Vec<_> = module.imports().collect();
            let exports: Vec<_> = module.exports().collect();
            let sections: Vec<_> = module.sections().collect();
            let (functions, size) = (module.func_count(), module.size());
            let seen = format!("{imports:?} {exports:?} {sections:?} {functions} {size} {:?}", module.name());
            // The numbers of types depend on which were free.
            Ok(seen
                .split("TypeNumber(")
                .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()))
                .collect())
        }
        Err(error) => Err((error.kind(), error.offset(), error.to_string())),
    }
}

/// Loads the suite's modules in both manners; there must be so many valid ones, and others.
fn check(suite: &Suite, valid: usize, invalid: usize) {
    let engine = Engine::new(&suite.config_with(Dispatch::Loop)).unwrap();
    let mut counts = (0, 0);
    for script in (suite.scripts)() {
        for binary in binaries(script.raw()).unwrap() {
            let whole = verdict(load(&engine, [&*binary.bytes]));
            let chunk = if binary.bytes.len() <= SMALL { 1 } else { CHUNK };
            let cut = verdict(load(&engine, binary.bytes.chunks(chunk)));
            let place = format!("{}/{}:{}", script.parent(), script.name(), binary.line);
            assert_eq!(cut, whole, "{place}");
            match whole {
                Ok(_) => counts.0 += 1,
                Err((kind, offset, message)) => {
                    counts.1 += 1;
                    assert_eq!(kind, ErrorKind::Invalid, "{place}: {message}");
                    let offset = offset.unwrap_or_else(|| panic!("{place}: no offset: {message}"));
                    assert!(offset <= binary.bytes.len() as u64, "{place}: {message}");
                }
            }
        }
    }
    assert_eq!(counts, (valid, invalid));
}

#[test]
fn core() {
    check(&CORE, 1_243, 2_198);
}

#[test]
fn simd() {
    check(&SIMD, 473, 671);
}

#[test]
fn tail_call() {
    check(&TAIL_CALL, 6, 24);
}

#[test]
fn multi_memory() {
    check(&MULTI_MEMORY, 121, 4);
}

#[test]
fn extended_const() {
    check(&EXTENDED_CONST, 95, 87);
}

#[test]
fn relaxed_simd() {
    check(&RELAXED_SIMD, 8, 0);
}

#[test]
fn wide_arithmetic() {
    check(&WIDE_ARITHMETIC, 2, 8);
}

#[test]
fn memory64() {
    check(&MEMORY64, 141, 317);
}

#[test]
fn custom_page_sizes() {
    check(&CUSTOM_PAGE_SIZES, 43, 127);
}

#[test]
fn threads() {
    check(&THREADS, 173, 99);
}

#[test]
fn exceptions() {
    check(&EXCEPTIONS, 14, 18);
}

#[test]
fn function_references() {
    check(&FUNCTION_REFERENCES, 288, 618);
}
