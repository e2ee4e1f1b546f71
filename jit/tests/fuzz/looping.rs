//! Generates programs with loops that iterate, which those of `wasm-smith` rarely do.
//!
//! Each loop and each function takes a unit from a global, and returns if none is left, so every program ends. Operands
//! wait below blocks, loops have parameters, and branches go to any label, as do exceptions, which some blocks catch.

use crate::instructions::{INSTRUCTIONS, LOADS};
use crate::random::Random;
use std::fmt::Write;

const TYPES: [&str; 5] = ["i32", "i64", "f32", "f64", "v128"];

/// The number of locals of each type, besides params.
const LOCALS: u64 = 2;

/// A function's type.
struct Func {
    params: Vec<usize>,
    results: Vec<usize>,
}

struct Generator<'r> {
    random: &'r mut Random,
    tail_calls: bool,
    funcs: Vec<Func>,
    /// What exceptions with each tag carry.
    tags: Vec<Vec<usize>>,
    /// The function that is being generated, and its text.
    current: usize,
    text: String,
    /// The types that a branch to each label takes, innermost last.
    labels: Vec<Vec<usize>>,
    /// How much more may be generated.
    left: u64,
}

/// Generates a module in the text format.
pub(crate) fn program(random: &mut Random, tail_calls: bool) -> String {
    let funcs = 2 + random.below(5) as usize;
    let funcs = (0..funcs).map(|_| Func { params: types(random, 4), results: types(random, 4) }).collect();
    let tags = vec![Vec::new(), vec![0], types(random, 4)];
    let mut g = Generator {
        random,
        tail_calls,
        funcs,
        tags,
        current: 0,
        text: String::new(),
        labels: Vec::new(),
        left: 0,
    };
    let mut text = String::from(
        r#"(module
            (import "host" "call" (func $host (param i32) (result i32)))
            (memory (export "memory") 1 3)
            (table (export "table") 8 12 funcref)
            (global $left (export "left") (mut i32) (i32.const 0))
            (global $g0 (export "g0") (mut i32) (i32.const 1))
            (global $g1 (export "g1") (mut i64) (i64.const 2))
            (global $g2 (export "g2") (mut f32) (f32.const 3))
            (global $g3 (export "g3") (mut f64) (f64.const 4))
            (global $g4 (export "g4") (mut v128) (v128.const i64x2 5 6))
            "#,
    );
    for (i, tag) in g.tags.iter().enumerate() {
        writeln!(text, "(tag $x{i} (param{}))", names(tag)).expect("a string");
    }
    for i in 0..g.funcs.len() {
        let (params, results) = (names(&g.funcs[i].params), names(&g.funcs[i].results));
        writeln!(text, "(type $t{i} (func (param{params}) (result{results})))").expect("a string");
    }
    for i in 0..g.funcs.len() {
        let body = g.func(i);
        writeln!(text, "(func $f{i} (export \"f{i}\") (type $t{i}) {body})").expect("a string");
    }
    let elements: String = (0..g.funcs.len()).map(|i| format!(" $f{i}")).collect();
    writeln!(text, "(elem (i32.const 0) func{elements} $host))").expect("a string");
    text
}

fn types(random: &mut Random, most: u64) -> Vec<usize> {
    (0..random.below(most)).map(|_| random.below(TYPES.len() as u64) as usize).collect()
}

fn names(types: &[usize]) -> String {
    types.iter().map(|ty| format!(" {}", TYPES[*ty])).collect()
}

