package wasmbin

// readCode reads the code section, and checks each body as [Body] does.
func (m *Module) readCode(r *reader) {
	imported := len(m.functions) - len(m.Functions)
	n := r.count(3, 0, MaxFunctions)
	m.Code = makeSlice[Range](n)
	reading := Body{m: m}
	for i := range n {
		r.at("body of function", imported+i)
		offset := r.pos
		body := r.take("a body", r.u32("a size"))
		switch {
		case r.err != nil:
			return
		case body.Len() < 2:
			r.malformed(offset, "expected a body of at least 2 bytes, its locals and an end, found %d", body.Len())
			return
		case body.Len() > MaxBodySize:
			r.unsupported(offset, "a body of %d bytes is over the limit of %d", body.Len(), MaxBodySize)
			return
		}
		m.Code = append(m.Code, body)
		if i < len(m.Functions) && r.visit == nil { // checkCounts reports bodies without a function
			m.readBody(r, &reading, i, body)
		}
	}
}

func (m *Module) readBody(r *reader, body *Body, i int, code Range) {
	body.reset(r.b, i, code)
	if m.moduleLocals += body.locals; m.moduleLocals > MaxModuleLocals {
		r.unsupported(code.Start, "%d locals in all functions so far are over the limit of %d", m.moduleLocals,
			MaxModuleLocals)
		return
	}
	var next Instruction
	for body.Next(&next) {
		switch op := next.Opcode; {
		case op == TableSet:
			m.setsTable = true
		case op >= MemoryInit && op <= TableFill:
			m.bulk |= 1 << (op & 0xff)
		}
	}
	if body.r.err != nil {
		r.err, r.pos = body.r.err, r.end
	}
}
