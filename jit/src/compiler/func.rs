//! Translates one function's body, or its continuation from a loop on (OSR entry), to CLIF.
//!
//! One pass over a validated body. Locals are variables of Cranelift's frontend; operands are SSA values. `control` has
//! blocks and branches, `call` calls, `state` accesses to the instance's globals and tables; `numeric`, `vector` and
//! `memory` have the instructions without control flow.

use super::flags::Flags;
use super::heaps::{Heap, Heaps};
use super::inline::Scope;
use super::leave::Place;
use super::scratch::{More, Scratch};
use super::unit::{Callee, Decline, Options};
use super::values::Values;
use super::{control, traps};
use crate::code::Inlined;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F32, F64, I8X16, I32, I64};
use cranelift_codegen::ir::{
    self, AbiParam, Block, InstBuilder, MemFlagsData, Signature, SourceLoc, Type, UserExternalName,
    UserFuncName, Value,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use dunlin::tier::{BulkOp, Loop, Shape, View, layout};
use dunlin::{FuncType, Trap, ValType};
use std::collections::HashMap;
use std::rc::Rc;
use wasmparser::{BinaryReader, FunctionBody, Operator};

/// The part of a function that is translated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// From this loop's header on (OSR entry), with all values in slots on entry.
    From(Loop),
}

/// The Cranelift type of a WebAssembly type.
pub(crate) fn clif_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 => I32,
        ValType::I64 | ValType::FuncRef | ValType::ExternRef => I64,
        ValType::F32 => F32,
        ValType::F64 => F64,
        ValType::V128 => I8X16,
    }
}

/// The native signature of functions of a type.
pub(crate) fn signature(ty: &FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(I64), AbiParam::new(I64)]);
    signature.params.extend(ty.params().iter().map(|ty| AbiParam::new(clif_type(*ty))));
    signature.returns.extend(ty.results().iter().map(|ty| AbiParam::new(clif_type(*ty))));
    signature
}

/// A validated body that can't be read any more, or has an instruction that this can't translate.
pub(crate) fn unexpected() -> Decline {
    Decline::Unsupported("an instruction")
}

pub(crate) struct Translator<'a, 'f> {
    pub(super) b: FunctionBuilder<'f>,
    pub(super) view: View<'a>,
    pub(super) options: Options,
    pub(super) part: Part,
    pub(super) flags: Flags,
    pub(super) heaps: Heaps,
    /// The context.
    pub(super) vm: Value,
    pub(super) scope: Scope<'a>,
    /// The scopes that the current scope is inlined in, outermost first.
    pub(super) outer: Vec<Scope<'a>>,
    pub(super) inlined: Vec<Inlined>,
    pub(super) inlined_cost: u32,
    /// Whether the profile has changed an inlining decision that size alone would have made otherwise.
    pub(super) profile_mattered: bool,
    /// The number of params, results and locals of each candidate for inlining.
    pub(super) locals: HashMap<u32, u32>,
    /// The position of the current instruction: what the code map and source locations record.
    pub(super) position: u32,
    /// The current instruction's offset in the module, also within inlined functions.
    pub(super) offset: u32,
    pub(super) stack: Values,
    pub(super) frames: Vec<control::Frame>,
    /// For an OSR entry: the block that loads variables from slots, until its loop is reached; and variables for
    /// operands.
    pub(super) entrance: Option<Block>,
    pub(super) operand_variables: Vec<(Variable, Type, u32)>,
    /// The likely target of calls through tables, by type.
    pub(super) likely: HashMap<u32, Option<u32>>,
    pub(super) signatures: HashMap<u32, ir::SigRef>,
    pub(super) direct: HashMap<u32, ir::FuncRef>,
    pub(super) builtin_signature: Option<ir::SigRef>,
    pub(super) bridge_signature: Option<ir::SigRef>,
    /// Whether a function is in the same batch, so that it is called directly.
    pub(super) batch: &'a dyn Fn(u32) -> bool,
    /// The charge for this translation, and the number of variables so far.
    pub(super) scratch: &'a Scratch,
    pub(super) variables: usize,
    /// The number of poll sites.
    pub(super) polls: i32,
    /// The number of branch table targets, and of values that `if`s keep for their other arm.
    pub(super) table_targets: usize,
    pub(super) kept_values: usize,
    /// Why memory was refused where no error could be returned.
    pub(super) refused: Option<Decline>,
}

