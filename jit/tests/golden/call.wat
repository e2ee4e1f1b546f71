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
;;       0x27  v23 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;       0x27  v24 = load.i64 notrap aligned vm v23
;;       0x27  v25 = iconst.i64 72
;;       0x27  v26 = iadd v22, v25  ; v25 = 72
;;       0x27  v27 = icmp ugt v26, v24
;;       0x27  brif v27, block3, block4
;; block3 cold:
;;       0x27  v28 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x27  v29 = load.i64 notrap aligned vm v28+BUILTIN_STACK
;;       0x27  v30 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x27  store notrap aligned vm v29, v30+STORE_BRIDGED
;;       0x27  store.i64 notrap aligned vm v26, v30+STORE_BRIDGED_ARG
;;       0x27  v31 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x27  v32 = load.i64 notrap aligned vm v31+bridge
;;       0x27  call_indirect sig0, v32(v0)
;;       0x27  jump block4
;; block4:
;;  inlined 1  v33 = iconst.i64 24
;;  inlined 1  v34 = iadd.i64 v22, v33  ; v33 = 24
;;  inlined 1  v35 = load.i64 notrap aligned readonly can_move vm v0+import0
;;  inlined 1  v36 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;  inlined 1  store notrap aligned vm v35, v36+STORE_CALLEE
;;  inlined 1  v37 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;  inlined 1  v38 = load.i64 notrap aligned vm v37+stub0
;;  inlined 1  v39 = call_indirect sig1, v38(v0, v34, v2)
;;  inlined 3  v40 = iconst.i64 32
;;  inlined 3  v41 = iadd.i64 v22, v40  ; v40 = 32
;;  inlined 3  v42 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;  inlined 3  v43 = load.i64 notrap aligned vm v42
;;  inlined 3  v44 = iconst.i64 72
;;  inlined 3  v45 = iadd v41, v44  ; v44 = 72
;;  inlined 3  v46 = icmp ugt v45, v43
;;  inlined 3  brif v46, block5, block6
;; block5 cold:
;;  inlined 3  v47 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;  inlined 3  v48 = load.i64 notrap aligned vm v47+BUILTIN_STACK
;;  inlined 3  v49 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;  inlined 3  store notrap aligned vm v48, v49+STORE_BRIDGED
;;  inlined 3  store.i64 notrap aligned vm v45, v49+STORE_BRIDGED_ARG
;;  inlined 3  v50 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;  inlined 3  v51 = load.i64 notrap aligned vm v50+bridge
;;  inlined 3  call_indirect sig0, v51(v0)
;;  inlined 3  jump block6
;; block6:
;;  inlined 5  v52 = iconst.i64 24
;;  inlined 5  v53 = iadd.i64 v41, v52  ; v52 = 24
;;  inlined 5  v54 = load.i64 notrap aligned readonly can_move vm v0+import0
;;  inlined 5  v55 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;  inlined 5  store notrap aligned vm v54, v55+STORE_CALLEE
;;  inlined 5  v56 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;  inlined 5  v57 = load.i64 notrap aligned vm v56+stub0
;;  inlined 5  v58 = call_indirect sig1, v57(v0, v53, v2)
;;  inlined 7  v59 = iconst.i64 32
;;  inlined 7  v60 = iadd.i64 v41, v59  ; v59 = 32
;;  inlined 7  v61 = call fn0(v0, v60, v2)
;;  inlined 8  v62 = iadd v58, v61
;; inlined 10  v63 = iadd.i64 v39, v62
;;       0x29  v64 = iadd.i64 v20, v63
;;       0x2a  return v64
;; }
;; at most 170272 bytes to make it
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
