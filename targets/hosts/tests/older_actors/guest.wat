;; An older actor: of waPC's own module. An operation "CONTRACT/NAME" is a call of its host's with the same message, whose
;; answer is its own. HandleRequest answers a request with what it was sent; of others, it logs the names.
(module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $respond (param i32 i32)))
  (import "wapc" "__guest_error" (func $fail (param i32 i32)))
  (import "wapc" "__host_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response_len" (func $response_len (result i32)))
  (import "wapc" "__host_response" (func $response (param i32)))
  (import "wapc" "__host_error_len" (func $error_len (result i32)))
  (import "wapc" "__host_error" (func $error (param i32)))
  (import "wapc" "__console_log" (func $log (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "default")
  ;; {statusCode: 201, status: "Created", header: {x-one: "1"}, body: binary of 32 bits' length}
  (data (i32.const 0x1000)
    "\84\aastatusCode\cd\00\c9\a6status\a7Created\a6header\81\a5x-one\a11\a4body\c6")
  (func $slash (param $len i32) (result i32)
    (local $at i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $at) (local.get $len)))
        (br_if $end (i32.eq (i32.load8_u offset=0x100 (local.get $at)) (i32.const 47)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $at))
  (func (export "__guest_call") (param $op i32) (param $len i32) (result i32)
    (local $slash i32) (local $head i32)
    (local.set $head (i32.const 52))
    (call $request (i32.const 0x100) (i32.const 0x2000))
    (local.set $slash (call $slash (local.get $op)))
    (if (i32.lt_u (local.get $slash) (local.get $op))
      (then
        (if (call $call (i32.const 0) (i32.const 7) (i32.const 0x100) (local.get $slash)
              (i32.add (i32.const 0x101) (local.get $slash))
              (i32.sub (i32.sub (local.get $op) (local.get $slash)) (i32.const 1))
              (i32.const 0x2000) (local.get $len))
          (then
            (call $response (i32.const 0x8000))
            (call $respond (i32.const 0x8000) (call $response_len))
            (return (i32.const 1))))
        (call $error (i32.const 0x8000))
        (call $fail (i32.const 0x8000) (call $error_len))
        (return (i32.const 0))))
    (call $log (i32.const 0x100) (local.get $op))
    (if (i64.eq (i64.load (i32.const 0x105)) (i64.const 0x7473657571655265)) ;; "HandleRequest"
      (then
        ;; The message's length, of less than 64 KiB, and the message behind it.
        (i32.store8 (i32.add (i32.const 0x1002) (local.get $head)) (i32.shr_u (local.get $len) (i32.const 8)))
        (i32.store8 (i32.add (i32.const 0x1003) (local.get $head)) (local.get $len))
        (memory.copy (i32.add (i32.const 0x1004) (local.get $head)) (i32.const 0x2000) (local.get $len))
        (call $respond (i32.const 0x1000) (i32.add (i32.add (local.get $head) (i32.const 4)) (local.get $len)))))
    (i32.const 1)))
