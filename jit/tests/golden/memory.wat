;; Memories with guard regions: the access faults. An address that is always in bounds can't trap (notrap).
(module
  (memory 1)
  (func (param i32) (result i32)
    (i32.store offset=8 (local.get 0) (i32.load8_u (local.get 0)))
    (i32.load (i32.const 1024))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x22  v14 = uextend.i64 v2
;;       0x22  v15 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BASE0
;;       0x22  v16 = iadd v15, v14
;;       0x22  v17 = uload8.i32 little memory v16
;;       0x25  v18 = uextend.i64 v2
;;       0x25  v19 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BASE0
;;       0x25  v20 = iadd v19, v18
;;       0x25  store little memory v17, v20+8
;;       0x28  v21 = iconst.i32 1024
;;       0x2b  v22 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BASE0
;;       0x2b  v23 = load.i32 notrap little memory v22+1024
;;       0x2e  return v23
;; }
;; at most 143200 bytes to make it
