package scriptcase

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/configschema"
	"registrar/scripts/host"
)

// A Result is the result of one case.
type Result struct {
	Name   string `json:"name"` // path in the folder, without .txtar
	About  string `json:"about,omitzero"`
	Passed bool   `json:"passed"`
	Diff   string `json:"diff,omitzero"` // expected (-) and got (+)

	Error *scripts.DryRunError `json:"error,omitzero"` // of the dry run; set only if the case failed

	// Warnings name what the script patched in vain, also in a case that passed; nil means nothing.
	Warnings []string `json:"warnings,omitzero"`
}

// A Bench runs the cases of one script, reproducibly: its clock stands still and its random data is the same in each
// run. It is not safe for concurrent use.
type Bench struct {
	engine *engine.Engine
	host   *host.Host
	script scripts.Script
	schema *configschema.Schema // of the script's configuration; nil for none
	// random are the sources of the engine and of the host. They are reset for each case. A dry run creates its
	// instances one after the other, so that the order of reads is fixed.
	random [2]*rand.ChaCha8
	taken  map[string]bool // client IDs of the case
}

// testTime returns the time of every registration in a case.
func testTime() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// NewBench returns a Bench for the module wasm. limits are as for [NewHost]; NewBench sets Random, Now and
// ClientExists. steps are those that a program replaces; nil for other modules. The error is a [*scripts.RejectedError]
// if an upload would reject the module. The caller must close the Bench.
func NewBench(
	ctx context.Context, options engine.Options, limits host.Config, name string, wasm []byte, steps []string,
) (*Bench, error) {
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
	m, _, err := b.host.Upload(ctx, name, wasm, "")
	if err == nil && m.ConfigSchema != nil {
		b.schema, err = configschema.Parse(m.ConfigSchema)
	}
	if err != nil {
		return nil, errors.Join(err, b.host.Close(context.WithoutCancel(ctx)))
	}
	b.script = scripts.Script{Name: name, Module: digest, Steps: steps}
	return b, nil
}

// seedOf returns the seed of a random source, a different one for each.
func seedOf(source int) [32]byte { return [32]byte{31: byte(source)} }

// Run runs a case's request through all steps and compares the result with what the case expects.
func (b *Bench) Run(ctx context.Context, one Case) (Result, error) {
	for i, random := range b.random {
		random.Seed(seedOf(i))
	}
	got, err := b.dryRun(ctx, one)
	if err != nil {
		return Result{}, err
	}
	result := Result{Name: one.Name, About: one.About, Diff: one.expect.diff(got), Warnings: got.Warnings()}
	result.Passed = result.Diff == ""
	if !result.Passed {
		result.Error = got.Error
	}
	return result, nil
}

// dryRun returns the result of a case. A configuration that does not fit the module's schema, so that no server would
// deploy the script, has an outcome of its own.
func (b *Bench) dryRun(ctx context.Context, one Case) (scripts.DryRun, error) {
	if b.schema != nil {
		if err := b.schema.Check(one.config); err != nil {
			return scripts.DryRun{Outcome: outcomeRejected, Error: &scripts.DryRunError{Description: err.Error()}}, nil
		}
	}
	b.taken = one.taken
	script := b.script
	script.Config = one.config
	return DryRun(ctx, b.host, b.engine, one.request, one.statement, one.caller, []scripts.Script{script})
}

// Close closes the script host.
func (b *Bench) Close(ctx context.Context) error { return b.host.Close(context.WithoutCancel(ctx)) }
