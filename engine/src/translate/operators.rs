//! What is made of each operator.

use super::error::Error;
#[cfg(feature = "simd")]
use super::operand::Location;
use super::translator::Translator;
use crate::ops::{AtomicOp, BulkOp, Class, SpecialOp};
#[cfg(feature = "simd")]
use crate::value::relaxed::RelaxedSimd;
use wasmparser::Operator;

impl Translator<'_> {
    /// Translates an instruction that can be reached and that the table of opcodes doesn't have.
    pub(super) fn operator(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        use Operator as O;
        self.pending += 1;
        match *operator {
            O::I64Const { value } => self.push_const(Class::Int, value as u64),
            O::F32Const { value } => self.push_const(Class::F32, value.bits() as u64),
            O::F64Const { value } => self.push_const(Class::F64, value.bits()),
            #[cfg(feature = "simd")]
            O::V128Const { value } => {
                let bits = value.i128() as u128;
                self.push(Class::V128, Location::Const([bits as u64, (bits >> 64) as u64]))
            }
            O::RefNull { .. } => self.push_const(Class::Int, 0),
            O::GlobalGet { global_index } => self.global_get(global_index),
            O::GlobalSet { global_index } => self.global_set(global_index),
            O::Drop => {
                self.pop();
                Ok(())
            }
            O::Select | O::TypedSelect { .. } => self.select(),
            O::I32Eqz => self.eqz(crate::ops::IntCompareOp::I32Eq),
            O::I64Eqz => self.eqz(crate::ops::IntCompareOp::I64Eq),
            // Slots keep an i32 zero-extended.
            O::I64ExtendI32U | O::Nop => Ok(()),
            #[cfg(feature = "simd")]
            _ if self.env.settings.relaxed_simd != RelaxedSimd::DETERMINISTIC
                && self.machines_own(operator)? =>
            {
                Ok(())
            }
            _ => match crate::ops::select(operator) {
                Some(selected) => self.selected(&selected),
                None => self.structured(operator),
            },
        }
    }

    /// Control, calls, and what is rare.
    fn structured(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        use Operator as O;
        match *operator {
            O::Unreachable => self.unreachable(),
            O::Block { blockty } => self.block(blockty),
            O::Loop { blockty } => self.loop_(blockty),
            O::If { blockty } => {
                self.if_(blockty)?;
                self.charge()
            }
            O::Else => {
                self.else_()?;
                self.charge()
            }
            O::End => {
                self.end_block()?;
                self.charge()
            }
            O::Br { relative_depth } => self.br(relative_depth),
            O::BrIf { relative_depth } => {
                self.br_if(relative_depth)?;
                self.charge()
            }
            O::BrTable { ref targets } => self.br_table(targets),
            O::Return => self.return_(),
            O::Call { function_index } => self.call(function_index),
            O::CallIndirect { type_index, table_index } => self.call_indirect(type_index, table_index),
            O::ReturnCall { function_index } => self.return_call(function_index),
            O::ReturnCallIndirect { type_index, table_index } => {
                self.return_call_indirect(type_index, table_index)
            }
            O::CallRef { type_index } => self.call_ref(type_index),
            O::ReturnCallRef { type_index } => self.return_call_ref(type_index),
            O::RefAsNonNull => self.ref_as_non_null(),
            O::BrOnNull { relative_depth } => {
                self.br_on_null(relative_depth)?;
                self.charge()
            }
            O::BrOnNonNull { relative_depth } => {
                self.br_on_non_null(relative_depth)?;
                self.charge()
            }
            O::Throw { tag_index } => self.throw(tag_index),
            O::ThrowRef => self.throw_ref(),
            O::Try { blockty } => self.try_(blockty),
            O::Catch { tag_index } => {
                self.catch(Some(tag_index))?;
                self.charge()
            }
            O::CatchAll => {
                self.catch(None)?;
                self.charge()
            }
            O::Delegate { relative_depth } => {
                self.delegate(relative_depth)?;
                self.charge()
            }
            O::Rethrow { relative_depth } => self.rethrow(relative_depth),
            O::MemorySize { mem } => self.memory_size(mem),
            #[cfg(feature = "simd")]
            O::V128Bitselect
            | O::I8x16RelaxedLaneselect
            | O::I16x8RelaxedLaneselect
            | O::I32x4RelaxedLaneselect
            | O::I64x2RelaxedLaneselect => self.bitselect(),
            #[cfg(feature = "simd")]
            O::F32x4RelaxedMadd => self.multiply_add(&O::F32x4Mul, &O::F32x4Add),
            #[cfg(feature = "simd")]
            O::F64x2RelaxedMadd => self.multiply_add(&O::F64x2Mul, &O::F64x2Add),
            #[cfg(feature = "simd")]
            O::F32x4RelaxedNmadd => self.multiply_subtract(&O::F32x4Mul, &O::F32x4Sub),
            #[cfg(feature = "simd")]
            O::F64x2RelaxedNmadd => self.multiply_subtract(&O::F64x2Mul, &O::F64x2Sub),
            #[cfg(feature = "simd")]
            O::I32x4RelaxedDotI8x16I7x16AddS => self.dot_add(),
            O::I64Add128 => self.wide_sum(SpecialOp::I64Add128),
            O::I64Sub128 => self.wide_sum(SpecialOp::I64Sub128),
            O::I64MulWideS => self.wide_product(SpecialOp::I64MulWideS),
            O::I64MulWideU => self.wide_product(SpecialOp::I64MulWideU),
            #[cfg(feature = "simd")]
            O::I8x16Shuffle { lanes } => self.shuffle(lanes),
            O::MemoryAtomicNotify { ref memarg }
            | O::MemoryAtomicWait32 { ref memarg }
            | O::MemoryAtomicWait64 { ref memarg } => {
                let (op, indices) = BulkOp::of(operator).expect("it has a row");
                self.bulk_at(op, indices, memarg.into())
            }
            _ => match (AtomicOp::of(operator), BulkOp::of(operator)) {
                (Some((op, memarg)), _) => self.atomic(op, memarg),
                (None, Some((op, indices))) => self.bulk(op, indices),
                (None, None) => Err(Error::changed()),
            },
        }
    }
}
