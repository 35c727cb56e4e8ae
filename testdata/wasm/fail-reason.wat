;; generate_secret sets a secret, and fails for a reason that quotes it, in two lines, with an escape of a terminal and
;; more characters than are shown.
(module
  (import "registrar_v1" "set_client_secret" (func $set_client_secret (param i32 i32 i64)))
  (import "registrar_v1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "no luck\n\1b[31m with ")
  (data (i32.const 19) "fail-reason-0123456789-0123456789-abc") ;; 37 characters
  (func (export "generate_secret") (result i32)
    (call $set_client_secret (i32.const 19) (i32.const 37) (i64.const 0))
    (memory.fill (i32.const 56) (i32.const 120) (i32.const 2000))
    (call $fail (i32.const 0) (i32.const 2056))
    (i32.const 0)))
