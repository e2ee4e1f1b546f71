;; with prologue, fuel
;; A function's entry and each arrival at a loop charge the slice. Where it is too small, the bridge calls a builtin.
(module
  (func (param $n i32)
    (loop $again
      (br $again))))

;; CLIF
;; function u0:0(i64, i64, i32) tail {
;;             sig0 = (i64) preserve_all
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  v3 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_LIMIT
;;      entry  v4 = load.i64 notrap aligned vm v3
;;      entry  v5 = iconst.i64 40
;;      entry  v6 = iadd v1, v5  ; v5 = 40
;;      entry  v7 = icmp ugt v6, v4
;;      entry  brif v7, block1, block2
;; block1 cold:
;;      entry  v8 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;      entry  v9 = load.i64 notrap aligned vm v8+BUILTIN_STACK
;;      entry  v10 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;      entry  store notrap aligned vm v9, v10+STORE_BRIDGED
;;      entry  store.i64 notrap aligned vm v6, v10+STORE_BRIDGED_ARG
;;      entry  v11 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;      entry  v12 = load.i64 notrap aligned vm v11+bridge
;;      entry  call_indirect sig0, v12(v0)
;;      entry  jump block2
;; block2:
;;      entry  v13 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;      entry  v14 = load.i64 notrap aligned vm v13+STORE_SLICE
;;       0x18  v15 = iconst.i64 -1
;;       0x18  v16 = iadd v14, v15  ; v15 = -1
;;       0x18  v17 = iconst.i64 0
;;       0x18  v18 = icmp slt v16, v17  ; v17 = 0
;;       0x18  brif v18, block4, block5(v16)
;; block4 cold:
;;       0x18  v20 = iconst.i64 1
;;       0x18  v21 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x18  v22 = load.i64 notrap aligned vm v21+BUILTIN_REFILL
;;       0x18  v23 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x18  store notrap aligned vm v22, v23+STORE_BRIDGED
;;       0x18  store notrap aligned vm v20, v23+STORE_BRIDGED_ARG  ; v20 = 1
;;       0x18  v24 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x18  v25 = load.i64 notrap aligned vm v24+bridge
;;       0x18  call_indirect sig0, v25(v0)
;;       0x18  v26 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;       0x18  v27 = load.i64 notrap aligned vm v26+STORE_SLICE
;;       0x18  v28 = iconst.i64 -1
;;       0x18  v29 = iadd v27, v28  ; v28 = -1
;;       0x18  jump block5(v29)
;; block5(v19: i64):
;;       0x18  v30 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;       0x18  store notrap aligned vm v19, v30+STORE_SLICE
;;       0x18  jump block3(v19)
;; block3(v31: i64):
;;       0x1a  v32 = iconst.i64 -1
;;       0x1a  v33 = iadd v31, v32  ; v32 = -1
;;       0x1a  v34 = iconst.i64 0
;;       0x1a  v35 = icmp slt v33, v34  ; v34 = 0
;;       0x1a  brif v35, block6, block7(v33)
;; block6 cold:
;;       0x1a  v37 = iconst.i64 1
;;       0x1a  v38 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x1a  v39 = load.i64 notrap aligned vm v38+BUILTIN_REFILL
;;       0x1a  v40 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x1a  store notrap aligned vm v39, v40+STORE_BRIDGED
;;       0x1a  store notrap aligned vm v37, v40+STORE_BRIDGED_ARG  ; v37 = 1
;;       0x1a  v41 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x1a  v42 = load.i64 notrap aligned vm v41+bridge
;;       0x1a  call_indirect sig0, v42(v0)
;;       0x1a  v43 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;       0x1a  v44 = load.i64 notrap aligned vm v43+STORE_SLICE
;;       0x1a  v45 = iconst.i64 -1
;;       0x1a  v46 = iadd v44, v45  ; v45 = -1
;;       0x1a  jump block7(v46)
;; block7(v36: i64):
;;       0x1a  v47 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;       0x1a  store notrap aligned vm v36, v47+STORE_SLICE
;;       0x1a  jump block3(v36)
;; }
;; at most 156220 bytes to make it
