;; with fuel
;; Code that can't be reached costs nothing, and what follows costs what it would without.
(module
  (func (param i32) (result i32)
    (block $out
      (br $out)
      (block $dead (loop $again (br_if $again (local.get 0)) (br $dead)))
      (if (local.get 0) (then (local.set 0 (i32.const 1))) (else (local.set 0 (i32.const 2))))
      (local.set 0 (i32.const 3)))
    (i32.add (local.get 0) (i32.const 4)))
  (func (param i32) (result i32)
    (if (local.get 0)
      (then
        (return (i32.const 5))
        (block (block (local.set 0 (i32.const 6)))))
      (else (local.set 0 (i32.mul (local.get 0) (local.get 0)))))
    (i32.sub (local.get 0) (i32.const 7)))
  (func (param i32) (result i32)
    (if (local.get 0)
      (then (unreachable) (if (local.get 0) (then (nop)) (else (nop))))
      (else (local.set 0 (i32.const 8)) (br 0) (loop (local.set 0 (i32.const 9)))))
    (loop $again
      (local.set 0 (i32.xor (local.get 0) (i32.const 10)))
      (br $again)
      (loop (br $again))
      (local.set 0 (i32.const 11)))
    (local.get 0)))

;; cells
;; function 0
;; frame 56 bytes, cost 4
;;      2  Br.0 @4
;;      4  I32Add.4 r0 4
;;      6  ReturnIntAcc.0 1
;; function 1
;; frame 56 bytes, cost 7
;;      2  BrUnless.0 r0 @7
;;      4  ReturnIntImm.0 1 0x5
;;      7  I32Mul.1 ->0 r0 r0
;;      9  I32Sub.6 7
;;     11  ReturnIntAcc.0 1
;; function 2
;; frame 56 bytes, cost 4
;;      2  BrUnless.0 r0 @6
;;      4  Unreachable.0
;;      6  Const.0 ->0 8
;;      8  Br.0 @10
;;     10  Charge.0 5
;;     12  I32Xor.5 ->0 r0 10
;;     14  BrBack.0 @12 0x5
;; estimated while loading: 3645 bytes to translate one, 1168 bytes of cells
