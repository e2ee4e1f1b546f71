//! What is planned, to the byte. That it suffices is tested by `spec-tests/tests/budget`.

use super::*;
use crate::memory::pages::PAGE;
use crate::{Config, Module};
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;

const ADDRESS: u64 = size_of::<usize>() as u64;

/// What a pointer takes in a list that has grown by half.
const POINTER: u64 = ADDRESS * 5 / 2;

fn module(text: &str) -> Module {
    Module::new(&Engine::default(), wat::parse_str(text).unwrap()).unwrap()
}

/// What is planned of a kind, at first and at most.
fn planned(text: &str, kind: Kind) -> (u64, Option<u64>) {
    let engine = Engine::new(Config::new().wasm_custom_page_sizes(true)).unwrap();
    let plan = Module::new(&engine, wat::parse_str(format!("(module {text})")).unwrap()).unwrap().plan();
    let item = plan.items().iter().find(|item| item.kind == kind);
    item.map_or((0, Some(0)), |item| (item.bytes, item.most))
}

/// Bodies of so many bytes: each has a byte for its locals, and one for its end.
fn bodies(bytes: &[usize]) -> String {
    bytes.iter().map(|bytes| format!("(func {})", "nop ".repeat(bytes - 2))).collect()
}

#[test]
fn machine_code_is_planned_by_bodies_and_types() {
    let compiled = |text: String| all_compiled(&module(&format!("(module {text})")).shared().data);
    const COMPILER: u64 = 1 << 20;
    // Each type has a trampoline and a stub, of which both grow with its values.
    let way = |values: u64| 1024 + 96 * values;
    assert_eq!(compiled(String::new()), COMPILER);
    assert_eq!(compiled(bodies(&[2])), COMPILER + 2 * 5 + 2 * 1600 + way(0));
    assert_eq!(compiled(bodies(&[4, 9, 3])), COMPILER + 16 * 5 + 9 * 1600 + way(0));
    let types = "(type (func (param i32 i64) (result f32))) (type $f (func (param i32)))";
    let widest = 3 * 4096;
    // Without a table, types that no function has are called by nobody.
    let one = format!("{types} (func (type $f))");
    assert_eq!(compiled(one.clone()), COMPILER + 2 * 5 + 2 * 1600 + widest + way(1));
    assert_eq!(compiled(format!("{one} (table 1 funcref)")), COMPILER + 2 * 1605 + widest + way(3) + way(1));
    let two = format!("(import \"\" \"\" (func (type $f))) {types} (func (type $f))")
        .replacen("(import", "(import", 1);
    let three = format!("{types} (func (type $f)) (func (type $f)) (func (type $f)) (func (type $f))");
    assert_eq!(compiled(two), COMPILER + 2 * 1605 + widest + 2 * way(1));
    assert_eq!(compiled(three), COMPILER + 8 * 5 + 2 * 1600 + widest + way(3) + way(1));
}

#[test]
fn the_reserve_is_a_part_of_what_is_left() {
    let engine = Engine::default();
    let empty = module("(module)");
    assert_eq!(
        (least_reserve(&empty.shared().data), reserve(&empty.shared().data, &engine, 1 << 30)),
        (0, 0)
    );
    let some = module(&format!("(module {})", bodies(&[2000, 900, 300])));
    let data = &some.shared().data;
    let least = least_reserve(data);
    assert_eq!(least, data.cells.largest + 4 * CODE);
    let most = least + data.cells.all + data.cells.all / 2;
    assert_eq!(planned(&bodies(&[2000, 900, 300]), Kind::Cells), (least, Some(most)));
    // It isn't reckoned among what starting takes.
    let start = to_start(data, &engine);
    assert_eq!(start, least + some.plan().instance());
    for (left, part) in [(0, 0), (3, 0), (4, 1), (1001, 250)] {
        assert_eq!(reserve(data, &engine, start + left), least + part);
    }
    let all = 4 * (most - least);
    assert_eq!(
        [all - 4, all, all + 4, 1 << 40].map(|left| reserve(data, &engine, start + left)),
        [most - 1, most, most, most]
    );
    assert_eq!(reserve(data, &engine, start - 1), least);
}

