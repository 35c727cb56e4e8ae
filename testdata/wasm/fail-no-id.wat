;; Returns 0 (done) without having set an ID.
(module
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
