//! Bounds checks that may be left out because one before has seen to it, in every arrangement of the two.

use crate::configurations::{Seen, compare_in, instance, outcome, state};
use dunlin::{Config, Val};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options, Stats};

/// An access of memory `{m}` at `{at}`, and how many bytes it is of. What is loaded is added to `$sum`.
const ACCESSES: [(&str, u32); 10] = [
    ("(local.set $sum (i32.add (local.get $sum) (i32.load8_u {m} {at})))", 1),
    ("(local.set $sum (i32.add (local.get $sum) (i32.load {m} {at})))", 4),
    ("(local.set $sum (i32.add (local.get $sum) (i32.wrap_i64 (i64.load {m} {at}))))", 8),
    ("(local.set $sum (i32.add (local.get $sum) (i32x4.extract_lane 3 (v128.load {m} {at}))))", 16),
    ("(local.set $v (v128.load16_lane {m} {at2} 5 (local.get $i) (local.get $v)))", 2),
    ("(i32.store8 {m} {at} (i32.const 0x55))", 1),
    ("(i32.store16 {m} {at} (i32.const 0x5566))", 2),
    ("(i64.store {m} {at} (i64.const 0x5566778899aabb))", 8),
    ("(v128.store {m} {at} (v128.const i64x2 0x1122334455667788 0x99aabbccddeeff00))", 16),
    ("(v128.store32_lane {m} {at2} 1 (local.get $i) (v128.const i32x4 1 0x12345678 3 4))", 4),
];

/// How far behind the index the first access reaches.
const END: u32 = 104;

/// How far before the memory's end the index is.
const BEFORE: [i32; 6] = [150, 105, 104, 103, 102, 0];

/// The access number `access`, up to `end` bytes behind the index.
fn access(access: usize, memory: &str, end: u32) -> String {
    let (text, size) = ACCESSES[access];
    let offset = format!("offset={}", end - size);
    let text = text.replace("{at2}", &offset).replace("{at}", &format!("{offset} (local.get $i)"));
    text.replace("{m}", memory)
}

/// Two accesses, and what is between and around them. `$x` is 0 or 1; `$n` begins with 0.
const SHAPES: &[(&str, &str)] = &[
    ("one after the other", "{A} {B}"),
    ("then", "(if (local.get $x) (then {A})) {B}"),
    ("else", "(if (local.get $x) (then) (else {A})) {B}"),
    ("in both arms", "(if (local.get $x) (then {A}) (else {B})) {B} {A}"),
    ("in an arm of an arm", "(if (local.get $x) (then (if (local.get $x) (then {A})) {B}) (else {B})) {B}"),
    ("an arm that returns", "(if (local.get $x) (then {A} (return (local.get $sum)))) {B}"),
    ("an arm that traps", "(if (local.get $x) (then {A} (unreachable))) {B}"),
    ("an arm without an end", "(block (if (local.get $x) (then {A} (br 1))) {B}) {B}"),
    ("behind a branch", "(block (br_if 0 (local.get $x)) {A}) {B}"),
    ("around a branch", "(block {A} (br_if 0 (local.get $x)) {B}) {B}"),
    (
        "a branch with a value",
        "(block (result i32) (br_if 0 (local.get $n) (local.get $x)) {A}) (local.set $n) {B}",
    ),
    ("a branch table", "(block (block (block (br_table 0 1 2 (local.get $x))) {A} (br 0)) {B}) {B}"),
    ("the index is another", "{A} (local.set $i (i32.add (local.get $i) (i32.const 1))) {B}"),
    (
        "the index is another in an arm",
        "{A} (if (local.get $x) (then (local.set $i (i32.add (local.get $i) (i32.const 1))))) {B}",
    ),
    (
        "the index is the same again",
        "(local.set $n (local.get $i)) {A} (local.set $i (i32.const 0)) {B} (local.set $i (local.get $n)) {B}",
    ),
    (
        "the index is selected",
        "(local.set $i (select (local.get $i) (i32.const 0) (local.get $x))) {A}
            (local.set $i (select (i32.const 0) (local.get $i) (local.get $x))) {B}",
    ),
    ("a function between", "{A} (call_indirect (i32.const 0)) {B}"),
    ("an inlined function between", "{A} (call $small (local.get $x)) (local.set $n) {B}"),
    ("in an inlined function", "(call $within{f} (local.get $x) (local.get $i)) {B}"),
    ("the memory grows", "{A} (drop (memory.grow {m} (i32.const 1))) {B}"),
    (
        "the memory grows in an arm",
        "{A} (if (local.get $x) (then (drop (memory.grow {m} (i32.const 1))))) {B}",
    ),
    ("others between", "{A} {others} {B} {A}"),
    ("in front of a loop", "{A} (loop $l {B} {turn})"),
    ("in an arm in a loop", "(loop $l (if (local.get $x) (then {A})) {B} {turn})"),
    ("at a loop's end", "(loop $l {B} (if (local.get $x) (then {A})) {turn}) {B}"),
    (
        "a loop with another index each time",
        "(loop $l {A} {B} (local.set $i (i32.add (local.get $i) (local.get $x))) {turn}) {B}",
    ),
    (
        "in a loop in a loop",
        "(loop $o {A} (loop $l {B} {turn}) (br_if $o (i32.lt_u (local.get $n) (i32.const 60)))) {B}",
    ),
];

