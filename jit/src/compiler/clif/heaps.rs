//! Addresses and bounds checks of accesses to linear memory.

use super::mem_flags::AccessFlags;
use super::traps;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{Block, InstBuilder, InstructionData, MemFlagsData, Opcode, TrapCode, Value};
use cranelift_frontend::FunctionBuilder;
use dunlin::tier::layout;
use dunlin::{MemoryType, Trap};
use wasmparser::{MemArg, MemArgTarget};

/// The memories of a function's instance.
pub(crate) struct Heaps {
    /// The context, defined in the entry block.
    pub(crate) vm: Value,
    pub(crate) memories: Vec<Heap>,
    /// The context's word at which the pointers to memories begin.
    pub(crate) memories_word: u32,
    /// Whether an access that is out of bounds must not happen speculatively either.
    pub(crate) spectre: bool,
    pub(super) flags: AccessFlags,
    /// What an access traps by if it finds out itself: this trap code, and after a store the other.
    codes: [TrapCode; 2],
    pub(super) checks: Checks,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap {
    /// Whether 4 GiB and [`layout::GUARD`] are reserved from the base on. What is beyond the memory's end then faults,
    /// so accesses need no check, and the base never changes.
    pub(crate) guarded: bool,
    /// The memory's minimum size.
    pub(crate) min_bytes: u64,
    /// Whether addresses are 64-bit; then it is never guarded.
    pub(crate) is_64: bool,
    /// Whether other threads may make it grow.
    pub(crate) is_shared: bool,
    pub(crate) page_size_log2: u8,
}

impl Heap {
    /// A memory of this type; if memories are `guarded`, it is, unless it can't be.
    pub(crate) fn new(ty: &MemoryType, guarded: bool) -> Heap {
        Heap {
            guarded: guarded && layout::is_guardable(ty),
            min_bytes: ty.minimum().saturating_mul(ty.page_size()),
            is_64: ty.is_64(),
            is_shared: ty.is_shared(),
            page_size_log2: ty.page_size_log2(),
        }
    }
}

/// The operands of a load or store.
#[derive(Clone, Copy)]
pub(crate) struct MemoryOperand {
    pub(crate) address: Value,
    pub(crate) offset: i32,
    pub(crate) flags: MemFlagsData,
}

/// Bounds checks that the current basic block has made. They stay valid, since memories don't shrink.
#[derive(Default)]
pub(super) struct Checks {
    block: Option<Block>,
    /// The memory, the index, and the number of bytes from there on that are known to be in bounds.
    known: Vec<(u32, Value, u64)>,
}

impl Heaps {
    pub(crate) fn new(vm: Value, memories: Vec<Heap>, memories_word: u32, flags: AccessFlags) -> Heaps {
        let codes = [TrapCode::HEAP_OUT_OF_BOUNDS, traps::code(Trap::MemoryOutOfBounds)];
        Heaps { vm, memories, memories_word, spectre: false, flags, codes, checks: Checks::default() }
    }

    /// Whether an access is by a 64-bit address.
    pub(crate) fn is_64(&self, memarg: &MemArg) -> bool {
        matches!(memarg.target, MemArgTarget::Memory(memory) if self.memories[memory as usize].is_64)
    }

    /// The operands for an access of `size` bytes. Emits a bounds check if one is needed.
    pub(crate) fn operand(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        index: Value,
        memarg: &MemArg,
        size: u32,
    ) -> MemoryOperand {
        let MemArgTarget::Memory(memory) = memarg.target else { unreachable!("validated: no arrays") };
        let heap = self.memories[memory as usize];
        if heap.is_64 {
            return self.operand64(b, memory, index, memarg.offset, size);
        }
        // A constant index is folded into the offset. All sums are 64-bit, of numbers below 2^33.
        let (index, greatest, offset) = match constant(b, index) {
            Some(constant) => (None, 0, u64::from(constant as u32) + memarg.offset),
            None => (Some(index), u64::from(u32::MAX), memarg.offset),
        };
        let end = offset + u64::from(size);
        let wide = index.map(|index| b.ins().uextend(I64, index));
        let in_bounds = greatest + end <= heap.min_bytes;
        let faults = heap.guarded && greatest + end <= (4 << 30) + layout::GUARD;
        let beyond = if in_bounds || faults { None } else { self.check(b, memory, index.zip(wide), end) };

        let base = self.base(b, memory);
        let address = match wide {
            Some(wide) => b.ins().iadd(base, wide),
            None => base,
        };
        let (mut address, mut offset) = match i32::try_from(offset) {
            Ok(offset) => (address, offset),
            Err(_) => (b.ins().iadd_imm_u(address, offset as i64), 0),
        };
        if let Some(beyond) = beyond.filter(|_| self.spectre) {
            let null = b.ins().iconst(I64, 0);
            let exact = b.ins().iadd_imm_s(address, i64::from(offset));
            (address, offset) = (b.ins().select_spectre_guard(beyond, null, exact), 0);
        }
        let flags = if faults && !in_bounds {
            self.flags.memory.with_trap_code(Some(self.codes[0]))
        } else {
            self.flags.memory_checked
        };
        MemoryOperand { address, offset, flags }
    }

