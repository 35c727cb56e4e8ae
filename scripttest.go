package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// scriptTestCommand runs the cases of one script.
type scriptTestCommand struct {
	Folder string `arg:"" placeholder:"DIR" help:"Folder of the cases, DIR/*.txtar and DIR/cases/*.txtar."`
	Wasm   string `placeholder:"FILE.wasm" help:"Module. The only one in DIR unless given."`
	stepFlags
	outputFlags
	engineFlags `group:"What may be registered:"`
	scriptFlags `group:"Scripts:"`
}

// testReport is what came of the cases.
type testReport struct {
	Cases  []caseResult `json:"cases"` // in the order of their names
	Passed int          `json:"passed"`
	Failed int          `json:"failed"`
}

// caseResult is what came of one case.
type caseResult struct {
	Name   string `json:"name"` // its path in the folder, without .txtar
	About  string `json:"about,omitzero"`
	Passed bool   `json:"passed"`
	Diff   string `json:"diff,omitzero"` // expected (-) and got (+)

	Error *scripts.DryRunError `json:"error,omitzero"` // why nothing was registered, where the case failed
}

// Run runs every case and fails where one of them does.
func (c *scriptTestCommand) Run(ctx context.Context, to *console) error {
	cases, err := readCases(c.Folder)
	if err != nil {
		return err
	}
	file, err := c.module()
	if err != nil {
		return err
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	b, err := c.newTestBench(ctx, localName(file), wasm)
	if err != nil {
		return rejection(err)
	}
	defer b.host.Close(context.WithoutCancel(ctx))
	var report testReport
	for _, one := range cases {
		result, err := b.run(ctx, one)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, rejection(err))
		}
		report.add(result)
	}
	if err := c.write(to.out, report, report.describe); err != nil {
		return err
	}
	if report.Failed > 0 {
		return exited(exitFailed)
	}
	return nil
}

// module returns the file of the module under test.
func (c *scriptTestCommand) module() (string, error) {
	if c.Wasm != "" {
		return c.Wasm, nil
	}
	entries, err := os.ReadDir(c.Folder)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".wasm" {
			found = append(found, filepath.Join(c.Folder, e.Name()))
		}
	}
	if len(found) != 1 {
		return "", usageError{fmt.Errorf("%s holds %s: say --wasm", c.Folder, cmp.Or(strings.Join(found, " and "), "no .wasm file"))}
	}
	return found[0], nil
}

func (r *testReport) add(result caseResult) {
	r.Cases = append(r.Cases, result)
	if result.Passed {
		r.Passed++
	} else {
		r.Failed++
	}
}

// describe tells people how the cases went.
func (r *testReport) describe(p *page) {
	for _, one := range r.Cases {
		if one.Passed {
			p.line("ok %s", one.Name)
			continue
		}
		p.line("FAIL %s", one.Name)
		one.describe(p)
	}
	p.line("%d passed, %d failed", r.Passed, r.Failed)
}

// describe tells people why a case failed.
func (r *caseResult) describe(p *page) {
	text := r.About + "\n(-expected +got)\n" + r.Diff
	if r.Error != nil {
		text += r.Error.Code + ": " + r.Error.Description
	}
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		p.line("    %s", strings.TrimRight(line, "\n"))
	}
}

// A testBench is an engine and a script host that do the same in each run: nothing in them depends on the machine, the
// time of day or chance.
type testBench struct {
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

func (c *scriptTestCommand) newTestBench(ctx context.Context, name string, wasm []byte) (*testBench, error) {
	b := &testBench{}
	for i := range b.random {
		b.random[i] = rand.NewChaCha8(seedOf(i))
	}
	var err error
	if b.engine, err = engine.New(engine.Config{Options: c.options(), Random: b.random[0], Now: testTime}); err != nil {
		return nil, usageError{err}
	}
	var digest string
	b.host, digest, err = c.localHost(ctx, wasm, func(config *host.Config) {
		config.Random, config.Now = b.random[1], testTime
		config.ClientExists = func(_ context.Context, id string) (bool, error) { return b.taken[id], nil }
	})
	if err != nil {
		return nil, err
	}
	if _, _, err := b.host.Upload(ctx, name, wasm); err != nil {
		return nil, errors.Join(err, b.host.Close(context.WithoutCancel(ctx)))
	}
	b.script = scripts.Script{Name: name, Module: digest, Steps: c.Step}
	return b, nil
}

// seedOf returns the seed of a random source of the bench: a different one for each.
func seedOf(source int) [32]byte { return [32]byte{31: byte(source)} }

// run takes a case's request through all steps and says whether what came out is what the case expects.
func (b *testBench) run(ctx context.Context, one testCase) (caseResult, error) {
	for i, random := range b.random {
		random.Seed(seedOf(i))
	}
	b.taken = one.taken
	script := b.script
	script.Config = one.config
	got, err := dryRunBody(ctx, b.host, b.engine, one.request, one.statement, one.caller, []scripts.Script{script})
	if err != nil {
		return caseResult{}, err
	}
	result := caseResult{Name: one.name, About: one.about, Diff: one.expect.diff(got)}
	result.Passed = result.Diff == ""
	if !result.Passed {
		result.Error = got.Error
	}
	return result, nil
}
