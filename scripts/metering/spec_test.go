package metering_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/scripts/metering"
	"registrar/scripts/wasmbin"
)

// A command is a command of the specification's test suite, as wast2json writes it.
type command struct {
	Type       string
	Line       int
	Name       string
	Filename   string
	As         string
	Text       string
	ModuleType string `json:"module_type"`
	Action     struct {
		Type   string
		Module string
		Field  string
		Args   []value
	}
	Expected []value
}

type value struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any
}

// TestSpecificationSuites runs the suites of WebAssembly 1.0 and 2.0 without and with metering. Each command must have
// the same result in both, and the one that the suite expects: values, a trap, or a module that does not link.
func TestSpecificationSuites(t *testing.T) {
	t.Parallel()
	tests := []struct {
		suite    string
		features api.CoreFeatures // for v1, those of 1.0: metering needs no more
		atLeast  int              // assertions
		skipped  int              // commands about modules with table.grow
	}{
		{"v1", api.CoreFeaturesV1, 16_000, 0},
		{"v2", api.CoreFeaturesV2, 48_000, 85},
	}
	for _, test := range tests {
		t.Run(test.suite, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(wazeroFolder(t), "internal", "integration_test", "spectest")
			files, err := filepath.Glob(filepath.Join(folder, test.suite, "testdata", "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			spectest := readFile(t, folder, "testdata", "spectest.wasm")
			total := map[string]int{}
			for _, file := range files {
				for outcome, n := range runBoth(t, test.features, file, spectest) {
					total[outcome] += n
				}
			}
			t.Logf("commands of %s: %v", test.suite, total)
			asserted := total["assert_return"] + total["assert_trap"] + total["assert_exhaustion"]
			if asserted < test.atLeast {
				t.Errorf("ran %d assertions, want %d or more", asserted, test.atLeast)
			}
			if total["skipped"] != test.skipped {
				t.Errorf("skipped %d commands, want %d", total["skipped"], test.skipped)
			}
		})
	}
}

// runBoth runs one file and returns the number of commands that ran, by type.
func runBoth(t *testing.T, features api.CoreFeatures, file string, spectest []byte) map[string]int {
	t.Helper()
	var script struct{ Commands []command }
	if err := json.Unmarshal(readFile(t, file), &script); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	folder, base := filepath.Split(file)
	plain := newSuite(t, features, folder, spectest, func(wasm []byte, _ *wasmbin.Module) []byte { return wasm })
	metered := newSuite(t, features, folder, spectest, func(wasm []byte, m *wasmbin.Module) []byte {
		rewritten, err := metering.Rewrite(wasm, m)
		if err != nil {
			t.Fatalf("%s: rewriting: %v", base, err)
		}
		return rewritten
	})
	ran := map[string]int{}
	for i, c := range script.Commands {
		want, wantErr := plain.run(t, script.Commands, i)
		got, gotErr := metered.run(t, script.Commands, i)
		if want == "skipped" || want == "" {
			if want != "" {
				ran["skipped"]++
			}
			continue
		}
		ran[c.Type]++
		where := fmt.Sprintf("%s:%d %s %s", base, c.Line, c.Type, c.Action.Field)
		switch {
		case c.Type == "assert_exhaustion":
			if wantErr == nil || gotErr == nil {
				t.Errorf("%s: got errors %v without and %v with metering, want both to fail", where, wantErr, gotErr)
			}
		case reason(gotErr) != reason(wantErr):
			t.Errorf("%s: got error %v, want %v", where, gotErr, wantErr)
		case got != want:
			t.Errorf("%s: got %s, want %s", where, got, want)
		case c.Type == "assert_return" && (gotErr != nil || !expected(c.Expected, got)):
			t.Errorf("%s: got %s and error %v, want %v", where, got, gotErr, c.Expected)
		case c.Type == "assert_trap" && gotErr == nil:
			t.Errorf("%s: got %s, want a trap: %s", where, got, c.Text)
		}
	}
	return ran
}

// A suite is one run of a file.
type suite struct {
	runtime wazero.Runtime
	folder  string
	change  func([]byte, *wasmbin.Module) []byte
	named   map[string]api.Module
	last    api.Module
}

func newSuite(t *testing.T, features api.CoreFeatures, folder string, spectest []byte,
	change func([]byte, *wasmbin.Module) []byte) *suite {
	t.Helper()
	r := newRuntime(t, wazero.NewRuntimeConfig().WithCoreFeatures(features), &meter{slice: 1000, budget: math.MaxInt64})
	if _, err := r.InstantiateWithConfig(t.Context(), spectest, wazero.NewModuleConfig()); err != nil {
		t.Fatal(err)
	}
	return &suite{runtime: r, folder: folder, change: change, named: map[string]api.Module{}}
}

// run runs a command and returns its result as text: "skipped" if its module is not accepted, and "" if it runs
// nothing.
func (s *suite) run(t *testing.T, commands []command, i int) (string, error) {
	t.Helper()
	switch c := commands[i]; c.Type {
	case "module", "assert_unlinkable", "assert_uninstantiable":
		if c.ModuleType == "text" {
			return "", nil
		}
		return s.instantiate(t, commands, i)
	case "assert_return", "assert_trap", "assert_exhaustion", "action":
		m := s.last
		if c.Action.Module != "" {
			m = s.named[c.Action.Module]
		}
		if m == nil {
			return "skipped", nil
		}
		return act(m, c)
	}
	return "", nil
}

func (s *suite) instantiate(t *testing.T, commands []command, i int) (string, error) {
	t.Helper()
	c := commands[i]
	wasm := readFile(t, s.folder, c.Filename)
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		if c.Type == "module" {
			s.last = nil
		}
		return "skipped", nil
	}
	var name string
	if next := i + 1; next < len(commands) && commands[next].Type == "register" {
		name = commands[next].As
	}
	instance, err := s.runtime.InstantiateWithConfig(context.Background(), s.change(wasm, m),
		wazero.NewModuleConfig().WithName(name))
	if c.Type == "module" {
		s.last = instance
		if c.Name != "" {
			s.named[c.Name] = instance
		}
	}
	return "instantiated", err
}

