;; A table of one element more than there may be.
(module
  (table 65537 funcref)
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
