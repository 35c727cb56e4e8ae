package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"

	"registrar/bench/process"
	"registrar/internal/wasmtest"
)

// formerCommit is the commit with whose program starts and memory are compared.
const formerCommit = "aec1a18"

// formerProgram builds registrar of formerCommit and returns the path of the program. It is "" if the source tree lacks
// that commit, as a copy without the history does.
func (h *harness) formerProgram(ctx context.Context) (string, error) {
	if h.former != "" {
		return h.former, nil
	}
	archive := exec.CommandContext(ctx, "git", "archive", "--format=tar", formerCommit)
	archive.Dir = wasmtest.Root()
	tree, err := archive.Output()
	if err != nil {
		h.say("commit %s cannot be had: %v", formerCommit, err)
		return "", nil
	}
	folder, err := h.scratch()
	if err != nil {
		return "", err
	}
	unpack := exec.CommandContext(ctx, "tar", "-x", "-C", folder)
	unpack.Stdin = bytes.NewReader(tree)
	if out, err := unpack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpacking commit %s: %w\n%s", formerCommit, err, out)
	}
	h.say("building registrar of commit %s", formerCommit)
	h.former, err = process.BuildFrom(ctx, folder, folder)
	return h.former, err
}

// pair measures this program and the former one, whose path may be "", in an order that changes by the round. ratio has
// one element, or none if there is no former program.
func (h *harness) pair(
	ctx context.Context, former string, round int, measure func(program string) (float64, error),
) (now float64, ratio []float64, err error) {
	programs := []string{h.program, former}
	if round%2 == 1 {
		programs = []string{former, h.program}
	}
	values := map[string]float64{}
	for _, program := range programs {
		if program == "" {
			continue
		}
		if values[program], err = measure(program); err != nil {
			return 0, nil, err
		}
	}
	if former != "" {
		ratio = append(ratio, values[h.program]/values[former])
	}
	return values[h.program], ratio, ctx.Err()
}

// againstFormer returns the row of a figure ÷ that of the former program.
func (h *harness) againstFormer(section, name string, ratios []float64) Row {
	name += " ÷ that of commit " + formerCommit
	if len(ratios) == 0 {
		return notMeasured(section, name, atMost(1.1), "the source tree has no such commit")
	}
	return newRow(section, name, "", atMost(1.1), ratios)
}
