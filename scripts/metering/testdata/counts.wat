;; Functions whose fuel TestFuel knows to the last instruction.
(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "enter" (func $enter (param i32) (result i32)))
  (memory (export "memory") 1 3)
  (table (export "table") 16 funcref)
  (global $g (export "global") (mut i32) (i32.const 7))
  (global $ref (export "ref") funcref (ref.func $leaf))
  (elem (i32.const 0) func $leaf $enter $caller $indirectly)
  (elem $passive funcref (ref.func $leaf) (ref.null func))
  (elem declare func $recurse)
  (data $bytes "0123456789")

  (func (export "empty"))
  (func $leaf (export "leaf") (param i32) (result i32) local.get 0 i32.const 1 i32.add)               ;; 3
  (func $caller (export "caller") (param i32) (result i32) local.get 0 call $leaf call $leaf)         ;; 3 + 2*3
  (func (export "structure") block loop block nop end end end)                                       ;; 1
  (func (export "if") (param i32) (result i32)
    (if (result i32) (local.get 0) (then i32.const 1 i32.const 2 drop) (else i32.const 3)))          ;; 2 + (3 | 1)
  (func (export "if_without_else") (param i32) local.get 0 if nop nop end nop)                       ;; 3 + 2
  (func (export "skip") (param i32) block local.get 0 br_if 0 nop nop end nop)                       ;; 3 + 2
  (func (export "leave") (param i32) block local.get 0 if br 1 end nop nop end nop)                  ;; 2 + (1 | 2) + 1
  (func (export "block_end") (param i32) block nop end nop)                                          ;; 2
  (func (export "loop") (param i32)                                                                  ;; n * 5
    loop
      local.get 0 i32.const 1 i32.sub local.tee 0
      br_if 0
    end)
  (func (export "switch") (param i32) (result i32)
    block block block local.get 0 br_table 0 1 2 end i32.const 1 return end i32.const 2 i32.const 3 drop return end
    i32.const 4 nop nop nop)                                                                         ;; 2 + (2 | 4 | 4)
  (func (export "return") (param i32) (result i32) local.get 0 return i32.const 1 drop)              ;; 2
  (func (export "dead") (result i32) block i32.const 5 return loop nop br 0 end nop end unreachable) ;; 2
  (func (export "trap") (param i32) (result i32) local.get 0 i32.const 0 i32.div_u nop nop)          ;; 5, paid ahead
  (func (export "indirect") (param i32) (result i32) i32.const 41 local.get 0 call_indirect (type $unary)) ;; 3 + 3
  (func (export "by_reference") (result i32)
    i32.const 9 ref.func $recurse table.set 0 i32.const 0 i32.const 9 call_indirect (type $unary))     ;; 6 + 3
  (func $recurse (export "recurse") (param i32) (result i32)                                         ;; n * 6 + 3
    local.get 0
    if (result i32) local.get 0 i32.const 1 i32.sub call $recurse else i32.const 0 end)
  (func (export "enter") (param i32) (result i32) local.get 0 call $enter)                           ;; 2
  (func (export "fill") (param i32) i32.const 0 i32.const 0 local.get 0 memory.fill)                 ;; 4 + n/64
  (func (export "copy") (param i32) i32.const 0 i32.const 0 local.get 0 memory.copy)
  (func (export "init") (param i32) i32.const 0 i32.const 0 local.get 0 memory.init $bytes)
  (func (export "table_fill") (param i32) i32.const 0 ref.null func local.get 0 table.fill 0)          ;; 4 + n/8
  (func (export "table_copy") (param i32) i32.const 0 i32.const 0 local.get 0 table.copy 0 0)
  (func (export "table_init") (param i32) i32.const 0 i32.const 0 local.get 0 table.init 0 $passive)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)                            ;; 2 + n*1024
  (func (export "many_values")                                                                       ;; 1+2 in, 16+1+1 there, 16
    call $sixteen drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop)
  (func $sixteen (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0
    i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0
    return)
  (func (export "many_locals") (param i32)                                                           ;; 1 + n * (5 + 1) + (2 + 1)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
    i32.const 0 if end)
  (func $indirectly (export "recurse_indirect") (param i32) (result i32)                             ;; n * 7 + 3
    local.get 0
    if (result i32) local.get 0 i32.const 1 i32.sub i32.const 3 call_indirect (type $unary) else i32.const 0 end)
  (func $turning (export "recurse_in_loop") (param i32) (result i32)                                 ;; n * 7 + 3
    loop local.get 0 if local.get 0 i32.const 1 i32.sub call $turning return end end i32.const 0)
  (func (export "block_values")                                                                      ;; 16 + 1 + 16
    block (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0
    i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 end
    drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop)
  (func (export "many_locals_branch") (param i32)                                                    ;; 2 + 2 + (1 | 0)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    local.get 0 br_if 0 nop)
  (func (export "many_locals_call") (param i32) (result i32)                                         ;; 2 + 6 + 2*(2 + 3)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    local.get 0 call $leaf i32.const 0 call_indirect (type $unary) i32.const 0 drop)
  (func (export "last") (param i32)                                                                  ;; 4 + 3 + n * 5
    i32.const 0 i32.const 0 call_indirect (type $unary) drop
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)
  (func (export "spin") loop br 0 end)
  (func (export "wide") (param i32) (result i32) local.get 0 call $wide2 local.get 0 call $wide2 i32.add)
  (func $wide2 (param i32) (result i32)
    local.get 0 i32.eqz if i32.const 1 return end
    local.get 0 i32.const 1 i32.sub call $wide2
    local.get 0 i32.const 1 i32.sub call $wide2 i32.add)
)
