;; So many operands may be without a slot of their own; the next ones have the lowest put into theirs.
(module
  (memory 1)
  (func (param i32) (result i32)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0)
    (i32.load (i32.const 4)) (i32.load (i32.const 8))
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add))

;; cells
;; function 0
;; frame 320 bytes, cost 72
;;      2  Copy.0 ->3 r0
;;      4  Copy.0 ->4 r0
;;      6  I32Load.5 ->36 4
;;      8  Copy.0 ->5 r0
;;     10  I32Load.4 8
;;     12  I32Add.2 r36
;;     14  I32Add.2 r0
;;     16  I32Add.2 r0
;;     18  I32Add.2 r0
;;     20  I32Add.2 r0
;;     22  I32Add.2 r0
;;     24  I32Add.2 r0
;;     26  I32Add.2 r0
;;     28  I32Add.2 r0
;;     30  I32Add.2 r0
;;     32  I32Add.2 r0
;;     34  I32Add.2 r0
;;     36  I32Add.2 r0
;;     38  I32Add.2 r0
;;     40  I32Add.2 r0
;;     42  I32Add.2 r0
;;     44  I32Add.2 r0
;;     46  I32Add.2 r0
;;     48  I32Add.2 r0
;;     50  I32Add.2 r0
;;     52  I32Add.2 r0
;;     54  I32Add.2 r0
;;     56  I32Add.2 r0
;;     58  I32Add.2 r0
;;     60  I32Add.2 r0
;;     62  I32Add.2 r0
;;     64  I32Add.2 r0
;;     66  I32Add.2 r0
;;     68  I32Add.2 r0
;;     70  I32Add.2 r0
;;     72  I32Add.2 r0
;;     74  I32Add.2 r5
;;     76  I32Add.2 r4
;;     78  I32Add.2 r3
;;     80  ReturnIntAcc.0 1
;; estimated while loading: 5946 bytes to translate one, 784 bytes of cells
