;; with canonical NaNs
;; NaNs that arithmetic makes are made canonical by a cell of their own.
(module
  (func (param $x f64) (param $y f64) (result f64) (f64.add (local.get $x) (f64.sqrt (local.get $y))))
  (func (param $x f32) (result f32) (f32.neg (f32.abs (local.get $x))))
  (func (param $x v128) (result v128) (f32x4.mul (local.get $x) (local.get $x))))

;; cells
;; function 0
;; frame 64 bytes, cost 5
;;      2  F64Sqrt.3 ->5 r1 0 0
;;      4  CanonF64.0 5
;;      6  F64Add.3 ->4 r0
;;      8  CanonF64.0 4
;;     10  ReturnF64Acc.0 2
;; function 1
;; frame 48 bytes, cost 4
;;      2  F32Abs.2 r0 0 0
;;      4  F32Neg.0 0 0
;;      6  ReturnF32Acc.0 1
;; function 2
;; frame 80 bytes, cost 4
;;      2  F32x4Mul.1 ->4 r0 r0
;;      4  CanonF32x4.0 4
;;      6  ReturnV128Acc.0 2
;; estimated while loading: 2392 bytes to translate one, 601 bytes of cells
