//! Instructions as wasmparser represents them.
//!
//! wasmparser's code that decodes is made once more for each type that it decodes into. So all who want the large enum get
//! it here.

use crate::module::opcode::{CATCH, CATCH_ALL, DELEGATE};
use alloc::vec::Vec;
use wasmparser::{
    BinaryReader, FrameKind, FrameStack, Operator, Result, VisitOperator, for_each_visit_operator,
};
#[cfg(feature = "simd")]
use wasmparser::{VisitSimdOperator, for_each_visit_simd_operator};

/// Reads an instruction, wherever it stands: which blocks are open isn't looked at.
///
/// # Errors
/// If there is none, or it is of a feature that the reader hasn't.
pub(crate) fn read<'a>(reader: &mut BinaryReader<'a>) -> Result<Operator<'a>> {
    let opcode = reader.clone().read_u8().unwrap_or_default();
    read_of(reader, opcode)
}

/// The same for an instruction with this opcode.
pub(crate) fn read_of<'a>(reader: &mut BinaryReader<'a>, opcode: u8) -> Result<Operator<'a>> {
    let block = match opcode {
        CATCH | CATCH_ALL | DELEGATE => FrameKind::LegacyTry,
        _ => FrameKind::If,
    };
    reader.visit_operator(&mut Factory(block))
}

/// Makes the representation of an instruction, which is in a block of this kind.
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
    /// One that the instruction may stand in: for each `else` an `if`, for each `catch` a `try`.
    fn current_frame(&self) -> Option<FrameKind> {
        Some(self.0)
    }
}
