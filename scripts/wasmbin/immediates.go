package wasmbin

import "slices"

// naturalAlignment holds the natural alignments of i32.load to i64.store32, as powers of 2: the sizes of their
// accesses.
var naturalAlignment = [...]uint32{
	2, 3, 2, 3, // loads
	0, 0, 1, 1, // i32.load8_s to i32.load16_u
	0, 0, 1, 1, 2, 2, // i64.load8_s to i64.load32_u
	2, 3, 2, 3, // stores
	0, 1, // i32.store8, i32.store16
	0, 1, 2, // i64.store8 to i64.store32
}

// vectorAlignment holds the natural alignments of v128.load to v128.store.
var vectorAlignment = [...]uint32{4, 3, 3, 3, 3, 3, 3, 0, 1, 2, 3, 4}

// laneAlignment holds the natural alignments of v128.load8_lane to v128.load64_zero.
var laneAlignment = [...]uint32{0, 1, 2, 3, 0, 1, 2, 3, 2, 3}

// vectorLanes holds the numbers of lanes for i8x16.extract_lane_s to f64x2.replace_lane.
var vectorLanes = [...]byte{16, 16, 16, 8, 8, 8, 4, 4, 2, 2, 4, 4, 2, 2}

// branch reads the labels of br, br_if and br_table. A return is a branch to the body.
func (b *Body) branch(i *Instruction) {
	switch i.Opcode {
	case Return:
		i.Values = int(b.results)
	case BrTable:
		n := b.r.count(1, 0, MaxBranchTargets)
		b.labels = slices.Grow(b.labels[:0], n+1)
		for range n + 1 {
			label, values := b.label()
			if b.r.err != nil {
				return
			}
			b.labels = append(b.labels, label)
			i.Values = max(i.Values, values)
		}
		i.Labels = b.labels
	default:
		i.Index, i.Values = b.label()
	}
}

func (b *Body) label() (label uint32, values int) {
	label = b.r.index("label", len(b.frames))
	if b.r.err != nil {
		return 0, 0
	}
	return label, b.frames[len(b.frames)-1-int(label)].label()
}

func (b *Body) call(i *Instruction) {
	r := &b.r
	t := uint32(0)
	if i.Opcode == Call {
		if i.Index = r.index("function", len(b.m.functions)); r.err == nil {
			t = b.m.functions[i.Index]
		}
	} else {
		i.Index = r.index("type", len(b.m.Types))
		r.index("table", len(b.m.tables))
		t = i.Index
	}
	if r.err == nil {
		i.Values = len(b.m.Types[t].Params) + len(b.m.Types[t].Results)
	}
}

// selectTyped reads the types of select. WebAssembly 2.0 §3.3.4 allows exactly one.
func (b *Body) selectTyped() {
	r := &b.r
	offset := r.pos
	if n := r.u32("a number of types"); r.err == nil && (n != 1 || r.pos != offset+1) {
		r.malformed(offset, "expected one type in one byte, found %d", n)
	}
	r.valueType()
}

// refFunc reads the function of ref.func (WebAssembly 2.0 §3.3.2).
func (b *Body) refFunc(i *Instruction) {
	r := &b.r
	offset := r.pos
	i.Index = r.index("function", len(b.m.functions))
	if r.err == nil && (b.m.declared == nil || !b.m.declared[i.Index]) {
		r.malformed(offset, "function %d is not declared: no element segment, export or global names it", i.Index)
	}
}

func (b *Body) needMemory() {
	if b.r.err == nil && len(b.m.memories) == 0 {
		b.r.malformed(b.r.pos, "expected the module to have a memory")
	}
}

// memoryArgument reads an alignment, at most the natural one (WebAssembly 2.0 §3.3.7), and an offset.
func (b *Body) memoryArgument(natural uint32) {
	r := &b.r
	b.needMemory()
	offset := r.pos
	align := r.u32("an alignment")
	switch {
	case r.err != nil:
	case align >= 64 && align < 128:
		r.unsupported(offset, "an access to one of many memories is not accepted")
	case align > natural:
		r.malformed(offset, "expected an alignment of at most %d, found %d", natural, align)
	}
	r.u32("an offset")
}

