//! Cells by their names: which instructions the translator makes them of, and where their operands have to be.

use crate::table::{ACCESSES, instructions};
use std::collections::HashMap;
use wasmparser::ValType::{self, F32, F64, I32, I64, V128};

pub(crate) const TYPES: [ValType; 5] = [I32, I64, F32, F64, V128];

/// The values of the parameters in one call: two of each type.
pub(crate) type Input = [[u128; 2]; 5];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Slot,
    Acc,
    Imm,
}
use Source::{Acc, Imm, Slot};

/// What comes after a cell's work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// The next cell.
    On,
    /// A label, or the next cell: by this instruction.
    Branch { by: &'static str, back: bool },
    /// The caller.
    Return,
    /// A callee.
    Call,
}

/// A cell: its instructions, what they take and where from, what they give and where to.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) params: Vec<ValType>,
    pub(crate) sources: Vec<Source>,
    pub(crate) result: Option<ValType>,
    pub(crate) to_slot: bool,
    pub(crate) way: Way,
    /// Whether its only operand is named twice, as a rotation's.
    pub(crate) twice: Option<&'static str>,
    /// Whether it accesses memory by a 64-bit address.
    pub(crate) wide: bool,
}

pub(crate) fn index(ty: ValType) -> usize {
    TYPES.iter().position(|t| *t == ty).expect("a number or a vector")
}

/// The first type whose values are in the same accumulator.
pub(crate) fn class(ty: ValType) -> usize {
    index(if ty == I64 { I32 } else { ty })
}

/// Whether both types' values are in the same accumulator.
pub(crate) fn share(x: ValType, y: ValType) -> bool {
    class(x) == class(y)
}

/// Instructions by their names without punctuation, which are the rows' in small letters. Those with a lane are there
/// with the first and the last.
pub(crate) struct Rows(HashMap<String, Vec<Instruction>>);

/// An instruction, its operands and its result.
type Instruction = (String, Vec<ValType>, Option<ValType>);

impl Rows {
    pub(crate) fn new() -> Self {
        let mut all: HashMap<String, Vec<_>> = HashMap::new();
        let mut add = |text: String, params, result| {
            let name = text.split(' ').next().expect("a name").replace(['.', '_'], "");
            all.entry(name).or_default().push((text, params, result));
        };
        for i in instructions() {
            add(i.text, i.params, Some(i.result));
        }
        let [loads, stores] = ACCESSES;
        for &(text, value, _, lanes) in loads {
            let params = if lanes > 0 { vec![I32, value] } else { vec![I32] };
            add(text.into(), params, Some(value));
        }
        for &(text, value, ..) in stores {
            add(text.into(), vec![I32, value], None);
        }
        for list in all.values_mut() {
            if list.len() > 2 {
                list.drain(1..list.len() - 1);
            }
        }
        Self(all)
    }

    /// The cells of this name and form; none if it isn't known how to make them.
    pub(crate) fn cells(&self, name: &str) -> Vec<Cell> {
        let Some((row, form)) = name.split_once('.') else { return Vec::new() };
        let form: usize = form.parse().expect("a number");
        if let Some(cell) = special(row) {
            return vec![cell];
        }
        if let Some(class) = row.strip_prefix("Select") {
            let ty = match class {
                "Int" => I32,
                "F32" => F32,
                "F64" => F64,
                _ => V128,
            };
            let sources = vec![Slot, Slot, if form < 2 { Acc } else { Slot }];
            return vec![Cell { sources, ..value("select", &[ty, ty, I32], ty, form) }];
        }
        let Some(list) = self.0.get(&row.to_lowercase()) else { return Vec::new() };
        list.iter().filter_map(|(text, params, result)| family(text, params, *result, form)).collect()
    }
}

fn value(text: &str, params: &[ValType], result: ValType, form: usize) -> Cell {
    Cell {
        text: text.into(),
        params: params.into(),
        sources: vec![Slot; params.len()],
        result: Some(result),
        to_slot: form % 2 == 1,
        way: Way::On,
        twice: None,
        wide: false,
    }
}