/// As many as are noted at most, and two.
fn others() -> String {
    (1..11).map(|k| format!("(drop (i32.load8_u $small (i32.add (local.get $x) (i32.const {k}))))")).collect()
}

/// A module: for each pair a function of a condition and how far before the memory's end its index is. Where the memories differ, it
/// is the first one's end.
fn module(shape: &str, pairs: &[(usize, usize, u32)], memories: [&str; 2]) -> String {
    let mut text = String::from(
        "(module
            (memory $large (export \"large\") 2 4) (memory $small (export \"small\") 1 4)
            (data (memory $large) (i32.const 0x1ff00) \"\\01\\02\\03\") (data (memory $small) (i32.const 0xff00) \"\\04\\05\")
            (table 1 funcref) (elem (i32.const 0) $nothing)
            (func $nothing)
            (func $small (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))",
    );
    let [first, second] = memories;
    for (f, (a, b, end)) in pairs.iter().enumerate() {
        let (a, b) = (access(*a, first, END), access(*b, second, *end));
        let turn =
            "(br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 40)))";
        let parts = [
            ("{A}", &*a),
            ("{B}", &*b),
            ("{m}", first),
            ("{turn}", turn),
            ("{others}", &others()),
            ("{f}", &f.to_string()),
        ];
        let body = parts.iter().fold(shape.to_owned(), |body, (name, part)| body.replace(name, part));
        text += &format!(
            "(func $within{f} (param $x i32) (param $i i32) (local $sum i32) (local $v v128)
                (if (i32.eqz (local.get $x)) (then (return)))
                {a})
            (func (export \"{f}\") (param $x i32) (param $before i32) (result i32)
                (local $i i32) (local $n i32) (local $sum i32) (local $v v128)
                (local.set $i (i32.sub (i32.shl (memory.size {first}) (i32.const 16)) (local.get $before)))
                {body}
                (i32.add (local.get $sum) (i32x4.extract_lane 2 (local.get $v))))"
        );
    }
    text + ")"
}

fn configurations() -> Vec<(&'static str, Options)> {
    let way = |mode, guard, spectre| {
        let mut options = Jit::options();
        options.mode(mode).threshold(1).sample_every(7).memory_guard(guard).spectre_mitigations(spectre);
        options
    };
    vec![
        ("eagerly", way(Mode::Eager, MemoryGuard::Off, false)),
        ("mixed", way(Mode::Sync, MemoryGuard::Off, false)),
        ("eagerly, against speculation", way(Mode::Eager, MemoryGuard::Off, true)),
        ("mixed, against speculation", way(Mode::Sync, MemoryGuard::Off, true)),
        ("eagerly, with guards", way(Mode::Eager, MemoryGuard::Auto, false)),
    ]
}

fn compare(what: &str, text: &str, functions: usize) -> Vec<(&'static str, Stats)> {
    let (seen, stats) = compare_in(configurations(), Config::new(), |config| {
        let (mut store, instance) = instance(config, text);
        let mut seen = Seen::new();
        for f in 0..functions {
            // First what doesn't trap: loops are entered in their middle before their function is compiled.
            for (x, before) in [1, 0, 1].into_iter().flat_map(|x| BEFORE.map(|before| (x, before))) {
                let outcome = outcome(&mut store, instance, &f.to_string(), &[Val::I32(x), Val::I32(before)]);
                seen.push(format!("{what}: {outcome}"));
            }
            seen.push(state(&store, instance));
        }
        seen
    });
    assert!(seen.iter().any(|seen| seen.contains("MemoryOutOfBounds")), "{what}: {seen:?}");
    for (way, stats) in &stats {
        assert!(stats.functions > 0 && stats.declined.is_empty(), "{what}, {way}: {stats:?}");
    }
    stats
}

#[test]
fn every_two_accesses_one_after_the_other() {
    let all = 0..ACCESSES.len();
    let pairs = all
        .clone()
        .flat_map(|a| all.clone().flat_map(move |b| [END - 1, END, END + 1].map(|end| (a, b, end))));
    let pairs: Vec<_> = pairs.collect();
    for memories in [["$large"; 2], ["$large", "$small"]] {
        compare("one after the other", &module("{A} {B}", &pairs, memories), pairs.len());
    }
}

#[test]
fn checks_in_other_blocks_and_of_other_memories() {
    let second = [(2, END - 54), (3, END + 1), (9, END)];
    let pairs: Vec<_> = [1, 8].into_iter().flat_map(|a| second.map(|(b, end)| (a, b, end))).collect();
    for (what, shape) in SHAPES {
        for memories in [["$large"; 2], ["$large", "$small"], ["$small", "$large"]] {
            let what = format!("{what}, in {memories:?}");
            let stats = compare(&what, &module(shape, &pairs, memories), pairs.len());
            // With one memory, loops go on.
            let is_entered = memories[0] == memories[1] && shape.contains("loop");
            for (way, stats) in stats.iter().filter(|(way, _)| is_entered && way.starts_with("mixed")) {
                assert!(stats.osr_entries > 0, "{what}, {way}: {stats:?}");
            }
        }
    }
}
