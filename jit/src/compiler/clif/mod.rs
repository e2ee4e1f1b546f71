//! What CLIF is built of here: types and signatures, memory flags, trap codes, the operand stack, slots of frames,
//! vectors, and addresses in linear memory.

pub(crate) mod heaps;
mod heaps64;
pub(crate) mod mem_flags;
pub(crate) mod operand_stack;
pub(crate) mod slots;
pub(crate) mod traps;
pub(crate) mod types;
pub(crate) mod vectors;