/// What a translation requires besides the code itself.
pub(crate) struct Needs {
    /// The types of the function itself and of its callees.
    pub(crate) types: Vec<u32>,
    /// Inlined places, by number.
    pub(crate) inlined: Vec<Inlined>,
    /// Whether the profile changed an inlining decision that size alone would have made otherwise.
    pub(crate) profile_mattered: bool,
}

/// Translates function `index`, or a part of it, into `func`.
///
/// # Errors
/// Why it can't be translated.
pub(crate) fn translate(
    view: View<'_>,
    options: Options,
    (index, shape, part): (u32, &Shape, Part),
    (batch, scratch): (&dyn Fn(u32) -> bool, &Scratch),
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) -> Result<Needs, Decline> {
    let ty = &view.types()[view.type_of(view.imported_funcs() + index) as usize];
    func.name = UserFuncName::user(0, index);
    func.signature = match part {
        Part::Whole => signature(ty),
        // The parameters of a trampoline: context, frame and code.
        Part::From(_) => c_signature(options.c_convention, 3, false),
    };
    let flags = Flags::new(func);
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let (vm, sp) = (b.block_params(entry)[0], b.block_params(entry)[1]);
    let heap = |ty: &dunlin::MemoryType| Heap { guarded: options.guarded, min_bytes: ty.minimum() << 16 };
    let memories = view.memories().iter().map(heap).collect();
    let mut heaps = Heaps::new(vm, memories, view.memory_word(0), flags);
    heaps.spectre = options.spectre;
    let scope = Scope {
        index,
        shape: Rc::new(shape.clone()),
        ty,
        sp,
        locals: Vec::new(),
        loops: 0,
        first_operand: 0,
        first_frame: 0,
        at: None,
        call_offset: 0,
    };
    let mut t = Translator {
        b,
        view,
        options,
        part,
        flags,
        heaps,
        vm,
        scope,
        outer: Vec::new(),
        inlined: Vec::new(),
        inlined_cost: 0,
        profile_mattered: false,
        locals: HashMap::new(),
        position: crate::code::ENTRY,
        offset: 0,
        stack: Values::default(),
        frames: Vec::new(),
        entrance: None,
        operand_variables: Vec::new(),
        likely: HashMap::new(),
        signatures: HashMap::new(),
        direct: HashMap::new(),
        builtin_signature: None,
        bridge_signature: None,
        batch,
        scratch,
        variables: 0,
        polls: 0,
        table_targets: 0,
        kept_values: 0,
        refused: None,
    };
    let read = view.with_body(index, |body, offset| t.body(body, offset, entry));
    read.map_err(|error| Decline::of(&error))??;
    scratch.need_for(t.b.func, t.variables, More::default())?;
    let mut types: Vec<u32> = t.signatures.keys().copied().collect();
    types.push(view.type_of(view.imported_funcs() + index));
    types.sort_unstable();
    types.dedup();
    let (inlined, profile_mattered) = (std::mem::take(&mut t.inlined), t.profile_mattered);
    t.b.finalize(options.frontend);
    Ok(Needs { types, inlined, profile_mattered })
}

/// A signature of `params` words in the platform's calling convention, with or without a status as result.
pub(crate) fn c_signature(convention: CallConv, params: usize, status: bool) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.extend(std::iter::repeat_n(AbiParam::new(I64), params));
    if status {
        signature.returns.push(AbiParam::new(I32));
    }
    signature
}

