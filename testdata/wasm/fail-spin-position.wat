;; Never ends, and says where it was when it ran out of fuel.
(module
  (import "registrar_v1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "at the third turn")
  (func (export "add_client_id") (result i32)
    (loop $forever (br $forever))
    (i32.const 0))
  (func (export "_position")
    (call $fail (i32.const 0) (i32.const 17))))
