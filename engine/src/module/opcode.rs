//! Opcodes of frequent instructions, from the specification's binary format (section 5.4).

pub(crate) const END: u8 = 0x0b;
pub(crate) const BR_IF: u8 = 0x0d;
pub(crate) const BR_TABLE: u8 = 0x0e;
pub(crate) const LOCAL_GET: u8 = 0x20;
pub(crate) const LOCAL_SET: u8 = 0x21;
pub(crate) const LOCAL_TEE: u8 = 0x22;
/// The first load; the stores follow.
pub(crate) const I32_LOAD: u8 = 0x28;
pub(crate) const I64_STORE32: u8 = 0x3e;
pub(crate) const I32_CONST: u8 = 0x41;
/// The first of those that are an opcode alone and compute something.
pub(crate) const I32_EQZ: u8 = 0x45;
pub(crate) const I32_ADD: u8 = 0x6a;
pub(crate) const I64_EXTEND32_S: u8 = 0xc4;