impl Generator<'_> {
    fn say(&mut self, text: &str) {
        self.text += text;
        self.text += "\n";
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random.below(n)
    }

    fn func(&mut self, index: usize) -> String {
        self.current = index;
        self.text = String::new();
        self.left = 20 + self.below(120);
        let locals: String = TYPES.iter().map(|ty| format!(" {ty}").repeat(LOCALS as usize)).collect();
        self.say(&format!("(local{locals} i32 exnref)"));
        let results = self.funcs[index].results.clone();
        self.labels = vec![results.clone()];
        self.pay();
        self.statements(4);
        self.values(&results);
        std::mem::take(&mut self.text)
    }

    /// Emits code that takes a unit, or returns if none is left.
    fn pay(&mut self) {
        self.say("global.get $left i32.eqz if");
        let results = self.funcs[self.current].results.clone();
        self.values(&results);
        self.say("return end global.get $left i32.const 1 i32.sub global.set $left");
    }

    fn statements(&mut self, depth: u64) {
        for _ in 0..1 + self.below(4) {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            self.statement(depth);
        }
    }

    /// Emits a statement, which leaves the operand stack unchanged.
    fn statement(&mut self, depth: u64) {
        let nested = if depth > 0 { 9 } else { 0 };
        match self.below(nested + 11) {
            0 => {
                let ty = self.below(5) as usize;
                self.value(ty, 2);
                self.say(&format!("global.set $g{ty}"));
            }
            1 => {
                let ty = self.below(5) as usize;
                self.address();
                self.value(ty, 2);
                let store =
                    ["i32.store16", "i64.store offset=8", "f32.store", "f64.store offset=3", "v128.store"]
                        [ty];
                self.say(store);
            }
            2 => self.call(),
            3 => self.branch_if(),
            4 => self.bulk(),
            5 => {
                self.value(0, 1);
                self.say("call $host drop");
            }
            6..10 => {
                let ty = self.below(5) as usize;
                self.value(ty, 3);
                self.set(ty);
            }
            10 => self.throw(),
            11 | 12 => self.repeat(depth),
            13 => self.try_table(depth),
            14 => self.try_before(depth),
            15 => self.protect(depth),
            16 => {
                // Operands that wait.
                let types = types(self.random, 4);
                self.values(&types);
                self.statements(depth - 1);
                types.iter().rev().for_each(|ty| self.set(*ty));
            }
            17 => {
                let (params, results) = (types(self.random, 3), types(self.random, 3));
                self.values(&params);
                self.say(&format!("block (param{}) (result{})", names(&params), names(&results)));
                self.inside(&results, |g| {
                    params.iter().rev().for_each(|ty| g.set(*ty));
                    g.statements(depth - 1);
                    g.switch();
                    g.values(&results);
                });
                results.iter().rev().for_each(|ty| self.set(*ty));
            }
            _ => {
                let (params, results) = (types(self.random, 3), types(self.random, 3));
                self.values(&params);
                self.value(0, 2);
                self.say(&format!("if (param{}) (result{})", names(&params), names(&results)));
                for arm in ["else", ""] {
                    self.inside(&results, |g| {
                        params.iter().rev().for_each(|ty| g.set(*ty));
                        g.statements(depth - 1);
                        g.values(&results);
                    });
                    if !arm.is_empty() {
                        // `inside` has ended the block.
                        self.text.truncate(self.text.len() - "end\n".len());
                        self.say(arm);
                    }
                }
                results.iter().rev().for_each(|ty| self.set(*ty));
            }
        }
    }

    /// Emits a throw, on some condition.
    fn throw(&mut self) {
        let mask = [1, 3, 15][self.below(3) as usize];
        self.value(0, 1);
        self.say(&format!("i32.const {mask} i32.and i32.eqz if"));
        if self.below(4) == 0 {
            let exception = self.exception();
            self.say(&format!(
                "local.get {exception} ref.is_null i32.eqz if local.get {exception} throw_ref end end"
            ));
            return;
        }
        let tag = self.below(3) as usize;
        let values = self.tags[tag].clone();
        self.values(&values);
        self.say(&format!("throw $x{tag} end"));
    }

    /// The local for references to exceptions.
    fn exception(&self) -> u64 {
        self.funcs[self.current].params.len() as u64 + LOCALS * 5 + 1
    }

    /// Emits a block that catches, and goes on behind it with what the exception carries.
    fn try_table(&mut self, depth: u64) {
        let tag = self.below(4) as usize;
        let mut label = self.tags.get(tag).cloned().unwrap_or_default();
        let refers = self.below(2) == 0;
        let exception = self.exception();
        let what = match (tag, refers) {
            (3, false) => "catch_all".to_owned(),
            (3, true) => "catch_all_ref".to_owned(),
            (tag, false) => format!("catch $x{tag}"),
            (tag, true) => format!("catch_ref $x{tag}"),
        };
        let reference = if refers { " exnref" } else { "" };
        self.say(&format!("block (result{}{reference})", names(&label)));
        // No branch can have this label, whose types may have a reference.
        self.labels.push(vec![usize::MAX]);
        self.say(&format!("try_table ({what} 0)"));
        self.inside(&[], |g| g.statements(depth - 1));
        self.labels.pop();
        self.values(&label);
        if refers {
            self.say(&format!("local.get {exception}"));
        }
        self.say("end");
        if refers {
            self.say(&format!("local.set {exception}"));
        }
        while let Some(ty) = label.pop() {
            self.set(ty);
        }
    }

    /// Emits a block whose clauses go to any labels that take what they give.
    fn protect(&mut self, depth: u64) {
        let mut clauses = String::new();
        for _ in 0..1 + self.below(2) {
            let tag = self.below(4) as usize;
            let wanted = self.tags.get(tag).cloned().unwrap_or_default();
            let from = self.below(self.labels.len() as u64) as usize;
            let to = (from..self.labels.len()).find(|to| self.labels[self.labels.len() - 1 - to] == wanted);
            match to {
                Some(to) if tag == 3 => write!(clauses, "(catch_all {to})").expect("a string"),
                Some(to) => write!(clauses, "(catch $x{tag} {to})").expect("a string"),
                None => {}
            }
        }
        self.say(&format!("try_table {clauses}"));
        self.inside(&[], |g| g.statements(depth - 1));
    }

    /// Emits a block that catches, as it was before the standard.
    fn try_before(&mut self, depth: u64) {
        if self.below(4) == 0 {
            self.say("try");
            self.inside(&[], |g| g.statements(depth - 1));
            self.text.truncate(self.text.len() - "end\n".len());
            let to = self.below(self.labels.len() as u64);
            self.say(&format!("delegate {to}"));
            return;
        }
        let results = types(self.random, 3);
        self.say(&format!("try (result{})", names(&results)));
        self.labels.push(results.clone());
        self.statements(depth - 1);
        self.values(&results);
        for tag in 0..4 {
            if self.below(2) == 0 {
                continue;
            }
            let values = self.tags.get(tag).cloned().unwrap_or_default();
            self.say(&if tag == 3 { "catch_all".to_owned() } else { format!("catch $x{tag}") });
            values.iter().rev().for_each(|ty| self.set(*ty));
            self.statements(depth - 1);
            if self.below(3) == 0 {
                self.value(0, 1);
                self.say("i32.const 3 i32.and i32.eqz if rethrow 1 end");
            }
            self.values(&results);
        }
        self.labels.pop();
        self.say("end");
        results.iter().rev().for_each(|ty| self.set(*ty));
    }

    /// Writes a block's contents and its end.
    fn inside(&mut self, label: &[usize], contents: impl FnOnce(&mut Self)) {
        self.labels.push(label.to_vec());
        contents(self);
        self.labels.pop();
        self.say("end");
    }

    /// Emits a loop that iterates some times.
    fn repeat(&mut self, depth: u64) {
        let params = types(self.random, 4);
        let times = 1 + self.below(30);
        // Nested loops share the counter: some iterate until no unit is left.
        let counter = self.funcs[self.current].params.len() as u64 + LOCALS * 5;
        if self.below(3) > 0 {
            self.say(&format!("i32.const 0 local.set {counter}"));
        }
        self.values(&params);
        self.say(&format!("loop (param{0}) (result{0})", names(&params)));
        self.inside(&params, |g| {
            params.iter().rev().for_each(|ty| g.set(*ty));
            g.pay();
            g.statements(depth - 1);
            g.values(&params);
            g.say(&format!("local.get {counter} i32.const 1 i32.add local.tee {counter} i32.const {times} i32.lt_u br_if 0"));
        });
        params.iter().rev().for_each(|ty| self.set(*ty));
    }

    fn branch_if(&mut self) {
        let depth = self.below(self.labels.len() as u64) as usize;
        let label = self.labels[self.labels.len() - 1 - depth].clone();
        if label.contains(&usize::MAX) {
            return;
        }
        self.values(&label);
        self.value(0, 2);
        self.say(&format!("br_if {depth}"));
        label.iter().for_each(|_| self.say("drop"));
    }

    /// Emits a `br_table` to labels that take no values.
    fn switch(&mut self) {
        let depths: Vec<usize> = (0..self.labels.len())
            .filter(|depth| self.labels[self.labels.len() - 1 - depth].is_empty())
            .collect();
        if depths.is_empty() || self.below(3) > 0 {
            return;
        }
        self.say("block");
        self.value(0, 2);
        self.say("i32.const 7 i32.and br_table");
        for _ in 0..1 + self.below(7) {
            let depth = depths[self.below(depths.len() as u64) as usize];
            self.say(&format!("{}", depth + 1));
        }
        self.say("0 end");
    }

    fn call(&mut self) {
        let callee = self.below(self.funcs.len() as u64) as usize;
        let (params, results) = (self.funcs[callee].params.clone(), self.funcs[callee].results.clone());
        let tail = self.tail_calls && results == self.funcs[self.current].results && self.below(4) == 0;
        if tail {
            self.value(0, 2);
            self.say("if");
        }
        self.values(&params);
        let way = if tail { "return_call" } else { "call" };
        if self.below(2) == 0 {
            self.say(&format!("{way} $f{callee}"));
        } else {
            // Occasionally another element, or none.
            let element = if self.below(12) == 0 { self.below(10) } else { callee as u64 };
            self.say(&format!("i32.const {element} {way}_indirect (type $t{callee})"));
        }
        if tail {
            self.say("end");
        } else {
            results.iter().rev().for_each(|ty| self.set(*ty));
        }
    }

    fn bulk(&mut self) {
        self.address();
        match self.below(4) {
            0 => self.say("i32.const 77 i32.const 100 memory.fill"),
            1 => self.say("i32.const 2000 i32.const 70 memory.copy"),
            2 => self.say("drop i32.const 1 memory.grow global.set $g0"),
            _ => self.say("drop i32.const 1 table.get i32.const 2 table.grow drop"),
        }
    }

    /// Emits an address that is mostly in bounds.
    fn address(&mut self) {
        self.value(0, 1);
        if self.below(30) > 0 {
            self.say("i32.const 0xfff0 i32.and");
        }
    }

    fn values(&mut self, types: &[usize]) {
        types.iter().for_each(|ty| self.value(*ty, 1));
    }

    /// Picks a local of a type: the first are the params.
    fn local(&mut self, ty: usize) -> u64 {
        let params = &self.funcs[self.current].params;
        let fitting: Vec<u64> = (0..params.len()).filter(|i| params[*i] == ty).map(|i| i as u64).collect();
        let own = params.len() as u64 + ty as u64 * LOCALS;
        let i = self.below(LOCALS + fitting.len() as u64);
        if i < LOCALS { own + i } else { fitting[(i - LOCALS) as usize] }
    }

    fn set(&mut self, ty: usize) {
        let local = self.local(ty);
        self.say(&format!("local.set {local}"));
    }

    /// Emits a value that takes no operands.
    fn leaf(&mut self, ty: usize) {
        match self.below(4) {
            0 => self.say(&format!("global.get $g{ty}")),
            1 => {
                let n = self.below(300);
                let text = if ty == 4 {
                    format!("v128.const i32x4 {n} 1 -1 {n}")
                } else {
                    format!("{}.const {n}", TYPES[ty])
                };
                self.say(&text);
            }
            _ => {
                let local = self.local(ty);
                self.say(&format!("local.get {local}"));
            }
        }
    }

    /// Emits a value whose operands are nested at most `depth` times.
    fn value(&mut self, ty: usize, depth: u64) {
        if depth == 0 || self.below(4) == 0 {
            return self.leaf(ty);
        }
        if self.below(7) == 0 {
            self.address();
            self.say(LOADS[ty]);
            return;
        }
        let (operands, instruction) = INSTRUCTIONS[ty][self.below(INSTRUCTIONS[ty].len() as u64) as usize];
        if instruction.contains("rem_u") {
            // A divisor that isn't zero.
            self.value(0, depth - 1);
        }
        operands.iter().for_each(|operand| self.value(*operand, depth - 1));
        self.say(instruction);
    }
}
