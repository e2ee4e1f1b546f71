;; with OSR entries
;; The second function is the continuation from the loop on: it is entered with all values in the frame's slots, and
;; leaves its results there. The operand below the loop is a variable, as it may come from a slot.
(module
  (func (param $n i32) (result i32)
    (i32.const 7)
    (loop $again
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (local.get $n))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x19  v13 = iconst.i32 7
;;       0x1b  jump block3(v2)
;; block3(v14: i32):
;;       0x1f  v15 = iconst.i32 1
;;       0x21  v16 = isub v14, v15  ; v15 = 1
;;       0x24  brif v16, block5, block4
;; block5:
;;       0x24  v17 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_POLL
;;       0x24  v18 = load.i32 Interrupt aligned v17
;;       0x24  jump block3(v16)
;; block4:
;;       0x29  v20 = iadd.i32 v13, v16  ; v13 = 7
;;       0x2a  return v20
;; }
;; at most 143840 bytes to make it
;; function u0:0(i64, i64, i64) system_v {
;; block0(v0: i64, v1: i64, v2: i64):
;;             jump block1
;; block2:
;;             v13 = iconst.i32 0
;;       0x19  v3 = iconst.i32 7
;;       0x1b  jump block3(v3, v13)  ; v3 = 7, v13 = 0
;; block1:
;;       0x1b  v4 = load.i32 notrap slots v1
;;       0x1b  v5 = load.i32 notrap slots v1+24
;;       0x1b  jump block3(v5, v4)
;; block3(v6: i32, v7: i32):
;;       0x1f  v8 = iconst.i32 1
;;       0x21  v9 = isub v7, v8  ; v8 = 1
;;       0x24  brif v9, block5, block4
;; block5:
;;       0x24  v10 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_POLL
;;       0x24  v11 = load.i32 Interrupt aligned v10
;;       0x24  jump block3(v6, v9)
;; block4:
;;       0x26  jump block6
;; block6:
;;       0x29  v14 = iadd.i32 v6, v9
;;       0x2a  jump block7(v14)
;; block7(v15: i32):
;;       0x2a  v16 = uextend.i64 v15
;;       0x2a  store notrap slots v16, v1
;;       0x2a  return
;; }
;; at most 143128 bytes to make it
