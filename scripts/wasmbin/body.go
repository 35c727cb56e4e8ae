package wasmbin

// An Instruction is one instruction of a function's body. All that it names exists.
type Instruction struct {
	Opcode Opcode
	Range  Range // with its immediates

	// Index is the label (0 is the innermost block), function, local, global, table or segment that it names, for
	// call_indirect the type; else 0.
	Index  uint32
	Labels []uint32 // of br_table, the default one last; valid until the next instruction is read

	// Values is how many values it hands over, where that may be many: parameters and results of a call, what a branch or
	// return takes along, parameters of a block where it begins and results where it ends; else 0.
	Values int
}

// A Body reads the instructions of one function, in order. It checks all but the types of values: that they are there is
// for a validator.
type Body struct {
	m       *Module
	r       reader
	results uint16
	locals  int
	frames  []frame
	labels  []uint32
}

// A frame is a block that is open. Arities are below [MaxParams] and [MaxResults].
type frame struct {
	opcode          byte // of Block, Loop, If or Else; the body itself is a Block
	params, results uint16
}

// label is how many values a branch to the frame takes along.
func (f frame) label() int {
	if f.opcode == byte(Loop) {
		return int(f.params)
	}
	return int(f.results)
}

// Body reads the body of defined function i. b is what the module was decoded from.
func (m *Module) Body(b []byte, i int) *Body {
	body := &Body{m: m}
	body.reset(b, i, m.Code[i])
	return body
}

// reset turns to defined function i.
func (b *Body) reset(module []byte, i int, code Range) {
	b.r = reader{b: module, pos: code.Start, end: code.End, scope: "body", section: SectionCode.String()}
	b.r.at("body of function", len(b.m.functions)-len(b.m.Functions)+i)
	t := b.m.Types[b.m.Functions[i]]
	b.results = uint16(len(t.Results))
	b.frames = append(b.frames[:0], frame{byte(Block), 0, b.results})
	b.locals = len(t.Params)
	b.readLocals()
}

// readLocals adds up the runs of locals (WebAssembly 2.0 §5.5.13).
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

// Locals is how many locals there are, parameters included.
func (b *Body) Locals() int { return b.locals }

// Start is where the first instruction begins, before the first is read.
func (b *Body) Start() int { return b.r.pos }

// Err is what is wrong with the body, once Next has returned false; nil where all of it was read.
func (b *Body) Err() error {
	if b.r.err != nil {
		return b.r.err
	}
	return nil
}

// Next reads the next instruction, and is false after the end of the body or an error.
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
	if opcode < I32Eqz || opcode > I64Extend32S { // the numeric ones take no immediates
		b.immediates(i, start)
	}
	i.Range = Range{start, r.pos}
	if len(b.frames) == 0 && r.err == nil {
		r.inBody = false
		r.finish()
	}
	return r.err == nil
}

// immediates reads what follows the first byte of an instruction.
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
			r.malformed(start, "global %d never changes", i.Index)
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

// refuse refuses an instruction of one byte.
func (b *Body) refuse(op Opcode, start int) {
	switch proposal := op.proposal(); {
	case b.r.err != nil:
	case proposal != "":
		b.r.unsupported(start, "%s: not accepted", proposal)
	default:
		b.r.malformed(start, "there is no such instruction")
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
