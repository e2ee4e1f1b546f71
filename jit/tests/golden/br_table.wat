;; Back edges of a br_table go by way of a block that polls, one for each loop.
(module
  (func (param i32) (result i32)
    (block $out
      (loop $again
        (block $next
          (br_table $again $next $out (local.get 0)))
        (local.set 0 (i32.const 2))
        (br $again)))
    (i32.const 5)))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x1b  jump block3(v2)
;; block3(v13: i32):
;;       0x21  br_table v13, block6, [block4, block5]
;; block4:
;;       0x21  v14 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_POLL
;;       0x21  v15 = load.i32 Interrupt aligned v14
;;       0x21  jump block3(v13)
;; block5:
;;       0x27  v16 = iconst.i32 2
;;       0x2b  v17 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_POLL
;;       0x2b  v18 = load.i32 Interrupt aligned v17+4
;;       0x2b  jump block3(v16)  ; v16 = 2
;; block6:
;;       0x2f  v20 = iconst.i32 5
;;       0x31  return v20  ; v20 = 5
;; }
;; at most 144972 bytes to make it
