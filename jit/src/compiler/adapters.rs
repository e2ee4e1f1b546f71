//! Adapters between calling conventions. Each type has a *trampoline*, by which the interpreter enters compiled code, and
//! a *stub*, by which compiled code calls whatever isn't compiled. Besides, there are the *bridge* to builtins, and
//! *detours* for single functions.

use super::clif::mem_flags::AccessFlags;
use super::clif::types::{bridge_signature, c_signature, clif_type, signature};
use super::clif::{slots, traps};
use super::options::CodeOptions;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{self, InstBuilder, UserFuncName, Value};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use dunlin::tier::{View, layout};
use dunlin::{FuncType, ValTypes};

/// A builder at a function's entry block, and the function's params.
fn begin<'f>(
    func: &'f mut ir::Function,
    context: &'f mut FunctionBuilderContext,
) -> (FunctionBuilder<'f>, Vec<Value>) {
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let params = b.block_params(entry).to_vec();
    (b, params)
}

fn load(b: &mut FunctionBuilder<'_>, flags: AccessFlags, types: ValTypes<'_>, frame: Value) -> Vec<Value> {
    slots::load(b, flags.slots, types.map(clif_type), frame, 0)
}

/// `(context, frame, code)`: calls `code` with arguments from the frame's first slots, and stores the results there.
pub(crate) fn trampoline(
    ty: &FuncType,
    options: CodeOptions,
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) {
    func.signature = c_signature(options.c_convention, 3, false);
    func.name = UserFuncName::user(1, 0);
    let flags = AccessFlags::new(func);
    let (mut b, params) = begin(func, context);
    let [vm, frame, code] = params[..] else { unreachable!("as the signature says") };
    let args: Vec<Value> = [vm, frame].into_iter().chain(load(&mut b, flags, ty.params(), frame)).collect();
    let signature = b.import_signature(signature(ty));
    let call = b.ins().call_indirect(signature, code, &args);
    let results = b.inst_results(call).to_vec();
    if options.suspends {
        // If the callee was left for suspension, the slots hold its state.
        let state = b.ins().load(I64, flags.vm_readonly, vm, layout::VMCTX_STORE);
        let leaving = b.ins().load(I64, flags.vm, state, layout::STORE_LEAVING);
        let (left, go_on) = (b.create_block(), b.create_block());
        b.ins().brif(leaving, left, &[], go_on, &[]);
        b.seal_block(left);
        b.seal_block(go_on);
        b.switch_to_block(left);
        b.ins().return_(&[]);
        b.switch_to_block(go_on);
    }
    slots::store(&mut b, flags.slots, &results, frame, 0);
    b.ins().return_(&[]);
    b.finalize(options.frontend);
}

/// Stores its arguments to slots, has the engine call what `STORE_CALLEE` says, and returns the results.
pub(crate) fn stub(
    ty: &FuncType,
    options: CodeOptions,
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) {
    func.signature = signature(ty);
    func.name = UserFuncName::user(1, 1);
    let flags = AccessFlags::new(func);
    let (mut b, params) = begin(func, context);
    let (vm, frame) = (params[0], params[1]);
    slots::store(&mut b, flags.slots, &params[2..], frame, 0);
    let native = b.ins().get_frame_pointer(I64);
    let builtins = b.ins().load(I64, flags.vm_readonly, vm, layout::VMCTX_BUILTINS);
    let callee = b.ins().load(I64, flags.vm_readonly, builtins, layout::BUILTIN_CALL);
    let signature = b.import_signature(c_signature(options.c_convention, 3, true));
    let call = b.ins().call_indirect(signature, callee, &[vm, frame, native]);
    let status = b.inst_results(call)[0];
    b.ins().trapnz(status, traps::FAILED);
    let results = load(&mut b, flags, ty.results(), frame);
    b.ins().return_(&results);
    b.finalize(options.frontend);
}

/// `(context)`: calls `STORE_BRIDGED` with its own native frame as the last argument, and traps if that fails. Preserves all
/// registers.
pub(crate) fn bridge(options: CodeOptions, func: &mut ir::Function, context: &mut FunctionBuilderContext) {
    func.signature = bridge_signature();
    func.name = UserFuncName::user(1, 2);
    let flags = AccessFlags::new(func);
    let (mut b, params) = begin(func, context);
    let [vm] = params[..] else { unreachable!("as the signature says") };
    let store = b.ins().load(I64, flags.vm_readonly, vm, layout::VMCTX_STORE);
    let builtin = b.ins().load(I64, flags.vm, store, layout::STORE_BRIDGED);
    let arg = b.ins().load(I64, flags.vm, store, layout::STORE_BRIDGED_ARG);
    let native = b.ins().get_frame_pointer(I64);
    let signature = b.import_signature(c_signature(options.c_convention, 3, true));
    let call = b.ins().call_indirect(signature, builtin, &[vm, arg, native]);
    let status = b.inst_results(call)[0];
    b.ins().trapnz(status, traps::FAILED);
    b.ins().return_(&[]);
    b.finalize(options.frontend);
}

/// Stands in for function `index`, which a batch calls directly but which turned out not to be compiled. It tail-calls
/// the function's code if that exists by now, and otherwise the stub of its type.
pub(crate) fn detour(
    view: View<'_>,
    index: u32,
    options: CodeOptions,
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) {
    let ty = view.type_of(view.imported_funcs() + index);
    func.signature = signature(&view.types()[ty as usize]);
    func.name = UserFuncName::user(2, index);
    let flags = AccessFlags::new(func);
    let (mut b, params) = begin(func, context);
    let vm = params[0];
    let natives = b.ins().load(I64, flags.vm_readonly, vm, layout::VMCTX_NATIVES);
    let code = b.ins().load(I64, flags.vm, natives, index as i32 * 8);
    let (there, missing) = (b.create_block(), b.create_block());
    b.ins().brif(code, there, &[], missing, &[]);
    b.seal_block(there);
    b.seal_block(missing);
    let signature = b.import_signature(b.func.signature.clone());
    b.switch_to_block(there);
    b.ins().return_call_indirect(signature, code, &params);
    b.switch_to_block(missing);
    let callee = b.ins().iconst(I64, i64::from(index) * 2 + 1);
    let store = b.ins().load(I64, flags.vm_readonly, vm, layout::VMCTX_STORE);
    b.ins().store(flags.vm, callee, store, layout::STORE_CALLEE);
    let stubs = b.ins().load(I64, flags.vm_readonly, vm, layout::VMCTX_STUBS);
    let stub = b.ins().load(I64, flags.vm, stubs, ty as i32 * 8);
    b.ins().return_call_indirect(signature, stub, &params);
    b.finalize(options.frontend);
}
