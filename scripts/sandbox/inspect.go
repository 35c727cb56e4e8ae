package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"registrar/hostfuncs"
	"registrar/internal/suggest"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// The types and names of exports that mean something.
const (
	stepType  = "() -> (i32)"
	startType = "() -> ()"
	start     = "_start"
)

// Inspect returns the verdict on a module: what it is, or a *[scripts.RejectedError] with all that speaks against it.
// It only reads the bytes; nothing is compiled or run. The verdict on a module that is in use is known.
func (s *Sandbox) Inspect(wasm []byte) (scripts.Module, error) {
	if len(wasm) > s.config.MaxModule {
		return scripts.Module{}, scripts.Reject("the module has %d bytes: at most %d are allowed; %s",
			len(wasm), s.config.MaxModule, scripts.HowToShrink)
	}
	digest := scripts.Digest(wasm)
	if known, found := s.inUse.verdict(digest); found {
		return known, nil
	}
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		return scripts.Module{}, scripts.Reject("the module cannot be read: %v%s", err, hintFor(wasm))
	}
	i := inspection{m: m, steps: s.config.Steps, maxPages: s.config.MemoryPages, functions: hostFunctions()}
	i.start()
	i.imports()
	i.memory()
	i.tables()
	i.exports()
	i.configSchema(wasm, s.schemas)
	if i.reasons != nil {
		return scripts.Module{}, &scripts.RejectedError{Reasons: i.reasons}
	}
	i.verdict.Digest = digest
	i.verdict.Size = len(wasm)
	return i.verdict, nil
}

// hostFunctions returns what a script may import, by module and name.
func hostFunctions() map[[2]string]hostfuncs.Function {
	functions := map[[2]string]hostfuncs.Function{}
	for _, f := range hostfuncs.Functions() {
		functions[[2]string{f.Module, f.Name}] = f
	}
	return functions
}

// An inspection collects the verdict on one module, and the reasons against it.
type inspection struct {
	m         *wasmbin.Module
	steps     []string
	maxPages  uint32
	functions map[[2]string]hostfuncs.Function

	verdict scripts.Module
	reasons []string
}

func (i *inspection) refuse(format string, args ...any) {
	i.reasons = append(i.reasons, fmt.Sprintf(format, args...))
}

func (i *inspection) warn(format string, args ...any) {
	i.verdict.Warnings = append(i.verdict.Warnings, fmt.Sprintf(format, args...))
}

func (i *inspection) start() {
	if i.m.Start != nil {
		i.refuse("the module has a start section: export what it runs as _initialize instead " +
			"(AssemblyScript: --exportStart _initialize)")
	}
}

func (i *inspection) imports() {
	i.verdict.Imports = []string{}
	for _, imported := range i.m.Imports {
		name := imported.Module + "." + imported.Name
		if imported.Kind != wasmbin.KindFunction {
			i.refuse("%s", importOfNoFunction(imported.Kind.String(), imported.Module, imported.Name))
			continue
		}
		f, known := i.functions[[2]string{imported.Module, imported.Name}]
		if !known {
			i.refuse("%s", i.unknownImport(imported))
			continue
		}
		have, want := i.m.Types[imported.Type], signature(f)
		if have.String() != want.String() {
			i.refuse("the import %s has the type %s: it must be %s, so %s", name, have, want, fixOf(have, want))
			continue
		}
		if f.Stub && !slices.Contains(i.verdict.Imports, name) {
			i.warn("%s is linked, but always answers ENOSYS", name)
		}
		if !slices.Contains(i.verdict.Imports, name) {
			i.verdict.Imports = append(i.verdict.Imports, name)
		}
	}
}

// unknownImport explains what to do about a function that this server does not have.
func (i *inspection) unknownImport(imported wasmbin.Import) string {
	name := imported.Module + "." + imported.Name
	switch {
	case imported.Module == hostfuncs.ModuleName || imported.Module == hostfuncs.WASIModuleName:
		return fmt.Sprintf("the module imports %s, which this server does not have%s", name,
			cmp.Or(suggest.DidYouMean(imported.Name, i.functionsOf(imported.Module)), i.listOf(imported.Module)))
	case strings.HasPrefix(imported.Module, "registrar_"):
		return fmt.Sprintf("the module imports %s: this server has %s only", name, hostfuncs.ModuleName)
	case slices.Contains(i.functionsOf(hostfuncs.ModuleName), imported.Name):
		return fmt.Sprintf(`the module imports %s: import it from %s instead (C: __attribute__((import_module("%[2]s"))), `+
			`Rust: #[link(wasm_import_module = "%[2]s")], Go: //go:wasmimport %[2]s %s)`,
			name, hostfuncs.ModuleName, imported.Name)
	case imported.Module == "env":
		return importFromEnv(imported.Name)
	case strings.HasPrefix(imported.Module, "wasi_"):
		return fmt.Sprintf("the module imports %s: of WASI this server has preview 1 only, as %s, so build for "+
			"wasm32-wasip1",
			name, hostfuncs.WASIModuleName)
	}
	return fmt.Sprintf("the module imports %s: functions may come from %s and %s only",
		name, hostfuncs.ModuleName, hostfuncs.WASIModuleName)
}

