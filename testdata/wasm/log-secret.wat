;; Logs the secret that it sets, before and after setting it, and the whole request: the server's log must hold none of
;; it in clear.
(module
  (import "registrar_v1" "read_request" (func $read_request (param i32 i32) (result i32)))
  (import "registrar_v1" "set_client_secret" (func $set_client_secret (param i32 i32 i64)))
  (import "registrar_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "secret=log-secret-0123456789-0123456789-0123456789") ;; 7: the secret itself, 43 characters
  (func (export "generate_secret") (result i32)
    (local $len i32)
    (call $log (i32.const 1) (i32.const 0) (i32.const 50))
    (call $set_client_secret (i32.const 7) (i32.const 43) (i64.const 0))
    (call $log (i32.const 1) (i32.const 0) (i32.const 50))
    (local.set $len (call $read_request (i32.const 64) (i32.const 65472)))
    (if (i32.le_u (local.get $len) (i32.const 65472))
      (then (call $log (i32.const 1) (i32.const 64) (local.get $len))))
    (i32.const 0)))
