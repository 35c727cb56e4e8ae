;; Has _initialize: it must have run, once, before the first step. The ID is "initialized-1-" and 16 hex characters; 0
;; means that it did not run, 2 that it ran twice. _initialize also writes the line "initialized" to the log.
(module
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (import "registrar_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "0123456789abcdef")
  (data (i32.const 16) "initialized-0-") ;; 28: the count; 30: 16 hex characters
  (func (export "_initialize")
    (call $log (i32.const 1) (i32.const 16) (i32.const 11))
    (i32.store8 (i32.const 28) (i32.add (i32.load8_u (i32.const 28)) (i32.const 1))))
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (call $random (i32.const 64) (i32.const 8))
    (loop $next
      (i32.store8 offset=30 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
      (i32.store8 offset=31 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (call $set_client_id (i32.const 16) (i32.const 30))
    (i32.const 0)))
