;; Traps at once.
(module
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (unreachable)))