impl Translator<'_, '_> {
    fn body(&mut self, bytes: &[u8], offset: u64, entry: Block) -> Result<(), Decline> {
        if offset + bytes.len() as u64 > 1 << 30 {
            // Positions have 30 bits for offsets in the module.
            return Err(Decline::Unsupported("code beyond a module's first GiB"));
        }
        let reader = BinaryReader::new_features(bytes, offset, self.view.features());
        let body = FunctionBody::new(reader);
        if let Part::From(_) = self.part {
            self.declare_locals(&body, None)?;
            let entrance = self.b.create_block();
            self.b.ins().jump(entrance, &[]);
            self.entrance = Some(entrance);
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
        if self.entrance.is_some() {
            // The entrance is still there, so the loop's header was never reached.
            return Err(unexpected());
        }
        Ok(())
    }

    /// Translates a function's instructions.
    pub(super) fn operators(&mut self, body: &FunctionBody<'_>) -> Result<(), Decline> {
        let mut reader = body.get_operators_reader().map_err(|_| unexpected())?;
        while !reader.eof() {
            if self.view.is_dropped() {
                return Err(Decline::Dropped);
            }
            let (operator, at) = reader.read_with_offset().map_err(|_| unexpected())?;
            self.set_position(at as u32);
            self.operator(&operator, at)?;
            self.need(self.lookups(1))?;
            if let Some(why) = self.refused.take() {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Charges for what has been translated, and for what is about to be added.
    pub(super) fn need(&self, more: More) -> Result<(), Decline> {
        let lists = self.kept_values + self.frames.len() * 12 + (self.stack.len() + self.inlined.len()) / 2;
        let in_lists = more.in_lists + lists as u64;
        self.scratch.need_for(self.b.func, self.variables, More { in_lists, ..more })
    }

    /// As [`Translator::need`], where no error can be returned: false if it is refused. [`Translator::operators`] then
    /// returns the reason.
    pub(super) fn admits(&mut self, more: More) -> bool {
        let refused = self.need(more).err();
        let admitted = refused.is_none();
        self.refused = self.refused.take().or(refused);
        admitted
    }

    /// A bound on what using `variables` variables may add: SSA construction may make each a block param wherever edges
    /// meet.
    pub(super) fn lookups(&self, variables: usize) -> More {
        let ways = 2 * self.b.func.dfg.num_blocks() + self.table_targets;
        More { params_on_ways: (variables * ways) as u64, ..More::default() }
    }

    pub(super) fn declare_variable(&mut self, ty: Type) -> Variable {
        self.variables += 1;
        self.b.declare_var(ty)
    }

    pub(super) fn zero(&mut self, ty: Type) -> Value {
        match ty {
            F32 => self.b.ins().f32const(0.0),
            F64 => self.b.ins().f64const(0.0),
            I8X16 => {
                let zero = self.b.func.dfg.constants.insert([0; 16].as_slice().into());
                self.b.ins().vconst(I8X16, zero)
            }
            _ => self.b.ins().iconst(ty, 0),
        }
    }

    /// The prologue: claims the frame on the value stack (stack check), and charges fuel for the entry.
    pub(super) fn claim_frame(&mut self, args: &[Value]) {
        let pointer = self.load_vm(layout::VMCTX_LIMIT);
        let limit = self.b.ins().load(I64, self.flags.vm, pointer, 0);
        let end = self.b.ins().iadd_imm_s(self.scope.sp, i64::from(self.scope.shape.frame));
        let over = self.b.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        let (cold, go_on) = self.cold_branch(over);
        self.b.switch_to_block(cold);
        self.rare_builtin(layout::BUILTIN_STACK, end);
        self.leave_if_asked(Place::Entry, args);
        self.b.ins().jump(go_on, &[]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        if self.options.fuel {
            self.charge(self.scope.shape.cost, Place::Entry, args);
        }
    }

    /// Branches to a cold block if `condition` holds, and else to another. The cold block is sealed.
    pub(super) fn cold_branch(&mut self, condition: Value) -> (Block, Block) {
        let (cold, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(condition, cold, &[], go_on, &[]);
        self.b.seal_block(cold);
        (cold, go_on)
    }

    /// Charges fuel from the slice, or calls a builtin to refill it on a cold path.
    pub(super) fn charge(&mut self, cost: u32, place: Place, args: &[Value]) {
        let store = self.load_vm(layout::VMCTX_STORE);
        let slice = self.b.ins().load(I64, self.flags.vm, store, layout::STORE_SLICE);
        let left = self.b.ins().iadd_imm_s(slice, -i64::from(cost));
        let short = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let (cold, go_on) = (self.b.create_block(), self.b.create_block());
        let paid = self.b.append_block_param(go_on, I64);
        self.b.set_cold_block(cold);
        self.b.ins().brif(short, cold, &[], go_on, &[left.into()]);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        let wanted = self.b.ins().iconst(I64, i64::from(cost));
        self.rare_builtin(layout::BUILTIN_REFILL, wanted);
        self.leave_if_asked(place, args);
        let slice = self.b.ins().load(I64, self.flags.vm, store, layout::STORE_SLICE);
        let left = self.b.ins().iadd_imm_s(slice, -i64::from(cost));
        self.b.ins().jump(go_on, &[left.into()]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        self.b.ins().store(self.flags.vm, paid, store, layout::STORE_SLICE);
    }

    /// Polls for interruption (safepoint).
    pub(super) fn poll(&mut self) {
        if !self.options.suspends {
            return self.poll_page();
        }
        let pointer = self.load_vm(layout::VMCTX_LIMIT);
        // Not a plain load: Cranelift could merge an inner loop's with that of an outer loop, if the inner loop has no
        // stores.
        let limit = self.b.ins().atomic_load(I64, MemFlagsData::trusted(), pointer);
        let asked = self.b.ins().icmp_imm_s(IntCC::Equal, limit, 0);
        let (cold, go_on) = self.cold_branch(asked);
        self.b.switch_to_block(cold);
        let zero = self.b.ins().iconst(I64, 0);
        self.rare_builtin(layout::BUILTIN_POLL, zero);
        self.leave_if_asked(Place::Loop, &[]);
        self.b.ins().jump(go_on, &[]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
    }

    /// Polls by reading a page that is inaccessible while an interruption is wanted: the fault is the trap.
    fn poll_page(&mut self) {
        let page = self.load_vm(layout::VMCTX_POLL);
        let flags = MemFlagsData::trusted().with_trap_code(Some(traps::code(Trap::Interrupt)));
        // Each reads another address: Cranelift could merge two loads of the same one.
        if self.polls < layout::POLL_BYTES / 4 {
            self.b.ins().load(I32, flags, page, self.polls * 4);
            self.polls += 1;
        } else {
            self.b.ins().atomic_load(I32, flags, page);
        }
    }

    /// Loads a field of the context that never changes.
    pub(super) fn load_vm(&mut self, offset: i32) -> Value {
        self.b.ins().load(I64, self.flags.vm_readonly, self.vm, offset)
    }

    /// Loads the pointer in word `word` of the context, which never changes.
    pub(super) fn load_word(&mut self, word: u32) -> Value {
        self.load_vm(word as i32 * 8)
    }

    /// Loads a constant pointer on a cold path. It isn't marked read-only, or LICM would hoist the load out of loops
    /// that hardly ever need it.
    pub(super) fn load_rarely(&mut self, from: Value, offset: i32) -> Value {
        self.b.ins().load(I64, self.flags.vm, from, offset)
    }

    /// Calls a builtin on a cold path by way of the bridge, which preserves all registers, so nothing is spilled for
    /// it. Traps if the builtin fails.
    pub(super) fn rare_builtin(&mut self, offset: i32, arg: Value) {
        let signature = match self.bridge_signature {
            Some(signature) => signature,
            None => self.b.import_signature(super::stubs::bridge_signature()),
        };
        self.bridge_signature = Some(signature);
        let table = self.load_rarely(self.vm, layout::VMCTX_BUILTINS);
        let builtin = self.load_rarely(table, offset);
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        self.b.ins().store(self.flags.vm, builtin, store, layout::STORE_BRIDGED);
        self.b.ins().store(self.flags.vm, arg, store, layout::STORE_BRIDGED_ARG);
        let stubs = self.load_rarely(self.vm, layout::VMCTX_STUBS);
        let bridge = self.load_rarely(stubs, self.view.types().len() as i32 * 8);
        self.b.ins().call_indirect(signature, bridge, &[self.vm]);
    }

    /// Calls the builtin at `offset` of the table, and traps if it fails.
    pub(super) fn builtin(&mut self, offset: i32, args: [Value; 2]) {
        let convention = self.options.c_convention;
        let signature = match self.builtin_signature {
            Some(signature) => signature,
            None => self.b.import_signature(c_signature(convention, 3, true)),
        };
        self.builtin_signature = Some(signature);
        let table = self.load_vm(layout::VMCTX_BUILTINS);
        let callee = self.b.ins().load(I64, self.flags.vm_readonly, table, offset);
        let call = self.b.ins().call_indirect(signature, callee, &[self.vm, args[0], args[1]]);
        let status = self.b.inst_results(call)[0];
        self.b.ins().trapnz(status, traps::FAILED);
    }

    pub(super) fn trap_if(&mut self, condition: Value, trap: Trap) {
        self.b.ins().trapnz(condition, traps::code(trap));
    }

    pub(super) fn sig_of(&mut self, ty: u32) -> ir::SigRef {
        if let Some(known) = self.signatures.get(&ty) {
            return *known;
        }
        let signature = self.b.import_signature(signature(&self.view.types()[ty as usize]));
        self.signatures.insert(ty, signature);
        signature
    }

    /// A reference to a function in the same batch.
    pub(super) fn direct(&mut self, index: u32) -> ir::FuncRef {
        if let Some(known) = self.direct.get(&index) {
            return *known;
        }
        let ty = self.view.type_of(self.view.imported_funcs() + index);
        let signature = self.sig_of(ty);
        let name = UserExternalName::from(Callee::Func(index));
        let name = ir::ExternalName::user(self.b.func.declare_imported_user_function(name));
        let data = ir::ExtFuncData { name, signature, colocated: true, patchable: false };
        let func = self.b.import_function(data);
        self.direct.insert(index, func);
        func
    }

    fn operator(&mut self, operator: &Operator<'_>, at: u64) -> Result<(), Decline> {
        if self.frames.last().is_some_and(|frame| frame.dead) {
            return self.dead_code(operator);
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
            O::RefFunc { function_index } => self.bulk(BulkOp::RefFunc, 0, Some(I64), function_index, 0),
            O::MemoryGrow { mem } => self.bulk(BulkOp::MemoryGrow, 1, Some(I32), mem, 0),
            O::MemoryFill { mem } => self.memory_fill(mem),
            O::MemoryCopy { dst_mem, src_mem } => self.memory_copy(dst_mem, src_mem),
            O::MemoryInit { data_index, mem } => self.bulk(BulkOp::MemoryInit, 3, None, mem, data_index),
            O::DataDrop { data_index } => self.bulk(BulkOp::DataDrop, 0, None, data_index, 0),
            O::TableGet { table } => self.table_get(table),
            O::TableSet { table } => self.table_set(table),
            O::TableSize { table } => self.table_size(table),
            O::TableGrow { table } => self.bulk(BulkOp::TableGrow, 2, Some(I32), table, 0),
            O::TableFill { table } => self.bulk(BulkOp::TableFill, 3, None, table, 0),
            O::TableCopy { dst_table, src_table } => {
                self.bulk(BulkOp::TableCopy, 3, None, dst_table, src_table)
            }
            O::TableInit { elem_index, table } => self.bulk(BulkOp::TableInit, 3, None, table, elem_index),
            O::ElemDrop { elem_index } => self.bulk(BulkOp::ElemDrop, 0, None, elem_index, 0),
            O::BrTable { ref targets } => self.br_table(targets)?,
            O::Call { function_index } => self.call(function_index)?,
            O::CallIndirect { type_index, table_index } => self.call_indirect(type_index, table_index)?,
            O::ReturnCall { function_index } => self.return_call(function_index),
            O::ReturnCallIndirect { type_index, table_index } => {
                self.return_call_indirect(type_index, table_index)
            }
            _ => {
                let known = super::numeric::numeric(&mut self.b, &mut self.stack, operator)
                    || super::memory::memory(&mut self.b, &mut self.stack, &mut self.heaps, operator)
                    || self.structured(operator, at)?
                    || super::vector::vector(&mut self.b, &mut self.stack, operator);
                if !known {
                    return Err(unexpected());
                }
            }
        }
        Ok(())
    }
}
