package wasmbin

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// capRefusals returns modules that exceed each limit by one.
func capRefusals() []refusal {
	wants := map[string]string{
		"types":     "type section: count 10001 is over the limit of 10000, at offset 12",
		"params":    "type section: type 0: count 1001 is over the limit of 1000, at offset 13",
		"results":   "type section: type 0: count 1001 is over the limit of 1000, at offset 14",
		"imports":   "import section: count 10001 is over the limit of 10000, at offset 26",
		"functions": "function section: count 99999, with 2 imported, is over the limit of 100000, at offset 45",
		"tables":    "table section: count 101 is over the limit of 100, at offset 11",
		"memories":  "memory section: count 2 is over the limit of 1, at offset 10",
		"globals":   "global section: count 9999, with 2 imported, is over the limit of 10000, at offset 33",
		"exports":   "export section: count 10001 is over the limit of 10000, at offset 17",
		"elements":  "element section: count 10001 is over the limit of 10000, at offset 12",
		"data":      "data section: count 100001 is over the limit of 100000, at offset 12",
		"table elements": "table section: table 1: 65537 elements in all tables so far are over the limit of 65536, " +
			"at offset 14",
		"body size": "code section: body of function 0: a body of 1048577 bytes is over the limit of 1048576, " +
			"at offset 31",
		"locals": "code section: body of function 0: 10001 locals, with 40000 before them, are over the " +
			"limit of 50000, at offset 35",
		"locals in all": "code section: body of function 40: 2000001 locals in all functions so far are over the " +
			"limit of 2000000, at offset 351",
		"nested blocks": "code section: body of function 0: block: nested deeper than the limit of 10000, at " +
			"offset 20033",
		"branch targets": "code section: body of function 0: br_table: count 65521 is over the limit of 65520, at " +
			"offset 38",
		"customs": "custom section: custom section 101 is over the limit of 100, at offset 308",
	}
	refused := []refusal{
		{"memory beside an imported one", module(section(SectionImport, vector(memory)), memories),
			"memory section: count 1, with 1 imported, is over the limit of 1, at offset 22", true},
		{"two imported memories", module(section(SectionImport, vector(memory, memory))),
			"import section: import 1: more memories than the limit of 1, at offset 26", true},
		{"tables beside an imported one",
			module(section(SectionImport, vector(slices.Concat(text("env"), text("t"), raw(1, 0x70, 0, 0)))),
				section(SectionTable, repeat(raw(0x70, 0, 0), MaxTables))),
			"table section: count 100, with 1 imported, is over the limit of 100, at offset 24", true},
		{"imported tables", module(section(SectionImport, repeat(table, MaxTables+1))),
			"import section: import 100: more tables than the limit of 100, at offset 1118", true},
	}
	for name, make := range cappedModules() {
		refused = append(refused, refusal{"too many " + name, make(1), wants[name], true})
	}
	slices.SortFunc(refused, func(a, b refusal) int { return strings.Compare(a.name, b.name) })
	return refused
}

// cappedModules returns functions that build modules with more items than a limit, by what is limited.
func cappedModules() map[string]func(more int) []byte {
	return map[string]func(int) []byte{
		"types": func(more int) []byte { return module(section(SectionType, repeat(emptyType, MaxTypes+more))) },
		"params": func(more int) []byte {
			return module(section(SectionType,
				vector(slices.Concat(raw(0x60), repeat(raw(0x7f), MaxParams+more), raw(0)))))
		},
		"results": func(more int) []byte {
			return module(section(SectionType, vector(slices.Concat(raw(0x60, 0), repeat(raw(0x7f), MaxResults+more)))))
		},
		"imports": func(more int) []byte {
			return module(types, section(SectionImport, repeat(raw(0, 0, 0, 0), MaxImports+more)))
		},
		"functions": func(more int) []byte {
			n := MaxFunctions - 2 + more
			return module(types, section(SectionImport, vector(function, function)),
				section(SectionFunction, repeat(raw(0), n)),
				section(SectionCode, repeat(raw(2, 0, 0x0b), n)))
		},
		"tables": func(more int) []byte {
			return module(section(SectionTable, repeat(raw(0x70, 0, 0), MaxTables+more)))
		},
		"memories": func(more int) []byte {
			return module(section(SectionMemory, repeat(raw(0, 0), MaxMemories+more)))
		},
		"globals": func(more int) []byte {
			return module(section(SectionImport, vector(global, variable)),
				section(SectionGlobal, repeat(slices.Concat(raw(0x7f, 0), constInt), MaxGlobals-2+more)))
		},
		"exports": func(more int) []byte {
			items := [][]byte{leb(MaxExports + more)}
			for i := range MaxExports + more {
				items = append(items, text(fmt.Sprint(i)), raw(2, 0))
			}
			return module(memories, section(SectionExport, items...))
		},
		"elements": func(more int) []byte {
			return module(section(SectionElement, repeat(raw(1, 0, 0), MaxElementSegments+more)))
		},
		"data": func(more int) []byte { return module(section(SectionData, repeat(raw(1, 0), MaxDataSegments+more))) },
		"table elements": func(more int) []byte {
			return module(section(SectionTable,
				vector(raw(0x70, 0, 1), slices.Concat(raw(0x70, 0), leb(MaxTableElements-1+more)))))
		},
		"body size": func(more int) []byte {
			return module(aFunction, body(bytes.Repeat(raw(0x01), MaxBodySize-2+more)...))
		},
		"locals": func(more int) []byte {
			runs := vector(slices.Concat(leb(40_000), raw(0x7f)), slices.Concat(leb(MaxLocals-40_000+more), raw(0x7e)))
			return module(aFunction, section(SectionCode, vector(sized(runs, raw(0x0b)))))
		},
		"locals in all": func(more int) []byte {
			const n = MaxModuleLocals / MaxLocals
			full := sized(vector(slices.Concat(leb(MaxLocals), raw(0x7f))), raw(0x0b))
			last := sized(vector(slices.Concat(leb(more), raw(0x7f))), raw(0x0b))
			return module(types, section(SectionFunction, repeat(raw(0), n+1)),
				section(SectionCode, leb(n+1), bytes.Repeat(full, n), last))
		},
		"nested blocks": func(more int) []byte { // the body counts as a block
			n := MaxNesting - 1 + more
			return module(aFunction,
				body(slices.Concat(bytes.Repeat(raw(0x02, 0x40), n), bytes.Repeat(raw(0x0b), n))...))
		},
		"branch targets": func(more int) []byte {
			return module(aFunction, body(slices.Concat(raw(0x41, 0, 0x0e), leb(MaxBranchTargets+more),
				make([]byte, MaxBranchTargets+more+1))...))
		},
		"customs": func(more int) []byte {
			b := module()
			for range MaxCustomSections + more {
				b = append(b, 0, 1, 0)
			}
			return b
		},
	}
}

func TestModulesAtLimitsAreAccepted(t *testing.T) {
	for name, make := range cappedModules() {
		t.Run(name, func(t *testing.T) {
			b := make(0)
			m, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			checkDecoded(t, b, m)
		})
	}
}
