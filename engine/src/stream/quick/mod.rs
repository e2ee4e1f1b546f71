//! A quick check of function bodies.
//!
//! It knows the instructions that compilers mostly use, in the binary form that they mostly give them, and says of a
//! body that it is valid, or says nothing. Bodies of which it says nothing are shown to wasmparser, which also has the
//! error messages. So it may be ignorant, but it must never call a body valid that wasmparser refuses:
//! `quick/tests.rs` compares the two.
//!
//! The algorithm is that of the specification's appendix ("Validation Algorithm").

mod control;
mod signatures;
#[cfg(test)]
mod tests;

use crate::memory::limits::{Limits, MAX_CONTROL_DEPTH, MAX_LOCALS, MAX_OPERANDS};
use crate::memory::{Budget, Buf, Kind};
use crate::module::ModuleInner;
use crate::module::estimate::BodyStats;
use crate::module::features::{Feature, Features};
use crate::module::opcode::*;
use crate::module::types::{Mutability, PlainType, RefType};
use control::{BlockType, Frame, FrameKind};
use signatures::{SATURATING, SIGNATURES, Signature, access, value_type};

/// What it takes for granted. The instructions of other proposals it doesn't know; of vectors, it knows the type.
const FEATURES: [Feature; 5] = [
    Feature::SignExtension,
    Feature::SaturatingConversions,
    Feature::MultiValue,
    Feature::BulkMemory,
    Feature::ReferenceTypes,
];

/// The stacks of the check, kept from one body to the next.
#[derive(Debug)]
pub(super) struct QuickCheck {
    enabled: bool,
    vectors: bool,
    operands: Buf<PlainType>,
    /// The open blocks but the innermost one.
    outer: Buf<Frame>,
    locals: Buf<PlainType>,
}

impl QuickCheck {
    pub(super) fn new(features: Features, budget: &Budget) -> QuickCheck {
        QuickCheck {
            enabled: FEATURES.into_iter().all(|feature| features.has(feature)),
            vectors: features.has(Feature::Simd),
            operands: Buf::new(budget, Kind::Metadata),
            outer: Buf::new(budget, Kind::Metadata),
            locals: Buf::new(budget, Kind::Metadata),
        }
    }

    /// What validation would see in the body of function `func`, if it is sure to be valid and within the limits.
    pub(super) fn body(
        &mut self,
        module: &ModuleInner,
        func: u32,
        bytes: &[u8],
        limits: &Limits,
    ) -> Option<BodyStats> {
        if !self.enabled {
            return None;
        }
        self.operands.clear();
        self.outer.clear();
        self.locals.clear();
        let ty = *module.funcs.get(func as usize)?;
        let mut body = Body {
            module,
            limits,
            bytes,
            at: 0,
            results: module.types[ty as usize].plain_results()?,
            address: index_type(module.memories.first().is_some_and(|memory| memory.is_64)),
            frame: Frame::new(FrameKind::Block, BlockType::Type(ty), 0),
            stacks: self,
            most_operands: 0,
            most_blocks: 1,
            instructions: 0,
        };
        body.declare_locals(module.types[ty as usize].plain_params()?)?;
        body.instructions()?;
        Some(BodyStats {
            locals: body.stacks.locals.len() as u32,
            max_operands: body.most_operands,
            max_control_depth: body.most_blocks,
            instructions: body.instructions,
            catches: 0,
        })
    }
}

/// The type of the indices of a memory or a table.
fn index_type(is_64: bool) -> PlainType {
    if is_64 { PlainType::I64 } else { PlainType::I32 }
}

/// A body that is being checked. Its methods give `None` where the check can't tell.
struct Body<'a> {
    module: &'a ModuleInner,
    limits: &'a Limits,
    bytes: &'a [u8],
    at: usize,
    /// What the function gives.
    results: &'a [PlainType],
    /// The type of memory 0's addresses, if there is one.
    address: PlainType,
    /// The innermost block.
    frame: Frame,
    stacks: &'a mut QuickCheck,
    most_operands: u32,
    most_blocks: u32,
    instructions: u32,
}

