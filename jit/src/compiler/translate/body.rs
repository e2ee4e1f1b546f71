//! Translates one function's body, or its continuation from a loop on (OSR entry): one pass over validated operators.

use super::exceptions::tries;
use super::translator::{Needs, Part, Translator, unexpected};
use crate::compiler::clif::mem_flags::AccessFlags;
use crate::compiler::clif::slots::slots_of;
use crate::compiler::clif::types::{c_signature, clif_type, signature, wasm_type};
use crate::compiler::decline::Decline;
use crate::compiler::operators::{atomic, machines_own, memory, numeric, vector};
use crate::compiler::options::CodeOptions;
use crate::compiler::scratch::{More, Scratch};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{self, Block, InstBuilder, SourceLoc, UserFuncName, Value};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use dunlin::Trap;
use dunlin::tier::{Shape, View};
use wasmparser::{BinaryReader, FunctionBody, Operator, OperatorsReader};

/// Translates function `index`, or a part of it, into `func`.
///
/// # Errors
/// Why it can't be translated.
pub(crate) fn translate<'a>(
    view: View<'a>,
    options: CodeOptions,
    what: (u32, &Shape, Part<'a>),
    (batch, scratch): (&'a dyn Fn(u32) -> bool, &'a Scratch),
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) -> Result<Needs, Decline> {
    let (index, _, part) = what;
    let ty = &view.types()[view.type_of(view.imported_funcs() + index) as usize];
    func.name = UserFuncName::user(0, index);
    func.signature = match part {
        Part::Whole => signature(ty),
        // The parameters of a trampoline: context, frame and code.
        Part::From(_) | Part::Island(_) => c_signature(options.c_convention, 3, false),
    };
    let flags = AccessFlags::new(func);
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let mut t = Translator::new(b, view, options, what, (batch, scratch), flags);
    let read = view.with_body(index, |body, offset| t.body(body, offset, entry));
    read.map_err(|error| Decline::of(&error))??;
    scratch.need_for(t.b.func, t.variables, More::default())?;
    let needs = t.needs();
    t.b.finalize(options.frontend);
    Ok(needs)
}

impl Translator<'_, '_> {
    fn body(&mut self, bytes: &[u8], offset: u64, entry: Block) -> Result<(), Decline> {
        if offset + bytes.len() as u64 > 1 << 30 {
            // Positions have 30 bits for offsets in the module.
            return Err(Decline::Unsupported("code beyond a module's first GiB"));
        }
        let reader = BinaryReader::new_features(bytes, offset, self.view.features());
        let body = FunctionBody::new(reader);
        self.slice = self.options.fuel.then(|| self.declare_variable(I64));
        if let Part::Island(island) = self.part {
            return self.island(&body, bytes, offset, island);
        }
        if let Part::From(_) = self.part {
            self.declare_locals(&body, None)?;
            let osr_block = self.b.create_block();
            self.b.ins().jump(osr_block, &[]);
            self.osr_block = Some(osr_block);
            // The code before the loop is translated, but is unreachable.
            let start = self.b.create_block();
            self.b.switch_to_block(start);
            self.b.seal_block(start);
        } else {
            let args = self.b.block_params(entry)[2..].to_vec();
            self.declare_locals(&body, Some(&args))?;
            self.b.set_srcloc(SourceLoc::new(crate::code::ENTRY));
            self.claim_frame(&args);
        }
        self.begin_function();
        self.operators(&body)?;
        if self.osr_block.is_some() {
            // The OSR block is still there, so the loop's header was never reached.
            return Err(unexpected());
        }
        Ok(())
    }

    /// Translates a function's instructions.
    pub(super) fn operators(&mut self, body: &FunctionBody<'_>) -> Result<(), Decline> {
        self.all(body.get_operators_reader().map_err(|_| unexpected())?)
    }

