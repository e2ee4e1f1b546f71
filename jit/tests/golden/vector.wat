;; A v128 is an i8x16 between instructions. Casts that would stack, or hide a load or constant from instruction
;; selection, are left out.
(module
  (memory 1)
  (func (param i32) (result v128)
    (i32x4.add
      (f32x4.min (v128.load (local.get 0)) (v128.const f32x4 1 2 3 4))
      (i32x4.splat (local.get 0)))))

;; CLIF
;; function u0:0(i64, i64, i32) -> i8x16 tail {
;;             sig0 = (i64) preserve_all
;;             const0 = 0x4080000040400000400000003f800000
;; block0(v0: i64, v1: i64, v2: i32):
;;      entry  ...
;; block2:
;;       0x20  v14 = uextend.i64 v2
;;       0x20  v15 = load.i64 notrap aligned readonly can_move vm v0+VMCTX_BASE0
;;       0x20  v16 = iadd v15, v14
;;       0x20  v19 = load.f32x4 little memory v16
;;             v17 = bitcast.i8x16 little v19
;;       0x24  v18 = vconst.i8x16 const0
;;       0x36  v20 = vconst.f32x4 const0
;;       0x36  v21 = fmin v19, v20  ; v20 = const0
;;       0x36  v22 = bitcast.i8x16 little v21
;;       0x3b  v23 = splat.i32x4 v2
;;       0x3b  v24 = bitcast.i8x16 little v23
;;       0x3d  v25 = bitcast.i32x4 little v21
;;       0x3d  v26 = iadd v25, v23
;;       0x3d  v27 = bitcast.i8x16 little v26
;;       0x40  return v27
;; }
;; at most 144332 bytes to make it
