//! Operands of random expressions, whose values are known beforehand.

use crate::read::{operands, read};
use crate::{engine, fail};
use dunlin::CoreValue::{self, F32, F64, I32, I64, Missing};
use dunlin::{Dispatch, WasmCoreDump};
use std::fmt::Write;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A function that is being written: what its locals hold, and its operands.
struct Function {
    text: String,
    ints: [i32; 3],
    longs: [i64; 2],
    floats: [f32; 2],
    doubles: [f64; 2],
    operands: Vec<CoreValue>,
}

impl Function {
    fn new() -> Self {
        let text = String::from(
            "(local $i0 i32) (local $i1 i32) (local $i2 i32) (local $l0 i64) (local $l1 i64) \
             (local $x0 f32) (local $x1 f32) (local $y0 f64) (local $y1 f64)\n",
        );
        Self { text, ints: [0; 3], longs: [0; 2], floats: [0.0; 2], doubles: [0.0; 2], operands: Vec::new() }
    }

    /// Adds an operand.
    fn push(&mut self, random: &mut Random) {
        let (i, j, n) =
            (random.below(3) as usize, random.below(3) as usize, random.below(2000) as i32 - 1000);
        let (a, b) = (i % 2, j % 2);
        let (text, value) = match random.below(20) {
            0 => (format!("(i32.const {n})"), I32(n)),
            1 => (format!("(local.get $i{i})"), I32(self.ints[i])),
            2 => {
                let sum = self.ints[i].wrapping_add(self.ints[j]);
                (format!("(i32.add (local.get $i{i}) (local.get $i{j}))"), I32(sum))
            }
            3 => (format!("(i32.sub (local.get $i{i}) (i32.const {n}))"), I32(self.ints[i].wrapping_sub(n))),
            4 => (format!("(i64.const {n}000000000)"), I64(i64::from(n) * 1_000_000_000)),
            5 => (format!("(local.get $l{a})"), I64(self.longs[a])),
            6 => {
                let product = self.longs[a].wrapping_mul(self.longs[b]);
                (format!("(i64.mul (local.get $l{a}) (local.get $l{b}))"), I64(product))
            }
            7 => (format!("(f32.const {n})"), F32((n as f32).to_bits())),
            8 => (format!("(local.get $x{a})"), F32(self.floats[a].to_bits())),
            9 => {
                let sum = self.floats[a] + self.floats[b];
                (format!("(f32.add (local.get $x{a}) (local.get $x{b}))"), F32(sum.to_bits()))
            }
            10 => (format!("(f64.const {n}.5)"), F64(format!("{n}.5").parse::<f64>().unwrap().to_bits())),
            11 => (format!("(local.get $y{a})"), F64(self.doubles[a].to_bits())),
            12 => {
                let neg = -self.doubles[a];
                (format!("(f64.neg (local.get $y{a}))"), F64(neg.to_bits()))
            }
            13 => (format!("(v128.const i32x4 {n} 1 2 {n})"), Missing),
            14 => (format!("(i64x2.splat (local.get $l{a}))"), Missing),
            15 => ("(ref.null func)".into(), Missing),
            16 => ("(ref.func $id)".into(), Missing),
            17 => (format!("(call $id (i32.const {n}))"), I32(n)),
            18 => {
                // A tee changes what operands may only name.
                self.ints[i] = n;
                (format!("(local.tee $i{i} (i32.const {n}))"), I32(n))
            }
            _ => {
                let chosen = if self.ints[j] == 0 { self.ints[i] } else { n };
                let text = format!(
                    "(if (result i32) (local.get $i{j}) (then (i32.const {n})) (else (local.get $i{i})))"
                );
                (text, I32(chosen))
            }
        };
        writeln!(self.text, "{text}").unwrap();
        self.operands.push(value);
    }

