//! The translation of one function: its state, and what every part of it uses.

use super::control_stack::ControlFrame;
use super::exceptions::Try;
use crate::code::Inlined;
use crate::compiler::clif::heaps::{Heap, Heaps};
use crate::compiler::clif::mem_flags::AccessFlags;
use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::traps;
use crate::compiler::clif::types::{signature, symbol};
use crate::compiler::decline::Decline;
use crate::compiler::options::CodeOptions;
use crate::compiler::scratch::{More, Scratch};
use cranelift_codegen::ir::types::{F32, F64, I8X16, I64};
use cranelift_codegen::ir::{self, Block, BlockArg, InstBuilder, Type, Value};
use cranelift_frontend::{FunctionBuilder, Variable};
use dunlin::tier::{Island, Loop, Shape, View};
use dunlin::{FuncType, Trap};
use std::collections::HashMap;
use std::rc::Rc;

/// The part of a function that is translated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'i> {
    /// All of it.
    Whole,
    /// From this loop's header on (OSR entry), with all values in slots on entry.
    From(Loop),
    /// This loop alone, with all values in slots on entry and where it is left.
    Island(&'i Island),
}

impl Part<'_> {
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Part::Whole)
    }
}

/// A function that is being translated: the outermost one, or one that is inlined in it.
pub(super) struct Scope<'a> {
    /// The function's index among those that the module defines.
    pub(super) index: u32,
    pub(super) shape: Rc<Shape>,
    pub(super) ty: &'a FuncType,
    /// The address of slot 0 of its frame.
    pub(super) sp: Value,
    /// Variable, type and slot of each param and local.
    pub(super) locals: Vec<(Variable, Type, u32)>,
    /// Which of them differ from their slots: of a loop that is compiled alone, those that are set in it; otherwise all.
    pub(super) written: Option<Vec<bool>>,
    /// What its `try`s have behind them, by their offset, once the first was seen.
    pub(super) tries: Option<HashMap<u64, Try>>,
    /// The number of loops that were translated or left out so far.
    pub(super) loops: usize,
    /// The number of arms that were charged for so far.
    pub(super) arms: usize,
    /// The heights of the operand stack and of the control stack at its beginning.
    pub(super) first_operand: usize,
    pub(super) first_frame: usize,
    /// If it is inlined: the position of the call, and the call's offset in the module.
    pub(super) at: Option<u32>,
    pub(super) call_offset: u32,
}

pub(crate) struct Translator<'a, 'f> {
    pub(super) b: FunctionBuilder<'f>,
    pub(super) view: View<'a>,
    pub(super) options: CodeOptions,
    pub(super) part: Part<'a>,
    pub(super) flags: AccessFlags,
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
    pub(super) stack: OperandStack,
    pub(super) frames: Vec<ControlFrame>,
    /// Those of them whose clauses may catch what is thrown here.
    pub(super) protecting: Vec<usize>,
    /// Where exceptions leave a loop that is compiled alone, if they may.
    pub(super) thrown: Option<Block>,
    /// For an OSR entry: the block that loads variables from slots, until its loop is reached; and variables for
    /// operands.
    pub(super) osr_block: Option<Block>,
    pub(super) operand_variables: Vec<(Variable, Type, u32)>,
    /// The slice of fuel, if fuel is counted: what is in memory, too, so a charge needn't wait for it.
    pub(super) slice: Option<Variable>,
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

pub(super) fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|value| BlockArg::Value(*value)).collect()
}

/// A validated body that can't be read any more, or has an instruction that this can't translate.
pub(crate) fn unexpected() -> Decline {
    Decline::Unsupported("an instruction")
}

impl<'a, 'f> Translator<'a, 'f> {
    /// At the entry block, which `b` is in.
    pub(super) fn new(
        b: FunctionBuilder<'f>,
        view: View<'a>,
        options: CodeOptions,
        (index, shape, part): (u32, &Shape, Part<'a>),
        (batch, scratch): (&'a dyn Fn(u32) -> bool, &'a Scratch),
        flags: AccessFlags,
    ) -> Self {
        let entry = b.current_block().expect("the entry block");
        let (vm, sp) = (b.block_params(entry)[0], b.block_params(entry)[1]);
        let heap = |ty| Heap::new(ty, options.guarded);
        let memories = view.memories().iter().map(heap).collect();
        let mut heaps = Heaps::new(vm, memories, view.memory_word(0), flags);
        heaps.spectre = options.spectre;
        let ty = &view.types()[view.type_of(view.imported_funcs() + index) as usize];
        let scope = Scope {
            index,
            shape: Rc::new(shape.clone()),
            ty,
            sp,
            locals: Vec::new(),
            written: None,
            tries: None,
            loops: 0,
            arms: 0,
            first_operand: 0,
            first_frame: 0,
            at: None,
            call_offset: 0,
        };
        Self {
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
            stack: OperandStack::default(),
            frames: Vec::new(),
            protecting: Vec::new(),
            thrown: None,
            osr_block: None,
            operand_variables: Vec::new(),
            slice: None,
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
        }
    }
}

impl Translator<'_, '_> {
    pub(super) fn needs(&mut self) -> Needs {
        let own = self.view.type_of(self.view.imported_funcs() + self.scope.index);
        let mut types: Vec<u32> = self.signatures.keys().copied().chain([own]).collect();
        types.sort_unstable();
        types.dedup();
        let inlined = std::mem::take(&mut self.inlined);
        Needs { types, inlined, profile_mattered: self.profile_mattered }
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

    /// Marks the current CLIF block as cold, unless it is the entry block.
    pub(super) fn mark_cold(&mut self) {
        let entry = self.b.func.layout.entry_block();
        if let Some(block) = self.b.current_block().filter(|block| entry != Some(*block)) {
            self.b.set_cold_block(block);
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
        let name = symbol(index);
        let name = ir::ExternalName::user(self.b.func.declare_imported_user_function(name));
        let data = ir::ExtFuncData { name, signature, colocated: true, patchable: false };
        let func = self.b.import_function(data);
        self.direct.insert(index, func);
        func
    }
}
