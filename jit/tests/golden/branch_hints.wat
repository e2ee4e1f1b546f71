;; with optimised
(module
  (func (param i32) (result i32)
    (block $rare
      (@metadata.code.branch_hint "\00") (br_if $rare (local.get 0))
      (return (i32.const 1)))
    (@metadata.code.branch_hint "\01")
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 2)) (else (i32.const 3)))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x42  brif.i32 v2, block5, block4
;; block5 cold:
;;       0x42  jump block3
;; block4:
;;       0x44  v14 = iconst.i32 1
;;       0x46  return v14  ; v14 = 1
;; block3:
;;       0x4a  v15 = iconst.i32 0
;;       0x4a  v16 = icmp.i32 eq v2, v15  ; v15 = 0
;;       0x4b  brif v16, block6, block7
;; block6:
;;       0x4d  v18 = iconst.i32 2
;;       0x4f  jump block8(v18)  ; v18 = 2
;; block7 cold:
;;       0x50  v20 = iconst.i32 3
;;       0x52  jump block8(v20)  ; v20 = 3
;; block8(v19: i32):
;;       0x53  return v19
;; }
;; at most 192768 bytes to make it
