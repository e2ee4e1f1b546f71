;; with bounds checks, Spectre mitigations
;; A failed check selects null as the address, so that nothing is accessed speculatively.
(module
  (memory 1)
  (func (param i32) (result i32)
    (i32.load (local.get 0))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x20  v14 = uextend.i64 v2
;;       0x20  v15 = iconst.i64 4
;;       0x20  v16 = iadd v14, v15  ; v15 = 4
;;       0x20  v17 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x20  v18 = load.i64 notrap aligned vm v17+MEMORY_LEN
;;       0x20  v19 = icmp ugt v16, v18
;;       0x20  trapnz v19, MemoryOutOfBounds
;;       0x20  v20 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x20  v21 = load.i64 notrap aligned vm v20+MEMORY_BASE
;;       0x20  v22 = iadd v21, v14
;;       0x20  v23 = iconst.i64 0
;;       0x20  v24 = iconst.i64 0
;;       0x20  v25 = iadd v22, v24  ; v24 = 0
;;       0x20  v26 = select_spectre_guard v19, v23, v25  ; v23 = 0
;;       0x20  v27 = load.i32 notrap little memory v26
;;       0x23  return v27
;; }
;; at most 143736 bytes to make it
