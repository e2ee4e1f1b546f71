//! Functions in the text format of which the translator makes exactly the cells that are wanted.
//!
//! All have the same parameters, two of each type. A cell takes a slot's operand from one of them; an accumulator's from
//! a local that the accumulator is known to mirror, or from the cell before; an immediate is a constant with a
//! parameter's value. What a cell makes goes to globals, from the accumulator and from its slot.

use crate::table::{ACCESSES, instructions};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use wasmparser::ValType::{self, F32, F64, I32, I64, V128};

pub(crate) const TYPES: [ValType; 5] = [I32, I64, F32, F64, V128];

/// The values of the parameters in one call: two of each type.
pub(crate) type Input = [[u128; 2]; 5];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Slot,
    Acc,
    Imm,
}
use Source::{Acc, Imm, Slot};

/// What comes after a cell's work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
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
    text: String,
    params: Vec<ValType>,
    sources: Vec<Source>,
    result: Option<ValType>,
    to_slot: bool,
    way: Way,
    /// Whether its only operand is named twice, as a rotation's.
    twice: Option<&'static str>,
}

fn index(ty: ValType) -> usize {
    TYPES.iter().position(|t| *t == ty).expect("a number or a vector")
}

/// The first type whose values are in the same accumulator.
fn class(ty: ValType) -> usize {
    index(if ty == I64 { I32 } else { ty })
}

/// Whether both types' values are in the same accumulator.
fn share(x: ValType, y: ValType) -> bool {
    class(x) == class(y)
}

fn constant(ty: ValType, bits: u128) -> String {
    match ty {
        I32 => format!("i32.const {}", bits as i32),
        I64 => format!("i64.const {}", bits as i64),
        F32 => format!("f32.const {}", float(bits, 32, 23)),
        F64 => format!("f64.const {}", float(bits, 64, 52)),
        _ => format!("v128.const i64x2 {} {}", bits as i64, (bits >> 64) as i64),
    }
}

/// A float as sign, significand and exponent in hexadecimal.
fn float(bits: u128, width: u32, fraction: u32) -> String {
    let sign = if bits >> (width - 1) & 1 == 1 { "-" } else { "" };
    let low = bits & ((1 << fraction) - 1);
    let bias = (1i64 << (width - fraction - 2)) - 1;
    let exponent = (bits >> fraction & ((1 << (width - 1 - fraction)) - 1)) as i64;
    match (exponent, low) {
        (0, _) => format!("{sign}0x{low:x}p{}", 1 - bias - i64::from(fraction)),
        (e, 0) if e == 2 * bias + 1 => format!("{sign}inf"),
        (e, _) if e == 2 * bias + 1 => format!("{sign}nan:0x{low:x}"),
        (e, _) => format!("{sign}0x{:x}p{}", low | 1 << fraction, e - bias - i64::from(fraction)),
    }
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
    }
}

/// The cell of an instruction in a form of its family: see the engine's op table.
fn family(text: &str, params: &[ValType], result: Option<ValType>, form: usize) -> Option<Cell> {
    const TWO: [[Source; 2]; 7] =
        [[Slot, Slot], [Acc, Slot], [Slot, Imm], [Acc, Imm], [Slot, Acc], [Imm, Slot], [Imm, Acc]];
    let access = text.contains("load") || text.contains("store");
    let lane = text.contains("_lane");
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

impl Cell {
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
        "Call" => Cell { text: "call $callee".into(), way: Way::Call, ..nothing() },
        "Return" => Cell { text: "return".into(), way: Way::Return, ..nothing() },
        "ReturnIntAcc" => {
            let operands = (vec![I32], vec![Acc]);
            Cell {
                params: operands.0,
                sources: operands.1,
                text: "return".into(),
                way: Way::Return,
                ..nothing()
            }
        }
        _ => return None,
    };
    Some(cell)
}