/// The cell of an instruction in a form of its family: see the engine's op table.
fn family(text: &str, params: &[ValType], result: Option<ValType>, form: usize) -> Option<Cell> {
    const TWO: [[Source; 2]; 7] =
        [[Slot, Slot], [Acc, Slot], [Slot, Imm], [Acc, Imm], [Slot, Acc], [Imm, Slot], [Imm, Acc]];
    let access = text.contains("load") || text.contains("store");
    let lane = text.contains("_lane");
    let wide = match result {
        _ if lane => 2,
        Some(_) => 8,
        None => 10,
    };
    if access && form >= wide {
        return Some(by_wide_address(text, params, result, form));
    }
    // Where an address of an access is 61, it comes to byte 64.
    let at = |memory: usize| {
        let lane = if lane && access { " 1" } else { "" };
        format!("{text} {memory} offset=3{lane}")
    };
    let Some(result) = result else {
        let cell = value(&at((form == 9 || lane && form == 1) as usize), params, I32, 0);
        let sources = match form {
            _ if lane => vec![Slot; 2],
            9 => vec![Slot; 2],
            _ => vec![[Slot, Acc, Imm][form / 3], [Slot, Acc, Imm][form % 3]],
        };
        return Some(Cell { sources, result: None, ..cell });
    };
    let cell = |sources: &[Source]| Cell { sources: sources.into(), ..value(text, params, result, form) };
    Some(match params.len() {
        2 if access => Cell { to_slot: false, ..value(&at(form), params, result, 0) },
        1 if access => {
            let source = [Acc, Slot, Imm, Slot][form / 2];
            Cell { sources: vec![source], ..value(&at(form / 6), params, result, form) }
        }
        1 if lane => cell(&[Slot]),
        1 => cell(&[[Acc, Slot][form / 2]]),
        2 if lane => cell(&[[Slot, Slot], [Acc, Slot], [Slot, Acc]][form / 2]),
        2 if form >= 8 && is_compare(text) => {
            let way = Way::Branch { by: "br_if $t", back: form % 2 == 1 };
            Cell { result: None, to_slot: false, way, ..cell(&TWO[(form - 8) / 2]) }
        }
        2 => cell(&TWO[form / 2]),
        _ => return None,
    })
}

/// The cell of an access by a 64-bit address.
fn by_wide_address(text: &str, params: &[ValType], result: Option<ValType>, form: usize) -> Cell {
    const LOADS: [Source; 3] = [Acc, Slot, Slot];
    const STORES: [[Source; 2]; 6] =
        [[Slot, Slot], [Slot, Acc], [Slot, Imm], [Acc, Slot], [Acc, Imm], [Slot, Slot]];
    let lane = text.contains("_lane");
    let (sources, is_far) = match result {
        _ if lane => (vec![Slot; 2], true),
        Some(_) => (vec![LOADS[form / 2 - 4]], form >= 12),
        None => (STORES[form - 10].to_vec(), form == 15),
    };
    let (memory, lane_index) = (usize::from(is_far), if lane { " 1" } else { "" });
    let params = [&[I64], &params[1..]].concat();
    let cell = value(&format!("{text} {memory} offset=3{lane_index}"), &params, result.unwrap_or(I32), form);
    Cell { sources, result, to_slot: result.is_some() && !lane && form % 2 == 1, wide: true, ..cell }
}

/// The beginning of a loop, to which [`CHARGED_END`] belongs.
const CHARGED: &str = "loop $charged";
pub(crate) const CHARGED_END: &str = "local.get $n br_if $charged end";

impl Cell {
    /// Whether it charges for fuel.
    pub(crate) fn is_charge(&self) -> bool {
        self.text == CHARGED
    }

    /// Whether it accesses the second memory.
    pub(crate) fn is_second(&self) -> bool {
        self.text.contains(" 1 offset")
    }
}

/// Whether it compares integers that aren't lanes.
fn is_compare(text: &str) -> bool {
    let (ty, name) = text.split_once('.').unwrap_or_default();
    matches!(ty, "i32" | "i64")
        && matches!(name.split('_').next(), Some("eq" | "ne" | "lt" | "gt" | "le" | "ge"))
}