// act calls a function or reads a global.
func act(m api.Module, c command) (string, error) {
	if c.Action.Type == "get" {
		return fmt.Sprint([]uint64{m.ExportedGlobal(c.Action.Field).Get()}), nil
	}
	// Set the calls left before each call, like a host.
	if calls, ok := m.ExportedGlobal(metering.CallsExport).(api.MutableGlobal); ok {
		calls.Set(metering.DefaultCalls)
	}
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, a.words()...)
	}
	f := m.ExportedFunction(c.Action.Field)
	results, err := f.Call(context.Background(), args...)
	for i, t := range f.Definition().ResultTypes() {
		// References are addresses, so compare only whether they are null.
		if i < len(results) && t == api.ValueType(wasmbin.FuncRef) && results[i] != 0 {
			results[i] = 1
		}
		if len(results) == len(f.Definition().ResultTypes()) && (t == api.ValueTypeI32 || t == api.ValueTypeF32) {
			results[i] = uint64(uint32(results[i])) // the upper half may be garbage
		}
	}
	return fmt.Sprint(results), err
}

// words returns the value in the form in which wazero passes it.
func (v value) words() []uint64 {
	if lanes, ok := v.Value.([]any); ok {
		var words [2]uint64
		width := 128 / len(lanes)
		for i, lane := range lanes {
			words[i*width/64] |= number(lane, width) << (i * width % 64)
		}
		return words[:]
	}
	switch v.Type {
	case "i32", "f32":
		return []uint64{number(v.Value, 32)}
	case "externref":
		if v.Value != "null" {
			return []uint64{number(v.Value, 64) + 1} // because 0 is null in wazero
		}
		return []uint64{0}
	}
	return []uint64{number(v.Value, 64)}
}

func number(v any, width int) uint64 {
	s, _ := v.(string)
	if s == "null" {
		return 0
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n & (math.MaxUint64 >> (64 - width))
	}
	n, _ := strconv.ParseInt(s, 10, 64)
	return uint64(n) & (math.MaxUint64 >> (64 - width))
}

// expected reports whether the results are those of the suite. It accepts any NaN and reference.
func expected(want []value, got string) bool {
	var words []uint64
	for _, v := range want {
		open := v.Value == nil || v.Type == "funcref" || strings.Contains(fmt.Sprint(v.Value), "nan")
		if open {
			return true
		}
		words = append(words, v.words()...)
	}
	return fmt.Sprint(words) == got
}

// reason returns the first line of an error without the index of a start function, which metering changes.
func reason(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	if strings.HasPrefix(first, "start function[") {
		_, first, _ = strings.Cut(first, "]")
	}
	return first
}
