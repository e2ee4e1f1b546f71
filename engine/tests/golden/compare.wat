;; A comparison that only feeds a branch becomes part of the branch, also negated.
(module
  (func (param $x i32) (param $y i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $x) (local.get $y))
      (then (i32.const 1))
      (else (i32.const 2))))
  (func (param $x i64) (result i32)
    (block $out
      (br_if $out (i32.eqz (i64.gt_u (local.get $x) (i64.const 5))))
      (br_if $out (i64.eqz (local.get $x)))
      (return (i32.const 1)))
    (i32.const 0))
  ;; A float's comparison can't be negated.
  (func (param $x f32) (result i32)
    (block $out
      (br_if $out (i32.eqz (f32.lt (local.get $x) (f32.const 1)))))
    (i32.const 0))
  ;; Here the comparison is a value as well.
  (func (param $x i32) (param $y i32) (result i32)
    (local $less i32)
    (block $out
      (br_if $out (local.tee $less (i32.lt_u (local.get $x) (local.get $y)))))
    (local.get $less))
  (func (param $x i32) (result i32)
    (i32.eqz (i32.eqz (local.get $x)))))

;; cells
;; function 0
;; frame 64 bytes, cost 8
;;      2  I32GeS.8 r0 r1 @8
;;      4  Const.0 ->4 1
;;      6  Br.0 @10
;;      8  Const.0 ->4 2
;;     10  ReturnInt.0 r4 2
;; function 1
;; frame 56 bytes, cost 11
;;      2  I64LeU.12 r0 @10 0x5
;;      5  BrUnless.0 r0 @10
;;      7  ReturnIntImm.0 1 0x1
;;     10  ReturnIntImm.0 1 0x0
;; function 2
;; frame 56 bytes, cost 8
;;      2  F32Lt.4 r0 1065353216
;;      4  BrUnlessAcc.0 @6
;;      6  ReturnIntImm.0 1 0x0
;; function 3
;; frame 72 bytes, cost 8
;;      2  I32LtU.1 ->4 r0 r1
;;      4  BrIfAcc.0 @6
;;      6  ReturnInt.0 r4 2
;; function 4
;; frame 48 bytes, cost 4
;;      2  I32Ne.4 r0 0
;;      4  ReturnIntAcc.0 1
;; estimated while loading: 2862 bytes to translate one, 1220 bytes of cells
