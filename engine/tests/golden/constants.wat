;; Constants make no cells of their own where there is a form that takes one; of two, the left one is put into a slot.
(module
  (memory 1)
  (func (result i32) (i32.eqz (i32.const 7)))
  (func (result i32) (i64.eqz (i64.const 7)))
  (func (result i32) (i32.add (i32.const 1) (i32.const 2)))
  (func (result i32) (i32.sub (i32.const 1) (i32.const 2)))
  (func (result i32) (i32.lt_s (i32.const 1) (i32.const 2)))
  (func (result i64) (i64.add (i64.const 0x1_0000_0000) (i64.const -1)))
  (func (result f64) (f64.add (f64.const 1) (f64.const 2)))
  (func (param i32) (result i32) (i32.sub (i32.const 9) (local.get 0)))
  (func (param i32) (result i32) (i32.gt_u (i32.const 9) (local.get 0)))
  (func (result i32) (i32.eqz (i32.eqz (i32.const 3))))
  (func (result i32) (select (i32.const 1) (i32.const 2) (i32.const 3)))
  (func (result i32) (i32.load offset=4 (i32.const 8)))
  (func (result i32) (i32.load offset=0xffff_ffff (i32.const 1)))
  (func (result i32) (i32.load offset=0xffff_fffe (i32.const 1)))
  (func (i64.store offset=16 (i32.const 4) (i64.const 5)))
  (func (i32.store8 (i32.const -1) (i32.const 5)))
  (func (local i32 i64 f32) (local.set 0 (i32.const -1)) (local.set 1 (i64.const -1)) (local.set 2 (f32.const 1)))
  (func (param i32) (local.set 0 (local.get 0)) (local.set 0 (local.tee 0 (i32.const 3)))))

;; cells
;; function 0
;; frame 48 bytes, cost 3
;;      2  Const.0 ->3 7
;;      4  I32Eq.4 r3 0
;;      6  ReturnIntAcc.0 1
;; function 1
;; frame 48 bytes, cost 3
;;      2  Const.0 ->3 7
;;      4  I64Eq.4 r3 0 0x0
;;      7  ReturnIntAcc.0 1
;; function 2
;; frame 56 bytes, cost 4
;;      2  Const.0 ->3 1
;;      4  I32Add.4 r3 2
;;      6  ReturnIntAcc.0 1
;; function 3
;; frame 56 bytes, cost 4
;;      2  Const.0 ->3 1
;;      4  I32Sub.4 r3 2
;;      6  ReturnIntAcc.0 1
;; function 4
;; frame 56 bytes, cost 4
;;      2  Const.0 ->3 1
;;      4  I32LtS.4 r3 2
;;      6  ReturnIntAcc.0 1
;; function 5
;; frame 56 bytes, cost 4
;;      2  ConstWide.0 ->3 0x100000000
;;      5  I64Add.4 r3 -1 0xffffffffffffffff
;;      8  ReturnIntAcc.0 1
;; function 6
;; frame 56 bytes, cost 4
;;      2  ConstWide.0 ->3 0x3ff0000000000000
;;      5  F64Add.4 r3 0 0x4000000000000000
;;      8  ReturnF64Acc.0 1
;; function 7
;; frame 56 bytes, cost 4
;;      2  I32Sub.10 r0 9
;;      4  ReturnIntAcc.0 1
;; function 8
;; frame 56 bytes, cost 4
;;      2  I32LtU.4 r0 9
;;      4  ReturnIntAcc.0 1
;; function 9
;; frame 48 bytes, cost 4
;;      2  Const.0 ->3 3
;;      4  I32Ne.4 r3 0
;;      6  ReturnIntAcc.0 1
;; function 10
;; frame 64 bytes, cost 5
;;      2  Const.0 ->5 3
;;      4  Const.0 ->4 2
;;      6  Const.0 ->3 1
;;      8  SelectInt.2 r3 r4 r5
;;     10  ReturnIntAcc.0 1
;; function 11
;; frame 48 bytes, cost 3
;;      2  I32Load.4 12
;;      4  ReturnIntAcc.0 1
;; function 12
;; frame 48 bytes, cost 3
;;      2  Const.0 ->3 1
;;      4  I32Load.2 r3 -1
;;      6  ReturnIntAcc.0 1
;; function 13
;; frame 48 bytes, cost 3
;;      2  I32Load.4 -1
;;      4  ReturnIntAcc.0 1
;; function 14
;; frame 48 bytes, cost 4
;;      2  I64Store.8 20 0x5
;;      5  Return.0 0
;; function 15
;; frame 48 bytes, cost 4
;;      2  I32Store8.8 -1 0x5
;;      5  Return.0 0
;; function 16
;; frame 64 bytes, cost 7
;;      2  Const.0 ->2 -1
;;      4  ConstWide.0 ->3 0xffffffffffffffff
;;      7  Const.0 ->4 1065353216
;;      9  Return.0 0
;; function 17
;; frame 48 bytes, cost 6
;;      2  Const.0 ->0 3
;;      4  Return.0 1
;; estimated while loading: 2478 bytes to translate one, 3694 bytes of cells
