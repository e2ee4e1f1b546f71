//! Instructions as wasmparser decodes them, and the table of those that are decoded without it.

use super::error::Error;
use crate::module::opcode::*;
use crate::ops::{MemArg, Selected};
use std::sync::OnceLock;
use wasmparser::{BinaryReader, FrameKind, FrameStack, Operator, VisitOperator, for_each_visit_operator};
#[cfg(feature = "simd")]
use wasmparser::{VisitSimdOperator, for_each_visit_simd_operator};

/// Rows of the op table by opcode: of instructions that are an opcode alone, and of loads and stores, whose operands
/// say nothing yet.
pub(super) type Plain = [Option<Selected>; 256];

pub(super) fn plain() -> &'static Plain {
    static PLAIN: OnceLock<Plain> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let mut table = [None; 256];
        for opcode in (I32_LOAD..=I64_STORE32).chain(I32_EQZ..=I64_EXTEND32_S) {
            let bytes = [opcode, 0, 0];
            let operator = operator(&mut BinaryReader::new(&bytes, 0));
            table[opcode as usize] = operator.ok().and_then(|operator| crate::ops::select(&operator));
        }
        table
    })
}

/// Reads the operands of a load or a store: the exponent of its alignment, which matters to nobody, with the bit
/// that says whether the memory's index follows; then its offset.
pub(super) fn memarg(reader: &mut BinaryReader<'_>) -> Result<MemArg, Error> {
    let mut read = || {
        let flags = reader.read_var_u32()?;
        let memory = if flags & u32::from(MEMORY_FOLLOWS) != 0 { reader.read_var_u32()? } else { 0 };
        Ok::<_, wasmparser::BinaryReaderError>(MemArg { memory, offset: reader.read_var_u64()? })
    };
    read().map_err(|_| Error::changed())
}

/// Reads an instruction.
pub(super) fn operator<'a>(
    reader: &mut BinaryReader<'a>,
) -> Result<Operator<'a>, wasmparser::BinaryReaderError> {
    reader.visit_operator(&mut Factory(FrameKind::If))
}

/// Reads an instruction with this opcode.
pub(super) fn operator_of<'a>(
    reader: &mut BinaryReader<'a>,
    opcode: u8,
) -> Result<Operator<'a>, wasmparser::BinaryReaderError> {
    match opcode {
        CATCH | CATCH_ALL | DELEGATE => reader.visit_operator(&mut Factory(FrameKind::LegacyTry)),
        _ => operator(reader),
    }
}

/// Makes wasmparser's representation of an instruction, which is in a block of this kind.
struct Factory(FrameKind);

macro_rules! make {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(fn $visit(&mut self $($(,$arg: $argty)*)?) -> Operator<'a> {
            Operator::$op $({ $($arg),* })?
        })*
    };
}

impl<'a> VisitOperator<'a> for Factory {
    type Output = Operator<'a>;

    #[cfg(feature = "simd")]
    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Operator<'a>>> {
        Some(self)
    }

    for_each_visit_operator!(make);
}

#[cfg(feature = "simd")]
impl<'a> VisitSimdOperator<'a> for Factory {
    for_each_visit_simd_operator!(make);
}

impl FrameStack for Factory {
    /// Validation has seen that each `else` is an `if`'s, and each `catch` a `try`'s.
    fn current_frame(&self) -> Option<FrameKind> {
        Some(self.0)
    }
}
