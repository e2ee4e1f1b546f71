//! Rewrites a module so that it counts, in globals that it exports, what it executes, and what it has to be charged.

use super::rule::charges;
use wasm_encoder::{Encode, Module, RawSection};
use wasmparser::{BinaryReader, FunctionBody, Operator, Parser, Payload, TypeRef};

/// The exports: the number of instructions executed that cost something, and what they are to be charged.
pub(crate) const COUNTERS: [&str; 2] = ["instructions executed", "fuel charged"];

const EXECUTED: u32 = 0;
const CHARGED: u32 = 1;

/// `(global.set $counter (i64.add (global.get $counter) (i64.const n)))`
fn add(out: &mut Vec<u8>, counter: u32, n: u64) {
    if n > 0 {
        out.push(0x23);
        counter.encode(out);
        out.push(0x42);
        (n as i64).encode(out);
        out.extend([0x7c, 0x24]);
        counter.encode(out);
    }
}

/// The items of a section, without their number, and that.
fn items(section: &[u8]) -> (u32, &[u8]) {
    let mut reader = BinaryReader::new(section, 0);
    (reader.read_var_u32().unwrap(), &section[reader.current_position()..])
}

/// A section with more items behind those that it has.
fn extended(id: u8, section: &[u8], more: &[u8]) -> Vec<u8> {
    let (n, old) = if section.is_empty() { (0, section) } else { items(section) };
    let mut data = Vec::new();
    (n + COUNTERS.len() as u32).encode(&mut data);
    data.extend_from_slice(old);
    data.extend_from_slice(more);
    let mut whole = vec![id];
    data.as_slice().encode(&mut whole);
    whole
}

/// Rewrites a module.
pub(crate) fn instrument(wasm: &[u8]) -> Vec<u8> {
    let payloads: Vec<_> = Parser::new(0).parse_all(wasm).map(Result::unwrap).collect();
    let globals = payloads.iter().map(|payload| match payload {
        Payload::ImportSection(imports) => {
            let imports = imports.clone().into_imports().map(Result::unwrap);
            imports.filter(|import| matches!(import.ty, TypeRef::Global(_))).count() as u32
        }
        Payload::GlobalSection(globals) => globals.count(),
        _ => 0,
    });
    let first: u32 = globals.sum();
    let (mut globals, mut exports) = (Vec::new(), Vec::new());
    for (i, name) in COUNTERS.iter().enumerate() {
        globals.extend([0x7e, 1, 0x42, 0, 0x0b]);
        name.encode(&mut exports);
        exports.push(3);
        (first + i as u32).encode(&mut exports);
    }
    let mut bodies = payloads.iter().filter_map(|payload| match payload {
        Payload::CodeSectionEntry(body) => Some(function(body, first, wasm)),
        _ => None,
    });
    // The sections in their order, with places for those that there may not be.
    let sections: Vec<_> = payloads.iter().filter_map(Payload::as_section).collect();
    let find = |id: u8| {
        let found = sections.iter().find(|section| section.0 == id);
        found.map_or(&[][..], |(_, range)| &wasm[range.start as usize..range.end as usize])
    };
    let mut module = Module::new();
    for id in [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11] {
        match (id, find(id)) {
            (6, section) => raw(&mut module, &extended(id, section, &globals)),
            (7, section) => raw(&mut module, &extended(id, section, &exports)),
            (_, []) => {}
            (10, section) => {
                let (n, _) = items(section);
                let mut data = Vec::new();
                n.encode(&mut data);
                bodies.by_ref().for_each(|body| body.as_slice().encode(&mut data));
                module.section(&RawSection { id, data: &data });
            }
            (_, data) => {
                module.section(&RawSection { id, data });
            }
        }
    }
    module.finish()
}

fn raw(module: &mut Module, section: &[u8]) {
    let (_, data) = items(&section[1..]);
    module.section(&RawSection { id: section[0], data });
}

/// What throwing costs besides.
const THROW: u64 = 16;

/// What an instruction costs.
fn cost(op: &Operator<'_>) -> u64 {
    use Operator as O;
    let free = matches!(
        op,
        O::Nop | O::Drop | O::Block { .. } | O::Loop { .. } | O::Else | O::End | O::Unreachable | O::Return
    ) || matches!(
        op,
        O::TryTable { .. } | O::Try { .. } | O::Catch { .. } | O::CatchAll | O::Delegate { .. }
    );
    u64::from(!free)
}

fn function(body: &FunctionBody<'_>, counters: u32, wasm: &[u8]) -> Vec<u8> {
    let charges = charges(body);
    let charge = |out: &mut Vec<u8>, at: u64| add(out, counters + CHARGED, *charges.get(&at).unwrap_or(&0));
    let mut ops = body.get_operators_reader().unwrap();
    let mut out = wasm[body.range().start as usize..ops.original_position() as usize].to_vec();
    charge(&mut out, 0);
    let mut executed = 0;
    while !ops.eof() {
        let (op, at) = ops.read_with_offset().unwrap();
        executed += cost(&op);
        // Counted before control goes anywhere. Behind the end of a path, code that counts can't be reached either.
        if !matches!(op, Operator::LocalGet { .. } | Operator::LocalSet { .. } | Operator::I32Const { .. }) {
            add(&mut out, counters + EXECUTED, executed);
            executed = 0;
        }
        if matches!(op, Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. }) {
            add(&mut out, counters + CHARGED, THROW);
        }
        out.extend_from_slice(&wasm[at as usize..ops.original_position() as usize]);
        charge(&mut out, at);
    }
    out
}
