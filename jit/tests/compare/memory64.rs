//! Memories and tables with 64-bit indices, pages of one byte, and arithmetic on 128 bits.

use crate::configurations::{Seen, all_compiled, compare_with, instance, outcome, state};
use dunlin::{Config, Val};

/// Functions of two i64s, and an i32.
const FUNCTIONS: &[&str] = &[
    // Addresses and offsets whose sums are around the end, and around 2^64.
    "(i64.load (local.get $x))",
    "(i64.load offset=65528 (local.get $x))",
    "(i64.load offset=0xffff_ffff (local.get $x))",
    "(i64.load offset=0xffff_ffff_ffff (local.get $x))",
    "(i64.load offset=0xffff_ffff_ffff_ffff (local.get $x))",
    "(i64.load $other offset=0x1_0000_0000 (local.get $x))",
    "(i64.load $other (i64.add (local.get $x) (local.get $y)))",
    "(i64.load offset=0xffff_ffff_ffff_fff9 (i64.const 8))",
    "(i64.load (i64.const 0xffff_ffff_ffff_fff9))",
    "(i64.store (local.get $x) (local.get $y)) (i64.load (local.get $x))",
    "(i64.store (i64.add (local.get $x) (i64.const 1)) (i64.const 77)) (i64.load offset=1 (local.get $x))",
    "(i64.store offset=0x8000_0000_0000_0000 (local.get $x) (local.get $y)) (i64.const 1)",
    "(f64.store (i64.mul (local.get $x) (i64.const 2)) (f64.add (local.get $f) (f64.const 1)))
     (i64.load (i64.mul (local.get $x) (i64.const 2)))",
    "(v128.store32_lane offset=4 2 (local.get $x) (i32x4.splat (local.get $n)))
     (i64x2.extract_lane 1 (v128.load64_lane $other 1 (local.get $y) (v128.const i64x2 5 6)))",
    // Sizes.
    "(memory.size)",
    "(memory.grow (local.get $x))",
    "(memory.grow $other (local.get $x)) (drop) (memory.size $other)",
    "(i64.extend_i32_u (memory.grow $bytes (local.get $n)))",
    "(i64.extend_i32_u (memory.size $bytes))",
    "(i64.extend_i32_u (i32.load8_u $bytes (local.get $n)))",
    "(i32.store16 $bytes (local.get $n) (i32.const 0x1234)) (i64.const 3)",
    "(memory.fill $bytes (local.get $n) (i32.const 9) (i32.const 3)) (i64.const 4)",
    // Bulk operations.
    "(memory.fill (local.get $x) (i32.const 7) (local.get $y)) (i64.const 5)",
    "(memory.copy (local.get $x) (local.get $y) (i64.const 9)) (i64.const 6)",
    "(memory.copy (local.get $x) (i64.const 3) (local.get $y)) (i64.const 7)",
    "(memory.copy $bytes 0 (local.get $n) (local.get $x) (i32.const 5)) (i64.const 8)",
    "(memory.init $data (local.get $x) (local.get $n) (i32.const 2)) (i64.load (local.get $x))",
    // Tables.
    "(i64.extend_i32_u (ref.is_null (table.get $table (local.get $x))))",
    "(table.set $table (local.get $x) (ref.func $f)) (table.size $table)",
    "(table.grow $table (ref.null func) (local.get $x))",
    "(table.fill $table (local.get $x) (ref.func $f) (local.get $y)) (i64.const 9)",
    "(table.copy $table $table (local.get $x) (local.get $y) (i64.const 2)) (i64.const 10)",
    "(table.copy $small $table (local.get $n) (local.get $x) (i32.const 1)) (i64.const 11)",
    "(table.init $table $elem (local.get $x) (local.get $n) (i32.const 1)) (i64.const 12)",
    "(call_indirect $table (result i64) (local.get $x))",
    "(call_indirect $table (result i64) (i64.const 0x1_0000_0000))",
    "(return_call_indirect $table (result i64) (local.get $x))",
    // 128 bits.
    "(i64.add128 (local.get $x) (local.get $y) (local.get $y) (local.get $x)) (i64.rotl (i64.const 7)) (i64.xor)",
    "(i64.sub128 (local.get $x) (i64.const 5) (local.get $y) (local.get $x)) (i64.rotl (i64.const 7)) (i64.xor)",
    "(i64.add128 (i64.const 1) (i64.add (local.get $x) (i64.const 1)) (i64.mul (local.get $y) (local.get $x)) (i64.const 3))
     (i64.rotl (i64.const 7)) (i64.xor)",
    "(i64.mul_wide_s (local.get $x) (local.get $y)) (i64.rotl (i64.const 7)) (i64.xor)",
    "(i64.mul_wide_u (i64.sub (local.get $x) (i64.const 3)) (local.get $y)) (i64.rotl (i64.const 7)) (i64.xor)",
    "(i64.mul_wide_u (local.get $x) (i64.const -1)) (i64.rotl (i64.const 7)) (i64.xor)",
];

const PRELUDE: &str = r#"
    (memory (export "m") i64 1 4) (memory $other (export "o") i64 0 3)
    (memory $bytes (export "b") 5 100000 (pagesize 1))
    (table $table (export "t") i64 3 6 funcref) (table $small 2 funcref)
    (elem $elem func $f $f) (elem (table $table) (i64.const 1) func $f)
    (data $data "abcdefgh") (data (i64.const 65530) "ijklmn") (data (memory $bytes) (i32.const 2) "xyz")
    (func $f (result i64) (i64.const 1234))
"#;

const NUMBERS: [u64; 12] =
    [0, 1, 3, 8, 65_527, 65_528, 65_529, 1 << 32, (1 << 32) + 2, u64::MAX - 65_528, 1 << 63, u64::MAX];

fn run(config: &Config) -> Seen {
    let functions: String = (0..)
        .zip(FUNCTIONS)
        .map(|(i, body)| {
            format!(
                "(func (export \"{i}\") (param $x i64) (param $y i64) (param $n i32) (result i64) (local $f f64) {body})"
            )
        })
        .collect();
    let (mut store, instance) = instance(config, &format!("(module {PRELUDE} {functions})"));
    let mut seen = Seen::new();
    for (i, body) in FUNCTIONS.iter().enumerate() {
        for x in NUMBERS {
            for y in [0, 2, 8, 65_530, 1 << 40, u64::MAX] {
                let args = [Val::I64(x as i64), Val::I64(y as i64), Val::I32(x as i32 & 7)];
                seen.push(format!(
                    "{body} of {x:#x}, {y:#x}: {}",
                    outcome(&mut store, instance, &i.to_string(), &args)
                ));
            }
        }
        seen.push(state(&store, instance));
    }
    seen
}

#[test]
fn wide_indices_and_numbers() {
    let change = |config: &mut Config| {
        config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
    };
    let (seen, stats) = compare_with(&change, run);
    assert!(all_compiled(&stats), "{stats:?}");
    let traps = seen.iter().filter(|seen| seen.contains("out of bounds")).count();
    assert!(traps > 1000 && seen.len() > 2 * traps, "{traps} of {}", seen.len());
}
