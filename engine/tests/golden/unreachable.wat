;; Code that control can't reach makes no cells and costs nothing.
(module
  (func (param $x i32) (result i32)
    (return (local.get $x))
    (i32.add (i32.const 1))
    (block (result i32) (i32.const 2) (br 0))
    (drop))
  (func (result i64) (unreachable))
  (func (param $x i32) (result i32)
    (loop $again (result i32)
      (br $again)
      (if (result i32) (then (i32.const 1)) (else (i32.const 2)))))
  (func (param $x i32) (result i32)
    (if (local.get $x) (then (return (i32.const 1))) (else (return (i32.const 2))))
    (i32.const 3)))

;; cells
;; function 0
;; frame 48 bytes, cost 2
;;      2  ReturnInt.0 r0 1
;; function 1
;; frame 40 bytes, cost 1
;;      2  Unreachable.0
;; function 2
;; frame 48 bytes, cost 1
;;      2  BrBack.0 @2 0x1
;; function 3
;; frame 48 bytes, cost 5
;;      2  BrUnless.0 r0 @7
;;      4  ReturnIntImm.0 1 0x1
;;      7  ReturnIntImm.0 1 0x2
;; estimated while loading: 2942 bytes to translate one, 914 bytes of cells
