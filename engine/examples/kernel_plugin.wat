;; Gives its input in capitals.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input (param i64) (result i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (func (export "shout") (result i32) (local $to i64) (local $i i64)
    (local.set $to (call $alloc (call $length)))
    (block $done
      (loop $again
        (br_if $done (i64.eq (local.get $i) (call $length)))
        (call $store
          (i64.add (local.get $to) (local.get $i))
          (i32.and (call $input (local.get $i)) (i32.const 0xdf)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $again)))
    (call $output (local.get $to) (call $length))
    (i32.const 0)))
