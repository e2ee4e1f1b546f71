//! Functions in the text format of which the translator makes exactly the cells that are wanted.
//!
//! All have the same parameters, two of each type. A cell takes a slot's operand from one of them; an accumulator's from
//! a local that the accumulator is known to mirror, or from the cell before; an immediate is a constant with a
//! parameter's value. What a cell makes goes to globals, from the accumulator and from its slot.

use crate::cells::Source::{Acc, Imm, Slot};
use crate::cells::{CHARGED_END, Cell, Input, TYPES, Way, class, index, share};
use std::collections::BTreeMap;
use std::fmt::Write;
use wasmparser::ValType::{self, F32, F64, I32, I64, V128};

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

/// The function `name` that consists of these cells, and cells before and after; with `apart`, of those that the same
/// instructions become when nothing is known of accumulators between them. Immediates are of this input.
pub(crate) fn function(name: &str, cells: &[Cell], apart: bool, input: &Input) -> String {
    let mut f = Function { cells, input, mirrors: BTreeMap::new(), body: String::new() };
    f.write();
    let returns = cells.iter().any(|cell| cell.way == Way::Return && !cell.params.is_empty());
    let result = match cells {
        [made, last] if returns && made.result == Some(I64) && takes(last, made).is_some() => "(result i64)",
        _ if returns => "(result i32)",
        _ => "",
    };
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
            // One row serves stores of both types.
            let is_wide = taken
                .is_some_and(|k| made.and_then(|made| made.result) == Some(I64) && cell.params[k] == I32);
            self.add(&if is_wide { cell.text.replace("i32.store", "i64.store") } else { cell.text.clone() });
            if let Way::Branch { by, .. } = cell.way {
                self.add(by);
            }
            let to = ["a", "b"][i];
            // What takes the result would make a pair or a triple with the cells that are to be alone.
            let alone = "local.get $f32_1 global.set $pass_f32";
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
        for _ in cells.iter().filter(|cell| cell.is_charge()) {
            self.add(CHARGED_END);
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
        // What becomes another type without a cell. A branch can ask whether an i64 is zero.
        let extended = |from: ValType| match (from, ty, cell.way) {
            (I32, I64, _) => " i64.extend_i32_u",
            (I64, I32, Way::Branch { .. }) => " i64.const 0 i64.ne",
            _ => "",
        };
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
