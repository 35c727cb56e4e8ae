package wasmbin

// readCustom reads the name of a custom section (WebAssembly 2.0 §5.5.3) and skips the rest.
func (m *Module) readCustom(r *reader, start int) string {
	if m.customSections++; m.customSections > MaxCustomSections {
		r.unsupported(start, "custom section %d is over the limit of %d", m.customSections, MaxCustomSections)
	}
	name := r.name("a name")
	r.rest()
	return name
}

func (m *Module) readTypes(r *reader) {
	n := r.count(3, 0, MaxTypes)
	m.Types = makeSlice[FuncType](n)
	for i := range n {
		r.at("type", i)
		t := r.funcType()
		if r.err != nil {
			return
		}
		m.Types = append(m.Types, t)
	}
}

func (m *Module) readImports(r *reader) {
	n := r.count(4, 0, MaxImports)
	m.Imports = makeSlice[Import](n)
	for i := range n {
		r.at("import", i)
		p := m.readImport(r)
		if r.err != nil {
			return
		}
		m.Imports = append(m.Imports, p)
	}
}

// readImport reads one import and adds it to the index space of its kind.
func (m *Module) readImport(r *reader) Import {
	p := Import{Module: r.name("a module name"), Name: r.name("a name")}
	offset := r.pos
	p.Kind = r.kind()
	if r.err != nil {
		return p
	}
	switch p.Kind {
	case KindFunction:
		p.Type = r.index("type", len(m.Types))
		m.functions = append(m.functions, p.Type)
	case KindTable:
		if len(m.tables) == MaxTables {
			r.unsupported(offset, "more tables than the limit of %d", MaxTables)
		}
		p.Table = r.table()
		m.tables = append(m.tables, p.Table)
	case KindMemory:
		if len(m.memories) == MaxMemories {
			r.unsupported(offset, "more memories than the limit of %d", MaxMemories)
		}
		p.Memory = r.memory()
		m.memories = append(m.memories, p.Memory)
	case KindGlobal:
		p.Global = r.globalType()
		m.globals = append(m.globals, p.Global)
		m.importedGlobals++
	}
	return p
}

func (m *Module) readFunctions(r *reader) {
	imported := len(m.functions)
	n := r.count(1, imported, MaxFunctions)
	m.Functions = makeSlice[uint32](n)
	for i := range n {
		r.at("function", imported+i)
		t := r.index("type", len(m.Types))
		if r.err != nil {
			return
		}
		m.Functions = append(m.Functions, t)
	}
	m.functions = append(m.functions, m.Functions...)
}

func (m *Module) readTables(r *reader) {
	imported := len(m.tables)
	n := r.count(3, imported, MaxTables)
	for i := range n {
		r.at("table", imported+i)
		offset := r.pos
		t := r.table()
		if m.tableElements += uint64(t.Limits.Min); m.tableElements > MaxTableElements {
			r.unsupported(offset, "%d elements in all tables so far are over the limit of %d", m.tableElements,
				MaxTableElements)
		}
		if r.err != nil {
			return
		}
		m.Tables = append(m.Tables, t)
	}
	m.tables = append(m.tables, m.Tables...)
}

func (m *Module) readMemories(r *reader) {
	imported := len(m.memories)
	n := r.count(2, imported, MaxMemories)
	for i := range n {
		r.at("memory", imported+i)
		t := r.memory()
		if r.err != nil {
			return
		}
		m.Memories = append(m.Memories, t)
	}
	m.memories = append(m.memories, m.Memories...)
}

func (m *Module) readGlobals(r *reader) {
	imported := len(m.globals)
	n := r.count(5, imported, MaxGlobals)
	m.Globals = makeSlice[Global](n)
	for i := range n {
		r.at("global", imported+i)
		g := Global{Type: r.globalType()}
		g.Init = m.constExpr(r, g.Type.Value)
		if r.err != nil {
			return
		}
		m.Globals = append(m.Globals, g)
	}
	// Not earlier, because initial values may refer only to imported globals.
	for _, g := range m.Globals {
		m.globals = append(m.globals, g.Type)
	}
}

func (m *Module) readExports(r *reader) {
	n := r.count(3, 0, MaxExports)
	m.Exports = makeSlice[Export](n)
	seen := make(map[string]int, n)
	for i := range n {
		r.at("export", i)
		offset := r.pos
		e := Export{Name: r.name("a name"), Kind: r.kind()}
		if r.err == nil && e.Kind == KindFunction {
			e.Index = m.functionIndex(r)
		} else {
			e.Index = r.index(e.Kind.String(), m.Count(e.Kind))
		}
		if r.err != nil {
			return
		}
		if first, ok := seen[e.Name]; ok {
			r.malformed(offset, "the name %q is already used by export %d", e.Name, first)
			return
		}
		seen[e.Name] = i
		m.Exports = append(m.Exports, e)
	}
}

func (m *Module) readStart(r *reader) {
	offset := r.pos
	index := r.index("function", len(m.functions))
	if r.err != nil {
		return
	}
	if t, _ := m.FuncType(index); len(t.Params)+len(t.Results) > 0 {
		r.malformed(offset, "expected a function of type () -> (), found %s", t)
		return
	}
	if r.visit != nil {
		r.visit(Range{offset, r.pos}, index)
	}
	m.Start = &index
}

func (m *Module) readDataCount(r *reader) {
	n := r.u32("a count")
	if r.err == nil {
		m.DataCount = &n
	}
}

// makeSlice returns an empty slice with room for n items, nil if n is 0, so that an empty section equals an absent one.
func makeSlice[T any](n int) []T {
	if n == 0 {
		return nil
	}
	return make([]T, 0, n)
}