/// The function `name` that consists of these cells, and cells before and after; with `apart`, of those that the same
/// instructions become when nothing is known of accumulators between them. Immediates are of this input.
pub(crate) fn function(name: &str, cells: &[Cell], apart: bool, input: &Input) -> String {
    let mut f = Function { cells, input, mirrors: BTreeMap::new(), body: String::new() };
    f.write();
    let returns = cells.iter().any(|cell| cell.way == Way::Return && !cell.params.is_empty());
    let result = if returns { "(result i32)" } else { "" };
    let mut text = format!("(func (export \"{name}\") {} {result} ", params());
    for ty in TYPES {
        for local in ["m", "a", "b"] {
            write!(text, "(local ${local}_{ty} {ty})").expect("memory");
        }
    }
    let body = f.body.replace(APART, if apart { "block end" } else { "" });
    // What a function of a result has left to say is in globals.
    let end = if returns { "unreachable" } else { "" };
    writeln!(text, "(local $n i32) (local $copy i32) (local $wide i64)\n{body} {end})").expect("memory");
    text
}

fn params() -> String {
    TYPES.iter().map(|ty| format!("(param ${ty}_0 {ty}) (param ${ty}_1 {ty}) ")).collect()
}

/// Whether the translator never puts the one behind the other: a rotation's operand is a local, so the cell before has
/// written a slot.
pub(crate) fn is_never(a: &Cell, b: &Cell) -> bool {
    b.twice.is_some() && takes(b, a).is_some() && !a.to_slot
}

/// Stands between two cells.
const APART: &str = "@";

struct Function<'a> {
    cells: &'a [Cell],
    input: &'a Input,
    /// What mirrors an accumulator at the beginning, by its class: of which type, and of which parameter of it.
    mirrors: BTreeMap<usize, (ValType, usize)>,
    body: String,
}

