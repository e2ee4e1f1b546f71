;; Two shifts of lanes that feed an `or` are a rotation, if their counts add up to the width. Scalars have `rotl`.
(module
  (func (param $x i32) (result i32)
    (i32.or (i32.shl (local.get $x) (i32.const 7)) (i32.shr_u (local.get $x) (i32.const 25))))
  (func (param $x i64) (result i64)
    (i64.or (i64.shr_u (local.get $x) (i64.const 40)) (i64.shl (local.get $x) (i64.const 24))))
  (func (param $x i32) (result i32)
    (i32.or (i32.shl (local.get $x) (i32.const 7)) (i32.shr_u (local.get $x) (i32.const 24))))
  (func (param $x i32) (param $y i32) (result i32)
    (i32.or (i32.shl (local.get $x) (i32.const 7)) (i32.shr_u (local.get $y) (i32.const 25))))
  (func (param $x v128) (result v128)
    (v128.or (i32x4.shl (local.get $x) (i32.const 12)) (i32x4.shr_u (local.get $x) (i32.const 20)))))

;; cells
;; function 0
;; frame 64 bytes, cost 8
;;      2  I32Shl.5 ->3 r0 7
;;      4  I32ShrU.4 r0 25
;;      6  I32Or.2 r3
;;      8  ReturnIntAcc.0 1
;; function 1
;; frame 64 bytes, cost 8
;;      2  I64ShrU.5 ->3 r0 40 0x28
;;      5  I64Shl.4 r0 24 0x18
;;      8  I64Or.2 r3
;;     10  ReturnIntAcc.0 1
;; function 2
;; frame 64 bytes, cost 8
;;      2  I32Shl.5 ->3 r0 7
;;      4  I32ShrU.4 r0 24
;;      6  I32Or.2 r3
;;      8  ReturnIntAcc.0 1
;; function 3
;; frame 72 bytes, cost 8
;;      2  I32Shl.5 ->4 r0 7
;;      4  I32ShrU.4 r1 25
;;      6  I32Or.2 r4
;;      8  ReturnIntAcc.0 2
;; function 4
;; frame 88 bytes, cost 8
;;      2  I32x4Rotl.0 ->0 r0 12
;;      4  ReturnV128Acc.0 2
;; estimated while loading: 2553 bytes to translate one, 1170 bytes of cells
