;; A guest whose operations try what a host has to bear: one letter says which, and the message is theirs.
(module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (import "wapc" "__guest_error" (func $error (param i32 i32)))
  (import "wapc" "__host_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response_len" (func $response_len (result i32)))
  (import "wapc" "__host_response" (func $fetch_response (param i32)))
  (import "wapc" "__host_error_len" (func $error_len (result i32)))
  (import "wapc" "__host_error" (func $fetch_error (param i32)))
  (import "wapc" "__console_log" (func $log (param i32 i32)))
  (import "wapc" "__of_a_later_version" (func $later))
  (memory (export "memory") 2)
  (global $starts (mut i32) (i32.const 0))
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 0) "binding")
  (data (i32.const 8) "space")
  (data (i32.const 16) "do")
  (data (i32.const 24) "\ff\fe")

  (func (export "_start") (global.set $starts (i32.const 1)))
  (func (export "wapc_init")
    (if (i32.ne (global.get $starts) (i32.const 1)) (then unreachable))
    (global.set $starts (i32.const 2)))

  ;; Has the host do it, and passes on what comes of that.
  (func $ask (param $len i32) (result i32)
    (if (call $call (i32.const 0) (i32.const 7) (i32.const 8) (i32.const 5) (i32.const 16) (i32.const 2)
          (i32.const 1024) (local.get $len))
      (then
        (call $fetch_response (i32.const 8192))
        (call $response (i32.const 8192) (call $response_len))
        (return (i32.const 1))))
    (call $fetch_error (i32.const 8192))
    (call $error (i32.const 8192) (call $error_len))
    (i32.const 0))

  (func (export "__guest_call") (param $name i32) (param $len i32) (result i32)
    (local $letter i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $request (i32.const 512) (i32.const 1024))
    (local.set $letter (i32.load8_u (i32.const 512)))
    ;; ask
    (if (i32.eq (local.get $letter) (i32.const 97)) (then (return (call $ask (local.get $len)))))
    ;; count: how often it has started and been called, as two digits
    (if (i32.eq (local.get $letter) (i32.const 99))
      (then
        (i32.store8 (i32.const 1024) (i32.add (i32.const 48) (global.get $starts)))
        (i32.store8 (i32.const 1025) (i32.add (i32.const 48) (global.get $calls)))
        (call $response (i32.const 1024) (i32.const 2))
        (return (i32.const 1))))
    ;; echo
    (if (i32.eq (local.get $letter) (i32.const 101))
      (then (call $response (i32.const 1024) (local.get $len)) (return (i32.const 1))))
    ;; fail
    (if (i32.eq (local.get $letter) (i32.const 102))
      (then (call $error (i32.const 1024) (local.get $len)) (return (i32.const 0))))
    ;; later: an import that no host has
    (if (i32.eq (local.get $letter) (i32.const 108)) (then (call $later)))
    ;; nothing
    (if (i32.eq (local.get $letter) (i32.const 110)) (then (return (i32.const 1))))
    ;; print
    (if (i32.eq (local.get $letter) (i32.const 112)) (then (call $log (i32.const 1024) (local.get $len))))
    ;; spin
    (if (i32.eq (local.get $letter) (i32.const 115)) (then (loop (br 0))))
    ;; trap
    (if (i32.eq (local.get $letter) (i32.const 116)) (then unreachable))
    ;; unreadable: a call named by what isn't UTF-8
    (if (i32.eq (local.get $letter) (i32.const 117))
      (then (return (call $call (i32.const 24) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0)))))
    ;; wild: a response that begins inside the memory and ends far beyond
    (if (i32.eq (local.get $letter) (i32.const 119))
      (then (call $response (i32.const 1024) (i32.const -1))))
    (i32.const 1)))