impl<'a> Body<'a> {
    fn declare_locals(&mut self, params: &[PlainType]) -> Option<()> {
        self.stacks.locals.try_extend_from_slice(params).ok()?;
        for _ in 0..self.number()? {
            let (count, byte) = (self.number()?, self.byte()?);
            let ty = value_type(byte, self.stacks.vectors)?;
            let all = (self.stacks.locals.len() as u32).checked_add(count)?;
            if all > self.limits.locals.min(MAX_LOCALS) {
                return None;
            }
            self.stacks.locals.try_resize(all as usize, ty).ok()?;
        }
        (self.stacks.locals.len() <= self.limits.locals.min(MAX_LOCALS) as usize).then_some(())
    }

    /// Checks all instructions, to the `end` of the body, behind which there must be nothing.
    fn instructions(&mut self) -> Option<()> {
        loop {
            let opcode = self.byte()?;
            self.instructions += 1;
            match opcode {
                LOCAL_GET => {
                    let ty = self.local()?;
                    self.push(ty)?;
                }
                LOCAL_SET => {
                    let ty = self.local()?;
                    self.pop(ty)?;
                }
                LOCAL_TEE => {
                    let ty = self.local()?;
                    self.pop(ty)?;
                    self.push(ty)?;
                }
                I32_CONST => {
                    self.skip_signed::<5>()?;
                    self.push(PlainType::I32)?;
                }
                END => {
                    if self.end()? {
                        return (self.at == self.bytes.len()).then_some(());
                    }
                }
                I32_LOAD..=I64_STORE32 => self.memory_access(opcode)?,
                I32_EQZ..=I64_EXTEND32_S => self.compute(SIGNATURES[usize::from(opcode - I32_EQZ)])?,
                _ => self.other(opcode)?,
            }
        }
    }

    fn other(&mut self, opcode: u8) -> Option<()> {
        match opcode {
            UNREACHABLE => self.leave(),
            NOP => {}
            BLOCK => self.begin(FrameKind::Block)?,
            LOOP => self.begin(FrameKind::Loop)?,
            IF => self.begin(FrameKind::If)?,
            ELSE => self.begin_else()?,
            BR => {
                let depth = self.number()?;
                self.branch(depth)?;
            }
            BR_IF => self.branch_if()?,
            BR_TABLE => self.branch_table()?,
            RETURN => {
                self.pop_all(self.results)?;
                self.leave();
            }
            CALL => {
                let func = self.number()?;
                self.call(*self.module.funcs.get(func as usize)?)?;
            }
            CALL_INDIRECT => {
                let (ty, table) = (self.number()?, self.number()?);
                let table = self.module.tables.get(table as usize)?.ty;
                if table.element() != RefType::FUNCREF {
                    return None;
                }
                self.pop(index_type(table.is_64))?;
                self.call(ty)?;
            }
            DROP => self.pop_any()?,
            SELECT => self.select()?,
            GLOBAL_GET => {
                let global = self.number()?;
                self.push(self.module.globals.get(global as usize)?.ty.content.plain()?)?;
            }
            GLOBAL_SET => {
                let global = self.number()?;
                let ty = self.module.globals.get(global as usize)?.ty;
                if ty.mutability != Mutability::Var {
                    return None;
                }
                self.pop(ty.content.plain()?)?;
            }
            MEMORY_SIZE => {
                self.memory_0()?;
                self.push(self.address)?;
            }
            MEMORY_GROW => {
                self.memory_0()?;
                self.pop(self.address)?;
                self.push(self.address)?;
            }
            I64_CONST => {
                self.skip_signed::<10>()?;
                self.push(PlainType::I64)?;
            }
            F32_CONST => {
                self.skip(4)?;
                self.push(PlainType::F32)?;
            }
            F64_CONST => {
                self.skip(8)?;
                self.push(PlainType::F64)?;
            }
            PREFIX_FC => self.prefixed()?,
            _ => return None,
        }
        Some(())
    }

    /// Conversions that saturate, `memory.copy` and `memory.fill`.
    fn prefixed(&mut self) -> Option<()> {
        let opcode = self.byte()?;
        if let Some(signature) = SATURATING.get(usize::from(opcode)) {
            return self.compute(*signature);
        }
        match opcode {
            MEMORY_COPY => {
                self.memory_0()?;
                self.memory_0()?;
                self.pop_all(&[self.address; 3])
            }
            MEMORY_FILL => {
                self.memory_0()?;
                self.pop_all(&[self.address, PlainType::I32, self.address])
            }
            _ => None,
        }
    }

