package wasmbin

// funcType reads a function type (WebAssembly 2.0 §5.3.6).
func (r *reader) funcType() FuncType {
	offset := r.pos
	switch form := r.byte("a function type"); {
	case r.err != nil:
		return FuncType{}
	case form == 0x60:
	case form >= 0x4e && form <= 0x5f:
		r.unsupported(offset, "expected a function type (0x60), found 0x%02x: "+
			"types of the garbage collection proposal are not accepted", form)
	default:
		r.malformed(offset, "expected a function type (0x60), found 0x%02x", form)
	}
	return FuncType{Params: r.valueTypes(MaxParams), Results: r.valueTypes(MaxResults)}
}

func (r *reader) valueTypes(limit int) []ValueType {
	n := r.count(1, 0, limit)
	types := makeSlice[ValueType](n)
	for range n {
		t := r.valueType()
		if r.err != nil {
			return nil
		}
		types = append(types, t)
	}
	return types
}

// valueType reads a value type (WebAssembly 2.0 §5.3.4).
func (r *reader) valueType() ValueType {
	offset := r.pos
	t := ValueType(r.byte("a value type"))
	switch t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return t
	}
	r.noType(offset, "a value type", byte(t))
	return 0
}

// refType reads a reference type (WebAssembly 2.0 §5.3.3).
func (r *reader) refType() ValueType {
	offset := r.pos
	t := ValueType(r.byte("a reference type"))
	switch t {
	case FuncRef, ExternRef:
		return t
	}
	r.noType(offset, "a reference type", byte(t))
	return 0
}

func (r *reader) noType(offset int, want string, found byte) {
	if found >= 0x63 && found <= 0x74 {
		r.unsupported(offset, "expected %s, found 0x%02x: references other than funcref and externref are not "+
			"accepted", want, found)
		return
	}
	r.malformed(offset, "expected %s, found 0x%02x", want, found)
}

// table reads a table type (WebAssembly 2.0 §5.3.9).
func (r *reader) table() Table {
	if r.left() > 0 && r.b[r.pos] == 0x40 {
		r.unsupported(r.pos, "a table with an initial element is not accepted")
	}
	return Table{Element: r.refType(), Limits: r.limits("table")}
}

// memory reads a memory type (WebAssembly 2.0 §5.3.8). §3.2.5 limits it to 4 GiB.
func (r *reader) memory() Memory {
	offset := r.pos
	l := r.limits("memory")
	if largest := max(l.Min, l.Max); largest > MaxMemoryPages {
		r.malformed(offset, "%d pages are over the limit of %d (4 GiB)", largest, MaxMemoryPages)
	}
	return Memory{l}
}

// limits reads the limits of a table or memory (WebAssembly 2.0 §5.3.7).
func (r *reader) limits(of string) Limits {
	offset := r.pos
	flags := r.byte("limits")
	switch {
	case r.err != nil:
		return Limits{}
	case flags > 7:
		r.malformed(offset, "expected limits with or without a maximum (1 or 0), found 0x%02x", flags)
	case flags&4 != 0:
		r.unsupported(offset, "a 64-bit %s is not accepted, only a 32-bit one", of)
	case flags&2 != 0:
		r.unsupported(offset, "a shared %s is not accepted", of)
	}
	l := Limits{Min: r.u32("a minimum"), HasMax: flags == 1}
	if l.HasMax {
		l.Max = r.u32("a maximum")
	}
	if l.HasMax && l.Max < l.Min {
		r.malformed(offset, "the minimum, %d, is above the maximum, %d", l.Min, l.Max)
	}
	return l
}

// globalType reads a global type (WebAssembly 2.0 §5.3.10).
func (r *reader) globalType() GlobalType {
	t := GlobalType{Value: r.valueType()}
	offset := r.pos
	switch mutability := r.byte("a mutability"); mutability {
	case 0:
	case 1:
		t.Mutable = true
	default:
		r.malformed(offset, "expected a mutability (0 or 1), found 0x%02x", mutability)
	}
	return t
}

