;; A small function is inlined: its frame is claimed, and its positions lead to the call. A call through a table
;; is inlined behind a guard if one function of its type is likely: here it is the only one.
(module
  (type $t (func (param i32) (result i32)))
  (table 2 funcref)
  (elem (i32.const 0) $double)
  (func $double (type $t) (i32.shl (local.get 0) (i32.const 1)))
  (func (param i32) (result i32)
    (call $double (local.get 0)))
  (func (param i32) (result i32)
    (call_indirect (type $t) (i32.const 7) (local.get 0))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x2c  v14 = iconst.i32 1
;;       0x2e  v15 = ishl.i32 v2, v14  ; v14 = 1
;;       0x2f  return v15
;; }
;; at most 141236 bytes to make it
;; function u0:1(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x34  v14 = iconst.i64 24
;;       0x34  v15 = iadd.i64 v1, v14  ; v14 = 24
;;       0x34  v16 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;       0x34  v17 = load.i64 notrap aligned vm v16
;;       0x34  v18 = iconst.i64 56
;;       0x34  v19 = iadd v15, v18  ; v18 = 56
;;       0x34  v20 = icmp ugt v19, v17
;;       0x34  brif v20, block3, block4
;; block3 cold:
;;       0x34  v21 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x34  v22 = load.i64 notrap aligned vm v21+BUILTIN_STACK
;;       0x34  v23 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x34  store notrap aligned vm v22, v23+STORE_BRIDGED
;;       0x34  store.i64 notrap aligned vm v19, v23+STORE_BRIDGED_ARG
;;       0x34  v24 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x34  v25 = load.i64 notrap aligned vm v24+bridge
;;       0x34  call_indirect sig0, v25(v0)
;;       0x34  jump block4
;; block4:
;;  inlined 1  v26 = iconst.i32 1
;;  inlined 2  v27 = ishl.i32 v2, v26  ; v26 = 1
;;       0x36  return v27
;; }
;; at most 150616 bytes to make it
;; function u0:2(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i32) -> i32 tail
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x39  v13 = iconst.i32 7
;;       0x3d  v15 = load.i64 notrap aligned readonly can_move vm v0+table0
;;       0x3d  v16 = uextend.i64 v2
;;       0x3d  v17 = load.i64 notrap aligned vm v15+TABLE_LEN
;;       0x3d  v18 = icmp uge v16, v17
;;       0x3d  trapnz v18, UndefinedElement
;;       0x3d  v19 = load.i64 notrap aligned vm v15+TABLE_BASE
;;       0x3d  v20 = iconst.i64 3
;;       0x3d  v21 = ishl v16, v20  ; v20 = 3
;;       0x3d  v22 = iadd v19, v21
;;       0x3d  v23 = load.i64 notrap aligned table v22
;;       0x3d  v24 = load.i32 IndirectCallToNull aligned vm v23+FUNC_SIG
;;       0x3d  v25 = iconst.i32 0
;;       0x3d  v26 = icmp ne v24, v25  ; v25 = 0
;;       0x3d  trapnz v26, BadSignature
;;       0x3d  v27 = iconst.i64 24
;;       0x3d  v28 = iadd.i64 v1, v27  ; v27 = 24
;;       0x3d  v29 = load.i64 notrap aligned vm v23+FUNC_VM
;;       0x3d  v30 = load.i32 notrap aligned vm v23+FUNC_INDEX
;;       0x3d  v31 = icmp eq v29, v0
;;       0x3d  v32 = iconst.i32 0
;;       0x3d  v33 = icmp eq v30, v32  ; v32 = 0
;;       0x3d  v34 = band v31, v33
;;       0x3d  brif v34, block3, block4
;; block4 cold:
;;       0x3d  v36 = load.i64 notrap aligned vm v23+FUNC_VM
;;       0x3d  v37 = icmp eq v36, v0
;;       0x3d  brif v37, block6, block7
;; block6:
;;       0x3d  v39 = load.i64 notrap aligned vm v23+FUNC_CODE
;;       0x3d  brif v39, block8(v39), block7
;; block7 cold:
;;       0x3d  v40 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x3d  store.i64 notrap aligned vm v23, v40+STORE_CALLEE
;;       0x3d  v41 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x3d  v42 = load.i64 notrap aligned vm v41+stub0
;;       0x3d  jump block8(v42)
;; block8(v38: i64):
;;       0x3d  v43 = call_indirect sig1, v38(v0, v28, v13)  ; v13 = 7
;;       0x3d  jump block5(v43)
;; block3:
;;       0x3d  v44 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;       0x3d  v45 = load.i64 notrap aligned vm v44
;;       0x3d  v46 = iconst.i64 56
;;       0x3d  v47 = iadd.i64 v28, v46  ; v46 = 56
;;       0x3d  v48 = icmp ugt v47, v45
;;       0x3d  brif v48, block9, block10
;; block9 cold:
;;       0x3d  v49 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x3d  v50 = load.i64 notrap aligned vm v49+BUILTIN_STACK
;;       0x3d  v51 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x3d  store notrap aligned vm v50, v51+STORE_BRIDGED
;;       0x3d  store.i64 notrap aligned vm v47, v51+STORE_BRIDGED_ARG
;;       0x3d  v52 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x3d  v53 = load.i64 notrap aligned vm v52+bridge
;;       0x3d  call_indirect sig0, v53(v0)
;;       0x3d  jump block10
;; block10:
;;  inlined 1  v54 = iconst.i32 1
;;  inlined 2  v55 = ishl.i32 v13, v54  ; v13 = 7, v54 = 1
;;       0x3d  jump block5(v55)
;; block5(v35: i32):
;;       0x40  return v35
;; }
;; at most 169048 bytes to make it
