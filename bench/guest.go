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

// The benchmarks of package scripts/sandbox that measure the instances of a guest in standard Go.
const (
	coldStep  = "FirstStep/Go/cold"  // instantiation and first step
	readyStep = "FirstStep/Go/ready" // first step of a ready instance
	renewal   = "Instance/Go/renewed"
)

// guestSection compares a step of a guest in standard Go on a ready instance, which is renewed after it, with a step on
// a new instance.
func guestSection(ctx context.Context, h *harness) ([]Row, error) {
	took := "300ms"
	if h.Short {
		took = "1x"
	}
	h.say("guest: go test -bench in scripts/sandbox")
	cmd := exec.CommandContext(ctx, "go", "test", "-trimpath", "-vet=off", "-run=^$",
		"-bench=^(BenchmarkInstance|BenchmarkFirstStep)$/^Go$", "-benchtime="+took,
		fmt.Sprintf("-count=%d", h.Rounds), "registrar/scripts/sandbox")
	cmd.Dir = wasmtest.Root() // for the library versions of registrar's go.mod
	cmd.Env = append(os.Environ(), "GOEXPERIMENT=nojsonv2")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	of := nanoseconds(out)
	var ratios, cold, saved []float64
	for i := range min(len(of[coldStep]), len(of[readyStep]), len(of[renewal])) {
		whole := of[readyStep][i] + of[renewal][i]
		ratios = append(ratios, of[coldStep][i]/whole)
		cold, saved = append(cold, of[coldStep][i]/1000), append(saved, whole/1000)
	}
	if len(ratios) == 0 {
		return nil, fmt.Errorf("package scripts/sandbox has no benchmarks %s, %s, %s:\n%s", coldStep, readyStep,
			renewal,
			out)
	}
	return []Row{
		newRow("guest", "standard Go: instantiated ÷ saved, a step and all that it needs", "", atLeast(10), ratios),
		newRow("guest", "standard Go: instantiated, then a step", "µs", nil, cold),
		newRow("guest", "standard Go: a step, then made new", "µs", nil, saved),
	}, nil
}

// nanoseconds returns the times of each benchmark, by name without the number of processors.
func nanoseconds(out []byte) map[string][]float64 {
	all := map[string][]float64{}
	for r := benchfmt.NewReader(bytes.NewReader(out), "go test"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		// The unit may have been tidied from ns to seconds.
		seconds, ok := result.Value("sec/op")
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
		all[strings.TrimPrefix(name, "Benchmark")] = append(all[strings.TrimPrefix(name, "Benchmark")], seconds*1e9)
	}
	return all
}
