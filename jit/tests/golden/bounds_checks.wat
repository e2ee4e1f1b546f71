;; with bounds checks
;; Of three accesses by one index, the second reaches farther and is checked anew; the third's check is redundant.
(module
  (memory 1)
  (func (param i32) (result i32)
    (i32.store (local.get 0) (i32.const 1))
    (i32.store offset=16 (local.get 0) (i32.const 2))
    (i32.load offset=8 (local.get 0))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x20  v14 = iconst.i32 1
;;       0x22  v15 = uextend.i64 v2
;;       0x22  v16 = iconst.i64 4
;;       0x22  v17 = iadd v15, v16  ; v16 = 4
;;       0x22  v18 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x22  v19 = load.i64 notrap aligned vm v18+MEMORY_LEN
;;       0x22  v20 = icmp ugt v17, v19
;;       0x22  trapnz v20, MemoryOutOfBounds
;;       0x22  v21 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x22  v22 = load.i64 notrap aligned vm v21+MEMORY_BASE
;;       0x22  v23 = iadd v22, v15
;;       0x22  store notrap little memory v14, v23  ; v14 = 1
;;       0x27  v24 = iconst.i32 2
;;       0x29  v25 = uextend.i64 v2
;;       0x29  v26 = iconst.i64 20
;;       0x29  v27 = iadd v25, v26  ; v26 = 20
;;       0x29  v28 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x29  v29 = load.i64 notrap aligned vm v28+MEMORY_LEN
;;       0x29  v30 = icmp ugt v27, v29
;;       0x29  trapnz v30, MemoryOutOfBounds
;;       0x29  v31 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x29  v32 = load.i64 notrap aligned vm v31+MEMORY_BASE
;;       0x29  v33 = iadd v32, v25
;;       0x29  store notrap little memory v24, v33+16  ; v24 = 2
;;       0x2e  v34 = uextend.i64 v2
;;       0x2e  v35 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x2e  v36 = load.i64 notrap aligned vm v35+MEMORY_BASE
;;       0x2e  v37 = iadd v36, v34
;;       0x2e  v38 = load.i32 notrap little memory v37+8
;;       0x31  return v38
;; }
;; at most 151692 bytes to make it
