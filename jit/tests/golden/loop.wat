;; A back edge polls: it reads a page that faults while an interruption is pending.
(module
  (func (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;             v3 = iconst.i32 0
;;      entry  ...
;; block2:
;;       0x1b  jump block3(v3, v2)  ; v3 = 0
;; block3(v14: i32, v15: i32):
;;       0x21  v16 = iadd v14, v15
;;       0x26  v17 = iconst.i32 1
;;       0x28  v18 = isub v15, v17  ; v17 = 1
;;       0x2b  brif v18, block5, block4
;; block5:
;;       0x2b  v19 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_POLL
;;       0x2b  v20 = load.i32 Interrupt aligned v19
;;       0x2b  jump block3(v16, v18)
;; block4:
;;       0x30  return v16
;; }
;; at most 144492 bytes to make it
