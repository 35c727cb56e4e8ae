// Package hostile makes the WebAssembly modules that attack the server: each one is small, goes for one weakness of
// decoders, compilers, runtimes or hosts, and says what the server must make of it. [Modules] is the only list; generate
// writes the .wasm files and README.md beside it from there.
package hostile

//go:generate go run ./generate -o ../../../testdata/wasm/hostile

import (
	"slices"
	"strings"
)

// An Outcome is what the server may make of a hostile module.
type Outcome string

// The outcomes. All but the first are those of a registration through the module, once it was taken.
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
	Must   []Outcome // one of these; every other is a defect

	// Says is a part of the reasons for which the upload is refused, whatever its case, so that no module is refused for
	// another fault than the one that it was made for. Empty means any reason.
	Says string

	// Large modules are not committed.
	Large bool
	// Wasm makes the module, always the same.
	Wasm func() []byte
}

// May reports whether the module may come to that outcome.
func (m Module) May(o Outcome) bool { return slices.Contains(m.Must, o) }

// Modules returns every module, in the order of README.md.
func Modules() []Module {
	return slices.Concat(counts(), encodings(), indices(), proposals(), sizes(), names(), metering(), recursions(), bulk(), loops(), compilers(),
		hostLoops(), hostRanges(), hostValues(), initializations(), harmless())
}

// Readme returns README.md.
func Readme() []byte {
	var b strings.Builder
	b.WriteString("# Hostile modules\n\n" +
		"Each attacks one thing. What the server must make of it stands in the last column: the answer to the upload (422), or\n" +
		"else that to each registration in which the module replaces a step; where there are several, any of them. Whatever the\n" +
		"answer, the process lives on, other registrations go on, nothing is stored but what was acknowledged with 201, and\n" +
		"no memory, thread or file stays behind.\n\n" +
		"`go run ./internal/wasmtest/hostile/generate` rewrites this file and the modules, all from the Go sources in this folder.\n" +
		"A module marked \"large\" is not committed: tests make it when they need it.\n\n" +
		"| module | attack | must |\n|---|---|---|\n")
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

// refused is a module that may not be uploaded.
func refused(name, says, attack string, s *script) Module {
	return Module{Name: name, Attack: attack, Must: []Outcome{Refused}, Says: says, Wasm: s.wasm}
}

// ends is a module that may be uploaded, and then ends in one of the outcomes.
func ends(name, attack string, s *script, must ...Outcome) Module {
	return Module{Name: name, Attack: attack, Must: must, Wasm: s.wasm}
}

// large marks a module that is not committed. It is made anew each time, since nobody needs it but its own test.
func large(name, says, attack string, build func() *script, must ...Outcome) Module {
	return Module{Name: name, Attack: attack, Must: must, Says: says, Large: true, Wasm: func() []byte { return build().wasm() }}
}
