//! Compiles single pieces of machine code with Cranelift.

use super::compiled::Compiled;
use crate::code::Piece;
use crate::compiler::decline::Decline;
use crate::compiler::options::CodeOptions;
use crate::compiler::scratch::Scratch;
use crate::compiler::translate::{self, Needs, Part};
use crate::compiler::{adapters, passes};
use cranelift_codegen::Context;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use dunlin::tier::{Shape, View};

/// Compiles pieces one after the other, reusing Cranelift's allocations.
pub(crate) struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    frontend: FunctionBuilderContext,
    registers: regalloc2::Ctx,
    /// Whether the profile changed what the last translation inlined.
    profile_mattered: bool,
}

/// The largest native frame of a leaf function, whatever it takes of the value stack.
const LARGEST_LEAF: u32 = 64 << 10;

impl Compiler {
    pub(crate) fn new(isa: OwnedTargetIsa) -> Self {
        Self {
            isa,
            context: Context::new(),
            frontend: FunctionBuilderContext::new(),
            registers: regalloc2::Ctx::default(),
            profile_mattered: false,
        }
    }

    /// Compiles a function, or its continuation from a loop on (OSR entry). If its native frame is too large, it is
    /// compiled once more without inlining by profile, if that makes a difference.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn func(
        &mut self,
        view: View<'_>,
        options: CodeOptions,
        what: (u32, &Shape, Part),
        batch: &dyn Fn(u32) -> bool,
        scratch: &Scratch,
    ) -> Result<Compiled, Decline> {
        let compiled = self.func_with(view, options, what, batch, scratch);
        match compiled {
            Err(Decline::Frame) if options.by_profile && self.profile_mattered => {
                let options = CodeOptions { by_profile: false, ..options };
                self.func_with(view, options, what, batch, scratch)
            }
            _ => compiled,
        }
    }

    fn func_with(
        &mut self,
        view: View<'_>,
        options: CodeOptions,
        what: (u32, &Shape, Part),
        batch: &dyn Fn(u32) -> bool,
        scratch: &Scratch,
    ) -> Result<Compiled, Decline> {
        self.context.clear();
        let (index, shape, part) = what;
        let translated = translate::translate(
            view,
            options,
            what,
            (batch, scratch),
            &mut self.context.func,
            &mut self.frontend,
        );
        // After an error, the frontend's context isn't clean.
        if translated.is_err() {
            self.frontend = FunctionBuilderContext::new();
        }
        let Needs { types, inlined, profile_mattered } = translated?;
        self.profile_mattered = profile_mattered;
        let piece = match part {
            Part::Whole => Piece::Func(index),
            Part::From(found) => Piece::Loop(index, found.header),
            Part::Island(island) => Piece::Island(index, island.enters.header),
        };
        let mut code = self.finish(piece, Some((view, scratch)))?;
        code.keep_inlined(&inlined);
        code.types = types;
        code.entry = part.is_whole().then(|| shape.entry());
        if code.frame > crate::code::STACK_RATIO as u32 * 8 * shape.operands
            && (code.calls || code.frame > LARGEST_LEAF)
        {
            return Err(Decline::Frame);
        }
        Ok(code)
    }

    /// Compiles the trampoline and the stub of a type.
    ///
    /// # Errors
    /// Why they can't be compiled.
    pub(crate) fn ty(
        &mut self,
        view: View<'_>,
        options: CodeOptions,
        ty: u32,
    ) -> Result<[Compiled; 2], Decline> {
        let func_type = &view.types()[ty as usize];
        self.context.clear();
        adapters::trampoline(func_type, options, &mut self.context.func, &mut self.frontend);
        let trampoline = self.finish(Piece::Trampoline(ty), None)?;
        self.context.clear();
        adapters::stub(func_type, options, &mut self.context.func, &mut self.frontend);
        Ok([trampoline, self.finish(Piece::Stub(ty), None)?])
    }

    /// Compiles the bridge to builtins.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn bridge(&mut self, options: CodeOptions) -> Result<Compiled, Decline> {
        self.context.clear();
        adapters::bridge(options, &mut self.context.func, &mut self.frontend);
        self.finish(Piece::Bridge, None)
    }

    /// Compiles the detour for a function that isn't compiled.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn detour(
        &mut self,
        view: View<'_>,
        options: CodeOptions,
        index: u32,
    ) -> Result<Compiled, Decline> {
        self.context.clear();
        adapters::detour(view, index, options, &mut self.context.func, &mut self.frontend);
        self.finish(Piece::Detour(index), None)
    }

    /// What came of the last function in Cranelift's representation.
    #[cfg(test)]
    pub(crate) fn last(&self) -> &cranelift_codegen::ir::Function {
        &self.context.func
    }

    fn finish(&mut self, piece: Piece, admission: Option<(View<'_>, &Scratch)>) -> Result<Compiled, Decline> {
        let code = passes::generate(&mut self.context, &*self.isa, &mut self.registers, admission)?;
        Compiled::new(piece, &code, &self.context.func)
    }
}
