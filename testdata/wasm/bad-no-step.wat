;; Exports no step: add_clientid is not one. The answer should suggest the right name.
(module
  (memory (export "memory") 1)
  (func (export "add_clientid") (result i32)
    (i32.const 0)))