// zeroByte reads the byte that is reserved for the index of a memory.
func (b *Body) zeroByte() {
	r := &b.r
	b.needMemory()
	offset := r.pos
	if found := r.byte("a zero"); r.err == nil && found != 0 {
		r.malformed(offset, "expected a zero, found 0x%02x", found)
	}
}

// misc reads the instructions that begin with 0xfc (WebAssembly 2.0 §5.4.4 to §5.4.6).
func (b *Body) misc(i *Instruction, start int) {
	r := &b.r
	number := r.u32("an instruction")
	if r.err != nil || number > 0xff {
		r.malformed(start, "0xfc %d is not a WebAssembly instruction", number)
		return
	}
	i.Opcode = prefixMisc<<8 | Opcode(number)
	r.opcode = i.Opcode
	switch {
	case i.Opcode <= I64TruncSatF64U:
	case i.Opcode == TableGrow:
		r.unsupported(start, "not accepted: tables never grow")
	case i.Opcode <= MemoryFill:
		b.bulkMemory(i)
	case i.Opcode <= TableFill:
		b.bulkTable(i)
	case number <= 0x16:
		r.unsupported(start, "not accepted")
	default:
		r.malformed(start, "not a WebAssembly instruction")
	}
}

func (b *Body) bulkMemory(i *Instruction) {
	r := &b.r
	switch i.Opcode {
	case MemoryCopy:
		b.zeroByte()
		b.zeroByte()
		return
	case MemoryFill:
		b.zeroByte()
		return
	}
	// The data section follows the code, so only the data count has the number (WebAssembly 2.0 §5.5.16).
	if b.m.DataCount == nil {
		r.malformed(r.pos, "expected the module to have a data count section")
		return
	}
	i.Index = r.index("segment", int(*b.m.DataCount))
	if i.Opcode == MemoryInit {
		b.zeroByte()
	}
}

func (b *Body) bulkTable(i *Instruction) {
	r := &b.r
	if i.Opcode == ElemDrop || i.Opcode == TableInit {
		i.Index = r.index("segment", b.m.ElementSegments)
		if i.Opcode == ElemDrop {
			return
		}
	}
	r.index("table", len(b.m.tables))
	if i.Opcode == TableCopy {
		r.index("table", len(b.m.tables))
	}
}

// vector reads the instructions that begin with 0xfd (WebAssembly 2.0 §5.4.8). It is stricter: the number must be in
// its shortest form, because some runtimes, such as wazero, read only its first byte.
func (b *Body) vector(i *Instruction, start int) {
	r := &b.r
	number := r.u32("an instruction")
	switch {
	case r.err != nil:
		return
	case number > 0xff:
		r.unsupported(start, "vector instruction %d: relaxed SIMD is not accepted", number)
		return
	case noVector(number):
		r.malformed(start, "%d is not a vector instruction", number)
		return
	case r.pos-start > 3 || r.pos-start == 3 && number < 0x80:
		r.unsupported(start, "expected the number of a vector instruction, %d, in its shortest form", number)
		return
	}
	i.Opcode = prefixVector<<8 | Opcode(number)
	r.opcode = i.Opcode
	switch op := i.Opcode; {
	case op <= V128Store:
		b.memoryArgument(vectorAlignment[number])
	case op == V128Const:
		r.bytes("a v128", 16)
	case op == I8x16Shuffle:
		for range 16 {
			b.lane(32)
		}
	case op >= I8x16ExtractLaneS && op <= F64x2ReplaceLane:
		b.lane(vectorLanes[op-I8x16ExtractLaneS])
	case op >= V128Load8Lane && op <= V128Load64Zero:
		alignment := laneAlignment[op-V128Load8Lane]
		b.memoryArgument(alignment)
		if op <= V128Store64Lane {
			b.lane(16 >> alignment)
		}
	}
}

func (b *Body) lane(lanes byte) {
	r := &b.r
	offset := r.pos
	if lane := r.byte("a lane"); r.err == nil && lane >= lanes {
		r.malformed(offset, "expected a lane below %d, found %d", lanes, lane)
	}
}
