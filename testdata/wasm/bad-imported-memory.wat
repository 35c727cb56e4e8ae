;; Imports its memory, as wasm-ld --import-memory makes it.
(module
  (import "env" "memory" (memory 1))
  (export "memory" (memory 0))
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
