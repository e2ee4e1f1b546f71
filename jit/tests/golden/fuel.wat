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
;;      entry  v15 = iconst.i64 0
;;      entry  v16 = iadd v14, v15  ; v15 = 0
;;      entry  v17 = iconst.i64 0
;;      entry  v18 = icmp slt v16, v17  ; v17 = 0
;;      entry  brif v18, block3, block4(v16)
;; block3 cold:
;;      entry  v20 = iconst.i64 0
;;      entry  v21 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;      entry  v22 = load.i64 notrap aligned vm v21+BUILTIN_REFILL
;;      entry  v23 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;      entry  store notrap aligned vm v22, v23+STORE_BRIDGED
;;      entry  store notrap aligned vm v20, v23+STORE_BRIDGED_ARG  ; v20 = 0
;;      entry  v24 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;      entry  v25 = load.i64 notrap aligned vm v24+bridge
;;      entry  call_indirect sig0, v25(v0)
;;      entry  v26 = load.i64 notrap aligned vm v13+STORE_SLICE
;;      entry  v27 = iconst.i64 0
;;      entry  v28 = iadd v26, v27  ; v27 = 0
;;      entry  jump block4(v28)
;; block4(v19: i64):
;;      entry  store notrap aligned vm v19, v13+STORE_SLICE
;;       0x18  v29 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;       0x18  v30 = load.i64 notrap aligned vm v29+STORE_SLICE
;;       0x18  v31 = iconst.i64 -1
;;       0x18  v32 = iadd v30, v31  ; v31 = -1
;;       0x18  v33 = iconst.i64 0
;;       0x18  v34 = icmp slt v32, v33  ; v33 = 0
;;       0x18  brif v34, block6, block7(v32)
;; block6 cold:
;;       0x18  v36 = iconst.i64 1
;;       0x18  v37 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x18  v38 = load.i64 notrap aligned vm v37+BUILTIN_REFILL
;;       0x18  v39 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x18  store notrap aligned vm v38, v39+STORE_BRIDGED
;;       0x18  store notrap aligned vm v36, v39+STORE_BRIDGED_ARG  ; v36 = 1
;;       0x18  v40 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x18  v41 = load.i64 notrap aligned vm v40+bridge
;;       0x18  call_indirect sig0, v41(v0)
;;       0x18  v42 = load.i64 notrap aligned vm v29+STORE_SLICE
;;       0x18  v43 = iconst.i64 -1
;;       0x18  v44 = iadd v42, v43  ; v43 = -1
;;       0x18  jump block7(v44)
;; block7(v35: i64):
;;       0x18  store notrap aligned vm v35, v29+STORE_SLICE
;;       0x18  jump block5
;; block5:
;;       0x1a  v45 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_STORE
;;       0x1a  v46 = load.i64 notrap aligned vm v45+STORE_SLICE
;;       0x1a  v47 = iconst.i64 -1
;;       0x1a  v48 = iadd v46, v47  ; v47 = -1
;;       0x1a  v49 = iconst.i64 0
;;       0x1a  v50 = icmp slt v48, v49  ; v49 = 0
;;       0x1a  brif v50, block8, block9(v48)
;; block8 cold:
;;       0x1a  v52 = iconst.i64 1
;;       0x1a  v53 = load.i64 notrap aligned vm v0+VMCTX_BUILTINS
;;       0x1a  v54 = load.i64 notrap aligned vm v53+BUILTIN_REFILL
;;       0x1a  v55 = load.i64 notrap aligned vm v0+VMCTX_STORE
;;       0x1a  store notrap aligned vm v54, v55+STORE_BRIDGED
;;       0x1a  store notrap aligned vm v52, v55+STORE_BRIDGED_ARG  ; v52 = 1
;;       0x1a  v56 = load.i64 notrap aligned vm v0+VMCTX_STUBS
;;       0x1a  v57 = load.i64 notrap aligned vm v56+bridge
;;       0x1a  call_indirect sig0, v57(v0)
;;       0x1a  v58 = load.i64 notrap aligned vm v45+STORE_SLICE
;;       0x1a  v59 = iconst.i64 -1
;;       0x1a  v60 = iadd v58, v59  ; v59 = -1
;;       0x1a  jump block9(v60)
;; block9(v51: i64):
;;       0x1a  store notrap aligned vm v51, v45+STORE_SLICE
;;       0x1a  jump block5
;; }
;; at most 170060 bytes to make it
