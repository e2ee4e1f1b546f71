;; with fuel
;; With fuel, a loop's first arrival has a cell of its own.
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
        (br $outer)))))

;; cells
;; function 0
;; frame 64 bytes, cost 2
;;      2  Charge.0 9
;;      4  I32Add.1 ->3 r3 r0
;;      6  I32Sub.5 ->0 r0 1
;;      8  BrIfAccBack.0 @4 0x9
;;     11  ReturnInt.0 r3 1
;; function 1
;; frame 56 bytes, cost 2
;;      2  Charge.0 5
;;      4  BrUnless.0 r0 @17
;;      6  Charge.0 7
;;      8  I32Add.5 ->0 r0 -1
;;     10  I32LtU.15 @8 0x64 0x7
;;     14  BrBack.0 @4 0x5
;;     17  Return.0 1
