//! The table of instructions that are decoded without wasmparser.

use super::error::Error;
use crate::module::opcode::*;
use crate::module::operators;
use crate::ops::{MemArg, Selected};
use crate::sys::OnceLock;
use wasmparser::BinaryReader;

/// Rows of the op table by opcode: of instructions that are an opcode alone, and of loads and stores, whose operands
/// say nothing yet.
pub(super) type Plain = [Option<Selected>; 256];

pub(super) fn plain() -> &'static Plain {
    static PLAIN: OnceLock<Plain> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let mut table = [None; 256];
        for opcode in (I32_LOAD..=I64_STORE32).chain(I32_EQZ..=I64_EXTEND32_S) {
            let bytes = [opcode, 0, 0];
            let operator = operators::read(&mut BinaryReader::new(&bytes, 0));
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
