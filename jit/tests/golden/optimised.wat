;; with bounds checks, optimised
;; What the optimizer makes of a loop: the second target of a branch stays in the loop, loads that nothing in the loop
;; can change are hoisted (LICM), constants are rematerialized.
(module
  (memory 1)
  (func (param $p i32) (param $end i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $again (i32.lt_u (local.get $p) (local.get $end))))
    (local.get $sum)))

;; CLIF
;; function u0:0(i64, i64, i32, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32, v3: i32):
;;      entry  ...
;; block2:
;;             v4 = iconst.i32 0
;;       0x27  v20 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_MEM0
;;       0x27  v18 = iconst.i64 4
;;       0x2f  v28 = iconst.i32 4
;;       0x39  v33 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_POLL
;;       0x21  jump block3(v4, v2)  ; v4 = 0
;; block3(v15: i32, v16: i32):
;;       0x27  v21 = load.i64 notrap aligned vm v20+MEMORY_LEN
;;       0x27  v17 = uextend.i64 v16
;;             v40 = iconst.i64 4
;;             v41 = iadd v17, v40  ; v40 = 4
;;       0x27  v22 = icmp ugt v41, v21
;;       0x27  trapnz v22, MemoryOutOfBounds
;;       0x27  v24 = load.i64 notrap aligned vm v20+MEMORY_BASE
;;       0x27  v25 = iadd v24, v17
;;       0x27  v26 = load.i32 notrap little memory v25
;;             v42 = iconst.i32 4
;;             v43 = iadd v16, v42  ; v42 = 4
;;             v38 = icmp uge v43, v3
;;       0x39  brif v38, block4, block5
;; block5:
;;       0x39  v34 = load.i32 Interrupt aligned v33
;;       0x2a  v27 = iadd.i32 v15, v26
;;       0x39  jump block3(v27, v43)
;; block4:
;;             v44 = iadd.i32 v15, v26
;;       0x3e  return v44
;; }
;; at most 214288 bytes to make it
