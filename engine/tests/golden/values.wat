;; Where control flow meets, each operand is in the slot of its height.
(module
  (func (param $x i32) (result i32 i32)
    (block $two (result i32 i32)
      (i32.const 1)
      (i32.const 2)
      (br_if $two (local.get $x))
      (drop)
      (i32.add (local.get $x))
      (local.get $x)))
  (func (param $x i32) (result i32)
    (i32.const 10)
    (if (param i32) (result i32) (local.get $x)
      (then (i32.add (i32.const 1)))
      (else (i32.mul (local.get $x)))))
  (func (param $x i64) (param $y i64) (result i64)
    (local.get $x)
    (local.get $y)
    (loop $again (param i64 i64) (result i64)
      (i64.add)
      (local.get $y)
      (br_if $again (i32.wrap_i64 (local.get $x)))
      (drop)))
  (func (param $x i32) (param $f f32) (param $g f32) (result f32)
    (select (local.get $f) (f32.neg (local.get $g)) (i32.and (local.get $x) (i32.const 1)))))

;; cells
;; function 0
;; frame 72 bytes, cost 9
;;      2  Const.0 ->4 1
;;      4  Const.0 ->5 2
;;      6  BrIf.0 r0 @12
;;      8  I32Add.1 ->4 r4 r0
;;     10  Copy.0 ->5 r0
;;     12  ReturnValues.0 4 2 2
;; function 1
;; frame 56 bytes, cost 8
;;      2  Const.0 ->3 10
;;      4  BrUnless.0 r0 @10
;;      6  I32Add.5 ->3 r3 1
;;      8  Br.0 @12
;;     10  I32Mul.1 ->3 r3 r0
;;     12  ReturnInt.0 r3 1
;; function 2
;; frame 72 bytes, cost 4
;;      2  Copy.0 ->4 r0
;;      4  Copy.0 ->5 r1
;;      6  I64Add.1 ->4 r4 r5
;;      8  I32WrapI64.2 r0 0 0
;;     10  Copy.0 ->5 r1
;;     12  BrIfAccBack.0 @6 0x6
;;     15  ReturnInt.0 r4 2
;; function 3
;; frame 88 bytes, cost 8
;;      2  F32Neg.3 ->6 r2 0 0
;;      4  I32And.4 r0 1
;;      6  SelectF32.0 r1 r6
;;      8  ReturnF32Acc.0 3
;; estimated while loading: 2859 bytes to translate one, 998 bytes of cells
