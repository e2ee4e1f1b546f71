//! The quick check against wasmparser: what it accepts is valid, and both see the same in it.

use super::*;
use crate::memory::Budget;
use crate::stream::tests::Random;
use crate::stream::{AcceptAll, LoadOptions, Loader};
use alloc::vec::Vec;
use wasmparser::{
    BinaryReader, FuncToValidate, FunctionBody, Parser, ValidPayload, Validator, ValidatorResources,
};

/// A module, loaded, and what wasmparser needs to validate a body as one of its functions.
struct Subject {
    module: ModuleInner,
    functions: Vec<(FuncToValidate<ValidatorResources>, Vec<u8>)>,
    quick: QuickCheck,
}

impl Subject {
    fn new(text: &str) -> Subject {
        Subject::with(text, Features::default())
    }

    fn with(text: &str, features: Features) -> Subject {
        let wasm = wat::parse_str(text).unwrap();
        let mut loader =
            Loader::new(features, &Budget::unlimited(), LoadOptions::default(), AcceptAll).unwrap();
        loader.push(&wasm).unwrap();
        let module = loader.finish().unwrap();
        let mut validator = Validator::new_with_features(features.of_bodies());
        let mut functions = Vec::new();
        for payload in Parser::new(0).parse_all(&wasm) {
            if let ValidPayload::Func(function, body) = validator.payload(&payload.unwrap()).unwrap() {
                functions.push((function, body.as_bytes().to_vec()));
            }
        }
        Subject { module, functions, quick: QuickCheck::new(features, &Budget::unlimited()) }
    }

    /// What the quick check says of a body of the `which`th function.
    fn quick(&mut self, which: usize, body: &[u8]) -> Option<BodyStats> {
        let index = self.functions[which].0.index;
        self.quick.body(&self.module, index, body, &Limits::default())
    }

    /// What wasmparser sees in such a body, if it is valid.
    fn wasmparser(&self, which: usize, bytes: &[u8]) -> Option<BodyStats> {
        let FuncToValidate { resources, index, ty, features } = &self.functions[which].0;
        let (resources, index, ty, features) = (resources.clone(), *index, *ty, *features);
        let func = FuncToValidate { resources, index, ty, features };
        let body = FunctionBody::new(BinaryReader::new_features(bytes, 0, features));
        let mut validator = func.into_validator(Default::default());
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader).ok()?;
        let mut stats =
            BodyStats { locals: validator.len_locals(), max_control_depth: 1, ..BodyStats::default() };
        while !reader.eof() {
            let at = reader.original_position();
            reader.visit_operator(&mut validator.visitor(at)).ok()?.ok()?;
            stats.instructions += 1;
            stats.max_operands = stats.max_operands.max(validator.operand_stack_height());
            stats.max_control_depth = stats.max_control_depth.max(validator.control_stack_height());
        }
        reader.finish_expression(&validator.visitor(bytes.len() as u64)).ok()?;
        Some(stats)
    }
}