    fn compute(&mut self, Signature { operands, from, to }: Signature) -> Option<()> {
        let stack = &mut self.stacks.operands;
        let count = usize::from(operands);
        if let Some(rest) = stack.len().checked_sub(count)
            && rest >= self.frame.height as usize
            && stack[rest..].iter().all(|ty| *ty == from)
        {
            stack[rest] = to;
            stack.truncate(rest + 1);
            return Some(());
        }
        for _ in 0..operands {
            self.pop(from)?;
        }
        self.push(to)
    }

    fn memory_access(&mut self, opcode: u8) -> Option<()> {
        let access = access(opcode);
        // A larger exponent is an error, or says that a memory's index follows.
        if self.byte()? > access.align || self.module.memories.is_empty() {
            return None;
        }
        self.number()?;
        if access.stores {
            self.pop(access.ty)?;
            self.pop(self.address)
        } else {
            self.compute(Signature { operands: 1, from: self.address, to: access.ty })
        }
    }

    fn select(&mut self) -> Option<()> {
        self.pop(PlainType::I32)?;
        let stack = &mut self.stacks.operands;
        let [.., a, b] = stack[self.frame.height as usize..] else { return None };
        if a != b || a.is_ref() {
            return None;
        }
        stack.pop();
        Some(())
    }

    fn local(&mut self) -> Option<PlainType> {
        let local = self.number()?;
        self.stacks.locals.get(local as usize).copied()
    }

    /// The index of memory 0, which there must be.
    fn memory_0(&mut self) -> Option<()> {
        (self.byte()? == 0 && !self.module.memories.is_empty()).then_some(())
    }

    #[inline]
    fn push(&mut self, ty: PlainType) -> Option<()> {
        self.stacks.operands.try_push(ty).ok()?;
        let height = self.stacks.operands.len() as u32;
        if height > self.most_operands {
            self.most_operands = height;
            return (height <= MAX_OPERANDS).then_some(());
        }
        Some(())
    }

    fn push_all(&mut self, types: &[PlainType]) -> Option<()> {
        types.iter().try_for_each(|ty| self.push(*ty))
    }

    #[inline]
    fn pop(&mut self, ty: PlainType) -> Option<()> {
        let stack = &mut self.stacks.operands;
        if stack.len() > self.frame.height as usize {
            return (stack.pop() == Some(ty)).then_some(());
        }
        // Behind a branch, the stack holds whatever is asked for.
        self.frame.unreachable.then_some(())
    }

    fn pop_all(&mut self, types: &[PlainType]) -> Option<()> {
        types.iter().rev().try_for_each(|ty| self.pop(*ty))
    }

    fn pop_any(&mut self) -> Option<()> {
        if self.stacks.operands.len() > self.frame.height as usize {
            self.stacks.operands.pop();
            return Some(());
        }
        self.frame.unreachable.then_some(())
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    /// An unsigned LEB128 number.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let byte = self.byte()?;
        if byte < 0x80 { Some(byte.into()) } else { self.long_number(byte & 0x7f) }
    }

    fn long_number(&mut self, first: u8) -> Option<u32> {
        let mut value = u32::from(first);
        for shift in [7, 14, 21] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        let last = self.byte()?;
        (last < 0x10).then(|| value | u32::from(last) << 28)
    }

    /// A signed LEB128 number of at most `MOST` bytes, the last of which has room for 4 bits of an `i32` (of 5 bytes), or
    /// for 1 bit of an `i64` (of 10).
    #[inline]
    fn skip_signed<const MOST: usize>(&mut self) -> Option<()> {
        for _ in 1..MOST {
            if self.byte()? < 0x80 {
                return Some(());
            }
        }
        // Of a full last byte, the bits beyond the value repeat its sign.
        let signs = if MOST == 5 { 0x78 } else { 0x7f };
        let last = self.byte()?;
        (last < 0x80 && (last & signs == 0 || last & signs == signs)).then_some(())
    }

    fn blocks_allowed(&self) -> u32 {
        self.limits.nesting.min(MAX_CONTROL_DEPTH)
    }
}
