;; A step of the wrong type: it takes a parameter.
(module
  (memory (export "memory") 1)
  (func (export "add_client_id") (param i32) (result i32)
    (i32.const 0)))
