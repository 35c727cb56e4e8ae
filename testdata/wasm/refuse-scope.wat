;; Refuses the caller, not the metadata: the code that becomes 403.
(module
  (import "registrar_v1" "refuse" (func $refuse (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "insufficient_scope")
  (data (i32.const 32) "this caller may not register")
  (func (export "validate_software_statement") (result i32)
    (call $refuse (i32.const 0) (i32.const 18) (i32.const 32) (i32.const 28))
    (i32.const 1)))
