;; Addresses from a slot, from the accumulator, and constant; offsets of 32 bits are in the cell.
(module
  (memory 1) (memory 1)
  (func (param $p i32) (result i32)
    (i32.add (i32.load offset=8 (local.get $p)) (i32.load8_u (i32.const 16))))
  (func (param $p i32) (result i64)
    (i64.load16_s (i32.add (local.get $p) (i32.const 4))))
  (func (param $p i32) (param $v i32)
    (i32.store offset=70000 (local.get $p) (local.get $v))
    (i32.store8 (i32.shl (local.get $p) (i32.const 2)) (local.get $v))
    (i64.store (local.get $p) (i64.extend_i32_u (local.get $v)))
    (i32.store (local.get $p) (i32.const 1))
    (f64.store (i32.const 0) (f64.const 1.5)))
  (func (param $p i32) (result i32)
    (i32.store 1 (local.get $p) (i32.load 1 offset=4 (local.get $p)))
    (memory.size 1))
  (func (param $p i32) (result i32)
    (memory.fill (local.get $p) (i32.const 0) (i32.const 100))
    (memory.copy 0 1 (local.get $p) (i32.const 0) (local.get $p))
    (memory.grow (i32.const 1))))

;; cells
;; function 0
;; frame 56 bytes, cost 6
;;      2  I32Load.3 ->3 r0 8
;;      4  I32Load8U.4 16
;;      6  I32Add.2 r3
;;      8  ReturnIntAcc.0 1
;; function 1
;; frame 56 bytes, cost 5
;;      2  I32Add.4 r0 4
;;      4  I64Load16S.0 0
;;      6  ReturnIntAcc.0 1
;; function 2
;; frame 64 bytes, cost 19
;;      2  I32Store.0 r0 r1 70000
;;      4  I32Shl.4 r0 2
;;      6  I32Store8.3 r1 0
;;      8  I64Store.0 r0 r1 0
;;     10  I32Store.2 r0 0 0x1
;;     13  F64Store.8 0 0x3ff8000000000000
;;     16  Return.0 2
;; function 3
;; frame 56 bytes, cost 6
;;      2  I32Load.7 ->4 r0 4 0xc
;;      5  I32Store.9 r0 r4 0 0xc
;;      8  MemorySize.0 ->0 12
;;     10  ReturnIntAcc.0 1
;; function 4
;; frame 64 bytes, cost 11
;;      2  Copy.0 ->3 r0
;;      4  Const.0 ->4 0
;;      6  Const.0 ->5 100
;;      8  MemoryFill.0 3 0x0
;;     11  Copy.0 ->3 r0
;;     13  Const.0 ->4 0
;;     15  Copy.0 ->5 r0
;;     17  MemoryCopy.0 3 0x100000000
;;     20  Const.0 ->3 1
;;     22  MemoryGrow.0 3 0x0
;;     25  ReturnInt.0 r3 1
;; estimated while loading: 2875 bytes to translate one, 1333 bytes of cells
