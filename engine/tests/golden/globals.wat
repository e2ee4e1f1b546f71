(module
  (global $i (mut i32) (i32.const 0))
  (global $v (mut v128) (v128.const i64x2 0 0))
  (func (result i32)
    (global.set $i (i32.add (global.get $i) (i32.const 1)))
    (global.get $i))
  (func (param $x i32) (global.set $i (local.get $x)))
  (func (param $x i32) (global.set $i (i32.const 9)))
  (func (global.set $v (v128.not (global.get $v)))))

;; cells
;; function 0
;; frame 56 bytes, cost 6
;;      2  GlobalGetInt.0 ->0 11
;;      4  I32Add.6 1
;;      6  GlobalSetAccInt.0 11
;;      8  GlobalGetInt.0 ->0 11
;;     10  ReturnIntAcc.0 1
;; function 1
;; frame 48 bytes, cost 3
;;      2  GlobalSetInt.0 r0 11
;;      4  Return.0 1
;; function 2
;; frame 48 bytes, cost 3
;;      2  Const.0 ->3 9
;;      4  GlobalSetInt.0 r3 11
;;      6  Return.0 1
;; function 3
;; frame 48 bytes, cost 4
;;      2  GlobalGetV128.0 ->0 12
;;      4  V128Not.0 0 0
;;      6  GlobalSetAccV128.0 12
;;      8  Return.0 0
;; estimated while loading: 2406 bytes to translate one, 797 bytes of cells