    /// Does something that leaves the operands as they are.
    fn act(&mut self, random: &mut Random) {
        let (i, n) = (random.below(3) as usize, random.below(2000) as i32 - 1000);
        let a = i % 2;
        let text = match random.below(8) {
            0 => {
                self.ints[i] = n;
                format!("(local.set $i{i} (i32.const {n}))")
            }
            1 => {
                self.ints[i] = self.ints[i].wrapping_mul(n);
                format!("(local.set $i{i} (i32.mul (local.get $i{i}) (i32.const {n})))")
            }
            2 => {
                self.longs[a] = i64::from(n);
                format!("(local.set $l{a} (i64.const {n}))")
            }
            3 => {
                self.floats[a] = n as f32;
                format!("(local.set $x{a} (f32.const {n}))")
            }
            4 => {
                self.doubles[a] = self.doubles[1 - a] - f64::from(n);
                format!("(local.set $y{a} (f64.sub (local.get $y{}) (f64.const {n})))", 1 - a)
            }
            5 => format!("(i32.store (i32.const 16) (i32.add (local.get $i{i}) (i32.const 1)))"),
            6 => {
                format!("(block (br_if 0 (i32.lt_s (local.get $i{i}) (i32.const {n}))) (drop (i32.const 1)))")
            }
            _ => format!("(drop (f64.add (local.get $y{a}) (f64.const {n})))"),
        };
        writeln!(self.text, "{text}").unwrap();
    }

    /// Ends it with an instruction that doesn't return.
    fn end(mut self, random: &mut Random, callee: Option<usize>) -> (String, Vec<CoreValue>) {
        let n = random.below(1000);
        let last = match (callee, random.below(9)) {
            (Some(callee), k) if k < 5 => format!("(call $f{callee} (i32.const {n}) (f64.const {n}))"),
            (Some(callee), _) => {
                format!("(call_indirect (type $f) (i32.const {n}) (f64.const {n}) (i32.const {callee}))")
            }
            (None, 0) => "(i32.div_s (local.get $i0) (i32.const 0)) drop".into(),
            (None, 1) => "(i64.rem_u (i64.const 1) (i64.sub (local.get $l0) (local.get $l0))) drop".into(),
            (None, 2) => format!("(i64.load (i32.const {})) drop", 70_000 + n),
            (None, 3) => format!("(f32.load offset={} (i32.const 65536)) drop", n),
            (None, 4) => {
                format!("(f64.store (i32.const {}) (f64.add (f64.const 1) (f64.const 2)))", 70_000 + n)
            }
            (None, 5) => "(i32.trunc_f32_s (f32.div (f32.const 1) (f32.const 0))) drop".into(),
            (None, 6) => "(memory.fill (i32.const 65000) (i32.const 1) (i32.const 5000))".into(),
            (None, 7) => "(v128.load (i32.const -1)) drop".into(),
            _ => String::new(),
        };
        writeln!(self.text, "{last}\nunreachable").unwrap();
        (self.text, self.operands)
    }
}

/// A module in which `f` calls functions until the innermost traps, and their operands from that one on.
fn program(random: &mut Random) -> (String, Vec<Vec<CoreValue>>) {
    let depth = 1 + random.below(4) as usize;
    let mut text = String::from(
        "(module (memory 1) (type $f (func (param i32 f64))) (func $id (param i32) (result i32) (local.get 0))\n\
         (elem declare func $id)\n(func (export \"f\") (call $f0 (i32.const 1) (f64.const 2)))\n",
    );
    let elements: String = (0..depth).map(|number| format!(" $f{number}")).collect();
    writeln!(text, "(table funcref (elem{elements}))").unwrap();
    let mut stacks = vec![Vec::new()];
    for number in 0..depth {
        let mut function = Function::new();
        let length = if random.below(4) == 0 { 80 } else { 15 };
        for _ in 0..random.below(length) {
            if random.below(3) == 0 {
                function.act(random);
            } else {
                function.push(random);
            }
        }
        let callee = (number + 1 < depth).then_some(number + 1);
        let (body, operands) = function.end(random, callee);
        writeln!(text, "(func $f{number} (type $f) {body})").unwrap();
        stacks.insert(0, operands);
    }
    text.push(')');
    (text, stacks)
}

#[test]
fn operands_are_the_values_that_were_pushed() {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let engine = engine(dispatch);
        let mut some = 0;
        for seed in 1..=600 {
            let mut random = Random(seed);
            random.next();
            let (text, expected) = program(&mut random);
            let (error, store) = fail(&engine, &text);
            let frames = read(&WasmCoreDump::of(&error).unwrap().serialize(&store, "")).frames;
            let found: Vec<_> = frames.iter().map(operands).collect();
            assert_eq!(found, expected, "seed {seed}, {dispatch:?}: {error}\n{text}");
            some += expected.iter().flatten().filter(|value| **value != Missing).count();
        }
        assert!(some > 10_000, "{some}");
    }
}
