package wasmbin

// An Instruction is one instruction of a function's body. Its indices have been checked.
type Instruction struct {
	Opcode Opcode
	Range  Range // of the opcode and its immediates

	// Index is the label (0 is the innermost block), function, local, global, table or segment that the instruction
	// refers to; for call_indirect, the type. It is 0 for other instructions.
	Index  uint32
	Labels []uint32 // of br_table, the default one last; valid until the next instruction is read

	// Values is the number of values that the instruction passes: the parameters and results of a call, the values that
	// a branch or return carries, the parameters of a block at its begin and its results at its end. It is 0 for other
	// instructions.
	Values int
}

// A Body reads the instructions of one function in order. It checks everything except the stack: the number of values
// on it, and their types.
type Body struct {
	m       *Module
	r       reader
	results uint16
	locals  int
	frames  []frame
	labels  []uint32
}

// A frame is an open block.
type frame struct {
	opcode          byte // of Block, Loop, If or Else; the body itself is a Block
	params, results uint16
}

// label returns the number of values that a branch to the frame carries.
func (f frame) label() int {
	if f.opcode == byte(Loop) {
		return int(f.params)
	}
	return int(f.results)
}

// Body returns a reader of the body of defined function i. b must be the bytes that the module was decoded from.
func (m *Module) Body(b []byte, i int) *Body {
	body := &Body{m: m}
	body.reset(b, i, m.Code[i])
	return body
}

// reset makes b read the body of defined function i.
func (b *Body) reset(module []byte, i int, code Range) {
	b.r = reader{b: module, pos: code.Start, end: code.End, scope: "body", section: SectionCode.String()}
	b.r.at("body of function", len(b.m.functions)-len(b.m.Functions)+i)
	t := b.m.Types[b.m.Functions[i]]
	b.results = uint16(len(t.Results))
	b.frames = append(b.frames[:0], frame{byte(Block), 0, b.results})
	b.locals = len(t.Params)
	b.readLocals()
}

// readLocals reads the locals, which are declared in runs of one type (WebAssembly 2.0 §5.5.13).
func (b *Body) readLocals() {
	r := &b.r
	declared := 0
	for range r.count(2, 0, MaxLocals) {
		offset := r.pos
		n := r.u32("a number of locals")
		r.valueType()
		if r.err != nil {
			return
		}
		if uint64(n) > uint64(MaxLocals-declared) {
			r.unsupported(offset, "%d locals, with %d before them, are over the limit of %d", n, declared, MaxLocals)
			return
		}
		declared += int(n)
	}
	b.locals += declared
}

// Locals returns the number of locals, including parameters.
func (b *Body) Locals() int { return b.locals }

// Start returns the offset of the first instruction. It must be called before Next.
func (b *Body) Start() int { return b.r.pos }

// Err returns the error because of which Next returned false, nil if it was the end of the body.
func (b *Body) Err() error {
	if b.r.err != nil {
		return b.r.err
	}
	return nil
}

// Next reads the next instruction. It returns false at the end of the body or after an error.
func (b *Body) Next(i *Instruction) bool {
	r := &b.r
	if r.err != nil || len(b.frames) == 0 {
		return false
	}
	start := r.pos
	r.inBody = false
	opcode := Opcode(r.byte("an instruction"))
	*i = Instruction{Opcode: opcode}
	r.opcode, r.inBody = opcode, true
	if opcode < I32Eqz || opcode > I64Extend32S { // numeric instructions have no immediates
		b.immediates(i, start)
	}
	i.Range = Range{start, r.pos}
	if len(b.frames) == 0 && r.err == nil {
		r.inBody = false
		r.finish()
	}
	return r.err == nil
}

// immediates reads the rest of an instruction after its first byte.
func (b *Body) immediates(i *Instruction, start int) {
	r := &b.r
	switch op := i.Opcode; op {
	case Unreachable, Nop, Drop, Select, RefIsNull:
	case Block, Loop, If, Else, End:
		b.structure(i, start)
	case Br, BrIf, BrTable, Return:
		b.branch(i)
	case Call, CallIndirect:
		b.call(i)
	case SelectTyped:
		b.selectTyped()
	case LocalGet, LocalSet, LocalTee:
		i.Index = r.index("local", b.locals)
	case GlobalGet, GlobalSet:
		i.Index = r.index("global", len(b.m.globals))
		if op == GlobalSet && r.err == nil && !b.m.globals[i.Index].Mutable {
			r.malformed(start, "global %d is immutable", i.Index)
		}
	case TableGet, TableSet:
		i.Index = r.index("table", len(b.m.tables))
	case MemorySize, MemoryGrow:
		b.zeroByte()
	case I32Const:
		r.s32("an i32")
	case I64Const:
		r.s64("an i64")
	case F32Const:
		r.bytes("an f32", 4)
	case F64Const:
		r.bytes("an f64", 8)
	case RefNull:
		r.refType()
	case RefFunc:
		b.refFunc(i)
	case prefixMisc:
		b.misc(i, start)
	case prefixVector:
		b.vector(i, start)
	default:
		if op >= I32Load && op <= I64Store32 {
			b.memoryArgument(naturalAlignment[op-I32Load])
			return
		}
		b.refuse(op, start)
	}
}

// refuse fails for a one-byte opcode that is not accepted.
func (b *Body) refuse(op Opcode, start int) {
	switch proposal := op.proposal(); {
	case b.r.err != nil:
	case proposal != "":
		b.r.unsupported(start, "%s: not accepted", proposal)
	default:
		b.r.malformed(start, "not a WebAssembly instruction")
	}
}

// structure opens and closes blocks.
func (b *Body) structure(i *Instruction, start int) {
	r := &b.r
	innermost := len(b.frames) - 1
	switch i.Opcode {
	case End:
		i.Values = int(b.frames[innermost].results)
		b.frames = b.frames[:innermost]
	case Else:
		if b.frames[innermost].opcode != byte(If) {
			r.malformed(start, "expected it in an if without another else")
			return
		}
		b.frames[innermost].opcode = byte(Else)
	default:
		f := b.blockType()
		f.opcode = byte(i.Opcode)
		if len(b.frames) == MaxNesting {
			r.unsupported(start, "nested deeper than the limit of %d", MaxNesting)
		}
		if r.err == nil {
			b.frames = append(b.frames, f)
		}
		i.Values = int(f.params)
	}
}

// blockType reads a block type (WebAssembly 2.0 §5.4.1): nothing, a value type, or the index of a function type.
func (b *Body) blockType() frame {
	r := &b.r
	offset := r.pos
	if r.left() > 0 {
		switch first := r.b[r.pos]; {
		case first == 0x40:
			r.pos++
			return frame{}
		case first > 0x40 && first < 0x80: // a negative number of one byte
			r.valueType()
			return frame{results: 1}
		}
	}
	index := r.s33("a block type")
	if r.err == nil && (index < 0 || index >= int64(len(b.m.Types))) {
		r.malformed(offset, "expected a type index below %d, found %d", len(b.m.Types), index)
	}
	if r.err != nil {
		return frame{}
	}
	t := b.m.Types[index]
	return frame{params: uint16(len(t.Params)), results: uint16(len(t.Results))}
}