// functionsOf returns the names of a host module's functions, sorted.
func (i *inspection) functionsOf(module string) []string {
	var names []string
	for f := range i.functions {
		if f[0] == module {
			names = append(names, f[1])
		}
	}
	slices.Sort(names)
	return names
}

func (i *inspection) listOf(module string) string {
	return fmt.Sprintf(": %s has %s", module, strings.Join(i.functionsOf(module), ", "))
}

// signature returns a host function's type as wasmbin has it.
func signature(f hostfuncs.Function) wasmbin.FuncType {
	list := func(types []api.ValueType) []wasmbin.ValueType {
		values := make([]wasmbin.ValueType, len(types))
		for i, t := range types {
			values[i] = wasmbin.ValueType(t)
		}
		return values
	}
	return wasmbin.FuncType{Params: list(f.Params), Results: list(f.Results)}
}

func (i *inspection) memory() {
	exported, ok := i.m.ExportNamed("memory")
	if !ok || exported.Kind != wasmbin.KindMemory {
		i.refuse("the module does not export its memory under the name memory")
	}
	for _, m := range i.m.Memories {
		if m.Limits.Min > i.maxPages {
			i.refuse("the memory begins with %d pages of 64 KiB: at most %d are allowed", m.Limits.Min, i.maxPages)
		}
		i.verdict.MemoryMin = uint64(m.Limits.Min) * wasmbin.PageSize
	}
}

func (i *inspection) tables() {
	if len(i.m.Tables) > 1 {
		i.refuse("the module has %d tables: one is allowed", len(i.m.Tables))
	}
}

func (i *inspection) exports() {
	for _, e := range i.m.Exports {
		if e.Kind != wasmbin.KindFunction {
			if slices.Contains(i.steps, e.Name) {
				i.refuse("the export %s is a %s: it must be a function of the type %s", e.Name, e.Kind, stepType)
			}
			continue
		}
		function, _ := i.m.FuncType(e.Index)
		i.exportedFunction(e.Name, function)
	}
	i.verdict.Steps = []string{}
	for _, step := range i.steps {
		if _, exported := i.m.ExportNamed(step); exported {
			i.verdict.Steps = append(i.verdict.Steps, step)
		}
	}
	if len(i.verdict.Steps) == 0 && !i.program() {
		i.refuse("the module exports no step%s", cmp.Or(i.misspeltStep(),
			fmt.Sprintf(": export a function of the type %s named %s", stepType, strings.Join(i.steps, ", "))))
	}
	if i.verdict.Warnings == nil {
		i.verdict.Warnings = []string{}
	}
}

// exportedFunction judges an exported function. One that is no step is of no interest, unless it looks like one.
func (i *inspection) exportedFunction(name string, have wasmbin.FuncType) {
	known, want := slices.Contains(i.steps, name), wasmbin.FuncType{Results: []wasmbin.ValueType{wasmbin.I32}}
	switch {
	case known && have.String() != stepType:
		i.refuse("the export %s has the type %s: it must be %s, so %s", name, have, stepType, fixOf(have, want))
	case name == Initialize && have.String() != startType:
		i.refuse("the export %s has the type %s: it must be %s, so %s",
			name, have, startType, fixOf(have, wasmbin.FuncType{}))
	case known || name == Initialize || slices.Contains(ofEmscripten, name):
	case have.String() == stepType:
		i.warn("the export %s has the type of a step, but there is no step of that name%s",
			name, suggest.DidYouMean(name, i.steps))
	case suggest.Nearest(name, i.steps, suggest.Strict) != "":
		i.warn("the export %s looks like a step, but there is no step of that name%s",
			name, suggest.DidYouMean(name, i.steps))
	}
}

// misspeltStep returns which export of a module without steps was probably meant to be one, "" for none.
func (i *inspection) misspeltStep() string {
	for _, e := range i.m.Exports {
		if found := suggest.Nearest(e.Name, i.steps, suggest.Strict); found != "" && e.Kind == wasmbin.KindFunction {
			return fmt.Sprintf(", but %s: did you mean %s?", e.Name, found)
		}
	}
	return ""
}

// program judges a module without steps. It may be a program, whose deployment lists the steps that it replaces.
func (i *inspection) program() bool {
	e, exported := i.m.ExportNamed(start)
	if !exported || e.Kind != wasmbin.KindFunction {
		return false
	}
	function, _ := i.m.FuncType(e.Index)
	if have := function.String(); have != startType {
		i.refuse("the export %s has the type %s: it must be %s, so %s",
			start, have, startType, fixOf(function, wasmbin.FuncType{}))
	}
	for _, imported := range i.verdict.Imports {
		if strings.HasPrefix(imported, hostfuncs.ModuleName+".") {
			i.refuse("the module is a program and imports %s: it reads standard input and writes standard output "+
				"instead; "+
				"export steps to use %s", imported, hostfuncs.ModuleName)
		}
	}
	return true
}
