package metering

import (
	"fmt"

	"registrar/scripts/wasmbin"
)

// A block is an open block of the body.
type block struct {
	opcode wasmbin.Opcode
	joined bool // a branch leads to its end
}

// A function rewrites one body. It collects instructions in a run until the price of the whole run is known.
type function struct {
	*rewriter
	leaf   bool   // it calls no function, so that calls of it do not count
	saved  uint32 // unless leaf: the local with the calls left for the functions that it calls
	join   uint64 // price of a place where control paths join
	blocks []block

	out  []byte
	run  []byte
	cost uint64 // of the run
	kind run
}

// A run is the way in which control enters a run of instructions.
type run int

const (
	plain run = iota // from the run before, or by a branch forward
	entry            // by a call of the function
	turn             // by a branch back to a loop
	dead             // never
)

// code rewrites the code section, and adds the helpers.
func (r *rewriter) code() ([]byte, error) {
	helpers := r.helpers()
	var out []byte
	out = appendUnsigned(out, uint32(len(r.m.Code)+len(helpers)))
	f := function{rewriter: r}
	for i := range r.m.Code {
		if err := f.rewrite(i); err != nil {
			return nil, err
		}
		out = appendUnsigned(out, uint32(len(f.out)))
		out = append(out, f.out...)
	}
	for _, body := range helpers {
		out = appendUnsigned(out, uint32(len(body)))
		out = append(out, body...)
	}
	return out, nil
}

func (f *function) rewrite(i int) error {
	body := f.m.Body(f.wasm, i)
	f.leaf = f.leaves[i]
	f.join = joinPrice(body.Locals() + f.mutable)
	f.saved = uint32(body.Locals())
	f.out, f.run = f.out[:0], f.run[:0]
	f.blocks = append(f.blocks[:0], block{opcode: wasmbin.Block})
	f.locals(wasmbin.Range{Start: f.m.Code[i].Start, End: body.Start()})
	f.begin(entry)
	var next wasmbin.Instruction
	for body.Next(&next) {
		f.instruction(&next)
	}
	f.flush()
	if err := body.Err(); err != nil {
		return fmt.Errorf("rewriting: %w", err)
	}
	return nil
}

// locals copies the locals, and adds one for the calls left.
func (f *function) locals(old wasmbin.Range) {
	if f.leaf {
		f.out = append(f.out, old.In(f.wasm)...)
		return
	}
	runs, size := unsigned(old.In(f.wasm))
	f.out = appendUnsigned(f.out, uint32(runs+1))
	f.out = append(f.out, f.wasm[old.Start+size:old.End]...)
	f.out = append(f.out, 1, byte(wasmbin.I64))
}

// begin begins a run.
func (f *function) begin(kind run) {
	f.kind, f.cost, f.run = kind, 0, f.run[:0]
	if kind == entry || kind == turn {
		f.cost = f.join
	}
}

// flush ends a run. It appends the payment for the run, and then the run.
func (f *function) flush() {
	switch {
	case f.kind == dead:
	case f.kind == entry && !f.leaf:
		f.out = f.enter(f.out)
		f.out = f.pay(f.out, f.cost)
		f.out = f.checkBoth(f.out)
	case f.cost == 0:
	case f.kind == plain:
		f.out = f.pay(f.out, f.cost)
	default:
		f.out = f.pay(f.out, f.cost)
		f.out = f.check(f.out)
	}
	f.out = append(f.out, f.run...)
	f.run = f.run[:0]
}

// instruction adds an instruction to the run. It ends the run if control may leave or enter after the instruction.
func (f *function) instruction(i *wasmbin.Instruction) {
	innermost := len(f.blocks) - 1
	if i.Opcode == wasmbin.End {
		f.end(i, f.blocks[innermost])
		f.blocks = f.blocks[:innermost]
		return
	}
	f.cost += price(i)
	f.emit(i)
	switch i.Opcode {
	case wasmbin.Block:
		f.blocks = append(f.blocks, block{opcode: i.Opcode})
	case wasmbin.Loop:
		f.blocks = append(f.blocks, block{opcode: i.Opcode})
		f.next(turn)
	case wasmbin.If:
		f.blocks = append(f.blocks, block{opcode: i.Opcode})
		f.next(plain)
	case wasmbin.Else:
		f.flush()
		f.begin(plain)
	case wasmbin.BrIf:
		f.branch(i.Index)
		f.next(plain)
	case wasmbin.Br:
		f.branch(i.Index)
		f.next(dead)
	case wasmbin.BrTable:
		for _, label := range i.Labels {
			f.branch(label)
		}
		f.next(dead)
	case wasmbin.Return, wasmbin.Unreachable:
		f.next(dead)
	}
}

// next ends a run and begins another. A run that begins in dead code is dead too, until the next end or else.
func (f *function) next(kind run) {
	if f.kind == dead {
		kind = dead
	}
	f.flush()
	f.begin(kind)
}

// end closes a block. If no branch leads to its end, the run continues, dead or not.
func (f *function) end(i *wasmbin.Instruction, b block) {
	f.cost += price(i)
	f.run = append(f.run, byte(wasmbin.End))
	if len(f.blocks) == 1 { // the end of the function
		return
	}
	if b.joined || b.opcode == wasmbin.If {
		f.flush()
		f.begin(plain)
		f.cost = f.join
	}
}

// branch records a branch to the end of a block. A branch to a loop leads to its header instead.
func (f *function) branch(label uint32) {
	if b := &f.blocks[len(f.blocks)-1-int(label)]; b.opcode != wasmbin.Loop {
		b.joined = true
	}
}

// memoryInit is the opcode of memory.init, before the indices of its segment and its memory.
const memoryInit = "\xfc\x08"

// emit appends an instruction to the run, with its function index updated, and with a call of the helper that pays for
// its length.
func (f *function) emit(i *wasmbin.Instruction) {
	switch i.Opcode {
	case wasmbin.Call:
		f.cost += f.join
		if !f.callsNone(i.Index) {
			f.run = f.hand(f.run)
		}
		f.run = appendCall(f.run, f.function(i.Index))
		return
	case wasmbin.RefFunc:
		f.run = append(f.run, byte(wasmbin.RefFunc))
		f.run = appendUnsigned(f.run, f.function(i.Index))
		return
	case wasmbin.MemoryGrow:
		f.run = appendCall(f.run, f.grow)
		return
	case wasmbin.CallIndirect:
		f.cost += f.join
		f.run = f.hand(f.run)
	case wasmbin.MemoryInit:
		f.run = appendCall(f.run, f.lines)
		if f.dropped(i.Index) {
			f.run = append(f.run, memoryInit...)
			f.run = appendUnsigned(f.run, uint32(f.m.DataSegments))
			f.run = append(f.run, 0) // the memory
			return
		}
	case wasmbin.MemoryFill, wasmbin.MemoryCopy:
		f.run = appendCall(f.run, f.lines)
	case wasmbin.TableFill, wasmbin.TableCopy, wasmbin.TableInit:
		f.run = appendCall(f.run, f.elements)
	}
	f.run = append(f.run, i.Range.In(f.wasm)...)
}
