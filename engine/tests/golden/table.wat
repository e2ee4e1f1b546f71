;; `br_table` with and without values.
(module
  (func (param $x i32) (result i32)
    (block $c
      (block $b
        (block $a
          (br_table $a $b $c (local.get $x)))
        (return (i32.const 1)))
      (return (i32.const 2)))
    (i32.const 3))
  (func (param $x i32) (result i32)
    (block $b (result i32)
      (block $a (result i32)
        (br_table $a $b (i32.const 5) (i32.add (local.get $x) (i32.const 1))))
      (i32.add (i32.const 1))))
  (func (param $x i32)
    (loop $again (br_table $again 1 (local.get $x)))))

;; cells
;; function 0
;; frame 48 bytes, cost 6
;;      2  BrTable.0 r0 2 0x5 0x8 0xb
;;      7  ReturnIntImm.0 1 0x1
;;     10  ReturnIntImm.0 1 0x2
;;     13  ReturnIntImm.0 1 0x3
;; function 1
;; frame 64 bytes, cost 9
;;      2  I32Add.4 r0 1
;;      4  Const.0 ->3 5
;;      6  BrTableAcc.0 1 0x4 0x6
;;     10  I32Add.5 ->3 r3 1
;;     12  ReturnInt.0 r3 1
;; function 2
;; frame 48 bytes, cost 1
;;      2  BrTable.0 r0 1 0x4 0x7
;;      6  BrBack.0 @2 0x2
;;      9  Return.0 1
;; estimated while loading: 3345 bytes to translate one, 781 bytes of cells
