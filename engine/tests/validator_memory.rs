//! Measures what wasmparser's validator allocates, against what the loader charges for it beforehand.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use wasmparser::{BinaryReader, FunctionBody, SectionLimited, Validator, WasmFeatures};

#[path = "../src/stream/cost.rs"]
#[allow(dead_code)]
mod cost;

struct Counting;

thread_local! {
    static HELD: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

fn count(bytes: i64) {
    // A thread that ends may free after its locals are gone.
    let _ = HELD.try_with(|held| {
        let (now, peak) = held.get();
        held.set((now + bytes, peak.max(now + bytes)));
    });
}

// SAFETY: every call goes on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's promise is that of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it moves, both are held.
        count(size as i64);
        count(-(layout.size() as i64));
        // SAFETY: the caller's promise is that of `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that `f` holds at once.
fn peak<T>(f: impl FnOnce() -> T) -> (T, u64) {
    let (now, _) = HELD.get();
    HELD.set((now, now));
    let value = f();
    (value, (HELD.get().1 - now) as u64)
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A number of three bytes, as the signed one that a heap type is.
fn signed(value: usize) -> Vec<u8> {
    vec![value as u8 | 0x80, (value >> 7) as u8 | 0x80, (value >> 14) as u8 & 0x7f]
}

/// Shows the validator sections of the same item (made different by its number), and compares.
fn measure(validator: &mut Validator, id: u8, count: usize, item: impl Fn(usize) -> Vec<u8>) -> String {
    let items: Vec<u8> = (0..count).flat_map(item).collect();
    measure_section(validator, id, count, &[leb(count), items].concat())
}

/// The same for a type section with one recursion group, of such types.
fn measure_group(validator: &mut Validator, count: usize, ty: impl Fn(usize) -> Vec<u8>) -> String {
    let types: Vec<u8> = (0..count).flat_map(ty).collect();
    measure_section(validator, 1, count, &[vec![1, 0x4e], leb(count), types].concat())
}

fn measure_section(validator: &mut Validator, id: u8, count: usize, contents: &[u8]) -> String {
    let (result, held) = peak(|| {
        let reader = || BinaryReader::new_features(contents, 100, *Validator::features(validator));
        let reader = reader();
        match id {
            1 => validator.type_section(&SectionLimited::new(reader)?),
            2 => validator.import_section(&SectionLimited::new(reader)?),
            3 => validator.function_section(&SectionLimited::new(reader)?),
            4 => validator.table_section(&SectionLimited::new(reader)?),
            5 => validator.memory_section(&SectionLimited::new(reader)?),
            6 => validator.global_section(&SectionLimited::new(reader)?),
            7 => validator.export_section(&SectionLimited::new(reader)?),
            13 => validator.tag_section(&SectionLimited::new(reader)?),
            _ => validator.element_section(&SectionLimited::new(reader)?),
        }
    });
    let result: wasmparser::Result<()> = result;
    result.unwrap();
    let interns = WasmFeatures::FUNCTION_REFERENCES | WasmFeatures::EXCEPTIONS;
    let interned = Validator::features(validator).intersects(interns);
    let charged = cost::BASE + cost::section(id, count as u64, contents.len() as u64 - 1, interned);
    let line = format!(
        "section {id}: {count} items, {} bytes, held {held} ({} an item), charged {charged}",
        contents.len(),
        held / count as u64
    );
    println!("{line}");
    if held > charged { line } else { String::new() }
}

fn validator(more: WasmFeatures) -> Validator {
    let features = WasmFeatures::WASM2 | WasmFeatures::MULTI_MEMORY | WasmFeatures::EXTENDED_CONST | more;
    let mut validator = Validator::new_with_features(features);
    validator.version(1, wasmparser::Encoding::Module, &(0..8)).unwrap();
    validator
}

/// A name of four bytes that no other number has.
fn name(i: usize) -> Vec<u8> {
    [vec![4], format!("{i:04x}").into_bytes()[..4].to_vec()].concat()
}

#[test]
fn sections_stay_within_their_charge() {
    stay_within_their_charge(WasmFeatures::empty());
}

#[test]
fn so_do_sections_with_exceptions() {
    stay_within_their_charge(WasmFeatures::EXCEPTIONS);
}

#[test]
fn so_do_sections_with_typed_references() {
    stay_within_their_charge(WasmFeatures::FUNCTION_REFERENCES);
}

#[test]
fn so_do_recursion_groups() {
    let validator = || validator(WasmFeatures::FUNCTION_REFERENCES | WasmFeatures::GC);
    let mut wrong = Vec::new();
    for count in [1, 2, 10, 100, 3000, 60_000] {
        let named = |i: usize| signed(i);
        // Functions and structs of nothing; functions that name the last type often; subtypes of each other, of the first type.
        wrong.push(measure_group(&mut validator(), count, |_| vec![0x60, 0, 0]));
        wrong.push(measure_group(&mut validator(), count, |_| vec![0x5f, 0]));
        wrong.push(measure_group(&mut validator(), count, |_| vec![0x5f, 2, 0x78, 0, 0x77, 1]));
        wrong.push(measure_group(&mut validator(), count, |_| {
            [vec![0x60, 1, 0x63], named(count - 1), vec![0]].concat()
        }));
        wrong.push(measure_group(&mut validator(), count.min(1000), |_| {
            let count = count.min(1000);
            [vec![0x60], leb(1000), [vec![0x63], named(count - 1)].concat().repeat(1000), vec![0]].concat()
        }));
        wrong.push(measure_group(&mut validator(), count, |i| match i % 60 {
            0 => vec![0x50, 0, 0x60, 0, 0],
            _ => [vec![0x50, 1], leb(i - 1), vec![0x60, 0, 0]].concat(),
        }));
        wrong.push(measure_group(&mut validator(), count, |i| match i {
            0 => vec![0x50, 0, 0x5f, 0],
            _ => vec![0x50, 1, 0, 0x5f, 0],
        }));
        // Groups of their own: each names the one before it, and those of no types.
        wrong.push(measure(&mut validator(), 1, count, |i| match i {
            0 => vec![0x50, 0, 0x60, 0, 0],
            _ => [vec![0x60, 1, 0x63], signed(i - 1), vec![0]].concat(),
        }));
        wrong.push(measure(&mut validator(), 1, count, |_| vec![0x4e, 0]));
    }
    wrong.retain(|line| !line.is_empty());
    assert!(wrong.is_empty(), "held more than was charged:\n{}", wrong.join("\n"));
}

fn stay_within_their_charge(more: WasmFeatures) {
    let validator = || validator(more);
    let mut wrong = Vec::new();
    for count in [1, 2, 10, 100, 3000, 60_000] {
        let v = &mut validator();
        let value = |i: usize| [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f][i % 7];
        // Types, each another one: of 8 parameters that spell its number, of 2, and with many.
        wrong.push(measure(v, 1, count, |i| {
            let params: Vec<u8> = (0..6).map(|digit| value(i / 7usize.pow(digit))).collect();
            [vec![0x60, 6], params, vec![0]].concat()
        }));
        wrong.push(measure(&mut validator(), 1, count.min(50), |i| vec![0x60, 1, value(i), 1, value(i / 7)]));
        wrong.push(measure(&mut validator(), 1, count.min(2000), |i| {
            let params: Vec<u8> = (0..6).map(|digit| value(i / 7usize.pow(digit))).collect();
            [vec![0x60], leb(996), params, vec![0x7f; 990], vec![0]].concat()
        }));
        wrong.push(measure(&mut validator(), 1, count, |_| vec![0x60, 0, 0]));
        if more.contains(WasmFeatures::FUNCTION_REFERENCES) {
            // Each names the one before it.
            wrong.push(measure(&mut validator(), 1, count, |i| match i {
                0 => vec![0x60, 0, 0],
                _ => [vec![0x60, 1, 0x63], signed(i - 1), vec![0]].concat(),
            }));
            wrong.push(measure(&mut validator(), 1, count.min(2000), |i| match i {
                0 => vec![0x60, 0, 0],
                _ => [vec![0x60], leb(1000), [vec![0x63], signed(i - 1)].concat().repeat(1000), vec![0]]
                    .concat(),
            }));
        }
        // Imports: of functions, with names of their own, and with the same; of tables, of globals.
        wrong.push(measure(v, 2, count, |i| [name(i), name(i), vec![0, 0]].concat()));
        wrong.push(measure(v, 2, count, |i| [name(i), vec![0, 3, 0x7f, 0]].concat()));
        wrong.push(measure(v, 2, count, |_| vec![0, 0, 3, 0x7f, 0]));
        wrong.push(measure(v, 2, count.min(50), |i| [name(i), vec![0, 2, 0, 0]].concat()));
        wrong.push(measure(v, 2, count.min(50_000), |i| [name(i), vec![0, 1, 0x70, 0, 0]].concat()));
        wrong.push(measure(v, 3, count, |_| vec![0]));
        wrong.push(measure(v, 4, count.min(50_000), |_| vec![0x70, 0, 0]));
        wrong.push(measure(v, 5, count.min(50), |_| vec![0, 0]));
        // Type 0 has results, so tags get a validator of their own.
        let w = &mut self::validator(more | WasmFeatures::EXCEPTIONS);
        measure(w, 1, 1, |_| vec![0x60, 0, 0]);
        wrong.push(measure(w, 2, count, |i| [name(i), vec![0, 4, 0, 0]].concat()));
        wrong.push(measure(w, 13, count, |_| vec![0, 0]));
        wrong.push(measure(v, 6, count, |_| vec![0x7f, 0, 0x41, 0, 0x0b]));
        wrong.push(measure(v, 6, count, |i| [vec![0x70, 0, 0xd2], leb(i), vec![0x0b]].concat()));
        wrong.push(measure(v, 6, count.min(100), |_| {
            [vec![0x7f, 0], [0x41, 0].repeat(1000), [0x6a].repeat(999), vec![0x0b]].concat()
        }));
        wrong.push(measure(v, 7, count.min(30_000), |i| [name(i), vec![0], leb(i)].concat()));
        wrong.push(measure(v, 9, count, |_| vec![1, 0, 0]));
        wrong.push(measure(v, 9, 1, |_| {
            [vec![1, 0], leb(count), (0..count).flat_map(leb).collect()].concat()
        }));
        wrong.push(measure(v, 9, 1, |_| {
            let items = (0..count).flat_map(|i| [vec![0xd2], leb(i), vec![0x0b]].concat());
            [vec![5, 0x70], leb(count), items.collect()].concat()
        }));
    }
    wrong.retain(|line| !line.is_empty());
    assert!(wrong.is_empty(), "held more than was charged:\n{}", wrong.join("\n"));
}

/// What the validator holds for a function with this body, from an empty module with one type.
fn body_peak(params_and_results: &[u8], body: &[u8]) -> (u32, u32, u32, u64) {
    let mut v = validator(WasmFeatures::empty());
    let types = [&[1, 0x60][..], params_and_results].concat();
    v.type_section(&SectionLimited::new(BinaryReader::new(&types, 10)).unwrap()).unwrap();
    v.function_section(&SectionLimited::new(BinaryReader::new(&[1, 0], 10)).unwrap()).unwrap();
    v.code_section_start(&(10..20)).unwrap();
    let body = FunctionBody::new(BinaryReader::new(body, 100));
    let func = v.code_section_entry(&body).unwrap();
    let (mut operands, mut depth, mut locals) = (0, 0, 0);
    let (_, held) = peak(|| {
        let mut func = func.into_validator(Default::default());
        let mut reader = body.get_binary_reader();
        func.read_locals(&mut reader).unwrap();
        locals = func.len_locals();
        while !reader.eof() {
            let at = reader.original_position();
            if reader.visit_operator(&mut func.visitor(at)).and_then(|result| result).is_err() {
                break;
            }
            operands = operands.max(func.operand_stack_height());
            depth = depth.max(func.control_stack_height());
        }
    });
    (operands, depth, locals, held)
}

#[test]
fn bodies_stay_within_their_charge() {
    for n in [1usize, 10, 1000, 20_000, 300_000] {
        let consts = [vec![0], [0x41, 0].repeat(n)].concat();
        let calls = [vec![0], [0x10, 0].repeat(n.min(1000))].concat();
        let blocks = [vec![0], [0x02, 0x40].repeat(n.min(50_000))].concat();
        let results = [vec![0], leb(1000), vec![0x7b; 1000]].concat();
        let groups = n.min(25_000);
        let locals = [leb(2 * groups), [1, 0x7f, 1, 0x7e].repeat(groups)].concat();
        for (ty, body) in [(&[0, 0][..], &consts), (&results, &calls), (&[0, 0], &blocks), (&[0, 0], &locals)]
        {
            let (operands, depth, locals, held) = body_peak(ty, body);
            let steps = |n: u32, cost| u64::from(n.next_power_of_two()) * cost;
            let charged = cost::BASE
                + steps(operands, cost::OPERAND)
                + steps(depth, cost::BLOCK)
                + u64::from(locals) * cost::LOCAL_GROUP;
            let what = format!("{operands} operands, {depth} blocks, {locals} groups of locals");
            println!("{what}: held {held}, charged {charged}");
            assert!(held <= charged, "{what}: held {held}, charged {charged}");
        }
    }
}

#[test]
fn catch_clauses_stay_within_their_charge() {
    for n in [1usize, 10, 1000, 1025, 10_000] {
        let body = [&[0, 0x1f, 0x40][..], &leb(n), &[2, 0].repeat(n), &[0x0b, 0x0b]].concat();
        let (_, _, _, held) = body_peak(&[0, 0], &body);
        let charged = cost::BASE + 2 * cost::BLOCK + n as u64 * cost::CATCH;
        println!("{n} clauses: held {held}, charged {charged}");
        assert!(held <= charged, "{n} clauses: held {held}, charged {charged}");
    }
}

/// Of a section that says it has much more in it than its bytes could be, no more is reserved than for those.
#[test]
fn claims_are_not_believed() {
    let engine = dunlin::Engine::default();
    let held = |id: u8, claimed: usize| {
        let contents = [leb(claimed), vec![0x60, 0, 0]].concat();
        let module = [b"\0asm\x01\0\0\0", &[id][..], &leb(contents.len()), &contents].concat();
        let (error, held) = peak(|| dunlin::Module::new(&engine, &module).map(drop));
        assert!(error.is_err(), "section {id}");
        held
    };
    for id in [1, 2, 3, 6, 7, 13] {
        let (few, many) = (held(id, 1023), [1024, 50_000, 1_000_000].map(|claimed| held(id, claimed)));
        println!("section {id}: {few} for a claim of 1023, {many:?} for more");
        assert!(many.iter().all(|&held| held <= few.max(40 << 10)), "section {id}: {many:?}, {few}");
    }
}
