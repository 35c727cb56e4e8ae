;; Refuses the caller's token: the code that becomes 401.
(module
  (import "registrar_v1" "refuse" (func $refuse (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "invalid_token")
  (data (i32.const 32) "this token is no longer accepted")
  (func (export "validate_software_statement") (result i32)
    (call $refuse (i32.const 0) (i32.const 13) (i32.const 32) (i32.const 32))
    (i32.const 1)))