#[test]
fn each_object_of_an_instance_is_planned() {
    let global = size_of::<GlobalObj>() as u64 + POINTER;
    let own = "(global i32 (i32.const 0))";
    for count in [0, 1, 2, 5] {
        let bytes = global * count as u64;
        let text = format!("(import \"\" \"\" (global i32)) {}", own.repeat(count));
        assert_eq!(planned(&text, Kind::Global), (bytes, Some(bytes)));
    }
    assert_eq!(planned("(memory 2 5)", Kind::Memory), (2 * PAGE, Some(5 * PAGE)));
    assert_eq!(planned("(memory 2)", Kind::Memory), (2 * PAGE, None));
    // A memory of few bytes takes a page of the processor's.
    assert_eq!(planned("(memory 1 4097 (pagesize 1))", Kind::Memory), (4096, Some(8192)));
    assert_eq!(planned("(memory i64 0 0x1_0000_0000_0000)", Kind::Memory), (0, Some(u64::MAX)));
    assert_eq!(planned("(import \"\" \"\" (memory 2 5))", Kind::Memory), (0, Some(0)));
    assert_eq!(planned("(table 3 7 funcref)", Kind::Table), (24, Some(56)));
    assert_eq!(planned("(table 3 0xffffffff funcref)", Kind::Table), (24, Some(MAX_TABLE_ELEMENTS * 8)));
    assert_eq!(planned("(import \"\" \"\" (table 3 7 funcref))", Kind::Table), (0, Some(0)));
    let stack = |bytes| {
        let engine = Engine::new(Config::new().max_wasm_stack(bytes)).unwrap();
        let plan = Module::new(&engine, wat::parse_str("(module)").unwrap()).unwrap().plan();
        let item = *plan.items().iter().find(|item| item.kind == Kind::Stack).unwrap();
        (item.bytes, item.most)
    };
    let step = STACK_STEP as u64;
    assert_eq!(stack(1 << 20), (step, Some(1 << 20)));
    assert_eq!(stack(STACK_STEP), (step, Some(step)));
    assert_eq!(stack(4096), (4096, Some(4096)));
}

/// What an instance takes by itself, more than that of an empty module or of another one.
fn more(text: &str, than: &str) -> (u64, u64) {
    let [(bytes, most), (base, base_most)] = [text, than].map(|text| planned(text, Kind::Instance));
    (bytes - base, most.unwrap() - base_most.unwrap())
}

#[test]
fn references_to_functions_are_planned() {
    let each = size_of::<FuncObj>() as u64 + POINTER;
    let own = bodies(&[2; 4]);
    // One may be asked for; at most, all are. There is a list of all.
    assert_eq!(more(&own, ""), (each + 4 * ADDRESS, 4 * (each + ADDRESS)));
    let export = |count: u32| (0..count).map(|i| format!("(export \"{i}\" (func 0))")).collect::<String>();
    for (count, more_each) in [(1, 1), (2, 2), (3, 3), (4, 3), (9, 3)] {
        assert_eq!(more(&format!("{own}{}", export(count)), &own), (more_each * each, 0), "{count}");
    }
    assert_eq!(
        more(&format!("{own} (export \"m\" (memory 0)) (memory 1)"), &format!("{own} (memory 1)")),
        (0, 0)
    );
    // Those that a table is filled with, by number or by expression; the others wait until they are asked for.
    let table = format!("{own} (table 9 funcref)");
    let declared = format!("{table} (elem func 0 1)");
    let segment = more(&declared, &table).0;
    for (elem, count) in [
        ("(elem (i32.const 0) func 0 1)", 2),
        ("(elem (i32.const 0) funcref (ref.func 0) (ref.null func) (ref.func 1))", 3),
        ("(elem declare func 0 1)", 0),
    ] {
        assert_eq!(more(&format!("{table}{elem}"), &table), (count * each + segment, segment), "{elem}");
    }
    // Imported functions, with their word in the instance and an entry in the store's table.
    let imports = |count: usize| "(import \"\" \"\" (func))".repeat(count);
    let imported = size_of::<FuncObj>() as u64 + 2 * POINTER + 64 + 8;
    for count in [1, 2, 3] {
        let bytes = more(&imports(count + 1), &imports(count));
        assert_eq!(bytes, (imported, imported));
    }
}

