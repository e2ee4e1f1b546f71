;; with fuel
;; With fuel, a loop's first arrival has a cell of its own, and so has each arm that isn't small.
(module
  (func (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (param $n i32)
    (block $out
      (loop $outer
        (br_if $out (i32.eqz (local.get $n)))
        (loop $inner
          (br_if $inner (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const -1))) (i32.const 100))))
        (br $outer))))
  (func (param i32) (result i32)
    (if (local.get 0)
      (then (local.set 0 (i32.add (local.get 0) (i32.const 1))))
      (else
        (local.set 0 (i32.add (local.get 0) (i32.const 2))) (local.set 0 (i32.add (local.get 0) (i32.const 3)))
        (local.set 0 (i32.add (local.get 0) (i32.const 4))) (local.set 0 (i32.add (local.get 0) (i32.const 5)))))
    (block $out
      (block $default
        (block $one
          (block $zero (br_table $zero $one $default (local.get 0)))
          (local.set 0 (i32.const 7))
          (br $out))
        (local.set 0 (i32.add (local.get 0) (i32.const 2))) (local.set 0 (i32.add (local.get 0) (i32.const 3)))
        (local.set 0 (i32.add (local.get 0) (i32.const 4))) (local.set 0 (i32.add (local.get 0) (i32.const 5)))
        (br $out))
      (local.set 0 (i32.const 8)))
    (local.get 0)))

;; cells
;; function 0
;; frame 64 bytes, cost 1
;;      2  Charge.0 9
;;      4  I32Add.1 ->3 r3 r0
;;      6  I32Sub.5 ->0 r0 1
;;      8  BrIfAccBack.0 @4 0x9
;;     11  ReturnInt.0 r3 1
;; function 1
;; frame 56 bytes, cost 0
;;      2  Charge.0 4
;;      4  BrUnless.0 r0 @17
;;      6  Charge.0 7
;;      8  I32Add.5 ->0 r0 -1
;;     10  I32LtU.15 @8 0x64 0x7
;;     14  BrBack.0 @4 0x4
;;     17  Return.0 1
;; function 2
;; frame 56 bytes, cost 9
;;      2  BrUnless.0 r0 @8
;;      4  I32Add.5 ->0 r0 1
;;      6  Br.0 @18
;;      8  Charge.0 16
;;     10  I32Add.5 ->0 r0 2
;;     12  I32Add.7 ->0 3
;;     14  I32Add.7 ->0 4
;;     16  I32Add.7 ->0 5
;;     18  BrTable.0 r0 2 0x5 0x9 0x15
;;     23  Const.0 ->0 7
;;     25  Br.0 @41
;;     27  Charge.0 17
;;     29  I32Add.5 ->0 r0 2
;;     31  I32Add.7 ->0 3
;;     33  I32Add.7 ->0 4
;;     35  I32Add.7 ->0 5
;;     37  Br.0 @41
;;     39  Const.0 ->0 8
;;     41  ReturnInt.0 r0 1
;; estimated while loading: 4778 bytes to translate one, 1316 bytes of cells
