;; A callee's frame begins where its arguments are.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "" "f" (func $imported (param i64)))
  (table 10 funcref)
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (param $x i32) (result i32)
    (i32.mul (i32.add (local.get $x) (i32.const 1)) (call $add (local.get $x) (i32.const 2))))
  (func (param $x i32) (result i32)
    (call_indirect (type $binary) (local.get $x) (i32.const 5) (i32.and (local.get $x) (i32.const 7))))
  (func (param $x i64) (call $imported (local.get $x)))
  (func (param $x i32) (result i32) (return_call $add (i32.const 1) (local.get $x)))
  (func (param $x i32) (result i32)
    (return_call_indirect (type $binary) (local.get $x) (local.get $x) (i32.const 3)))
  (func (param $x i64) (return_call $imported (local.get $x))))

;; cells
;; function 0
;; frame 64 bytes, cost 4
;;      2  I32Add.0 r0 r1
;;      4  ReturnIntAcc.0 2
;; function 1
;; frame 80 bytes, cost 8
;;      2  I32Add.5 ->3 r0 1
;;      4  Copy.0 ->4 r0
;;      6  Const.0 ->5 2
;;      8  Call.0 4 2 0
;;     10  I32Mul.2 r3
;;     12  ReturnIntAcc.0 1
;; function 2
;; frame 72 bytes, cost 7
;;      2  I32And.4 r0 7
;;      4  Copy.0 ->3 r0
;;      6  Const.0 ->4 5
;;      8  CallIndirectAcc.0 3 2 0xc
;;     11  ReturnIntAcc.0 1
;; function 3
;; frame 64 bytes, cost 3
;;      2  Copy.0 ->3 r0
;;      4  CallImport.0 3 1 11
;;      6  Return.0 1
;; function 4
;; frame 72 bytes, cost 3
;;      2  Const.0 ->3 1
;;      4  Copy.0 ->4 r0
;;      6  ReturnCall.0 3 1 0 2 0x0
;; function 5
;; frame 72 bytes, cost 4
;;      2  Const.0 ->5 3
;;      4  Copy.0 ->3 r0
;;      6  Copy.0 ->4 r0
;;      8  ReturnCallIndirect.0 3 1 r5 2 0xc
;; function 6
;; frame 64 bytes, cost 2
;;      2  Copy.0 ->3 r0
;;      4  ReturnCallImport.0 3 1 0 1 0xb
;; estimated while loading: 2571 bytes to translate one, 1454 bytes of cells
