;; Each global that a module defines has an alias region of its own; a constant import is read-only.
(module
  (import "" "" (global $base i32))
  (global $sp (mut i32) (i32.const 0))
  (func
    (global.set $sp (i32.add (global.get $sp) (global.get $base)))))

;; CLIF
;; function u0:0(i64, i64) tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64):
;;      entry  ...
;; block2:
;;       0x27  v12 = load.i64 notrap aligned readonly can_move vm v0+global1
;;       0x27  v13 = load.i32 notrap aligned own_global0 v12+GLOBAL_VALUE
;;       0x29  v14 = load.i64 notrap aligned readonly can_move vm v0+global0
;;       0x29  v15 = load.i32 notrap aligned readonly can_move global v14+GLOBAL_VALUE
;;       0x2b  v16 = iadd v13, v15
;;       0x2c  v17 = load.i64 notrap aligned readonly can_move vm v0+global1
;;       0x2c  v18 = uextend.i64 v16
;;       0x2c  store notrap aligned own_global0 v18, v17+GLOBAL_VALUE
;;       0x2e  return
;; }
;; at most 142000 bytes to make it