// kind reads the kind of an import or export (WebAssembly 2.0 §5.5.5).
func (r *reader) kind() Kind {
	offset := r.pos
	k := Kind(r.byte("a kind"))
	switch {
	case k <= KindGlobal:
		return k
	case k == 4:
		r.unsupported(offset, "a tag (exception handling) is not accepted")
	default:
		r.malformed(offset, "expected a kind from 0 to 3, found 0x%02x", byte(k))
	}
	return 0
}

// index reads the index of an item and checks that it is below count.
func (r *reader) index(item string, count int) uint32 {
	offset := r.pos
	i := r.u32("an index")
	if r.err == nil && uint64(i) >= uint64(count) {
		r.malformed(offset, "expected a %s index below %d, found %d", item, count, i)
		return 0
	}
	return i
}

// constExpr reads a constant expression of type want (WebAssembly 2.0 §3.3.10 and §5.4.9). By these rules it has one
// instruction, and reads only imported, immutable globals.
func (m *Module) constExpr(r *reader, want ValueType) ConstExpr {
	start := r.pos
	e := ConstExpr{Opcode: r.byte("a constant expression")}
	found := m.constInstruction(r, &e)
	if r.err == nil && found != want {
		r.malformed(start, "expected a constant expression of type %s, found %s", want, found)
	}
	offset := r.pos
	if end := r.byte("the end of the constant expression"); r.err == nil && end != byte(End) {
		r.unsupported(offset, "expected the end (0x0b) of the constant expression, found 0x%02x: "+
			"only expressions of one instruction are accepted", end)
	}
	e.Range = Range{start, r.pos}
	return e
}

// constInstruction reads the immediates of a constant instruction into e, and returns the type of its value.
func (m *Module) constInstruction(r *reader, e *ConstExpr) ValueType {
	offset := r.pos - 1
	switch Opcode(e.Opcode) {
	case I32Const:
		e.Value = r.s32("an i32")
		return I32
	case I64Const:
		r.s64("an i64")
		return I64
	case F32Const:
		r.bytes("an f32", 4)
		return F32
	case F64Const:
		r.bytes("an f64", 8)
		return F64
	case prefixVector:
		if op := r.u32("a vector instruction"); r.err == nil && op != uint32(V128Const&0xff) {
			r.malformed(offset, "expected a constant expression, found vector instruction %d", op)
		}
		r.bytes("a v128", 16)
		return V128
	case RefNull:
		return r.refType()
	case RefFunc:
		e.Index = m.functionIndex(r)
		return FuncRef
	case GlobalGet:
		return m.constGlobal(r, e)
	}
	if r.err == nil {
		r.malformed(offset, "expected a constant expression, found instruction 0x%02x", e.Opcode)
	}
	return 0
}

// functionIndex reads a function index outside of bodies. It also declares the function for ref.func in bodies, which
// may refer only to declared ones (WebAssembly 2.0 §3.4.10).
func (m *Module) functionIndex(r *reader) uint32 {
	start := r.pos
	i := r.index("function", len(m.functions))
	if r.err != nil {
		return 0
	}
	if m.declared == nil {
		m.declared = make([]bool, len(m.functions))
	}
	m.declared[i] = true
	if r.visit != nil {
		r.visit(Range{start, r.pos}, i)
	}
	return i
}

// constGlobal reads the index of global.get.
func (m *Module) constGlobal(r *reader, e *ConstExpr) ValueType {
	offset := r.pos
	e.Index = r.u32("a global index")
	switch {
	case r.err != nil:
	case uint64(e.Index) >= uint64(m.importedGlobals):
		r.unsupported(offset, "expected an imported global, found %d, but %d are imported", e.Index, m.importedGlobals)
	case m.globals[e.Index].Mutable:
		r.malformed(offset, "expected an immutable global, found %d, which is mutable", e.Index)
	default:
		return m.globals[e.Index].Value
	}
	return 0
}
