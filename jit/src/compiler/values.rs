//! The operand stack during translation.

use cranelift_codegen::ir::Value;
use std::ops::{Deref, DerefMut};

/// One SSA value an operand. Validation has made sure that whatever is popped is there.
#[derive(Default, Clone)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    pub(crate) fn push(&mut self, value: Value) {
        self.0.push(value);
    }

    pub(crate) fn pop(&mut self) -> Value {
        self.0.pop().expect("validated: there is an operand")
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
        *self.0.last().expect("validated: there is an operand")
    }

    /// The `n` topmost, in the order in which they were pushed.
    pub(crate) fn peekn(&self, n: usize) -> &[Value] {
        &self.0[self.0.len() - n..]
    }

    /// Drops the `n` topmost.
    pub(crate) fn popn(&mut self, n: usize) {
        self.0.truncate(self.0.len() - n);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl Deref for Values {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl DerefMut for Values {
    fn deref_mut(&mut self) -> &mut [Value] {
        &mut self.0
    }
}
