;; Shows the key `q`, and no other.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\24\00\00\00\01\00\00\00")
  (data (i32.const 8) "\20\00\00\00\06\00\00\00")
  (data (i32.const 32) "key  \n")
  (func (export "update") (result i32)
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)))
    (i32.eq (i32.load8_u (i32.const 36)) (i32.const 0x71)))
  (func (export "render") (param i32 i32)
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 64)))))
