;; A vector takes two slots.
(module
  (memory 1)
  (func (param $x v128) (param $y v128) (result v128)
    (i32x4.add (i32x4.mul (local.get $x) (local.get $y)) (v128.const i32x4 1 2 3 4)))
  (func (param $x v128) (result i32)
    (i32.add (i32x4.extract_lane 2 (local.get $x)) (i8x16.extract_lane_s 15 (local.get $x))))
  (func (param $x v128) (param $n i32) (result v128)
    (i16x8.replace_lane 3 (i16x8.shl (local.get $x) (local.get $n)) (local.get $n)))
  (func (param $p i32) (param $x v128) (result v128)
    (v128.store64_lane 1 (local.get $p) (local.get $x))
    (v128.load8_lane offset=3 7 (local.get $p) (local.get $x)))
  (func (param $x v128) (param $y v128) (result v128)
    (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (local.get $x) (local.get $y)))
  (func (param $x v128) (param $y v128) (result v128)
    (v128.bitselect (local.get $x) (local.get $y) (f32x4.lt (local.get $x) (local.get $y)))))

;; cells
;; function 0
;; frame 96 bytes, cost 6
;;      2  I32x4Mul.0 r0 r2
;;      4  I32x4Add.6 1 0x200000001 0x400000003
;;      8  ReturnV128Acc.0 4
;; function 1
;; frame 72 bytes, cost 6
;;      2  I32x4ExtractLane.1 ->4 r0 2
;;      4  I8x16ExtractLaneS.0 r0 15
;;      6  I32Add.2 r4
;;      8  ReturnIntAcc.0 2
;; function 2
;; frame 80 bytes, cost 6
;;      2  I16x8Shl.0 r0 r2
;;      4  I16x8ReplaceLane.2 r2 3
;;      6  ReturnV128Acc.0 3
;; function 3
;; frame 80 bytes, cost 7
;;      2  V128Store64Lane.0 r0 r1 1 0x0
;;      5  V128Load8Lane.0 ->5 r0 r1 7 0x3
;;      8  ReturnV128Acc.0 3
;; function 4
;; frame 96 bytes, cost 4
;;      2  Shuffle.0 ->0 r0 r2 0x1706150413021100 0x1f0e1d0c1b0a1908
;;      6  ReturnV128Acc.0 4
;; function 5
;; frame 128 bytes, cost 7
;;      2  F32x4Lt.1 ->10 r0 r2
;;      4  Bitselect.0 ->0 r0 r2 r10
;;      6  ReturnV128Acc.0 4
;; estimated while loading: 2581 bytes to translate one, 1449 bytes of cells
