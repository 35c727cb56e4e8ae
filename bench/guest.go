package main

import (
	"context"
	"fmt"
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
	out, err := h.goBench(ctx, "guest", "registrar/scripts/sandbox", "^(BenchmarkInstance|BenchmarkFirstStep)$/^Go$")
	if err != nil {
		return nil, err
	}
	of := figures(out, "sec/op", 1e9)
	var ratios, cold, saved []float64
	for i := range min(len(of[coldStep]), len(of[readyStep]), len(of[renewal])) {
		whole := of[readyStep][i] + of[renewal][i]
		ratios = append(ratios, of[coldStep][i]/whole)
		cold, saved = append(cold, of[coldStep][i]/1000), append(saved, whole/1000)
	}
	if len(ratios) == 0 {
		return nil, fmt.Errorf("package scripts/sandbox has no benchmarks %s, %s, %s:\n%s", coldStep, readyStep,
			renewal, out)
	}
	return []Row{
		newRow("guest", "standard Go: instantiated ÷ saved, a step and all that it needs", "", atLeast(10), ratios),
		newRow("guest", "standard Go: instantiated, then a step", "µs", nil, cold),
		newRow("guest", "standard Go: a step, then made new", "µs", nil, saved),
	}, nil
}
