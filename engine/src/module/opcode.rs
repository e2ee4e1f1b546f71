//! Opcodes of one byte, from the specification's binary format (section 5.4): those that are asked for by number.

pub(crate) const UNREACHABLE: u8 = 0x00;
pub(crate) const NOP: u8 = 0x01;
pub(crate) const BLOCK: u8 = 0x02;
pub(crate) const LOOP: u8 = 0x03;
pub(crate) const IF: u8 = 0x04;
pub(crate) const ELSE: u8 = 0x05;
pub(crate) const TRY: u8 = 0x06;
pub(crate) const CATCH: u8 = 0x07;
pub(crate) const THROW: u8 = 0x08;
pub(crate) const RETHROW: u8 = 0x09;
pub(crate) const THROW_REF: u8 = 0x0a;
pub(crate) const END: u8 = 0x0b;
pub(crate) const BR: u8 = 0x0c;
pub(crate) const BR_IF: u8 = 0x0d;
pub(crate) const BR_TABLE: u8 = 0x0e;
pub(crate) const RETURN: u8 = 0x0f;
pub(crate) const CALL: u8 = 0x10;
pub(crate) const CALL_INDIRECT: u8 = 0x11;
pub(crate) const RETURN_CALL: u8 = 0x12;
pub(crate) const RETURN_CALL_INDIRECT: u8 = 0x13;
pub(crate) const RETURN_CALL_REF: u8 = 0x15;
pub(crate) const DELEGATE: u8 = 0x18;
pub(crate) const CATCH_ALL: u8 = 0x19;
pub(crate) const DROP: u8 = 0x1a;
pub(crate) const SELECT: u8 = 0x1b;
pub(crate) const TRY_TABLE: u8 = 0x1f;
pub(crate) const LOCAL_GET: u8 = 0x20;
pub(crate) const LOCAL_SET: u8 = 0x21;
pub(crate) const LOCAL_TEE: u8 = 0x22;
pub(crate) const GLOBAL_GET: u8 = 0x23;
pub(crate) const GLOBAL_SET: u8 = 0x24;
/// The first load; the stores follow.
pub(crate) const I32_LOAD: u8 = 0x28;
pub(crate) const I64_STORE32: u8 = 0x3e;
pub(crate) const MEMORY_SIZE: u8 = 0x3f;
pub(crate) const MEMORY_GROW: u8 = 0x40;
pub(crate) const I32_CONST: u8 = 0x41;
pub(crate) const I64_CONST: u8 = 0x42;
pub(crate) const F32_CONST: u8 = 0x43;
pub(crate) const F64_CONST: u8 = 0x44;
/// The first of those that are an opcode alone and compute something.
pub(crate) const I32_EQZ: u8 = 0x45;
pub(crate) const I64_EXTEND32_S: u8 = 0xc4;
pub(crate) const BR_ON_NULL: u8 = 0xd5;
pub(crate) const BR_ON_NON_NULL: u8 = 0xd6;
/// The prefix of conversions that saturate, and of bulk instructions.
pub(crate) const PREFIX_FC: u8 = 0xfc;
/// Behind that prefix.
pub(crate) const MEMORY_COPY: u8 = 10;
pub(crate) const MEMORY_FILL: u8 = 11;

/// What begins a recursion group, and a type in it.
pub(crate) const REC_TYPES: u8 = 0x4e;
pub(crate) const SUB_FINAL_TYPE: u8 = 0x4f;
pub(crate) const SUB_TYPE: u8 = 0x50;
pub(crate) const ARRAY_TYPE: u8 = 0x5e;
pub(crate) const STRUCT_TYPE: u8 = 0x5f;
pub(crate) const FUNC_TYPE: u8 = 0x60;

/// What begins a reference's type, in front of a heap type: one that may be null, or one that isn't.
pub(crate) const REF_NULL_TYPE: u8 = 0x63;
pub(crate) const REF_TYPE: u8 = 0x64;

/// The bit of an access's alignment that says that the memory's index follows.
pub(crate) const MEMORY_FOLLOWS: u8 = 1 << 6;
