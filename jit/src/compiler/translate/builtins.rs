//! Calls of the engine's builtins.

use super::translator::Translator;
use crate::compiler::clif::traps;
use crate::compiler::clif::types::{bridge_signature, c_signature};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, SigRef, Value};
use dunlin::tier::layout;

impl Translator<'_, '_> {
    /// Calls a builtin on a cold path by way of the bridge, which preserves all registers, so nothing is spilled for
    /// it. Traps if the builtin fails.
    pub(super) fn rare_builtin(&mut self, offset: i32, arg: Value) {
        let (signature, bridge) = self.bridge_to(offset, arg);
        self.b.ins().call_indirect(signature, bridge, &[self.vm]);
    }

    /// Prepares a call of a builtin by way of the bridge: its signature and address.
    pub(super) fn bridge_to(&mut self, offset: i32, arg: Value) -> (SigRef, Value) {
        let signature = match self.bridge_signature {
            Some(signature) => signature,
            None => self.b.import_signature(bridge_signature()),
        };
        self.bridge_signature = Some(signature);
        let table = self.load_rarely(self.vm, layout::VMCTX_BUILTINS);
        let builtin = self.load_rarely(table, offset);
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        self.b.ins().store(self.flags.vm, builtin, store, layout::STORE_BRIDGED);
        self.b.ins().store(self.flags.vm, arg, store, layout::STORE_BRIDGED_ARG);
        let stubs = self.load_rarely(self.vm, layout::VMCTX_STUBS);
        let bridge = self.load_rarely(stubs, self.view.types().len() as i32 * 8);
        (signature, bridge)
    }

    /// Calls the builtin at `offset` of the table, and traps if it fails.
    pub(super) fn builtin(&mut self, offset: i32, args: [Value; 2]) {
        let status = self.sure_builtin(offset, args);
        self.b.ins().trapnz(status, traps::FAILED);
        self.reload_slice();
    }

    /// The same for one that doesn't fail; gives its status, which is 0.
    pub(super) fn sure_builtin(&mut self, offset: i32, args: [Value; 2]) -> Value {
        let convention = self.options.c_convention;
        let signature = match self.builtin_signature {
            Some(signature) => signature,
            None => self.b.import_signature(c_signature(convention, 3, true)),
        };
        self.builtin_signature = Some(signature);
        let table = self.load_vm(layout::VMCTX_BUILTINS);
        let callee = self.b.ins().load(I64, self.flags.vm_readonly, table, offset);
        let call = self.b.ins().call_indirect(signature, callee, &[self.vm, args[0], args[1]]);
        self.b.inst_results(call)[0]
    }

    /// Calls a builtin that takes no context and can't fail.
    pub(super) fn plain_builtin(&mut self, offset: i32, args: [Value; 3]) {
        let signature = self.b.import_signature(c_signature(self.options.c_convention, 3, false));
        let table = self.load_vm(layout::VMCTX_BUILTINS);
        let callee = self.b.ins().load(I64, self.flags.vm_readonly, table, offset);
        self.b.ins().call_indirect(signature, callee, &args);
    }
}