/// Rows of the op table that have a name of their own.
fn special(row: &str) -> Option<Cell> {
    let nothing = || Cell { result: None, ..value("", &[], I32, 0) };
    let class = |name: &str| match name {
        "Int" => Some(I32),
        "F32" => Some(F32),
        "F64" => Some(F64),
        "V128" => Some(V128),
        _ => None,
    };
    let (name, to_slot) = match row.strip_suffix("Slot") {
        Some(name) => (name, 1),
        None => (row, 0),
    };
    if let Some(ty) = name.strip_prefix("GlobalGet").and_then(class) {
        return Some(value(&format!("global.get $some_{ty}"), &[], ty, to_slot));
    }
    let set = |ty, source| Cell {
        params: vec![ty],
        sources: vec![source],
        text: format!("global.set $set_{ty}"),
        ..nothing()
    };
    if let Some(ty) = name.strip_prefix("GlobalSetAcc").and_then(class) {
        return Some(set(ty, Acc));
    }
    if let Some(ty) = name.strip_prefix("GlobalSet").and_then(class) {
        return Some(set(ty, Slot));
    }
    let rotate = |source, way: &'static str| Cell {
        sources: vec![source],
        twice: Some(way),
        ..value("v128.or", &[V128], V128, to_slot)
    };
    let branch = |text: &str, params: &[ValType], source, by, back| Cell {
        text: text.into(),
        params: params.into(),
        sources: vec![source; params.len()],
        way: Way::Branch { by, back },
        ..nothing()
    };
    let returned = |source| Cell {
        params: vec![I32],
        sources: vec![source],
        text: "return".into(),
        way: Way::Return,
        ..nothing()
    };
    const LANES: &str = "i8x16.shuffle 31 0 29 2 27 4 25 6 23 8 21 10 19 12 17 14";
    let cell = match name {
        "MemorySize" => value("memory.size", &[], I32, to_slot),
        "Bitselect" => value("v128.bitselect", &[V128; 3], V128, to_slot),
        "Shuffle" => value(LANES, &[V128; 2], V128, to_slot),
        "I32x4Rotl" => rotate(Slot, "i32.const 7 i32x4.shl|i32.const 25 i32x4.shr_u"),
        "I32x4RotlAcc" => rotate(Acc, "i32.const 7 i32x4.shl|i32.const 25 i32x4.shr_u"),
        "I64x2Rotl" => rotate(Slot, "i32.const 7 i64x2.shl|i32.const 57 i64x2.shr_u"),
        "I64x2RotlAcc" => rotate(Acc, "i32.const 7 i64x2.shl|i32.const 57 i64x2.shr_u"),
        "Copy" => Cell { text: "local.get $i32_1 local.set $copy".into(), ..nothing() },
        "Const" => Cell { text: "i32.const 7 local.set $copy".into(), ..nothing() },
        "ConstWide" => Cell { text: "i64.const -7 local.set $wide".into(), ..nothing() },
        "Br" => branch("", &[], Slot, "br $t", false),
        "BrBack" => branch("", &[], Slot, "br $t", true),
        "BrIf" => branch("", &[I32], Slot, "br_if $t", false),
        "BrIfBack" => branch("", &[I32], Slot, "br_if $t", true),
        "BrIfAcc" => branch("", &[I32], Acc, "br_if $t", false),
        "BrIfAccBack" => branch("", &[I32], Acc, "br_if $t", true),
        "BrUnless" => branch("i32.eqz", &[I32], Slot, "br_if $t", false),
        "BrUnlessBack" => branch("i32.eqz", &[I32], Slot, "br_if $t", true),
        "BrUnlessAcc" => branch("i32.eqz", &[I32], Acc, "br_if $t", false),
        "BrUnlessAccBack" => branch("i32.eqz", &[I32], Acc, "br_if $t", true),
        "BrTable" => branch("", &[I32], Slot, "br_table $u $t $v $u", false),
        "BrTableAcc" => branch("", &[I32], Acc, "br_table $u $t $v $u", false),
        // What is charged for begins with a loop.
        "Charge" => Cell { text: CHARGED.into(), ..nothing() },
        "Call" => Cell { text: "call $callee".into(), way: Way::Call, ..nothing() },
        "Return" => Cell { text: "return".into(), way: Way::Return, ..nothing() },
        "ReturnInt" => returned(Slot),
        "ReturnIntAcc" => returned(Acc),
        "ReturnIntImm" => returned(Imm),
        _ => return None,
    };
    Some(cell)
}
