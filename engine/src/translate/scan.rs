//! Reads a body for its control flow alone. That takes a small part of what translating it does.

use super::error::Error;
use crate::module::opcode::*;
use crate::module::operators;
use wasmparser::BinaryReader;

/// An instruction of control flow.
#[derive(Clone, Copy)]
pub(super) enum Control<'a> {
    Block,
    Loop,
    If,
    Else,
    Try,
    /// With so many clauses, which the reader is in front of.
    TryTable(u32, Scanner<'a>),
    /// `catch` or `catch_all`.
    Catch,
    End,
    /// `throw`, `throw_ref` or `rethrow`.
    Throw,
    Br(u32),
    BrIf(u32),
    /// With so many labels, the default one counted, which the reader is in front of.
    BrTable(u32, Scanner<'a>),
    Return,
    ReturnCall,
    Unreachable,
}

/// What follows an opcode, as far as it is to be skipped.
#[derive(Clone, Copy)]
enum Shape {
    Nothing,
    Number,
    /// An alignment and an offset.
    Access,
    /// Nothing, and it costs nothing: it makes no machine code, so other engines charge nothing for it either.
    Free,
    Control,
    /// Anything that is rare.
    Other,
}

const SHAPES: [Shape; 256] = {
    let mut shapes = [Shape::Other; 256];
    let mut opcode = 0;
    while opcode < 256 {
        shapes[opcode] = match opcode as u8 {
            NOP | DROP => Shape::Free,
            UNREACHABLE
            | BLOCK..=RETURN
            | DELEGATE
            | CATCH_ALL
            | TRY_TABLE
            | RETURN_CALL
            | RETURN_CALL_INDIRECT
            | RETURN_CALL_REF
            | BR_ON_NULL
            | BR_ON_NON_NULL => Shape::Control,
            CALL | LOCAL_GET..=GLOBAL_SET | MEMORY_SIZE | MEMORY_GROW | I32_CONST | I64_CONST => {
                Shape::Number
            }
            I32_LOAD..=I64_STORE32 => Shape::Access,
            SELECT | I32_EQZ..=I64_EXTEND32_S => Shape::Nothing,
            _ => Shape::Other,
        };
        opcode += 1;
    }
    shapes
};

/// A place in a body that was validated once. Of any other body, this reads something, or fails at its end.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

/// The byte at `at`. Beyond the end there are zeros, so that only the end has to be checked.
#[inline(always)]
fn byte(body: &[u8], at: usize) -> u8 {
    body.get(at).copied().unwrap_or(0)
}

/// Where the number that begins at `at` ends.
#[inline(always)]
fn behind(body: &[u8], mut at: usize) -> usize {
    while byte(body, at) >= 0x80 {
        at += 1;
    }
    at + 1
}

/// Where the alignment at `at`, and the memory's index if there is one, end.
#[cold]
fn behind_memory(body: &[u8], at: usize) -> usize {
    let end = behind(body, at);
    if byte(body, at) & MEMORY_FOLLOWS != 0 { behind(body, end) } else { end }
}

impl<'a> Scanner<'a> {
    /// Reads `body` from byte `at` on.
    pub(super) fn new(body: &'a [u8], at: usize) -> Self {
        Self { body, at }
    }

    /// How many instructions before the next one of control flow cost something, where that is, and what it is.
    #[inline(always)]
    pub(super) fn next_control(&mut self) -> Result<Option<(u32, usize, Control<'a>)>, Error> {
        let (body, mut at, mut plain) = (self.body, self.at, 0);
        while let Some(&opcode) = body.get(at) {
            match SHAPES[opcode as usize] {
                Shape::Nothing => {
                    plain += 1;
                    at += 1;
                }
                Shape::Number => {
                    plain += 1;
                    at += 2;
                    // Most have one byte.
                    if byte(body, at - 1) >= 0x80 {
                        at = behind(body, at);
                    }
                }
                Shape::Access => {
                    plain += 1;
                    at += 2;
                    if byte(body, at - 1) >= MEMORY_FOLLOWS {
                        at = behind_memory(body, at - 1);
                    }
                    at = behind(body, at);
                }
                Shape::Free => at += 1,
                Shape::Control => {
                    self.at = at + 1;
                    return Ok(Some((plain, at, self.control(opcode))));
                }
                Shape::Other => {
                    self.at = at;
                    self.other()?;
                    at = self.at;
                    plain += 1;
                }
            }
        }
        if at == body.len() { Ok(None) } else { Err(Error::changed()) }
    }

    #[inline(always)]
    fn control(&mut self, opcode: u8) -> Control<'a> {
        match opcode {
            UNREACHABLE => Control::Unreachable,
            BLOCK | LOOP | IF | TRY => {
                // Each type that a block can have is one number, or a reference's type with another one.
                if matches!(byte(self.body, self.at), REF_NULL_TYPE | REF_TYPE) {
                    self.skip();
                }
                self.skip();
                match opcode {
                    BLOCK => Control::Block,
                    LOOP => Control::Loop,
                    TRY => Control::Try,
                    _ => Control::If,
                }
            }
            ELSE => Control::Else,
            TRY_TABLE => {
                self.skip();
                let clauses = self.number().min(self.body.len() as u32);
                let table = *self;
                for _ in 0..clauses {
                    self.clause();
                }
                Control::TryTable(clauses, table)
            }
            CATCH => {
                self.skip();
                Control::Catch
            }
            CATCH_ALL => Control::Catch,
            THROW | RETHROW => {
                self.skip();
                Control::Throw
            }
            THROW_REF => Control::Throw,
            DELEGATE => {
                self.skip();
                Control::End
            }
            END => Control::End,
            BR => Control::Br(self.number()),
            BR_IF | BR_ON_NULL | BR_ON_NON_NULL => Control::BrIf(self.number()),
            BR_TABLE => {
                // In a body that isn't the one that was validated, there may be fewer than it says.
                let labels = self.number().min(self.body.len() as u32) + 1;
                let table = *self;
                for _ in 0..labels {
                    self.skip();
                }
                Control::BrTable(labels, table)
            }
            RETURN => Control::Return,
            _ => {
                self.skip();
                if opcode == RETURN_CALL_INDIRECT {
                    self.skip();
                }
                Control::ReturnCall
            }
        }
    }

    fn other(&mut self) -> Result<(), Error> {
        let mut reader = BinaryReader::new(&self.body[self.at..], 0);
        operators::read(&mut reader).map_err(|_| Error::changed())?;
        self.at += reader.current_position();
        Ok(())
    }

    /// Reads a clause of a `try_table`, and gives its label.
    pub(super) fn clause(&mut self) -> u32 {
        if self.number() < 2 {
            self.skip();
        }
        self.number()
    }

    fn skip(&mut self) {
        self.at = behind(self.body, self.at);
    }

    /// Reads an unsigned number in LEB128.
    pub(super) fn number(&mut self) -> u32 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = byte(self.body, self.at);
            self.at += 1;
            number |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use wasmparser::{Catch, Operator};

    /// A description of what `next_control` gives, made with wasmparser's reader alone.
    fn read(body: &[u8]) -> Vec<(u32, usize, String)> {
        let mut reader = BinaryReader::new(body, 0);
        let (mut plain, mut found) = (0, Vec::new());
        while !reader.eof() {
            let at = reader.current_position();
            let operator = operators::read(&mut reader).unwrap();
            let name = match &operator {
                Operator::Nop | Operator::Drop => continue,
                Operator::Block { .. } => "block".into(),
                Operator::Loop { .. } => "loop".into(),
                Operator::If { .. } => "if".into(),
                Operator::Else => "else".into(),
                Operator::Try { .. } => "try".into(),
                Operator::TryTable { try_table } => {
                    let labels = try_table.catches.iter().map(|catch| match *catch {
                        Catch::One { label, .. } | Catch::OneRef { label, .. } => label,
                        Catch::All { label } | Catch::AllRef { label } => label,
                    });
                    format!("try_table {:?}", labels.collect::<Vec<_>>())
                }
                Operator::Catch { .. } | Operator::CatchAll => "catch".into(),
                Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. } => "throw".into(),
                Operator::Delegate { .. } | Operator::End => "end".into(),
                Operator::Br { relative_depth } => format!("br {relative_depth}"),
                Operator::BrIf { relative_depth }
                | Operator::BrOnNull { relative_depth }
                | Operator::BrOnNonNull { relative_depth } => format!("br_if {relative_depth}"),
                Operator::BrTable { targets } => {
                    let labels = targets.targets().map(Result::unwrap).chain([targets.default()]);
                    format!("br_table {:?}", labels.collect::<Vec<_>>())
                }
                Operator::Return => "return".into(),
                Operator::ReturnCall { .. }
                | Operator::ReturnCallIndirect { .. }
                | Operator::ReturnCallRef { .. } => "return_call".into(),
                Operator::Unreachable => "unreachable".into(),
                _ => {
                    plain += 1;
                    continue;
                }
            };
            found.push((core::mem::take(&mut plain), at, name));
        }
        found
    }

    fn scan(body: &[u8]) -> Result<Vec<(u32, usize, String)>, Error> {
        let (mut scanner, mut found) = (Scanner::new(body, 0), Vec::new());
        while let Some((plain, at, control)) = scanner.next_control()? {
            let name = match control {
                Control::Block => "block".into(),
                Control::Loop => "loop".into(),
                Control::If => "if".into(),
                Control::Else => "else".into(),
                Control::Try => "try".into(),
                Control::TryTable(clauses, mut table) => {
                    format!("try_table {:?}", (0..clauses).map(|_| table.clause()).collect::<Vec<_>>())
                }
                Control::Catch => "catch".into(),
                Control::Throw => "throw".into(),
                Control::End => "end".into(),
                Control::Br(depth) => format!("br {depth}"),
                Control::BrIf(depth) => format!("br_if {depth}"),
                Control::BrTable(labels, mut table) => {
                    format!("br_table {:?}", (0..labels).map(|_| table.number()).collect::<Vec<_>>())
                }
                Control::Return => "return".into(),
                Control::ReturnCall => "return_call".into(),
                Control::Unreachable => "unreachable".into(),
            };
            found.push((plain, at, name));
        }
        Ok(found)
    }

    /// Instructions of every shape, with numbers of one byte and of several.
    const INSTRUCTIONS: &[&[u8]] = &[
        &[0x01],
        &[0x02, 0x40],
        &[0x02, 0x81, 0x01],
        &[0x03, 0x7f],
        &[0x04, 0x7b],
        &[0x02, 0x63, 0x85, 0x01],
        &[0x03, 0x64, 0x70],
        &[0x14, 0x81, 0x01],
        &[0x15, 0x02],
        &[0xd4],
        &[0xd5, 0x01],
        &[0xd6, 0x82, 0x00],
        &[0x05],
        &[0x06, 0x40],
        &[0x07, 0x81, 0x00],
        &[0x08, 0x03],
        &[0x09, 0x01],
        &[0x0a],
        &[0x18, 0x82, 0x01],
        &[0x19],
        &[0x1f, 0x40, 0x00],
        &[0x1f, 0x7f, 0x04, 0x00, 0x81, 0x01, 0x02, 0x01, 0x00, 0x85, 0x00, 0x02, 0x83, 0x01, 0x03, 0x04],
        &[0x0b],
        &[0x0c, 0x02],
        &[0x0d, 0x83, 0x80, 0x00],
        &[0x0e, 0x00, 0x01],
        &[0x0e, 0x03, 0x00, 0x81, 0x00, 0x02, 0x85, 0x01],
        &[0x0f],
        &[0x00],
        &[0x10, 0xe5, 0x8e, 0x26],
        &[0x11, 0x01, 0x80, 0x00],
        &[0x12, 0x05],
        &[0x13, 0x85, 0x01, 0x00],
        &[0x1a],
        &[0x1b],
        &[0x1c, 0x01, 0x7f],
        &[0x20, 0x00],
        &[0x22, 0xff, 0x01],
        &[0x24, 0x03],
        &[0x25, 0x00],
        &[0x28, 0x02, 0x00],
        &[0x28, 0x82, 0x00, 0x80, 0x01],
        &[0x29, 0x42, 0x81, 0x00, 0x10],
        &[0x37, 0xc3, 0x00, 0x01, 0x90, 0x02],
        &[0x3f, 0x00],
        &[0x40, 0x81, 0x00],
        &[0x41, 0x7f],
        &[0x42, 0x80, 0x80, 0x80, 0x80, 0x10],
        &[0x43, 0x0b, 0x0b, 0x0b, 0x0b],
        &[0x44, 0x04, 0x04, 0x04, 0x04, 0x0b, 0x0b, 0x0b, 0x0b],
        &[0x45],
        &[0xc4],
        &[0xd0, 0x70],
        &[0xd1],
        &[0xd2, 0x07],
        &[0xfc, 0x0a, 0x00, 0x00],
        &[0xfc, 0x00],
        &[0xfd, 0x0b, 0x04, 0x0b],
    ];

    #[test]
    fn a_body_is_read_as_wasmparser_reads_it() {
        // Each instruction in front of each other one.
        let mut body = Vec::new();
        for first in INSTRUCTIONS {
            for second in INSTRUCTIONS {
                body.extend_from_slice(first);
                body.extend_from_slice(second);
            }
        }
        let Ok(found) = scan(&body) else { panic!("the budget is unbounded") };
        assert!(found.len() > INSTRUCTIONS.len() * 20 && found.iter().any(|(plain, ..)| *plain > 20));
        assert_eq!(found, read(&body));
    }

    #[test]
    fn what_is_cut_off_is_no_body() {
        for instruction in INSTRUCTIONS {
            for end in 1..instruction.len() {
                assert!(scan(&instruction[..end]).is_err(), "{:x?}", &instruction[..end]);
            }
        }
    }
}
