package scriptcase

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// A Result is what came of one case.
type Result struct {
	Name   string `json:"name"` // its path in the folder, without .txtar
	About  string `json:"about,omitzero"`
	Passed bool   `json:"passed"`
	Diff   string `json:"diff,omitzero"` // expected (-) and got (+)

	Error *scripts.DryRunError `json:"error,omitzero"` // why nothing was registered, where the case failed
}

// A Bench is an engine and a script host that do the same in each run: nothing in them depends on the machine, the
// time of day or chance.
type Bench struct {
	engine *engine.Engine
	host   *host.Host
	script scripts.Script
	// The engine's random bytes and those of the host, which begin anew with each case. A dry run makes its instances
	// when it needs them, one after the other, so that nobody else draws from them in between.
	random [2]*rand.ChaCha8
	taken  map[string]bool // client IDs of the case
}

// testTime is when every registration of a case arrives.
func testTime() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// NewBench returns a Bench for a module, which is uploaded under name. A program replaces steps; a module that exports steps
// names them itself. The error is a *[scripts.RejectedError] where the module is rejected.
func NewBench(ctx context.Context, options engine.Options, limits host.Config, name string, wasm []byte, steps []string) (*Bench, error) {
	b := &Bench{}
	for i := range b.random {
		b.random[i] = rand.NewChaCha8(seedOf(i))
	}
	var err error
	if b.engine, err = engine.New(engine.Config{Options: options, Random: b.random[0], Now: testTime}); err != nil {
		return nil, err
	}
	var digest string
	limits.Random, limits.Now = b.random[1], testTime
	limits.ClientExists = func(_ context.Context, id string) (bool, error) { return b.taken[id], nil }
	b.host, digest, err = NewHost(ctx, limits, wasm)
	if err != nil {
		return nil, err
	}
	if _, _, err := b.host.Upload(ctx, name, wasm, ""); err != nil {
		return nil, errors.Join(err, b.host.Close(context.WithoutCancel(ctx)))
	}
	b.script = scripts.Script{Name: name, Module: digest, Steps: steps}
	return b, nil
}

// seedOf returns the seed of a random source of the bench: a different one for each.
func seedOf(source int) [32]byte { return [32]byte{31: byte(source)} }

// Run takes a case's request through all steps and says whether what came out is what the case expects.
func (b *Bench) Run(ctx context.Context, one Case) (Result, error) {
	for i, random := range b.random {
		random.Seed(seedOf(i))
	}
	b.taken = one.taken
	script := b.script
	script.Config = one.config
	got, err := DryRun(ctx, b.host, b.engine, one.request, one.statement, one.caller, []scripts.Script{script})
	if err != nil {
		return Result{}, err
	}
	result := Result{Name: one.Name, About: one.About, Diff: one.expect.diff(got)}
	result.Passed = result.Diff == ""
	if !result.Passed {
		result.Error = got.Error
	}
	return result, nil
}

// Close ends the script.
func (b *Bench) Close(ctx context.Context) error { return b.host.Close(context.WithoutCancel(ctx)) }
