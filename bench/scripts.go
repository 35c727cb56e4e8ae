package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/bench/load"
	"registrar/bench/process"
	"registrar/scripts/javascript"
)

// The names of targets with scripts in the tables.
const (
	withAssembly   = "registrar, AssemblyScript"
	withGo         = "registrar, Go"
	withJavaScript = "registrar, JavaScript"
	withMany       = "registrar, 8 scripts"
	withPatches    = "registrar, 8 scripts that patch"
)

// scriptSection measures the processor time of scripts in each language.
func scriptSection(ctx context.Context, h *harness) ([]Row, error) {
	c, err := h.cScript()
	if err != nil {
		return nil, err
	}
	assembly, err := h.fixture("id-and-secret")
	if err != nil {
		return nil, err
	}
	standardGo, err := h.goScript(ctx)
	if err != nil {
		return nil, err
	}
	err = h.rounds(ctx, "script", []target{
		h.registrar(plain, nil, h.onMariaDB),
		h.registrar(withC, c, h.onMariaDB),
		h.registrar(withAssembly, assembly, h.onMariaDB),
		h.registrar(withGo, standardGo, h.onMariaDB),
	}, []int{mostConnection})
	cost := func(language, target string, goal *Goal) Row {
		return newRow("script", "CPU of a script in "+language+" ÷ CPU without one, 64 connections", "", goal,
			paired(h.samples, "script", target, plain, mostConnection, serverCPU,
				func(with, without float64) float64 { return with/without - 1 }))
	}
	return []Row{
		cost("C", withC, atMost(0.25)),
		cost("AssemblyScript", withAssembly, atMost(0.25)),
		cost("standard Go", withGo, nil),
	}, err
}

// scriptsSection measures eight scripts in each of the fourteen validation steps: some only call their base, the others
// then read the client and patch it.
func scriptsSection(ctx context.Context, h *harness) ([]Row, error) {
	many, err := h.fixture("accept-all")
	if err != nil {
		return nil, err
	}
	patching, err := h.fixture("patch-all")
	if err != nil {
		return nil, err
	}
	many.copies, patching.copies = 8, 8
	err = h.rounds(ctx, "scripts", []target{
		h.registrar(plain, nil, h.onMariaDB),
		h.registrar(withMany, many, h.onMariaDB),
		h.registrar(withPatches, patching, h.onMariaDB),
	}, []int{mostConnection})
	of := func(target string, f func(Sample) float64) []float64 {
		return series(h.samples, "scripts", target, mostConnection, f)
	}
	pair := func(a, b string, f func(Sample) float64) []float64 {
		return paired(h.samples, "scripts", a, b, mostConnection, f, ratio)
	}
	const eight = "8 scripts in 14 steps each, 64 connections: "
	return []Row{
		newRow("scripts", eight+"registrar's CPU", "µs", atMost(350), of(withMany, serverCPU)),
		newRow("scripts", eight+"rate ÷ no script", "", atLeast(0.3), pair(withMany, plain, rate)),
		newRow("scripts", eight+"CPU if they read and patch ÷ if they do not", "", atMost(5),
			pair(withPatches, withMany, serverCPU)),
		newRow("scripts", eight+"rate if they read and patch ÷ no script", "", nil, pair(withPatches, plain, rate)),
	}, err
}

// policy is a script with an allowlist of redirect URIs, which also makes the ID.
//
//go:embed policy.js
var policy []byte

// javascriptSection measures the processor time that a policy in JavaScript adds.
func javascriptSection(ctx context.Context, h *harness) ([]Row, error) {
	wasm, err := javascript.PackText(ctx, "policy.js", policy)
	if err != nil {
		return nil, err
	}
	s := &script{name: "policy", wasm: wasm, config: jsontext.Value(`{"domains":["example.org","example.com"]}`)}
	with := h.registrar(withJavaScript, s, h.onMariaDB)
	start := with.start
	with.start = func(ctx context.Context) (server, error) {
		started, err := start(ctx)
		if err == nil {
			err = judges(ctx, started[0])
		}
		return started, err
	}
	err = h.rounds(ctx, "javascript", []target{h.registrar(plain, nil, h.onMariaDB), with}, []int{mostConnection})
	return []Row{
		newRow("javascript", "a policy in JavaScript, allowlist and ID, 64 connections: added CPU", "µs", atMost(150),
			paired(h.samples, "javascript", withJavaScript, plain, mostConnection, serverCPU,
				func(with, without float64) float64 { return with - without })),
	}, err
}

// judges checks that the policy is in force: that it refuses a client of another domain, and makes the ID of one that
// it accepts.
func judges(ctx context.Context, p *process.Process) error {
	status, answer, err := post(ctx, p, []byte(`{"redirect_uris":["https://app.example.net/cb"]}`))
	if err != nil {
		return err
	}
	if status != http.StatusBadRequest || !bytes.Contains(answer, []byte("is not at an allowed domain")) {
		return fmt.Errorf("the policy refuses no other domain: the response is %d: %s", status, answer)
	}
	status, answer, err = post(ctx, p, load.Body(0))
	if err != nil {
		return err
	}
	if status != http.StatusCreated || !bytes.Contains(answer, []byte(`"client_id":"js-`)) {
		return fmt.Errorf("the policy makes no ID: the response has the status %d", status)
	}
	return nil
}