    /// A store has been translated. If the next one goes to the same place, Cranelift leaves out the first, and a trap would be
    /// reported where the second is; unless their trap codes differ. What loads in between traps as the next store does: to
    /// become one instruction, a load and a store must have the same code.
    pub(crate) fn stored(&mut self) {
        self.codes.swap(0, 1);
    }

    /// Emits a trap if the memory ends before `end` bytes after the index. Returns the condition, unless the check was
    /// redundant.
    fn check(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        memory: u32,
        index: Option<(Value, Value)>,
        end: u64,
    ) -> Option<Value> {
        if let Some((index, _)) = index
            && !self.spectre
            && self.checks.already(b, memory, index, end)
        {
            return None;
        }
        let end = match index {
            Some((_, wide)) => b.ins().iadd_imm_u(wide, end as i64),
            None => b.ins().iconst(I64, end as i64),
        };
        let len = self.len(b, memory);
        let beyond = b.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
        b.ins().trapnz(beyond, traps::code(Trap::MemoryOutOfBounds));
        Some(beyond)
    }

    /// `memory.size`
    pub(crate) fn pages(&self, b: &mut FunctionBuilder<'_>, memory: u32) -> Value {
        let len = self.len(b, memory);
        let heap = self.memories[memory as usize];
        let pages = b.ins().ushr_imm_u(len, i64::from(heap.page_size_log2));
        if heap.is_64 { pages } else { b.ins().ireduce(I32, pages) }
    }

    /// A pointer to a memory's object. It never changes, so Cranelift may load it once for a function.
    pub(crate) fn object(&self, b: &mut FunctionBuilder<'_>, memory: u32) -> Value {
        let offset = match memory {
            0 => layout::VMCTX_MEM0,
            _ => ((self.memories_word + memory) * 8) as i32,
        };
        b.ins().load(I64, self.flags.vm_readonly, self.vm, offset)
    }

    /// A memory's size in bytes.
    pub(crate) fn len(&self, b: &mut FunctionBuilder<'_>, memory: u32) -> Value {
        let object = self.object(b, memory);
        if self.memories[memory as usize].is_shared {
            let word = b.ins().load(I64, self.flags.vm_readonly, object, layout::MEMORY_SHARED_LEN);
            return b.ins().load(I64, self.flags.vm, word, 0);
        }
        b.ins().load(I64, self.flags.vm, object, layout::MEMORY_LEN)
    }

    /// The address of a memory's first byte.
    pub(crate) fn base(&self, b: &mut FunctionBuilder<'_>, memory: u32) -> Value {
        match (memory, self.memories[memory as usize].guarded) {
            (0, true) => b.ins().load(I64, self.flags.vm_readonly, self.vm, layout::VMCTX_BASE0),
            (_, guarded) => {
                let object = self.object(b, memory);
                let flags = if guarded { self.flags.vm_readonly } else { self.flags.vm };
                b.ins().load(I64, flags, object, layout::MEMORY_BASE)
            }
        }
    }
}

impl Checks {
    /// Enough for the fields that a loop typically accesses; the search is linear.
    const MOST: usize = 8;

    /// Whether this block has made such a check; records it if not.
    pub(super) fn already(&mut self, b: &FunctionBuilder<'_>, memory: u32, index: Value, end: u64) -> bool {
        let block = b.current_block();
        if self.block != block {
            self.block = block;
            self.known.clear();
        }
        let index = b.func.dfg.resolve_aliases(index);
        match self.known.iter_mut().find(|(m, i, _)| (*m, *i) == (memory, index)) {
            Some((_, _, known)) if end <= *known => true,
            Some((_, _, known)) => {
                *known = end;
                false
            }
            None => {
                if self.known.len() == Self::MOST {
                    self.known.remove(0);
                }
                self.known.push((memory, index, end));
                false
            }
        }
    }
}

/// The value of an `i32.const` or an `i64.const`.
pub(super) fn constant(b: &FunctionBuilder<'_>, value: Value) -> Option<u64> {
    let dfg = &b.func.dfg;
    match dfg.insts[dfg.value_def(value).inst()?] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits().cast_unsigned()),
        _ => None,
    }
}
