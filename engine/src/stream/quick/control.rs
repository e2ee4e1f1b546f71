//! Blocks, branches and calls.

use super::Body;
use super::signatures::value_type;
use crate::module::ModuleInner;
use crate::module::types::PlainType;

/// An open block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    kind: FrameKind,
    ty: BlockType,
    /// How many operands are below it.
    pub(super) height: u32,
    /// Whether the rest of it can't be reached.
    pub(super) unreachable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FrameKind {
    /// Also the function, and what follows an `else`.
    Block,
    Loop,
    If,
}

/// What a block takes and gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum BlockType {
    Empty,
    Gives(PlainType),
    /// The type with this index.
    Type(u32),
}

impl Frame {
    pub(super) fn new(kind: FrameKind, ty: BlockType, height: u32) -> Frame {
        Frame { kind, ty, height, unreachable: false }
    }

    /// What a branch to it takes.
    fn label(self, module: &ModuleInner) -> Option<&[PlainType]> {
        if self.kind == FrameKind::Loop { self.ty.params(module) } else { self.ty.results(module) }
    }
}

impl BlockType {
    fn params(self, module: &ModuleInner) -> Option<&[PlainType]> {
        match self {
            BlockType::Empty | BlockType::Gives(_) => Some(&[]),
            BlockType::Type(index) => module.types[index as usize].plain_params(),
        }
    }

    fn results(self, module: &ModuleInner) -> Option<&[PlainType]> {
        match self {
            BlockType::Empty => Some(&[]),
            BlockType::Gives(ty) => Some(ty.alone()),
            BlockType::Type(index) => module.types[index as usize].plain_results(),
        }
    }
}

impl Body<'_> {
    fn block_type(&mut self) -> Option<BlockType> {
        const EMPTY: u8 = 0x40;
        match self.byte()? {
            EMPTY => Some(BlockType::Empty),
            // A type's index, which is a signed number.
            index @ 0..EMPTY => {
                let index = u32::from(index);
                (index < self.module.types.len() as u32).then_some(BlockType::Type(index))
            }
            byte => value_type(byte, self.stacks.vectors).map(BlockType::Gives),
        }
    }

    pub(super) fn begin(&mut self, kind: FrameKind) -> Option<()> {
        let ty = self.block_type()?;
        if kind == FrameKind::If {
            self.pop(PlainType::I32)?;
        }
        let params = ty.params(self.module)?;
        self.pop_all(params)?;
        self.stacks.outer.try_push(self.frame).ok()?;
        let blocks = self.stacks.outer.len() as u32 + 1;
        if blocks > self.most_blocks {
            if blocks > self.blocks_allowed() {
                return None;
            }
            self.most_blocks = blocks;
        }
        self.frame = Frame::new(kind, ty, self.stacks.operands.len() as u32);
        self.push_all(params)
    }

    pub(super) fn begin_else(&mut self) -> Option<()> {
        let Frame { kind: FrameKind::If, ty, height, .. } = self.frame else { return None };
        self.finish()?;
        self.frame = Frame::new(FrameKind::Block, ty, height);
        self.push_all(ty.params(self.module)?)
    }

    /// Whether that was the end of the body.
    pub(super) fn end(&mut self) -> Option<bool> {
        self.finish()?;
        let Frame { kind, ty, .. } = self.frame;
        let results = ty.results(self.module)?;
        // Without an `else`, the operands are passed on.
        if kind == FrameKind::If && ty.params(self.module)? != results {
            return None;
        }
        let outer = self.stacks.outer.pop();
        if let Some(frame) = outer {
            self.frame = frame;
        }
        self.push_all(results)?;
        Some(outer.is_none())
    }

    /// Takes the results from the stack, which holds nothing else of the block.
    fn finish(&mut self) -> Option<()> {
        self.pop_all(self.frame.ty.results(self.module)?)?;
        (self.stacks.operands.len() == self.frame.height as usize).then_some(())
    }

    /// What follows can't be reached.
    pub(super) fn leave(&mut self) {
        self.stacks.operands.truncate(self.frame.height as usize);
        self.frame.unreachable = true;
    }

    fn target(&self, depth: u32) -> Option<Frame> {
        match depth {
            0 => Some(self.frame),
            _ => self.stacks.outer.len().checked_sub(depth as usize).map(|at| self.stacks.outer[at]),
        }
    }

    pub(super) fn branch(&mut self, depth: u32) -> Option<()> {
        self.pop_all(self.target(depth)?.label(self.module)?)?;
        self.leave();
        Some(())
    }

    pub(super) fn branch_if(&mut self) -> Option<()> {
        let depth = self.number()?;
        self.pop(PlainType::I32)?;
        let types = self.target(depth)?.label(self.module)?;
        self.pop_all(types)?;
        self.push_all(types)
    }

    pub(super) fn branch_table(&mut self) -> Option<()> {
        let targets = self.number()?;
        if targets > self.limits.br_table_targets {
            return None;
        }
        self.pop(PlainType::I32)?;
        let first = self.number()?;
        let types = self.target(first)?.label(self.module)?;
        // Behind them comes the default.
        for _ in 0..targets {
            let target = self.number()?;
            if self.target(target)?.label(self.module)? != types {
                return None;
            }
        }
        self.pop_all(types)?;
        self.leave();
        Some(())
    }

    /// A call of a function of the type with this index.
    pub(super) fn call(&mut self, ty: u32) -> Option<()> {
        let ty = self.module.types.get(ty as usize)?;
        self.pop_all(ty.plain_params()?)?;
        self.push_all(ty.plain_results()?)
    }
}
