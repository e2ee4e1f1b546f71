//! Generates programs about typed references: types in groups, with subtypes, and calls by them.

use crate::random::Random;
use std::fmt::Write;

/// A function type of the program, all of which take and give an `i32`.
struct Type {
    supertype: Option<usize>,
    is_final: bool,
}

struct Generator<'r> {
    random: &'r mut Random,
    types: Vec<Type>,
    /// The type of each function.
    funcs: Vec<usize>,
    text: String,
}

/// Generates a module in the text format. Each function takes a unit from a global, and returns if none is left.
pub(crate) fn program(random: &mut Random) -> String {
    let mut types: Vec<Type> = Vec::new();
    for index in 0..2 + random.below(6) as usize {
        let open: Vec<usize> = (0..index).filter(|at| !types[*at].is_final).collect();
        let supertype =
            (random.below(3) > 0 && !open.is_empty()).then(|| open[random.below(open.len() as u64) as usize]);
        types.push(Type { supertype, is_final: random.below(4) == 0 });
    }
    let funcs = (0..3 + random.below(6)).map(|_| random.below(types.len() as u64) as usize).collect();
    let mut g = Generator { random, types, funcs, text: String::from("(module ") };
    g.module();
    g.text
}

impl Generator<'_> {
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a string takes everything");
    }

    fn module(&mut self) {
        let mut index = 0;
        while index < self.types.len() {
            let group = (1 + self.random.below(3) as usize).min(self.types.len() - index);
            self.write(format_args!("(rec "));
            for at in index..index + group {
                let Type { supertype, is_final } = self.types[at];
                let is_final = if is_final { "final " } else { "" };
                let supertype = supertype.map_or(String::new(), |at| format!("$t{at} "));
                self.write(format_args!(
                    "(type $t{at} (sub {is_final}{supertype}(func (param i32) (result i32))))"
                ));
            }
            self.write(format_args!(")"));
            index += group;
        }
        let elems: String = (0..self.funcs.len()).map(|func| format!(" $f{func}")).collect();
        let null = " (ref.null func)".repeat(2);
        let listed: String = (0..self.funcs.len()).map(|func| format!(" (ref.func $f{func})")).collect();
        self.write(format_args!(
            "(global $left (export \"left\") (mut i32) (i32.const 300))
             (table $all (export \"all\") {} funcref) (elem (table $all) (i32.const 0) funcref{listed}{null})
             (elem declare func{elems})",
            self.funcs.len() + 2
        ));
        for ty in 0..self.types.len() {
            let init = self.reference(ty, 0, true);
            self.write(format_args!("(global $g{ty} (mut (ref null $t{ty})) {init})"));
            self.write(format_args!("(table $of{ty} 3 (ref null $t{ty}) {init})"));
        }
        for func in 0..self.funcs.len() {
            let ty = self.funcs[func];
            let sets: String = (0..self.random.below(3)).map(|_| self.set()).collect();
            let value = self.number(4);
            self.write(format_args!(
                "(func $f{func} (export \"f{func}\") (type $t{ty})
                    (if (i32.eqz (global.get $left)) (then (return (i32.const {func}))))
                    (global.set $left (i32.sub (global.get $left) (i32.const 1))) {sets} {value})"
            ));
        }
        self.text.push(')');
    }

    fn is_subtype(&self, ty: usize, other: usize) -> bool {
        ty == other || self.types[ty].supertype.is_some_and(|ty| self.is_subtype(ty, other))
    }

    fn any_type(&mut self) -> usize {
        self.random.below(self.types.len() as u64) as usize
    }

    /// A reference of type `(ref null $t)`; a constant one, if need be.
    fn reference(&mut self, ty: usize, depth: u32, constant: bool) -> String {
        let subtypes: Vec<usize> = (0..self.types.len()).filter(|sub| self.is_subtype(*sub, ty)).collect();
        let sub = subtypes[self.random.below(subtypes.len() as u64) as usize];
        let funcs: Vec<usize> =
            (0..self.funcs.len()).filter(|func| self.is_subtype(self.funcs[*func], ty)).collect();
        match self.random.below(if constant || depth == 0 { 4 } else { 8 }) {
            0..3 if !funcs.is_empty() => {
                format!("(ref.func $f{})", funcs[self.random.below(funcs.len() as u64) as usize])
            }
            ..4 if constant => format!("(ref.null $t{sub})"),
            4 => format!("(table.get $of{sub} (i32.const {}))", self.random.below(4)),
            5 => format!("(ref.as_non_null {})", self.reference(sub, depth - 1, false)),
            6 => {
                let (a, b) = (self.reference(sub, depth - 1, false), self.reference(ty, depth - 1, false));
                format!("(if (result (ref null $t{ty})) {} (then {a}) (else {b}))", self.number(depth - 1))
            }
            7 => {
                let inner = self.reference(sub, depth - 1, false);
                format!("(block $l (result (ref null $t{ty})) (br_on_non_null $l {inner}) (ref.null $t{ty}))")
            }
            _ => format!("(global.get $g{sub})"),
        }
    }

    /// An instruction that changes a global or a table.
    fn set(&mut self) -> String {
        let ty = self.any_type();
        let value = self.reference(ty, 2, false);
        match self.random.below(2) {
            0 => format!("(global.set $g{ty} {value})"),
            _ => format!("(table.set $of{ty} (i32.const {}) {value})", self.random.below(3)),
        }
    }

    /// An `i32`.
    fn number(&mut self, depth: u32) -> String {
        let ty = self.any_type();
        if depth == 0 {
            return ["(local.get 0)", "(i32.const 7)"][self.random.below(2) as usize].into();
        }
        let index = self.random.below(self.funcs.len() as u64 + 3);
        match self.random.below(9) {
            0 => format!("(i32.add {} {})", self.number(depth - 1), self.number(depth - 1)),
            1 => format!("(i32.mul {} {})", self.number(depth - 1), self.number(depth - 1)),
            2 | 3 => {
                let (arg, callee) = (self.number(depth - 1), self.reference(ty, depth - 1, false));
                format!("(call_ref $t{ty} {arg} {callee})")
            }
            4 | 5 => {
                format!("(call_indirect $all (type $t{ty}) {} (i32.const {index}))", self.number(depth - 1))
            }
            6 => format!("(ref.is_null {})", self.reference(ty, depth - 1, false)),
            7 => {
                let (reference, other) = (self.reference(ty, depth - 1, false), self.number(depth - 1));
                let arg = self.number(depth - 1);
                format!(
                    "(block $null (result i32) {other}
                        (drop (call_ref $t{ty} {arg} (br_on_null $null {reference}))))"
                )
            }
            _ => {
                let (arg, callee) = (self.number(depth - 1), self.reference(ty, depth - 1, false));
                match self.random.below(2) {
                    0 => format!("(return_call_ref $t{ty} {arg} {callee})"),
                    _ => format!("(return_call_indirect $all (type $t{ty}) {arg} (i32.const {index}))"),
                }
            }
        }
    }
}
