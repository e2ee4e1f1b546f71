//! Atomic instructions on memories that aren't shared: aligned or not, at their ends and beyond, by addresses of both sizes.

use crate::atomic_table::atomics;
use crate::configurations::{Seen, all_compiled, compare, instance, outcome, state};
use dunlin::{Config, Val};

const NUMBERS: [u64; 7] = [0, 8, 6, 65_528, 65_536, 0xffff_fff8, u64::MAX - 7];

fn run(config: &Config) -> Seen {
    let mut functions = String::new();
    let mut names = Vec::new();
    for atomic in atomics() {
        for (memory, index, offsets) in
            [(0, "i32", &[0, 2, 65_536][..]), (1, "i64", &[0, 2, 1 << 32, u64::MAX - 15]), (2, "i32", &[0])]
        {
            for offset in offsets {
                let name = format!("{} of {} bytes: {memory} {offset}", atomic.name, atomic.bytes);
                let text = atomic.text(memory, *offset);
                functions += &format!(
                    "(func (export \"{name}\") (param $a {index}) (param $x i64) (param $y i64) (result i64) {text})\n"
                );
                names.push((name, index));
            }
        }
    }
    for (name, text) in [
        ("fence", "(i64.const 3) atomic.fence"),
        (
            "notify",
            "(i64.extend_i32_u (memory.atomic.notify offset=8 (local.get $a) (i32.wrap_i64 (local.get $x))))",
        ),
        ("wait32", "(i64.extend_i32_u (memory.atomic.wait32 (local.get $a) (i32.const 0) (i64.const 0)))"),
        (
            "far wait64",
            "(i64.extend_i32_u (memory.atomic.wait64 1 offset=0x1_0000_0000 (local.get $x) (i64.const 0) (i64.const 0)))",
        ),
    ] {
        functions += &format!(
            "(func (export \"{name}\") (param $a i32) (param $x i64) (param $y i64) (result i64) {text})\n"
        );
        names.push((name.into(), "i32"));
    }
    let memories = r#"(memory (export "m0") 1 3) (memory (export "m1") i64 1 3) (memory (export "m2") 1 2)"#;
    let (mut store, instance) = instance(config, &format!("(module {memories} {functions})"));
    let mut seen = Seen::new();
    for (name, index) in names {
        for address in NUMBERS {
            for (x, y) in [(0x0102_0304_0506_0708, 7), (0, u64::MAX)] {
                let a = if index == "i32" { Val::I32(address as i32) } else { Val::I64(address as i64) };
                let args = [a, Val::I64(x), Val::I64(y as i64)];
                seen.push(format!("{name} at {address:#x}: {}", outcome(&mut store, instance, &name, &args)));
            }
        }
        seen.push(state(&store, instance));
    }
    seen
}

#[test]
fn atomics_agree() {
    let (seen, stats) = compare(run);
    assert!(all_compiled(&stats));
    let count = |text: &str| seen.iter().filter(|seen| seen.contains(text)).count();
    assert!(
        count("unaligned atomic") > 100
            && count("out of bounds") > 100
            && count("expected shared memory") > 2
    );
}
