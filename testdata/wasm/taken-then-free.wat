;; Looks for a free ID: the first of fixed-0 to fixed-9 that no client has. The memory of a fresh instance cannot tell
;; what was tried before, so it has to ask.
(module
  (import "registrar_v1" "client_exists" (func $client_exists (param i32 i32) (result i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (import "registrar_v1" "refuse" (func $refuse (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "fixed-0")
  (data (i32.const 16) "invalid_client_metadata")
  (data (i32.const 48) "fixed-0 to fixed-9 are taken")
  (func (export "add_client_id") (result i32)
    (loop $next
      (if (i32.eqz (call $client_exists (i32.const 0) (i32.const 7)))
        (then
          (call $set_client_id (i32.const 0) (i32.const 7))
          (return (i32.const 0))))
      (i32.store8 (i32.const 6) (i32.add (i32.load8_u (i32.const 6)) (i32.const 1)))
      (br_if $next (i32.le_u (i32.load8_u (i32.const 6)) (i32.const 57)))) ;; '9'
    (call $refuse (i32.const 16) (i32.const 23) (i32.const 48) (i32.const 28))
    (i32.const 1)))
