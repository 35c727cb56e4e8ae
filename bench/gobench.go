package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/perf/benchfmt"

	"registrar/internal/wasmtest"
)

// patching is the benchmark of package engine that applies a script's patch of two members to a typical client.
const patching = "PatchMetadata/usual"

// patchSection measures a patch of two members.
func patchSection(ctx context.Context, h *harness) ([]Row, error) {
	out, err := h.goBench(ctx, "patch", "registrar/engine", "^BenchmarkPatchMetadata$/^usual$")
	if err != nil {
		return nil, err
	}
	took, allocations := figures(out, "sec/op", 1e6)[patching], figures(out, "allocs/op", 1)[patching]
	if len(took) == 0 || len(allocations) == 0 {
		return nil, fmt.Errorf("package engine has no benchmark %s:\n%s", patching, out)
	}
	return []Row{
		newRow("patch", "a patch of two members", "µs", atMost(1.5), took),
		newRow("patch", "a patch of two members: allocations", "", atMost(8), allocations),
	}, nil
}

// goBench runs Go benchmarks of a package, as often as there are rounds, and returns what they print.
func (h *harness) goBench(ctx context.Context, section, path, pattern string) ([]byte, error) {
	took := "300ms"
	if h.Short {
		took = "1x"
	}
	h.say("%s: go test -bench in %s", section, path)
	cmd := exec.CommandContext(ctx, "go", "test", "-trimpath", "-vet=off", "-run=^$", "-bench="+pattern,
		"-benchtime="+took, fmt.Sprintf("-count=%d", h.Rounds), path)
	cmd.Dir = wasmtest.Root() // for the library versions of registrar's go.mod
	cmd.Env = append(os.Environ(), "GOEXPERIMENT=nojsonv2")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return out, nil
}

// figures returns the figures of each benchmark, times scale, by name without the number of processors. The unit is one
// of package benchfmt, such as sec/op.
func figures(out []byte, unit string, scale float64) map[string][]float64 {
	all := map[string][]float64{}
	for r := benchfmt.NewReader(bytes.NewReader(out), "go test"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		// The unit may have been tidied from ns to seconds.
		value, ok := result.Value(unit)
		if !ok {
			continue
		}
		base, parts := result.Name.Parts()
		name := string(base)
		for _, part := range parts {
			if !bytes.HasPrefix(part, []byte("-")) {
				name += string(part)
			}
		}
		name = strings.TrimPrefix(name, "Benchmark")
		all[name] = append(all[name], value*scale)
	}
	return all
}
