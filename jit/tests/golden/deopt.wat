;; with prologue, deoptimisation exits
;; Behind a call, STORE_LEAVING is checked. If it is set, locals and operands go to their slots, a builtin is told where
;; this is, and the function returns.
(module
  (import "" "" (func $import))
  (func (param i32) (result i32)
    (i32.add (local.get 0) (i32.const 1))
    (call $import)))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i64) -> i32 system_v
;;             sig2 = (i64, i64) tail
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  v3 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;      entry  v4 = load.i64 notrap aligned vm v3
;;      entry  v5 = iconst.i64 64
;;      entry  v6 = iadd v1, v5  ; v5 = 64
;;      entry  v7 = icmp ugt v6, v4
;;      entry  brif v7, block1, block2
;; block1 cold:
;;      entry  v8 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;      entry  v9 = load.i64 notrap aligned vm v8+BUILTIN_STACK
;;      entry  v10 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;      entry  store notrap aligned vm v9, v10+STORE_BRIDGED
;;      entry  store.i64 notrap aligned vm v6, v10+STORE_BRIDGED_ARG
;;      entry  v11 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;      entry  v12 = load.i64 notrap aligned vm v11+bridge
;;      entry  call_indirect sig0, v12(v0)
;;      entry  v13 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;      entry  v14 = load.i64 notrap aligned vm v13+STORE_LEAVING
;;      entry  brif v14, block3, block4
;; block3 cold:
;;      entry  v15 = uextend.i64 v2
;;      entry  store notrap slots v15, v1
;;      entry  v16 = iconst.i64 -4611686018427387904
;;      entry  v17 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BUILTINS
;;      entry  v18 = load.i64 notrap aligned readonly can_move vm v17+BUILTIN_LEFT
;;      entry  v19 = call_indirect sig1, v18(v0, v1, v16)  ; v16 = -4611686018427387904
;;      entry  trapnz v19, failed
;;      entry  v20 = iconst.i32 0
;;      entry  return v20  ; v20 = 0
;; block4:
;;      entry  jump block2
;; block2:
;;       0x25  v22 = iconst.i32 1
;;       0x27  v23 = iadd.i32 v2, v22  ; v22 = 1
;;       0x28  v24 = iconst.i64 32
;;       0x28  v25 = iadd.i64 v1, v24  ; v24 = 32
;;       0x28  v26 = load.i64 notrap aligned readonly can_move vm v0+import0
;;       0x28  v27 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x28  store notrap aligned vm v26, v27+STORE_CALLEE
;;       0x28  v28 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x28  v29 = load.i64 notrap aligned vm v28+stub0
;;       0x28  call_indirect sig2, v29(v0, v25)
;;       0x28  v30 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x28  v31 = load.i64 notrap aligned vm v30+STORE_LEAVING
;;       0x28  brif v31, block5, block6
;; block5 cold:
;;       0x28  v32 = uextend.i64 v2
;;       0x28  store notrap slots v32, v1
;;       0x28  v33 = uextend.i64 v23
;;       0x28  store notrap slots v33, v1+24
;;       0x28  v34 = iconst.i64 0x0028_0000_0000
;;       0x28  v35 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BUILTINS
;;       0x28  v36 = load.i64 notrap aligned readonly can_move vm v35+BUILTIN_LEFT
;;       0x28  v37 = call_indirect sig1, v36(v0, v1, v34)  ; v34 = 0x0028_0000_0000
;;       0x28  trapnz v37, failed
;;       0x28  v38 = iconst.i32 0
;;       0x28  return v38  ; v38 = 0
;; block6:
;;       0x2a  return v23
;; }
;; at most 153352 bytes to make it
