;; Traps are faults of instructions; trap codes say which. Blocks that end in one are cold.
(module
  (func (param i32 f64) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (i32.div_s (local.get 0) (i32.trunc_f64_s (local.get 1)))))

;; CLIF
;; function u0:0(i64, i64, i32, f64) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32, v3: f64):
;;      entry  ...
;; block2:
;;       0x1c  v15 = iconst.i32 0
;;       0x1c  v16 = icmp.i32 eq v2, v15  ; v15 = 0
;;       0x1c  v17 = uextend.i32 v16
;;       0x1d  brif v17, block3, block4
;; block3 cold:
;;       0x1f  sequence_point
;;       0x1f  trap UnreachableCodeReached
;; block4:
;;       0x20  jump block5
;; block5:
;;       0x25  v19 = fcvt_to_sint.i32 v3
;;       0x26  v20 = sdiv.i32 v2, v19
;;       0x27  return v20
;; }
;; at most 145952 bytes to make it
