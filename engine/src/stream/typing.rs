//! The types of a function's locals and operands at an instruction: what the validator knows there.

use super::code::catches_of;
use super::cost;
use super::framing::Leb;
use crate::memory::limits::MAX_LOCALS;
use crate::memory::{Budget, Buf, Charge, Kind, MemoryError, at_hand, third_party};
use crate::module::ModuleInner;
use crate::module::opcode::{CATCH, CATCH_ALL, DELEGATE, TRY_TABLE};
use crate::module::types::{HeapType, RefType, TypeNumber, ValType};
use wasmparser::{
    BinaryReader, FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody, Operator,
    UnpackedIndex, ValidatorResources, WasmModuleResources,
};

/// The most operands that an instruction can push: a call's results.
const MOST_PUSHED: u32 = 1000;

/// What is known at an instruction. References' types have the module's type indices.
#[cfg(feature = "snapshot")]
pub(crate) struct Typed<T> {
    pub(crate) locals: Buf<ValType>,
    /// The operands before it and behind it, from the bottom of the stack; `None` where that can't be reached.
    pub(crate) before: Option<Buf<ValType>>,
    pub(crate) behind: Option<Buf<ValType>>,
    /// What the caller made of the instruction.
    pub(crate) made: T,
}

/// A function's index (imports counted), its body, and the offset in the module where that begins.
type Body<'b> = (u32, &'b [u8], u64);