impl Function<'_> {
    fn add(&mut self, text: &str) {
        self.body += text;
        self.body += "\n";
    }

    /// The types whose accumulators must be made before, since the cells before don't make them.
    fn find_mirrors(&mut self) {
        for (i, cell) in self.cells.iter().enumerate() {
            let made = i.checked_sub(1).and_then(|before| self.cells[before].result);
            for (k, (&ty, &source)) in cell.params.iter().zip(&cell.sources).enumerate() {
                if source == Acc && !made.is_some_and(|made| share(made, ty)) {
                    let which = which(cell, k, i);
                    let kept = self.mirrors.entry(class(ty)).or_insert((ty, which));
                    // An i32 becomes an i64 without a cell.
                    if kept.0 == I64 {
                        *kept = (ty, which);
                    }
                }
            }
        }
    }

    fn write(&mut self) {
        self.find_mirrors();
        let cells = self.cells;
        let last = cells.last().expect("a cell");
        let back = matches!(last.way, Way::Branch { back: true, .. });
        if back {
            self.add("block $out loop $t");
            self.add("global.get $turns i32.const 1 i32.add global.set $turns");
            self.add("local.get $n br_if $out");
            self.add("i32.const 1 local.set $n");
        } else if matches!(last.way, Way::Branch { .. }) {
            self.add("block $v block $t block $u");
        }
        // No pair begins with a global's value in a slot: so what comes next begins one.
        self.add("global.get $some_f64 local.set $b_f64");
        for (ty, which) in self.mirrors.clone().into_values() {
            self.add(&format!(
                "local.get ${ty}_{which} global.set $pass_{ty} global.get $pass_{ty} local.set $m_{ty}"
            ));
        }
        let mut pending = None;
        for (i, cell) in cells.iter().enumerate() {
            let made = i.checked_sub(1).map(|before| &cells[before]);
            let taken = made.and_then(|made| takes(cell, made));
            let operands: Vec<String> =
                (0..cell.params.len()).map(|k| self.operand(cell, k, i, taken)).collect();
            // Operands in front of the one that the cell before has left come before that cell.
            let first = taken.filter(|_| pending.is_some()).unwrap_or(0);
            if taken.is_some() {
                pending = None;
            } else if pending.is_some() && cell.way != Way::On {
                self.add("drop");
                pending = None;
            }
            let next = cells.get(i + 1);
            if let Some((next, k)) = next.filter(|_| !cell.to_slot).and_then(|n| Some((n, takes(n, cell)?))) {
                let before: Vec<String> = (0..k).map(|k| self.operand(next, k, i + 1, Some(k + 1))).collect();
                self.add(&before.join(" "));
            }
            match cell.twice {
                Some(twice) => {
                    twice.split('|').for_each(|half| self.add(&format!("{} {half}", operands[0])));
                }
                None => self.add(&operands[first..].join(" ")),
            }
            self.add(&cell.text);
            if let Way::Branch { by, .. } = cell.way {
                self.add(by);
            }
            let to = ["a", "b"][i];
            // What takes a result would make a pair with a cell that is to be alone.
            let alone = if cells.len() == 1 { "local.get $f32_1 global.set $pass_f32" } else { "" };
            match (cell.result, next) {
                (Some(ty), Some(_)) if cell.to_slot => self.add(&format!("local.set ${to}_{ty}")),
                (Some(ty), None) if cell.to_slot => {
                    self.add(&format!("local.tee ${to}_{ty} {alone} global.set $acc_{to}_{ty}"));
                }
                (Some(ty), Some(_)) => pending = Some(ty),
                (Some(ty), None) => self.add(&format!("{alone} global.set $acc_{to}_{ty}")),
                (None, _) => {}
            }
            if next.is_some() {
                self.add(APART);
            }
        }
        if let Some(ty) = pending {
            self.add(&format!("global.set $acc_a_{ty}"));
        }
        match last.way {
            Way::Branch { back: true, .. } => self.add("end end"),
            Way::Branch { .. } => self.add(
                "i32.const 1 global.set $turns br $v end
                 i32.const 2 global.set $turns br $v end
                 i32.const 3 global.set $turns end",
            ),
            Way::On | Way::Return | Way::Call => {}
        }
        // What is in slots, once accumulators hold something else.
        for ty in [I32, F32, F64, V128] {
            self.add(&format!("global.get $some_{ty} drop"));
        }
        for (i, cell) in cells.iter().enumerate() {
            if let Some(ty) = cell.result.filter(|_| cell.to_slot) {
                let to = ["a", "b"][i];
                self.add(&format!("local.get ${to}_{ty} global.set $slot_{to}_{ty}"));
            }
        }
        self.add("local.get $copy global.set $copied local.get $wide global.set $copied_wide");
    }

    /// The instructions for a cell's operand `k`, which make no cell.
    fn operand(&self, cell: &Cell, k: usize, i: usize, taken: Option<usize>) -> String {
        let ty = cell.params[k];
        let extended = |from: ValType| if from == I32 && ty == I64 { " i64.extend_i32_u" } else { "" };
        if taken == Some(k) {
            let made = &self.cells[i - 1];
            let from = made.result.expect("it is taken");
            return if made.to_slot {
                format!("local.get $a_{from}{}", extended(from))
            } else {
                extended(from).into()
            };
        }
        match cell.sources[k] {
            // The first operand of a type and the second.
            Slot => format!("local.get ${ty}_{}", which(cell, k, i)),
            Acc => {
                let (from, _) = self.mirrors[&class(ty)];
                format!("local.get $m_{from}{}", extended(from))
            }
            Imm => constant(ty, self.input[index(ty)][which(cell, k, i)]),
        }
    }
}

/// Which parameter of its type an operand is: of one cell the first or the second, of two each one its own.
fn which(cell: &Cell, k: usize, i: usize) -> usize {
    let before = cell.params[..k].iter().filter(|ty| **ty == cell.params[k]).count();
    (before + i).min(1)
}

/// Which of a cell's operands the one before makes.
fn takes(cell: &Cell, made: &Cell) -> Option<usize> {
    let result = made.result?;
    (0..cell.params.len()).find(|&k| cell.sources[k] == Acc && share(cell.params[k], result))
}
