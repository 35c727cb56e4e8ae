;; An ID of 256 characters, one more than the limit.
(module
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (loop $next
      (i32.store8 (local.get $i) (i32.const 97)) ;; 'a'
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 256))))
    (call $set_client_id (i32.const 0) (i32.const 256))
    (i32.const 0)))
