//! The operand stack during translation.

use cranelift_codegen::ir::Value;
use std::ops::{Deref, DerefMut};

/// One SSA value for each operand. Validation guarantees that a popped operand exists.
#[derive(Default)]
pub(crate) struct OperandStack {
    values: Vec<Value>,
    /// The number of slots of the operands below each operand, computed lazily.
    below: Vec<u32>,
}

impl OperandStack {
    pub(crate) fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    pub(crate) fn pop(&mut self) -> Value {
        let value = self.values.pop().expect("validated: there is an operand");
        self.below.truncate(self.values.len() + 1);
        value
    }

    /// The two topmost, in the order in which they were pushed.
    pub(crate) fn pop2(&mut self) -> (Value, Value) {
        let y = self.pop();
        (self.pop(), y)
    }

    /// The three topmost, in the order in which they were pushed.
    pub(crate) fn pop3(&mut self) -> (Value, Value, Value) {
        let (y, z) = self.pop2();
        (self.pop(), y, z)
    }

    pub(crate) fn peek(&self) -> Value {
        *self.values.last().expect("validated: there is an operand")
    }

    /// The `n` topmost, in the order in which they were pushed.
    pub(crate) fn peekn(&self, n: usize) -> &[Value] {
        &self.values[self.values.len() - n..]
    }

    /// Drops the `n` topmost.
    pub(crate) fn popn(&mut self, n: usize) {
        self.truncate(self.values.len() - n);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.below.truncate(len + 1);
    }

    /// Removes and returns the operands from the `len`th on.
    pub(crate) fn split_off(&mut self, len: usize) -> Vec<Value> {
        let above = self.values[len..].to_vec();
        self.truncate(len);
        above
    }

    /// The number of slots of the first `n` operands, each of which takes `slots_of`. It only visits operands that it
    /// hasn't counted yet.
    pub(crate) fn slots(&mut self, n: usize, slots_of: impl Fn(Value) -> u32) -> u32 {
        if self.below.is_empty() {
            self.below.push(0);
        }
        for i in self.below.len() - 1..n {
            self.below.push(self.below[i] + slots_of(self.values[i]));
        }
        self.below[n]
    }
}

impl Deref for OperandStack {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.values
    }
}

impl DerefMut for OperandStack {
    fn deref_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }
}
