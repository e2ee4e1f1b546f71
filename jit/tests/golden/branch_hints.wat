;; with optimised
(module
  (func (param i32) (result i32)
    (block $rare
      (@metadata.code.branch_hint "\00") (br_if $rare (local.get 0))
      (return (i32.const 1)))
    (@metadata.code.branch_hint "\01")
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 2)) (else (i32.const 3)))))
