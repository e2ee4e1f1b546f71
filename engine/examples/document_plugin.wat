;; Joins two arguments by a star; an error if the first is empty.
(module
  (import "typst_env" "wasm_minimal_protocol_write_args_to_buffer" (func $arguments (param i32)))
  (import "typst_env" "wasm_minimal_protocol_send_result_to_host" (func $result (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "nothing to join")
  (func (export "join") (param $a i32) (param $b i32) (result i32)
    (if (i32.eqz (local.get $a))
      (then
        (call $result (i32.const 0) (i32.const 15))
        (return (i32.const 1))))
    (call $arguments (i32.const 1024))
    (memory.copy
      (i32.add (i32.const 1025) (local.get $a))
      (i32.add (i32.const 1024) (local.get $a))
      (local.get $b))
    (i32.store8 (i32.add (i32.const 1024) (local.get $a)) (i32.const 42))
    (call $result (i32.const 1024) (i32.add (i32.const 1) (i32.add (local.get $a) (local.get $b))))
    (i32.const 0)))