/// What is known at the instruction at `offset`. `None` if no instruction begins there.
///
/// # Errors
/// If there is no memory for it.
#[cfg(feature = "snapshot")]
pub(crate) fn typed<T>(
    module: &ModuleInner,
    body: Body<'_>,
    offset: u64,
    budget: &Budget,
    look: impl FnOnce(&Operator<'_>) -> T,
) -> Result<Option<Typed<T>>, MemoryError> {
    at_instruction(module, body, offset, budget, |validator, operator| {
        let before = operands(validator, budget)?;
        if third_party(|| validator.op(offset, operator)).is_err() {
            return Ok(None);
        }
        let mut locals = Buf::new(budget, Kind::CompilerScratch);
        for index in 0..validator.len_locals() {
            match validator.get_local_type(index).and_then(|ty| type_of(validator, ty)) {
                Some(ty) => locals.try_push(ty)?,
                None => return Ok(None),
            }
        }
        let made = look(operator);
        let behind = operands(validator, budget)?;
        Ok(Some(Typed { locals, before, behind, made }))
    })
}

/// The types of the operands below those that the instruction at `offset` takes. `None` if no instruction begins there, or
/// it can't be reached.
///
/// # Errors
/// If there is no memory for it.
#[cfg(feature = "coredump")]
pub(crate) fn operands_below(
    module: &ModuleInner,
    body: Body<'_>,
    offset: u64,
    budget: &Budget,
) -> Result<Option<Buf<ValType>>, MemoryError> {
    at_instruction(module, body, offset, budget, |validator, operator| {
        let arity = third_party(|| operator.operator_arity(&*validator));
        let (Some((takes, _)), Some(mut below)) = (arity, operands(validator, budget)?) else {
            return Ok(None);
        };
        below.truncate(below.len().saturating_sub(takes as usize));
        Ok(Some(below))
    })
}

/// Validates a body up to the instruction at `offset`, and gives what `look` makes of that. `None` if no instruction begins
/// there.
fn at_instruction<T>(
    module: &ModuleInner,
    (func, body, start): Body<'_>,
    offset: u64,
    budget: &Budget,
    look: impl FnOnce(&mut FuncValidator<ValidatorResources>, &Operator<'_>) -> Result<Option<T>, MemoryError>,
) -> Result<Option<T>, MemoryError> {
    let resources = module.validated.as_ref().and_then(|validated| validated.resources.as_ref());
    let Some(resources) = resources else { return Ok(None) };
    let features = module.features.of_bodies();
    let mut paid = Paid::new(budget, body)?;
    let reader = FunctionBody::new(BinaryReader::new_features(body, start, features));
    let ty = module.funcs[func as usize];
    let to_validate = FuncToValidate { resources: resources.clone(), index: func, ty, features };
    let mut validator = third_party(|| to_validate.into_validator(FuncValidatorAllocations::default()));
    let mut reader = reader.get_binary_reader();
    if third_party(|| validator.read_locals(&mut reader)).is_err() {
        return Ok(None);
    }
    while !reader.eof() {
        let (at, position) = (reader.original_position(), reader.current_position());
        paid.instruction(&validator, &body[position..])?;
        if at > offset {
            return Ok(None);
        }
        if at < offset {
            let visited = third_party(|| reader.visit_operator(&mut validator.visitor(at)));
            if !matches!(visited, Ok(Ok(()))) {
                return Ok(None);
            }
            continue;
        }
        let operator = third_party(|| reader.peek_operator(&validator.visitor(at)));
        let Ok(operator) = operator else { return Ok(None) };
        return look(&mut validator, &operator);
    }
    Ok(None)
}

/// The types of all operands; `None` where code can't be reached.
fn operands(
    validator: &FuncValidator<ValidatorResources>,
    budget: &Budget,
) -> Result<Option<Buf<ValType>>, MemoryError> {
    if validator.get_control_frame(0).is_none_or(|frame| frame.unreachable) {
        return Ok(None);
    }
    let mut types = Buf::new(budget, Kind::CompilerScratch);
    for depth in (0..validator.operand_stack_height() as usize).rev() {
        match validator.get_operand_type(depth).flatten().and_then(|ty| type_of(validator, ty)) {
            Some(ty) => types.try_push(ty)?,
            None => return Ok(None),
        }
    }
    Ok(Some(types))
}

/// The validator names types by identities of its own.
fn type_of(validator: &FuncValidator<ValidatorResources>, ty: wasmparser::ValType) -> Option<ValType> {
    let wasmparser::ValType::Ref(reference) = ty else { return ValType::from_wasmparser(ty) };
    let wasmparser::HeapType::Concrete(UnpackedIndex::Id(id)) = reference.heap_type() else {
        return ValType::from_wasmparser(ty);
    };
    let resources = validator.resources();
    let is_it = |index: &u32| {
        let mut named = wasmparser::HeapType::Concrete(UnpackedIndex::Module(*index));
        resources.check_heap_type(&mut named, 0).is_ok()
            && named == wasmparser::HeapType::Concrete(UnpackedIndex::Id(id))
    };
    let index =
        (0..TypeNumber::MAX).take_while(|&index| resources.sub_type_at(index).is_some()).find(is_it)?;
    let heap_type = HeapType::ConcreteFunc(TypeNumber::new(index).ok()?);
    Some(ValType::Ref(RefType::new(reference.is_nullable(), heap_type)))
}

/// What has been charged for the validator.
struct Paid {
    charge: Charge,
    operands: u32,
    depth: u32,
    catches: u32,
}

impl Paid {
    fn new(budget: &Budget, body: &[u8]) -> Result<Self, MemoryError> {
        let groups = match Leb::read(body) {
            Leb::Done(claimed, _) => claimed.min(body.len() as u32 / 2).min(MAX_LOCALS),
            _ => 0,
        };
        let bytes = u64::from(groups) * cost::LOCAL_GROUP;
        let mut paid =
            Self { charge: budget.nothing(Kind::CompilerScratch), operands: 0, depth: 0, catches: 0 };
        paid.grow(bytes)?;
        paid.stacks(0, 0)?;
        Ok(paid)
    }

    fn grow(&mut self, bytes: u64) -> Result<(), MemoryError> {
        self.charge.grow(bytes)?;
        at_hand(Kind::CompilerScratch, bytes)
    }

    /// For the stacks behind one more instruction.
    fn stacks(&mut self, operands: u32, depth: u32) -> Result<(), MemoryError> {
        let (operands, depth) = (operands + MOST_PUSHED, depth + 2);
        if operands > self.operands || depth > self.depth {
            let operands = operands.next_power_of_two().max(self.operands);
            let depth = depth.next_power_of_two().max(self.depth);
            self.grow(
                u64::from(operands - self.operands) * cost::OPERAND
                    + u64::from(depth - self.depth) * cost::BLOCK,
            )?;
            (self.operands, self.depth) = (operands, depth);
        }
        Ok(())
    }

    /// For the instruction that comes next.
    fn instruction(
        &mut self,
        validator: &FuncValidator<ValidatorResources>,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        let catches = match bytes[0] {
            TRY_TABLE => catches_of(&bytes[1..]),
            CATCH | CATCH_ALL | DELEGATE => 1,
            _ => 0,
        };
        if catches > self.catches {
            self.grow(u64::from(catches - self.catches) * cost::CATCH)?;
            self.catches = catches;
        }
        self.stacks(validator.operand_stack_height(), validator.control_stack_height())
    }
}
