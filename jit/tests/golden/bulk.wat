;; A builtin does it, with operands in slots. Small copies have a fast path that needs no context.
(module
  (memory 1)
  (table 1 funcref)
  (func (param i32)
    (memory.copy (local.get 0) (i32.const 0) (i32.const 16)))
  (func (param i32) (result i32)
    (table.grow (ref.null func) (local.get 0))))

;; CLIF
;; function u0:0(i64, i64, i32) tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i64) system_v
;;             sig2 = (i64, i64, i64) -> i32 system_v
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x2b  v14 = iconst.i32 0
;;       0x2d  v15 = iconst.i32 16
;;       0x2f  v16 = uextend.i64 v2
;;       0x2f  v17 = uextend.i64 v14  ; v14 = 0
;;       0x2f  v18 = uextend.i64 v15  ; v15 = 16
;;       0x2f  v19 = umax v16, v17
;;       0x2f  v20 = iadd v19, v18
;;       0x2f  v21 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x2f  v22 = load.i64 notrap aligned vm v21+MEMORY_LEN
;;       0x2f  v23 = icmp ugt v20, v22
;;       0x2f  v24 = iconst.i64 0x0001_0000
;;       0x2f  v25 = icmp ugt v18, v24  ; v24 = 0x0001_0000
;;       0x2f  v26 = bor v23, v25
;;       0x2f  brif v26, block3, block4
;; block4:
;;       0x2f  v27 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BASE0
;;       0x2f  v28 = iadd v27, v16
;;       0x2f  v29 = iadd v27, v17
;;       0x2f  v30 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BUILTINS
;;       0x2f  v31 = load.i64 notrap aligned readonly can_move vm v30+BUILTIN_COPY
;;       0x2f  call_indirect sig1, v31(v28, v29, v18)
;;       0x2f  jump block5
;; block3 cold:
;;       0x2f  v32 = uextend.i64 v2
;;       0x2f  store notrap slots v32, v1+24
;;       0x2f  v33 = uextend.i64 v14  ; v14 = 0
;;       0x2f  store notrap slots v33, v1+32
;;       0x2f  v34 = uextend.i64 v15  ; v15 = 16
;;       0x2f  store notrap slots v34, v1+40
;;       0x2f  v35 = iconst.i64 24
;;       0x2f  v36 = iadd.i64 v1, v35  ; v35 = 24
;;       0x2f  v37 = iconst.i64 0
;;       0x2f  v38 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BUILTINS
;;       0x2f  v39 = load.i64 notrap aligned readonly can_move vm v38+BUILTIN_BULK[MemoryCopy]
;;       0x2f  v40 = call_indirect sig2, v39(v0, v36, v37)  ; v37 = 0
;;       0x2f  trapnz v40, failed
;;       0x2f  jump block5
;; block5:
;;       0x33  return
;; }
;; at most 153212 bytes to make it
;; function u0:1(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;;             sig1 = (i64, i64, i64) -> i32 system_v
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x36  v13 = iconst.i64 0
;;       0x3a  store notrap slots v13, v1+24  ; v13 = 0
;;       0x3a  v15 = uextend.i64 v2
;;       0x3a  store notrap slots v15, v1+32
;;       0x3a  v16 = iconst.i64 24
;;       0x3a  v17 = iadd.i64 v1, v16  ; v16 = 24
;;       0x3a  v18 = iconst.i64 0
;;       0x3a  v19 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BUILTINS
;;       0x3a  v20 = load.i64 notrap aligned readonly can_move vm v19+BUILTIN_BULK[TableGrow]
;;       0x3a  v21 = call_indirect sig1, v20(v0, v17, v18)  ; v18 = 0
;;       0x3a  trapnz v21, failed
;;       0x3a  v22 = load.i32 notrap slots v1+24
;;       0x3d  return v22
;; }
;; at most 142984 bytes to make it
