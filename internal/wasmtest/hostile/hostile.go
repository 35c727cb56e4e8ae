// Package hostile builds the WebAssembly modules that attack the server. Each is small, attacks one weakness of
// decoders, compilers, runtimes or hosts, and lists the outcomes that are allowed. The command generate writes the
// .wasm files and README.md from [Modules].
package hostile

//go:generate go run ./generate -o ../../../testdata/wasm/hostile

import (
	"slices"
	"strings"
)

// An Outcome is the result of offering a hostile module to the server.
type Outcome string

// The outcomes. All but the first are those of a registration through the module, once it was uploaded.
const (
	Refused   Outcome = "422 at upload"
	Failed    Outcome = "500" // server_error: the script failed, nothing is stored
	Saturated Outcome = "503" // the wall clock ran out
	Denied    Outcome = "400" // the script refused, as it may
	Harmless  Outcome = "201"
)

// A Module is one attack.
type Module struct {
	Name   string
	Attack string    // in one line
	Must   []Outcome // the allowed outcomes

	// Says is a part of the reasons for which the upload must be rejected, in any case: no module may be rejected for
	// another fault than its own. Empty means any reason.
	Says string

	// Large modules are not committed.
	Large bool
	// Wasm returns the module, the same bytes each time.
	Wasm func() []byte
}

// May reports whether the outcome is allowed for the module.
func (m Module) May(o Outcome) bool { return slices.Contains(m.Must, o) }

// Modules returns every module, in the order of README.md.
func Modules() []Module {
	return slices.Concat(counts(), encodings(), indices(), proposals(), sizes(), names(), metering(), recursions(),
		bulk(), loops(), compilers(), hostLoops(), hostRanges(), hostValues(), initializations(), harmless())
}

// Readme returns the content of README.md.
func Readme() []byte {
	var b strings.Builder
	b.WriteString("# Hostile modules\n\n" +
		"Each module attacks one weakness. The last column lists the allowed outcomes: the status of the upload " +
		"(422), or that of\n" +
		"each registration in which the module replaces a step. In every case the process survives, other " +
		"registrations succeed,\n" +
		"only registrations acknowledged with 201 are stored, and no memory, thread or file leaks.\n\n" +
		"`go run ./internal/wasmtest/hostile/generate` rewrites this file and the modules, all from the Go sources " +
		"in internal/wasmtest/hostile.\n" +
		"A module marked \"large\" is not committed: tests generate it.\n\n" +
		"| module | attack | outcome |\n|---|---|---|\n")
	for _, m := range Modules() {
		var must []string
		for _, o := range m.Must {
			must = append(must, string(o))
		}
		large := ""
		if m.Large {
			large = " (large)"
		}
		b.WriteString("| `" + m.Name + "`" + large + " | " + m.Attack + " | " + strings.Join(must, ", ") + " |\n")
	}
	return []byte(b.String())
}

// refused returns a module whose upload must be rejected.
func refused(name, says, attack string, s *script) Module {
	return Module{Name: name, Attack: attack, Must: []Outcome{Refused}, Says: says, Wasm: s.wasm}
}

// ends returns a module that may be uploaded; registrations through it must have one of the outcomes.
func ends(name, attack string, s *script, must ...Outcome) Module {
	return Module{Name: name, Attack: attack, Must: must, Wasm: s.wasm}
}

// large returns a module that is too large to commit. It is generated each time.
func large(name, says, attack string, build func() *script, must ...Outcome) Module {
	return Module{Name: name, Attack: attack, Must: must, Says: says, Large: true,
		Wasm: func() []byte { return build().wasm() }}
}
