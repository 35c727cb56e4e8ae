;; Never ends: the server must end it.
(module
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (loop $forever (br $forever))
    (i32.const 0)))
