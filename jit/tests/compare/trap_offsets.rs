//! Where a trap is reported that a load or a store finds out itself: it may have become a part of another instruction.

use crate::configurations::{Seen, compare_in, instance, outcome, state};
use dunlin::{Config, Val};
use dunlin_jit::{Jit, Mode};

/// Loads of a type, instructions of two operands of that type, and instructions of one; in front of a colon stands the result's
/// type, if it is another.
const TYPES: [(&str, &str, &str, &str); 5] = [
    (
        "i32",
        "i32.load i32.load8_u i32.load16_s",
        "add sub mul and or xor shl shr_u rotl div_u rem_s eq lt_s gt_u",
        "clz ctz popcnt eqz extend8_s i64:extend_i32_u i64:extend_i32_s f64:convert_i32_s f32:convert_i32_u f32:reinterpret_i32",
    ),
    (
        "i64",
        "i64.load i64.load32_u i64.load8_s",
        "add sub mul and or xor shl shr_s rotr div_s i32:eq i32:lt_u i32:ge_s",
        "clz ctz popcnt i32:eqz extend32_s i32:wrap_i64 f64:convert_i64_s f32:convert_i64_u f64:reinterpret_i64",
    ),
    (
        "f32",
        "f32.load",
        "add sub mul div min max copysign i32:eq i32:lt i32:ge",
        "sqrt abs neg floor nearest f64:promote_f32 i32:trunc_sat_f32_s i64:trunc_sat_f32_u i32:reinterpret_f32",
    ),
    (
        "f64",
        "f64.load",
        "add sub mul div min max copysign i32:eq i32:lt i32:ge",
        "sqrt abs neg ceil trunc f32:demote_f64 i32:trunc_sat_f64_u i64:trunc_sat_f64_s i64:reinterpret_f64",
    ),
    (
        "v128",
        "v128.load v128.load32_splat v128.load8x8_s v128.load64_zero",
        "and or xor andnot i8x16.swizzle i8x16.eq i16x8.mul i32x4.add i64x2.sub i32x4.gt_s i32x4.dot_i16x8_s f32x4.add f64x2.mul
            f32x4.lt f64x2.max i8x16.narrow_i16x8_u i16x8.extmul_low_i8x16_s",
        "not i32:i8x16.bitmask i32:any_true i32x4.abs f64x2.sqrt f64x2.convert_low_i32x4_s i64x2.extend_low_i32x4_u
            f64x2.promote_low_f32x4 i8x16.popcnt",
    ),
];

/// An instruction's name with its prefix, and its result's type. Comparisons of vectors are vectors.
fn named(ty: &str, name: &str) -> (String, String) {
    let (result, name) = name.split_once(':').unwrap_or((ty, name));
    let prefix = if ty == "v128" {
        "v128"
    } else if ["convert", "extend_", "promote", "demote", "reinterpret", "wrap", "trunc_"]
        .iter()
        .any(|own| name.starts_with(own))
    {
        result
    } else {
        ty
    };
    let is_comparison = ["eq", "eqz", "lt_s", "gt_u"].contains(&name) && ty == "i32";
    let name = if name.contains('.') { name.to_owned() } else { format!("{prefix}.{name}") };
    (name, if is_comparison { "i32".into() } else { result.into() })
}

