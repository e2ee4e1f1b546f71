//! The control stack: a frame for each structured block around the current instruction.

use super::exceptions::{Clause, Try};
use super::translator::Translator;
use crate::compiler::clif::types::{clif_type, wasm_type};
use cranelift_codegen::ir::{Block, Type, Value};
use dunlin::ValTypes;
use dunlin::tier::Loop;
use wasmparser::BlockType;

/// A control frame: a structured block that is being translated.
pub(super) struct ControlFrame {
    pub(super) kind: BlockKind,
    /// Its type; unused for the function's own frame.
    pub(super) ty: BlockType,
    /// The height of the operand stack below its params.
    pub(super) height: usize,
    /// For a loop: its shape and its header.
    pub(super) loop_header: Option<(Loop, Block)>,
    /// The CLIF block that follows it; `None` while that is only reached by falling through.
    pub(super) end: Option<Block>,
    /// The number of values that a branch to its label takes.
    pub(super) label_values: usize,
    pub(super) results: usize,
    /// Whether every path to the current point has polled for interruption since the frame began.
    pub(super) polled: bool,
    /// The rest of it is unreachable. Nested blocks there are only counted, in `skipped`.
    pub(super) unreachable: bool,
    pub(super) skipped: u32,
    /// Whether the operands below it are Cranelift variables, because the OSR entry may be within it.
    pub(super) variables: bool,
}

pub(super) enum BlockKind {
    Function,
    Block,
    Loop,
    /// With the CLIF block of the other arm, and the params for it.
    If(Block, Vec<Value>),
    Else,
    /// A `try_table`, its offset, and its clauses.
    TryTable(u32, Vec<Clause>),
    /// A `try`, as it was before the standard.
    Try(Try),
    /// Around a loop that is compiled alone: a branch to its label leaves that, with values of these types.
    Outer(Vec<Type>),
}

impl Translator<'_, '_> {
    /// The innermost control frame.
    pub(super) fn frame(&mut self) -> &mut ControlFrame {
        self.frames.last_mut().expect("the function's own frame ends last")
    }

    /// Pushes the frame of the function itself.
    pub(super) fn begin_function(&mut self) {
        let results = self.scope.ty.results().len();
        self.frames.push(ControlFrame {
            kind: BlockKind::Function,
            ty: BlockType::Empty,
            height: self.scope.first_operand,
            loop_header: None,
            end: None,
            label_values: results,
            results,
            polled: false,
            unreachable: false,
            skipped: 0,
            variables: self.osr_block.is_some(),
        });
    }

    /// Pushes a control frame; for a loop, with its shape and header.
    pub(super) fn push_frame(&mut self, kind: BlockKind, ty: BlockType, loop_header: Option<(Loop, Block)>) {
        let (params, results) = self.arity(ty);
        let height = self.stack.len() - params;
        self.make_operand_variables(height);
        self.frames.push(ControlFrame {
            kind,
            ty,
            height,
            loop_header,
            end: None,
            label_values: if loop_header.is_some() { params } else { results },
            results,
            polled: false,
            unreachable: false,
            skipped: 0,
            variables: self.osr_block.is_some(),
        });
    }

    /// The CLIF block that follows control frame `i`, with a param for each result. It is created lazily: the ends of
    /// many frames are only reached by falling through.
    pub(super) fn end_block(&mut self, i: usize) -> Block {
        if let Some(end) = self.frames[i].end {
            return end;
        }
        let results = match &self.frames[i].kind {
            BlockKind::Outer(types) => types.clone(),
            BlockKind::Function => self.scope.ty.results().map(clif_type).collect(),
            _ => self.block_types(self.frames[i].ty).1,
        };
        let end = self.block_with(&results);
        self.frames[i].end = Some(end);
        end
    }

    /// A CLIF block with params of these types.
    pub(super) fn block_with(&mut self, types: &[Type]) -> Block {
        let block = self.b.create_block();
        for ty in types {
            self.b.append_block_param(block, *ty);
        }
        block
    }

    /// The types of a block's params and results.
    pub(super) fn block_types(&self, ty: BlockType) -> (Vec<Type>, Vec<Type>) {
        let types = |types: ValTypes<'_>| types.map(clif_type).collect();
        match ty {
            BlockType::Empty => (Vec::new(), Vec::new()),
            BlockType::Type(ty) => (Vec::new(), vec![wasm_type(ty)]),
            BlockType::FuncType(index) => {
                let ty = &self.view.types()[index as usize];
                (types(ty.params()), types(ty.results()))
            }
        }
    }

    /// How many params and results a block of this type has.
    pub(super) fn arity(&self, ty: BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = &self.view.types()[index as usize];
                (ty.params().len(), ty.results().len())
            }
        }
    }

    /// Ends the path: the rest of the control frame is unreachable.
    pub(super) fn set_unreachable(&mut self) {
        let frame = self.frame();
        frame.unreachable = true;
        let height = frame.height;
        self.stack.truncate(height);
    }

    /// Notes that the frame has polled: the prologue of a function that is called compares with the stack limit, which
    /// an interruption sets to 0.
    pub(super) fn note_poll(&mut self) {
        self.frame().polled = true;
    }

    /// Whether the rest of the control frame is unreachable.
    pub(super) fn is_unreachable(&mut self) -> bool {
        self.frame().unreachable
    }

    /// Makes the control frame reachable again, from another path.
    pub(super) fn set_reachable(&mut self) {
        self.frame().unreachable = false;
    }
}