#[test]
fn memories_tables_and_segments_are_planned() {
    let memory = size_of::<MemoryObj>() as u64 + POINTER + 8;
    let table = size_of::<TableObj>() as u64 + POINTER + 8;
    assert_eq!(more(&"(memory 1)".repeat(3), &"(memory 1)".repeat(2)), (memory, memory));
    assert_eq!(more(&"(table 1 funcref)".repeat(3), &"(table 1 funcref)".repeat(2)), (table, table));
    assert_eq!(more("(global i32 (i32.const 0))", ""), (8, 8));
    // A bit for each segment, in words.
    let segments = |count: usize| "(data \"x\")".repeat(count);
    for (count, words) in [(1, 1), (64, 1), (65, 2), (128, 2), (129, 3)] {
        assert_eq!(more(&segments(count), ""), (8 * words, 8 * words), "{count}");
    }
    assert_eq!(more(&format!("{} (elem func)", segments(64)), ""), (16, 16));
}

#[test]
fn what_loading_takes_is_planned_too() {
    // A large body takes more while it is loaded than the module takes afterwards.
    let large = module(&format!("(module (func {}))", "(drop (i32.const 0))".repeat(60_000)));
    let data = &large.shared().data;
    let plan = large.plan();
    let sum: u64 = plan.items().iter().map(|item| item.bytes).sum();
    assert_eq!(plan.least(), sum.max(data.load_peak + BESIDE));
    let most: u64 = plan.items().iter().map(|item| item.most.unwrap()).sum();
    assert_eq!(plan.most(), Some(most.max(data.load_peak + BESIDE)));
    let small = module("(module)").plan();
    assert_eq!(
        small.least(),
        small
            .items()
            .iter()
            .map(|item| item.bytes)
            .sum::<u64>()
            .max(module("(module)").shared().data.load_peak + BESIDE)
    );
    let sizes: Vec<_> = plan.items().iter().map(|item| (item.most, item.bytes)).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    assert!(plan.items().iter().all(|item| item.bytes > 0 || item.most != Some(0)));
}

#[test]
fn sizes_are_rounded_up() {
    for (bytes, shown) in [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1025, "1.1 KiB"),
        (1126, "1.1 KiB"),
        (1127, "1.2 KiB"),
        ((1 << 20) - 1, "1024.0 KiB"),
        (1 << 20, "1.0 MiB"),
        ((1 << 20) + 1, "1.1 MiB"),
        ((1 << 30) - 1, "1024.0 MiB"),
        (1 << 30, "1.0 GiB"),
        (u64::MAX, "17179869184.0 GiB"),
    ] {
        assert_eq!(Size(bytes).to_string(), shown);
    }
    let item = |kind, index, bytes, most| PlanItem { kind, index, bytes, most }.to_string();
    assert_eq!(item(Kind::Memory, Some(3), 1, Some(2)), "memory 3: 1 byte to 2 bytes");
    assert_eq!(item(Kind::Table, Some(0), 8, None), "table 0: 8 bytes or more");
    assert_eq!(item(Kind::Stack, None, 8, Some(8)), "value stack: 8 bytes");
    let plan = |most| Plan { least: 2048, most, items: Vec::new() };
    assert_eq!(plan(Ok(4096)).to_string(), "at least 2.0 KiB to start; at most 4.0 KiB");
    let unbounded = ["memory 1 declares no maximum", "table 2 declares no maximum"];
    for (why, words) in [Unbounded::Memory(1), Unbounded::Table(2)].into_iter().zip(unbounded) {
        assert_eq!(plan(Err(why)).to_string(), format!("at least 2.0 KiB to start; unbounded: {words}"));
        assert_eq!(plan(Err(why)).most(), None);
    }
    assert_eq!(
        module("(module (import \"\" \"\" (memory 1)) (memory 1 1) (memory 1))")
            .plan()
            .to_string()
            .split_once("; ")
            .unwrap()
            .1,
        "unbounded: memory 2 declares no maximum"
    );
    assert_eq!(
        module("(module (table 1 1 funcref) (table 1 funcref))")
            .plan()
            .to_string()
            .split_once("; ")
            .unwrap()
            .1,
        "unbounded: table 1 declares no maximum"
    );
}