/// Bodies of functions of two addresses, `$p` and `$q`.
fn bodies() -> Vec<String> {
    let mut bodies = Vec::new();
    for (ty, loads, binary, unary) in TYPES {
        for load in loads.split_whitespace() {
            let (p, q) = (format!("({load} (local.get $p))"), format!("({load} offset=4 (local.get $q))"));
            for name in binary.split_whitespace() {
                let (op, result) = named(ty, name);
                let set = |value: &str| format!("(global.set ${result} {value})");
                bodies.push(set(&format!("({op} {p} {q})")));
                bodies.push(set(&format!("({op} {p} (global.get ${ty}))")));
                bodies.push(set(&format!("({op} (global.get ${ty}) {q})")));
                // Through another instruction, which is between them or behind both.
                let twice = if ty == "v128" { "i32x4.add".to_owned() } else { format!("{ty}.add") };
                bodies.push(set(&format!("({op} ({twice} (global.get ${ty}) {p}) {q})")));
                bodies.push(set(&format!("({op} {p} ({twice} {q} {q}))")));
            }
            for name in unary.split_whitespace() {
                let (op, result) = named(ty, name);
                let add = if result == "v128" { "i32x4.add".to_owned() } else { format!("{result}.add") };
                bodies.push(format!("(global.set ${result} ({add} ({op} {p}) ({op} {q})))"));
            }
            bodies.push(format!("(global.set ${ty} (select {p} {q} (local.get $q)))"));
            bodies.push(format!("(global.set ${ty} {p}) (global.set ${ty} {q})"));
            bodies.push(format!("(call ${ty} {p} {q})"));
            bodies.push(format!("(if (i32.load (local.get $p)) (then (global.set ${ty} {q})))"));
            let store = if ty == "v128" { "v128.store".to_owned() } else { format!("{ty}.store") };
            bodies.push(format!("({store} (local.get $q) {p})"));
        }
    }
    bodies.extend(changes_in_memory());
    bodies.extend(
        [
            "(br_if 0 (i32.eq (i32.load (local.get $p)) (i32.load (local.get $q)))) (global.set $i32 (i32.const 1))",
            "(br_if 0 (i32.lt_u (i32.load8_u (local.get $p)) (i32.const 7))) (global.set $i32 (i32.load (local.get $q)))",
            "(block (block (br_table 0 1 0 (i32.load (local.get $p)))) (global.set $i32 (i32.load (local.get $q))))",
            "(global.set $i32 (select (i32.const 1) (i32.const 2) (i32.and (i32.load (local.get $p)) (i32.load (local.get $q)))))",
            "(global.set $v128 (v128.bitselect (v128.load (local.get $p)) (v128.load (local.get $q)) (v128.load (local.get $p))))",
            "(v128.store32_lane 1 (local.get $q) (v128.load (local.get $p)))",
            "(global.set $v128 (v128.load16_lane 3 (local.get $q) (v128.load (local.get $p))))",
        ]
        .map(str::to_owned),
    );
    bodies
}

/// What is stored comes from the same place, or from near it; as many bytes, or fewer, or more.
fn changes_in_memory() -> Vec<String> {
    let mut bodies = Vec::new();
    let accesses = [
        ("i32", "load load8_u load16_s", "store store8 store16"),
        ("i64", "load load8_s load16_u load32_u", "store store8 store16 store32"),
    ];
    for (ty, loads, stores) in accesses {
        for load in loads.split(' ') {
            for store in stores.split(' ') {
                for (op, operand) in [
                    ("add", "const 1"),
                    ("sub", "const 9"),
                    ("and", "const 15"),
                    ("xor", "load offset=16 (local.get $q)"),
                ] {
                    for offset in ["", "offset=1"] {
                        bodies.push(format!(
                            "({ty}.{store} {offset} (local.get $p) ({ty}.{op} ({ty}.{load} (local.get $p)) ({ty}.{operand})))"
                        ));
                    }
                }
            }
        }
    }
    bodies
}

#[test]
fn loads_that_become_parts_of_other_instructions() {
    let bodies = bodies();
    let mut text = String::from("(module (memory (export \"memory\") 1)");
    for (ty, zero) in [("i32", "0"), ("i64", "0"), ("f32", "0"), ("f64", "0"), ("v128", "i64x2 0 0")] {
        text += &format!(
            "(global ${ty} (export \"{ty}\") (mut {ty}) ({ty}.const {zero}))
            (func ${ty} (param {ty} {ty}) (global.set ${ty} (local.get 1)) (global.set ${ty} (local.get 0)))"
        );
    }
    for (f, body) in bodies.iter().enumerate() {
        text += &format!("(func (export \"{f}\") (param $p i32) (param $q i32) {body})");
    }
    text += ")";
    let way = |mode| {
        let mut options = Jit::options();
        options.mode(mode).threshold(0);
        options
    };
    let configurations = vec![("eagerly", way(Mode::Eager)), ("at the first call", way(Mode::Sync))];
    // Each access's last place, and one behind it.
    let addresses = [8, 65528, 65529, 65531, 65532, 65534, 65535, 65536];
    let (seen, stats) = compare_in(configurations, Config::new().canonical_nans(true).clone(), |config| {
        let (mut store, instance) = instance(config, &text);
        let mut seen = Seen::new();
        for (f, body) in bodies.iter().enumerate() {
            for (p, q) in addresses.iter().flat_map(|other| [(8, *other), (*other, 8), (*other, *other)]) {
                let outcome = outcome(&mut store, instance, &f.to_string(), &[Val::I32(p), Val::I32(q)]);
                seen.push(format!("{body}: {outcome}"));
            }
            seen.push(state(&store, instance));
        }
        seen
    });
    assert!(seen.iter().filter(|seen| seen.contains("MemoryOutOfBounds")).count() > 2 * bodies.len());
    println!("{} functions", bodies.len());
    assert!(stats.iter().all(|(_, stats)| stats.functions >= bodies.len() as u64), "{stats:?}");
}
