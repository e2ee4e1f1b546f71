;; A function of the same batch is called directly, an import through the stub of its type, which finds the callee in
;; STORE_CALLEE. A callee's frame begins at its first argument's slot.
(module
  (import "" "" (func $import (param i64) (result i64)))
  (func $recursive (param i64) (result i64)
    (i64.add (call $import (local.get 0)) (call $recursive (local.get 0))))
  (func (param i64) (result i64)
    (return_call $import (local.get 0))))

;; CLIF
;; function u0:0(i64, i64, i64) -> i64 tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i64) -> i64 tail
;;             fn0 = colocated u0:0 sig1
;; block0(v0: i64, v1: i64, v2: i64):
;;      entry  ...
;; block2:
;;       0x23  v14 = iconst.i64 24
;;       0x23  v15 = iadd.i64 v1, v14  ; v14 = 24
;;       0x23  v16 = load.i64 notrap aligned readonly can_move vm v0+import0
;;       0x23  v17 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x23  store notrap aligned vm v16, v17+STORE_CALLEE
;;       0x23  v18 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x23  v19 = load.i64 notrap aligned vm v18+stub0
;;       0x23  v20 = call_indirect sig1, v19(v0, v15, v2)
;;       0x27  v21 = iconst.i64 32
;;       0x27  v22 = iadd.i64 v1, v21  ; v21 = 32
;;       0x27  v23 = call fn0(v0, v22, v2)
;;       0x29  v24 = iadd v20, v23
;;       0x2a  return v24
;; }
;; at most 143232 bytes to make it
;; function u0:1(i64, i64, i64) -> i64 tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i64) -> i64 tail
;; block0(v0: i64, v1: i64, v2: i64):
;;      entry  ...
;; block2:
;;       0x2f  v14 = load.i64 notrap aligned readonly can_move vm v0+import0
;;       0x2f  v15 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x2f  store notrap aligned vm v14, v15+STORE_CALLEE
;;       0x2f  v16 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x2f  v17 = load.i64 notrap aligned vm v16+stub0
;;       0x2f  return_call_indirect sig1, v17(v0, v1, v2)
;; }
;; at most 141812 bytes to make it
