(module
  (table $t 10 funcref)
  (func $f)
  (elem declare func $f)
  (func (param $i i32) (result i32)
    (table.set $t (local.get $i) (ref.func $f))
    (ref.is_null (table.get $t (local.get $i))))
  (func (param $i i32) (result funcref)
    (select (result funcref) (ref.null func) (table.get $t (i32.const 1)) (local.get $i)))
  (func (result i32)
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 3))
    (table.grow $t (ref.null func) (i32.const 1))))

;; cells
;; function 0
;; frame 32 bytes, cost 1
;;      2  Return.0 0
;; function 1
;; frame 56 bytes, cost 7
;;      2  RefFunc.0 4 0x0
;;      5  Copy.0 ->3 r0
;;      7  TableSet.0 3 0x0
;;     10  Copy.0 ->3 r0
;;     12  TableGet.0 3 0x0
;;     15  RefIsNull.2 r3 0 0
;;     17  ReturnIntAcc.0 1
;; function 2
;; frame 64 bytes, cost 6
;;      2  Const.0 ->4 1
;;      4  TableGet.0 4 0x0
;;      7  Const.0 ->3 0
;;      9  SelectInt.2 r3 r4 r0
;;     11  ReturnIntAcc.0 1
;; function 3
;; frame 64 bytes, cost 8
;;      2  Const.0 ->3 0
;;      4  Const.0 ->4 0
;;      6  Const.0 ->5 3
;;      8  TableFill.0 3 0x0
;;     11  Const.0 ->3 0
;;     13  Const.0 ->4 1
;;     15  TableGrow.0 3 0x0
;;     18  ReturnInt.0 r3 1
;; estimated while loading: 2543 bytes to translate one, 866 bytes of cells
