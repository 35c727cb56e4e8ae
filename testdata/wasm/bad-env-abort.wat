;; Imports env.abort, as AssemblyScript does unless told otherwise; the answer should say what to pass to asc.
(module
  (import "env" "abort" (func (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
