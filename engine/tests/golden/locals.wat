;; `local.get` and constants make no cells: their consumers name the slots. `local.set` has its producer write the slot.
(module
  (func (param $x i32) (param $y i32) (result i32)
    (local $z i32)
    (local.set $z (i32.add (local.get $x) (local.get $y)))
    (i32.mul (local.get $z) (i32.const 3)))
  ;; A local that is overwritten while its old value is on the operand stack is copied first.
  (func (param $x i32) (result i32)
    (local.get $x)
    (local.set $x (i32.const 7))
    (i32.sub (local.get $x)))
  (func (param $x i64) (result i64)
    (i64.add (local.tee $x (i64.sub (local.get $x) (i64.const 1))) (local.get $x)))
  ;; A local that is set to itself makes no cell.
  (func (param $x i32)
    (local.set $x (local.get $x)))
  ;; Parameters behind which results don't fit move the header.
  (func (param i32) (result i64 i64 i64)
    (local f64)
    (i64.const 1) (i64.const 0x1_0000_0000) (i64.const -1)))

;; cells
;; function 0
;; frame 72 bytes, cost 8
;;      2  I32Add.1 ->4 r0 r1
;;      4  I32Mul.6 3
;;      6  ReturnIntAcc.0 2
;; function 1
;; frame 56 bytes, cost 6
;;      2  Copy.0 ->3 r0
;;      4  Const.0 ->0 7
;;      6  I32Sub.0 r3 r0
;;      8  ReturnIntAcc.0 1
;; function 2
;; frame 56 bytes, cost 7
;;      2  I64Sub.5 ->0 r0 1 0x1
;;      5  I64Add.2 r0
;;      7  ReturnIntAcc.0 1
;; function 3
;; frame 48 bytes, cost 3
;;      2  Return.0 1
;; function 4
;; frame 88 bytes, cost 4
;;      2  Const.0 ->6 1
;;      4  ConstWide.0 ->7 0x100000000
;;      7  ConstWide.0 ->8 0xffffffffffffffff
;;     10  ReturnValues.0 6 3 3
;; estimated while loading: 2498 bytes to translate one, 1089 bytes of cells
