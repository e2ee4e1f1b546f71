;; The index is checked, then null (by the fault of the load of the type), then the type. A function of this instance is
;; called directly if it is compiled, anything else through the stub of the type.
(module
  (type $t (func (param i32) (result i32)))
  (table 2 funcref)
  (func (param i32) (result i32)
    (call_indirect (type $t) (i32.const 7) (local.get 0))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i32) -> i32 tail
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x1f  v13 = iconst.i32 7
;;       0x23  v15 = load.i64 notrap aligned readonly can_move vm v0+table0
;;       0x23  v16 = uextend.i64 v2
;;       0x23  v17 = load.i64 notrap aligned vm v15+TABLE_LEN
;;       0x23  v18 = icmp uge v16, v17
;;       0x23  trapnz v18, UndefinedElement
;;       0x23  v19 = load.i64 notrap aligned vm v15+TABLE_BASE
;;       0x23  v20 = iconst.i64 3
;;       0x23  v21 = ishl v16, v20  ; v20 = 3
;;       0x23  v22 = iadd v19, v21
;;       0x23  v23 = load.i64 notrap aligned table v22
;;       0x23  v24 = load.i32 IndirectCallToNull aligned vm v23+FUNC_SIG
;;       0x23  v25 = iconst.i32 0
;;       0x23  v26 = icmp ne v24, v25  ; v25 = 0
;;       0x23  trapnz v26, BadSignature
;;       0x23  v27 = iconst.i64 24
;;       0x23  v28 = iadd.i64 v1, v27  ; v27 = 24
;;       0x23  v29 = load.i64 notrap aligned vm v23+FUNC_VM
;;       0x23  v30 = icmp eq v29, v0
;;       0x23  brif v30, block3, block4
;; block3:
;;       0x23  v32 = load.i64 notrap aligned vm v23+FUNC_CODE
;;       0x23  brif v32, block5(v32), block4
;; block4 cold:
;;       0x23  v33 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x23  store.i64 notrap aligned vm v23, v33+STORE_CALLEE
;;       0x23  v34 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x23  v35 = load.i64 notrap aligned vm v34+stub0
;;       0x23  jump block5(v35)
;; block5(v31: i64):
;;       0x23  v36 = call_indirect sig1, v31(v0, v28, v13)  ; v13 = 7
;;       0x26  return v36
;; }
;; at most 152040 bytes to make it