    /// Translates all instructions that a reader has.
    pub(super) fn all(&mut self, mut reader: OperatorsReader<'_>) -> Result<(), Decline> {
        while !reader.eof() {
            if self.view.is_dropped() {
                return Err(Decline::Dropped);
            }
            let (operator, at) = reader.read_with_offset().map_err(|_| unexpected())?;
            if let Operator::Try { .. } = operator
                && self.scope.tries.is_none()
            {
                let found = tries(reader.clone(), at)?;
                self.need(More { in_lists: 8 * found.len() as u64, ..More::default() })?;
                self.scope.tries = Some(found);
            }
            self.set_position(at as u32);
            self.operator(&operator, at)?;
            self.need(self.lookups(1))?;
            if let Some(why) = self.refused.take() {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Declares variables for a function's params and locals. With `args`, they are initialised with these and zeros.
    pub(super) fn declare_locals(
        &mut self,
        body: &FunctionBody<'_>,
        args: Option<&[Value]>,
    ) -> Result<(), Decline> {
        let mut slot = 0;
        for (i, ty) in self.scope.ty.params().enumerate() {
            let ty = clif_type(ty);
            let variable = self.declare_variable(ty);
            self.scope.locals.push((variable, ty, slot));
            slot += slots_of(ty);
            if let Some(args) = args {
                self.b.def_var(variable, args[i]);
            }
        }
        slot = self.scope.shape.header + 2;
        for group in body.get_locals_reader().map_err(|_| unexpected())? {
            let (n, ty) = group.map_err(|_| unexpected())?;
            let ty = wasm_type(ty);
            self.scratch.need_for(self.b.func, self.variables + n as usize, More::default())?;
            let zero = args.is_some().then(|| self.zero(ty));
            for _ in 0..n {
                let variable = self.declare_variable(ty);
                self.scope.locals.push((variable, ty, slot));
                slot += slots_of(ty);
                if let Some(zero) = zero {
                    self.b.def_var(variable, zero);
                }
            }
        }
        debug_assert_eq!(slot, self.scope.shape.operands);
        Ok(())
    }

    fn operator(&mut self, operator: &Operator<'_>, at: u64) -> Result<(), Decline> {
        if self.frames.last().is_some_and(|frame| frame.unreachable) {
            self.skip_unreachable(operator)?;
            self.charge_arm(at);
            return Ok(());
        }
        use Operator as O;
        match *operator {
            O::LocalGet { local_index } => {
                let value = self.b.use_var(self.scope.locals[local_index as usize].0);
                self.stack.push(value);
            }
            O::LocalSet { local_index } => {
                let value = self.stack.pop();
                self.b.def_var(self.scope.locals[local_index as usize].0, value);
            }
            O::LocalTee { local_index } => {
                let value = self.stack.peek();
                self.b.def_var(self.scope.locals[local_index as usize].0, value);
            }
            O::GlobalGet { global_index } => self.global_get(global_index),
            O::GlobalSet { global_index } => self.global_set(global_index),
            O::Nop => {}
            O::Drop => {
                self.stack.pop();
            }
            O::Select | O::TypedSelect { .. } => {
                let (x, y, condition) = self.stack.pop3();
                let value = self.b.ins().select(condition, x, y);
                self.stack.push(value);
            }
            O::RefNull { .. } => {
                let null = self.b.ins().iconst(I64, 0);
                self.stack.push(null);
            }
            O::RefIsNull => {
                let value = self.stack.pop();
                let is_null = self.b.ins().icmp_imm_s(IntCC::Equal, value, 0);
                let is_null = self.b.ins().uextend(I32, is_null);
                self.stack.push(is_null);
            }
            O::TableGet { table } => self.table_get(table),
            O::TableSet { table } => self.table_set(table),
            O::TableSize { table } => self.table_size(table),
            O::BrTable { ref targets } => self.br_table(targets)?,
            O::Throw { tag_index } => self.throw(tag_index),
            O::ThrowRef => self.throw_ref(),
            O::Rethrow { relative_depth } => self.rethrow(relative_depth),
            O::Call { function_index } => self.call(function_index)?,
            O::CallIndirect { type_index, table_index } => self.call_indirect(type_index, table_index)?,
            O::CallRef { type_index } => self.call_ref(type_index),
            O::ReturnCallRef { type_index } => self.return_call_ref(type_index),
            O::RefAsNonNull => {
                let value = self.stack.peek();
                let is_null = self.b.ins().icmp_imm_s(IntCC::Equal, value, 0);
                self.trap_if(is_null, Trap::NullReference);
            }
            O::ReturnCall { function_index } => self.return_call(function_index),
            O::ReturnCallIndirect { type_index, table_index } => {
                self.return_call_indirect(type_index, table_index)
            }
            _ => {
                let known = numeric(&mut self.b, &mut self.stack, operator)
                    || memory(&mut self.b, &mut self.stack, &mut self.heaps, operator)
                    || atomic(&mut self.b, &mut self.stack, &mut self.heaps, operator)
                    || self.control(operator, at)?
                    || self.bulk_operator(operator)
                    || machines_own(&mut self.b, &mut self.stack, self.options.relaxed_simd, operator)
                    || vector(&mut self.b, &mut self.stack, operator);
                if !known {
                    return Err(unexpected());
                }
                self.charge_arm(at);
            }
        }
        Ok(())
    }
}
