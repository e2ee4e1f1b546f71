;; with prologue
;; The end of the frame is compared with the stack's limit. Where it is beyond, the bridge calls a builtin.
(module
  (func (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))

;; CLIF
;; function u0:0(i64, i64, i32, i32) -> i32 tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32, v3: i32):
;;      entry  v4 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;      entry  v5 = load.i64 notrap aligned vm v4
;;      entry  v6 = iconst.i64 64
;;      entry  v7 = iadd v1, v6  ; v6 = 64
;;      entry  v8 = icmp ugt v7, v5
;;      entry  brif v8, block1, block2
;; block1 cold:
;;      entry  v9 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;      entry  v10 = load.i64 notrap aligned vm v9+BUILTIN_STACK
;;      entry  v11 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;      entry  store notrap aligned vm v10, v11+STORE_BRIDGED
;;      entry  store.i64 notrap aligned vm v7, v11+STORE_BRIDGED_ARG
;;      entry  v12 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;      entry  v13 = load.i64 notrap aligned vm v12+bridge
;;      entry  call_indirect sig0, v13(v0)
;;      entry  jump block2
;; block2:
;;       0x1e  v16 = iadd.i32 v2, v3
;;       0x1f  return v16
;; }
;; at most 140140 bytes to make it
