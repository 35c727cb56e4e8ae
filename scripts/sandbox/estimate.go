package sandbox

import (
	"fmt"
	"strings"

	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// What wazero's compiler takes for parts of a function, in nanoseconds of CPU, measured with modules that have little
// but one of them. All but the first are for what grows faster than the module: a small one may take minutes.
const (
	perInstruction = 1_000
	perBulk        = 50_000 // memory.copy and its like
	perLabel       = 20_000 // of br_table
	perValue       = 3_000  // handed over by a call, a branch or a block

	// For each pair of places where control divides or joins, since each pass goes over all of them for each.
	perPlacesSquared = 7
	// For each variable and each way to a place where control joins, since each may have its own value there.
	perVariableAndEdge = 700
	// For each read of a variable and each branch between it and the last join, through which its value is looked up.
	perLookup = 10
	// For each variable and each block that one is inside of: its value is looked up through all of them.
	perVariableAndDepth = 20
	// For each variable and each loop around a loop, counted as far as there are variables: the values that come back
	// from the inner one are live in the outer ones.
	perVariableAndOuterLoop = 500
)

// A shape is what of a function makes compiling it expensive.
type shape struct {
	instructions, bulk, labels, values int

	places    int // where control divides or joins, in halves
	edges     int // ways to where it joins
	lookups   int // branches between reads of variables and the joins before them, added up
	variables int // that are used
	depths    int // of all blocks, added up: how many each is inside of
	nested    int // of all loops, added up: how many each is inside of, as far as there are variables
	loops     int
	deepest   int // how many blocks are inside each other
}

// cost estimates what compiling the function takes, in nanoseconds of CPU.
func (s *shape) cost() float64 {
	places, variables := float64(s.places)/2, float64(s.variables)
	return float64(s.instructions)*perInstruction + float64(s.bulk)*perBulk + float64(s.labels)*perLabel +
		float64(s.values)*perValue + float64(s.lookups)*perLookup + places*places*perPlacesSquared +
		variables*(float64(s.edges)*perVariableAndEdge+float64(s.depths)*perVariableAndDepth+
			float64(s.nested)*perVariableAndOuterLoop)
}

// A surveyor looks at one function after the other.
type surveyor struct {
	used   []bool // variables
	blocks []wasmbin.Opcode
	depths []int // of loops, to be capped once the variables are counted
}

// survey returns the shape of a function.
func (v *surveyor) survey(body *wasmbin.Body) shape {
	v.used = append(v.used[:0], make([]bool, body.Locals())...)
	v.blocks, v.depths = v.blocks[:0], v.depths[:0]
	var s shape
	loops, branches := 0, 0 // that are open; since the last join
	var i wasmbin.Instruction
	for body.Next(&i) {
		s.instructions++
		s.values += i.Values
		switch op := i.Opcode; op {
		case wasmbin.LocalGet, wasmbin.LocalSet, wasmbin.LocalTee:
			if !v.used[i.Index] {
				v.used[i.Index] = true
				s.variables++
			}
			s.lookups += branches
		case wasmbin.Block:
			s.places++
			v.blocks = append(v.blocks, op)
		case wasmbin.Loop, wasmbin.If:
			s.places += 4
			s.edges += 2
			s.depths += len(v.blocks)
			v.blocks = append(v.blocks, op)
			if branches++; op == wasmbin.Loop {
				branches = 0
				loops++
				v.depths = append(v.depths, loops)
			}
		case wasmbin.End:
			branches = 0
			if n := len(v.blocks); n > 0 {
				if v.blocks[n-1] == wasmbin.Loop {
					loops--
				}
				v.blocks = v.blocks[:n-1]
			}
		case wasmbin.Br:
			s.edges++
		case wasmbin.BrIf:
			s.places += 4
			s.edges++
			branches++
		case wasmbin.BrTable:
			s.labels += len(i.Labels)
			s.edges += len(i.Labels)
		case wasmbin.Return:
			s.places += 3
		case wasmbin.MemoryCopy, wasmbin.MemoryFill, wasmbin.MemoryInit,
			wasmbin.TableCopy, wasmbin.TableFill, wasmbin.TableInit:
			s.bulk++
		}
		s.deepest = max(s.deepest, len(v.blocks))
	}
	s.loops = len(v.depths)
	for _, depth := range v.depths {
		s.nested += min(depth, s.variables)
	}
	return s
}

// judge refuses a module that would take the compiler longer than it may, before it takes any time. m was decoded from
// wasm, which was uploaded.
func judge(wasm []byte, m *wasmbin.Module) error {
	allowed := float64(limitsFor(len(wasm)).cpu) * 1e9
	var v surveyor
	var total, most float64
	var worst shape
	function := 0
	for i := range m.Code {
		s := v.survey(m.Body(wasm, i))
		cost := s.cost()
		if total += cost; cost > most {
			most, worst, function = cost, s, i
		}
	}
	if total <= allowed {
		return nil
	}
	return scripts.Reject("compiling the module would take about %.1f s of CPU: %.0f s are allowed for its size, "+
		"3 s and 3 s for each MiB. Most of it, %.1f s, takes function %d%s, with %s: divide it into smaller functions",
		total/1e9, allowed/1e9, most/1e9, function+m.Count(wasmbin.KindFunction)-len(m.Code), nameOf(m, function),
		&worst)
}

// nameOf returns the name under which a function that the module defines is exported, "" where it is not.
func nameOf(m *wasmbin.Module, defined int) string {
	index := uint32(m.Count(wasmbin.KindFunction) - len(m.Code) + defined)
	for _, e := range m.Exports {
		if e.Kind == wasmbin.KindFunction && e.Index == index {
			return fmt.Sprintf(" (%q)", e.Name)
		}
	}
	return ""
}

// String names what there is much of.
func (s *shape) String() string {
	parts := []string{fmt.Sprintf("%d instructions", s.instructions), fmt.Sprintf("%d variables", s.variables)}
	for _, part := range []struct {
		n    int
		what string
	}{
		{s.places / 2, "branches and joins"}, {s.loops, "loops"}, {s.deepest, "blocks inside each other"},
		{s.labels, "labels of br_table"}, {s.values, "values handed over"},
	} {
		if part.n >= 100 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(parts, ", ")
}
