;; A loop's back edge charges it; without fuel that is a counter of slices alone.
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
;; frame 64 bytes, cost 3
;;      2  I32Add.1 ->3 r3 r0
;;      4  I32Sub.5 ->0 r0 1
;;      6  BrIfAccBack.0 @2 0x9
;;      9  ReturnInt.0 r3 1
;; function 1
;; frame 56 bytes, cost 3
;;      2  BrUnless.0 r0 @13
;;      4  I32Add.5 ->0 r0 -1
;;      6  I32LtU.15 @4 0x64 0x7
;;     10  BrBack.0 @2 0x4
;;     13  Return.0 1
;; estimated while loading: 3490 bytes to translate one, 612 bytes of cells
