//! Types, signatures and symbols.

use cranelift_codegen::ir::types::{F32, F64, I8X16, I32, I64};
use cranelift_codegen::ir::{AbiParam, Signature, Type, UserExternalName};
use cranelift_codegen::isa::CallConv;
use dunlin::{FuncType, ValType};

/// The Cranelift type of a WebAssembly type.
pub(crate) fn clif_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 => I32,
        ValType::I64 | ValType::Ref(_) => I64,
        ValType::F32 => F32,
        ValType::F64 => F64,
        ValType::V128 => I8X16,
    }
}

/// The native signature of functions of a type.
pub(crate) fn signature(ty: &FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(I64), AbiParam::new(I64)]);
    signature.params.extend(ty.params().map(|ty| AbiParam::new(clif_type(ty))));
    signature.returns.extend(ty.results().map(|ty| AbiParam::new(clif_type(ty))));
    signature
}

/// The Cranelift type of a type of a validated module.
pub(crate) fn wasm_type(ty: wasmparser::ValType) -> Type {
    match ty {
        wasmparser::ValType::I32 => I32,
        wasmparser::ValType::I64 | wasmparser::ValType::Ref(_) => I64,
        wasmparser::ValType::F32 => F32,
        wasmparser::ValType::F64 => F64,
        wasmparser::ValType::V128 => I8X16,
    }
}

/// A signature of `params` words in the platform's calling convention, with or without a status as result.
pub(crate) fn c_signature(convention: CallConv, params: usize, status: bool) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.extend(std::iter::repeat_n(AbiParam::new(I64), params));
    if status {
        signature.returns.push(AbiParam::new(I32));
    }
    signature
}

/// The signature of the bridge.
pub(crate) fn bridge_signature() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    // Only one param: each is fixed to a register at the call, from which other values would have to be moved on hot
    // paths.
    signature.params.push(AbiParam::new(I64));
    signature
}

/// The symbol of a function that is called directly, by its index among those that the module defines.
pub(crate) fn symbol(index: u32) -> UserExternalName {
    UserExternalName::new(0, index)
}