/// All that the quick check knows, in functions that it must accept.
const KNOWN: &str = r#"(module
  (type $two (func (param i32 i64) (result i64 i32)))
  (import "" "f" (func $imported (param f32) (result f64)))
  (import "" "g" (global $base i32))
  (memory 1) (memory 1) (table 3 funcref) (table $refs 2 externref)
  (global $counter (mut i64) (i64.const 0))
  (func $numbers (param i32 i64 f32 f64) (result i32) (local i64 f32 v128 funcref)
    (local.set 4 (i64.add (local.get 1) (i64.const -9223372036854775808)))
    (local.set 5 (f32.mul (local.get 2) (f32.const 1.5)))
    (drop (f64.sqrt (f64.promote_f32 (local.tee 5 (f32.const 0)))))
    (drop (i32.const -2147483648)) (drop (i32.const 2147483647)) (drop (i64.const 300))
    (drop (local.get 6)) (drop (local.get 7)) (drop (f64.const 2))
    (drop (i32.trunc_sat_f32_s (local.get 2))) (drop (i64.trunc_sat_f64_u (local.get 3)))
    (i32.extend8_s (i32.wrap_i64 (i64.extend32_s (local.get 4)))))
  (func $memory (param i32 i64)
    (i32.store8 offset=4 (local.get 0) (i32.load16_u align=1 (local.get 0)))
    (i64.store offset=70000 (i32.const 8) (i64.load32_s (i32.const 3)))
    (f32.store (i32.const 0) (f32.load (i32.const 4))) (f64.store (i32.const 0) (f64.load (i32.const 4)))
    (memory.copy (i32.const 0) (memory.size) (memory.grow (i32.const 1)))
    (memory.fill (local.get 0) (i32.const 1) (i32.const 2)))
  (func $blocks (param i32) (result i64) (local i64)
    (block $out (result i64)
      (loop $again
        (br_if $again (local.get 0))
        (if (local.get 0) (then (return (i64.const 1))) (else (nop)))
        (if (result i32) (local.get 0) (then (i32.const 1)) (else (unreachable)))
        (br_if 0))
      (drop (br_if $out (i64.const 5) (local.get 0)))
      (block $a (block $b (block $c (br_table $a $b $c $b (local.get 0)))) (br $out (i64.const 3)))
      (i64.const 2)))
  (func $calls (param i32) (result i64 i32)
    (drop (call $imported (f32.const 1)))
    (global.set $counter (i64.extend_i32_u (global.get $base)))
    (call $memory (i32.const 1) (i64.const 2))
    (call_indirect (type $two) (select (i32.const 1) (i32.const 2) (local.get 0)) (global.get $counter)
      (i32.const 0)))
  (func $parameters (param i32 i64) (result i64 i32)
    (local.get 0) (local.get 1)
    (block (type $two)
      (loop (type $two) (br 1 (i32.const 0)) (i32.add) (drop) (i64.const 1) (i32.const 2)))
    (drop) (drop) (local.get 0) (local.get 1)
    (if (type $two) (local.get 0) (then (br 0 (i64.const 1) (i32.const 1))) (else (drop) (drop)
      (i64.const 1) (i32.const 2))))
  (func $unreachable (result i32) (local f32)
    (block (unreachable) (br_if 0) (drop) (local.set 0) (i32.add) (drop)) (i32.const 1) (return)))"#;

/// The same with 64-bit indices.
const KNOWN_64: &str = r#"(module
  (type $one (func (param i32) (result i32)))
  (memory i64 1) (memory 1) (table i64 3 funcref) (table $small 3 funcref)
  (func $memory (param i64 i32)
    (i32.store8 offset=4 (local.get 0) (i32.load16_u align=1 (local.get 0)))
    (i64.store offset=70000 (i64.const 8) (i64.load32_s (i64.const 3)))
    (memory.copy (i64.const 0) (memory.size) (memory.grow (i64.const 1)))
    (memory.fill (local.get 0) (i32.const 1) (i64.const 2)))
  (func $calls (param i64) (result i32)
    (call_indirect (type $one) (i32.const 1) (local.get 0))
    (call_indirect $small (type $one) (i32.const 1))))"#;

/// Functions that it doesn't know all of.
const UNKNOWN: &str = r#"(module
  (memory 1) (memory $second 1) (table 3 funcref) (table $refs 2 externref)
  (elem declare func $tail) (data $data "abc")
  (func $tail (param i32) (return_call $tail (local.get 0)))
  (func (drop (ref.func $tail)) (drop (ref.null extern)))
  (func (drop (i32.load $second (i32.const 0))))
  (func (drop (i32x4.splat (i32.const 1))))
  (func (memory.init $data (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $data))
  (func (drop (table.size $refs)))
  (func (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3))))
  (func (result i32) (unreachable) (select)))"#;

#[test]
fn bodies_of_common_instructions_are_known() {
    for text in [KNOWN, KNOWN_64] {
        let mut known = Subject::new(text);
        for which in 0..known.functions.len() {
            let body = known.functions[which].1.clone();
            let stats = known.quick(which, &body);
            assert!(stats.is_some(), "function {which}");
            assert_eq!(stats, known.wasmparser(which, &body), "function {which}");
        }
    }
    let mut unknown = Subject::new(UNKNOWN);
    for which in 0..unknown.functions.len() {
        let body = unknown.functions[which].1.clone();
        assert!(unknown.wasmparser(which, &body).is_some());
        assert_eq!(unknown.quick(which, &body), None, "function {which}");
    }
}

/// A build without vectors checks as quickly.
#[test]
fn vectors_that_are_off_are_not_known() {
    const V128: u8 = 0x7b;
    let local = |ty| vec![1, 1, ty, END];
    let block = |ty| vec![0, BLOCK, ty, UNREACHABLE, END, DROP, END];
    for (on, known) in [(false, 0), (true, usize::from(cfg!(feature = "simd")) * 2)] {
        let mut features = Features::default();
        features.wasm_simd(on);
        let mut subject = Subject::with("(module (func))", features);
        for ty in [0x7c, 0x7f] {
            assert!(subject.quick(0, &local(ty)).is_some() && subject.quick(0, &block(ty)).is_some());
        }
        let bodies = [local(V128), block(V128)];
        assert_eq!(bodies.iter().filter(|body| subject.quick(0, body).is_some()).count(), known);
        assert_eq!(bodies.iter().filter(|body| subject.wasmparser(0, body).is_some()).count(), known);
    }
}

