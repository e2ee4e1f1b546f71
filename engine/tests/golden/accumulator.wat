;; A result stays in its class's accumulator. What is needed after the next result of the class is written to its slot as
;; well, by the cell that made it.
(module
  (func (param $x i32) (param $y i32) (result i32)
    (i32.mul (i32.add (local.get $x) (local.get $y)) (i32.sub (local.get $x) (local.get $y))))
  ;; Another class leaves the accumulator alone.
  (func (param $x i32) (param $f f64) (result f64)
    (i32.add (local.get $x) (i32.const 1))
    (f64.mul (local.get $f) (local.get $f))
    (f64.add (f64.convert_i32_s (local.get $x)))
    (local.set $f)
    (drop)
    (local.get $f))
  ;; The order of operands that aren't commutative.
  (func (param $x i32) (param $y i32) (result i32)
    (i32.sub (local.get $x) (i32.shl (local.get $y) (i32.const 3))))
  (func (param $x i32) (result i32)
    (i32.div_u (i32.const 100) (i32.rem_s (local.get $x) (i32.const 10)))))

;; cells
;; function 0
;; frame 72 bytes, cost 8
;;      2  I32Add.1 ->4 r0 r1
;;      4  I32Sub.0 r0 r1
;;      6  I32Mul.2 r4
;;      8  ReturnIntAcc.0 2
;; function 1
;; frame 72 bytes, cost 13
;;      2  I32Add.4 r0 1
;;      4  F64Mul.1 ->5 r1 r1
;;      6  F64ConvertI32S.2 r0 0 0
;;      8  F64Add.3 ->1 r5
;;     10  ReturnF64Acc.0 2
;; function 2
;; frame 72 bytes, cost 6
;;      2  I32Shl.4 r1 3
;;      4  I32Sub.8 r0
;;      6  ReturnIntAcc.0 2
;; function 3
;; frame 64 bytes, cost 6
;;      2  I32RemS.4 r0 10
;;      4  I32DivU.12 100
;;      6  ReturnIntAcc.0 1
;; estimated while loading: 2645 bytes to translate one, 937 bytes of cells
