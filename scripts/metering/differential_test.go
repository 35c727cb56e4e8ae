package metering_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/scripts/metering"
	"registrar/scripts/snapshot"
	"registrar/scripts/wasmbin"
)

// TestDifferential has another engine, that of Node.js, run modules as they are, and wazero the same ones as the server
// runs them: metered, and with their data taken out. What comes of them must be the same. REGISTRAR_TEST_DIFFERENTIAL
// is how many modules; REGISTRAR_TEST_SEED is the first one.
func TestDifferential(t *testing.T) {
	node := startNode(t)
	first, n := setting(t, "REGISTRAR_TEST_SEED", 1), setting(t, "REGISTRAR_TEST_DIFFERENTIAL", 300)
	unlike, ran, traps, endless := 0, 0, 0, 0
	for seed := first; seed < first+n && unlike < 5; seed++ {
		g := &generator{Rand: rand.New(rand.NewPCG(uint64(seed), 0))}
		wasm, functions := g.module()
		want := node(t, wasm, functions)
		got, err := runAsServer(t, []byte(wasm), functions)
		switch {
		case errors.Is(err, errFuel):
			endless++
			continue
		case err != nil:
			t.Fatalf("seed %d: %v (%s)", seed, err, want)
		case !slices.Equal(got, want):
			unlike++
			path := filepath.Join(os.TempDir(), fmt.Sprintf("registrar-differential-%d.wasm", seed))
			t.Errorf("seed %d, in %s: got %v, want %v; %v", seed, path, got, want,
				os.WriteFile(path, []byte(wasm), 0o600))
		}
		for _, result := range want[:min(functions, len(want))] {
			if ran++; result == "trap" {
				traps++
			}
		}
	}
	t.Logf("%d functions of %d modules, of which %d trap; %d modules took too long", ran, n, traps, endless)
	if n >= 100 && (traps < ran/10 || traps > ran*9/10 || endless > n/10) {
		t.Error("the modules are too much alike")
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startNode returns how to have Node.js run a module.
func startNode(t *testing.T) func(t *testing.T, wasm string, functions int) []string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no Node.js")
	}
	cmd := exec.CommandContext(t.Context(), path, filepath.Join("testdata", "differential.js"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // it is killed with the test's context, or has ended
	})
	answers := bufio.NewReader(out)
	return func(t *testing.T, wasm string, functions int) (results []string) {
		t.Helper()
		question, err := json.Marshal(map[string]any{"wasm": []byte(wasm), "functions": functions})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(append(question, '\n')); err != nil {
			t.Fatal(err)
		}
		line, err := answers.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &results)
		}
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
}

// runAsServer runs a module as the server does, and returns what the script for Node.js does.
func runAsServer(t *testing.T, wasm []byte, functions int) (results []string, err error) {
	t.Helper()
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	rewritten, err := metering.Rewrite(wasm, m)
	if err != nil {
		return nil, fmt.Errorf("rewriting: %w", err)
	}
	prepared, layout, err := snapshot.Prepare(rewritten, wasm, m)
	if err != nil {
		return nil, fmt.Errorf("preparing: %w", err)
	}
	ctx := context.Background()
	r := newRuntime(t, wazero.NewRuntimeConfig(), &meter{slice: 1000, budget: 20_000_000})
	defer r.Close(ctx)
	guest, err := r.Instantiate(ctx, prepared)
	if err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	if !guest.Memory().Write(0, layout.Content) {
		return nil, errors.New("the data does not fit the memory")
	}
	calls := guest.ExportedGlobal(metering.CallsExport).(api.MutableGlobal)
	for f := range functions {
		calls.Set(metering.DefaultCalls)
		function := guest.ExportedFunction("f" + strconv.Itoa(f))
		values, err := function.Call(ctx)
		switch {
		case errors.Is(err, errFuel):
			return nil, err
		case err != nil:
			results = append(results, "trap")
		case len(values) == 0:
			results = append(results, "none")
		case function.Definition().ResultTypes()[0] == api.ValueTypeI32:
			results = append(results, signed(api.DecodeI32(values[0])))
		default:
			results = append(results, strconv.FormatUint(values[0], 10))
		}
	}
	memory, _ := guest.Memory().Read(0, guest.Memory().Size())
	sum := sha256.Sum256(memory)
	return append(results, hex.EncodeToString(sum[:]), signed(api.DecodeI32(guest.ExportedGlobal("g0").Get())),
		strconv.FormatUint(guest.ExportedGlobal("g1").Get(), 10)), nil
}

// signed is an i32 as JavaScript has it, as an unsigned number of 64 bits.
func signed(n int32) string { return strconv.FormatUint(uint64(int64(n)), 10) }