/// Each instruction that computes or accesses memory, with operands and for results of all types.
#[test]
fn signatures_are_those_of_wasmparser() {
    check_signatures("i32");
    check_signatures("i64");
}

/// With a memory whose addresses are of this type.
fn check_signatures(address: &str) {
    let text = format!("(module (memory {address} 1) (func (param i32 i64 f32 f64 v128 funcref)))");
    let mut subject = Subject::new(&text);
    let mut instructions: Vec<Vec<u8>> = (I32_EQZ..=I64_EXTEND32_S).map(|opcode| vec![opcode]).collect();
    instructions.extend((0..SATURATING.len() as u8).map(|opcode| vec![PREFIX_FC, opcode]));
    for align in 0..6 {
        instructions.extend((I32_LOAD..=I64_STORE32).map(|opcode| vec![opcode, align, 0]));
    }
    let mut valid = 0;
    for instruction in &instructions {
        for [a, b, to] in (0..7 * 7 * 7_u16).map(|n| [n % 7, n / 7 % 7, n / 49].map(|n| n as u8)) {
            // Number 6 stands for no operand, and for no result.
            let mut body = vec![0];
            [a, b].into_iter().filter(|local| *local < 6).for_each(|local| body.extend([LOCAL_GET, local]));
            body.extend(instruction);
            if to < 6 {
                body.extend([LOCAL_SET, to]);
            }
            body.push(END);
            let expected = subject.wasmparser(0, &body);
            assert_eq!(subject.quick(0, &body), expected, "{body:x?}");
            valid += usize::from(expected.is_some());
        }
    }
    // An operand may be the first or the second of two.
    let (one, two) = instructions.iter().fold((0, 0), |(one, two), instruction| {
        let takes_two = match instruction[..] {
            [I32_LOAD..=I64_STORE32, ..] => access(instruction[0]).stores,
            [PREFIX_FC, _] => false,
            _ => SIGNATURES[usize::from(instruction[0] - I32_EQZ)].operands == 2,
        };
        let aligned = instruction.len() < 3 || instruction[1] <= access(instruction[0]).align;
        let count = usize::from(aligned);
        if takes_two { (one, two + count) } else { (one + count, two) }
    });
    assert_eq!(valid, 2 * one + two);
}

/// Replaces, inserts or removes bytes in a few places: often an opcode or an index that occurs elsewhere.
fn mutate(body: &mut Vec<u8>, random: &mut Random) {
    const LIKELY: [u8; 24] = [
        0, 1, 2, 3, 4, 5, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x1a, 0x1b, 0x20, 0x21, 0x22, 0x40, 0x41,
        0x6a, 0x7e, 0x7f, 0x80,
    ];
    for _ in 0..1 + random.below(3) {
        let at = random.below(body.len());
        let byte = match random.below(3) {
            0 => random.below(256) as u8,
            1 => LIKELY[random.below(LIKELY.len())],
            _ => body[random.below(body.len())],
        };
        match random.below(4) {
            0 => drop(body.remove(at)),
            1 => body.insert(at, byte),
            _ => body[at] = byte,
        }
        if body.is_empty() {
            body.push(byte);
        }
    }
}

#[test]
fn what_the_quick_check_accepts_is_valid() {
    let mut random = Random(3);
    let (mut accepted, mut invalid) = (0, 0);
    for text in [KNOWN, KNOWN_64, UNKNOWN] {
        let mut subject = Subject::new(text);
        for which in 0..subject.functions.len() {
            for _ in 0..20_000 {
                let mut body = subject.functions[which].1.clone();
                mutate(&mut body, &mut random);
                let (quick, theirs) = (subject.quick(which, &body), subject.wasmparser(which, &body));
                if quick.is_some() {
                    assert_eq!(quick, theirs, "function {which}: {body:x?}");
                    accepted += 1;
                }
                invalid += usize::from(theirs.is_none());
            }
        }
    }
    assert!(accepted > 5_000 && invalid > 50_000, "{accepted} were accepted, {invalid} were invalid");
}
