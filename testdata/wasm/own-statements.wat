;; Accepts every software statement without verifying it. A later step must not be able to read an unverified statement:
;; it refuses if it can.
(module
  (import "registrar_v1" "read_statement" (func $read_statement (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "validate_software_statement") (result i32)
    (i32.const 0))
  (func (export "set_client_name") (result i32)
    (i32.ne (call $read_statement (i32.const 0) (i32.const 0)) (i32.const -1))))
