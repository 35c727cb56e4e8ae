;; Second of the pair: uses the item that items-write set as the ID. Returns 3 if there is none.
(module
  (import "registrar_v1" "get_item" (func $get_item (param i32 i32 i32 i32) (result i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "next_id")
  (func (export "add_client_id") (result i32)
    (local $len i32)
    (local.set $len (call $get_item (i32.const 0) (i32.const 7) (i32.const 16) (i32.const 255)))
    (if (i32.lt_s (local.get $len) (i32.const 0)) (then (return (i32.const 3))))
    (call $set_client_id (i32.const 16) (local.get $len))
    (i32.const 0)))
