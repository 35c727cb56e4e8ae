package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"registrar/internal/scriptcase"
	"registrar/scripts/javascript"
)

// scriptTestCommand runs the cases of one script.
type scriptTestCommand struct {
	Folder string `arg:"" placeholder:"DIR" help:"Folder of the cases: DIR/*.txtar and DIR/cases/*.txtar."`
	Wasm   string `placeholder:"FILE" help:"${script_test_wasm}"`
	Watch  bool   `help:"Run the cases again whenever the module or a case changes, until interrupted."`
	stepFlags
	outputFlags
	engineFlags `group:"What may be registered:"`
	scriptFlags `group:"Scripts:"`
}

// testReport is the result of all cases.
type testReport struct {
	Cases  []scriptcase.Result `json:"cases"` // in the order of their names
	Passed int                 `json:"passed"`
	Failed int                 `json:"failed"`
}

// Run runs every case and fails if one of them does; with --watch, if one of the last run does.
func (c *scriptTestCommand) Run(ctx context.Context, to *console) error {
	if c.Watch {
		return c.watch(ctx, to)
	}
	return c.test(ctx, to)
}

// test runs every case once.
func (c *scriptTestCommand) test(ctx context.Context, to *console) error {
	cases, err := scriptcase.Read(c.Folder)
	if err != nil {
		return err
	}
	file, err := c.module()
	if err != nil {
		return err
	}
	wasm, err := readModule(ctx, file)
	if err != nil {
		return err
	}
	limits, err := c.host()
	if err != nil {
		return usageError{err}
	}
	options := c.options()
	if err := options.Validate(); err != nil {
		return usageError{err}
	}
	b, err := scriptcase.NewBench(ctx, options, limits, localName(file), wasm, c.Step)
	if err != nil {
		return rejection(err)
	}
	defer b.Close(ctx)
	var report testReport
	for _, one := range cases {
		result, err := b.Run(ctx, one)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Name, rejection(err))
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
	var modules, sources []string
	for _, e := range entries {
		file := filepath.Join(c.Folder, e.Name())
		switch {
		case e.IsDir():
		case javascript.IsScript(file):
			sources = append(sources, file)
		case filepath.Ext(file) == ".wasm" && !packedHere(file):
			modules = append(modules, file)
		}
	}
	found := modules
	if len(modules) == 0 {
		found = sources
	}
	if len(found) != 1 {
		files := cmp.Or(strings.Join(found, " and "), "no .wasm, .js or .ts file")
		return "", usageError{fmt.Errorf("%s has %s: use --wasm", c.Folder, files)}
	}
	return found[0], nil
}

// packedHere reports whether a module was packed from a script that is beside it, which may have changed since.
func packedHere(module string) bool {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return false
	}
	files, err := javascript.Sources(wasm)
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(module), filepath.Base(files[0].Name)))
	return err == nil
}

func (r *testReport) add(result scriptcase.Result) {
	r.Cases = append(r.Cases, result)
	if result.Passed {
		r.Passed++
	} else {
		r.Failed++
	}
}

// describe prints the result of each case, its warnings, and the counts.
func (r *testReport) describe(p *textWriter) {
	for _, one := range r.Cases {
		if one.Passed {
			p.line("ok %s", one.Name)
		} else {
			p.line("FAIL %s", one.Name)
			describeFailure(p, one)
		}
		for _, warning := range one.Warnings {
			p.line("    warning: %s", printable(warning))
		}
	}
	p.line("%d passed, %d failed", r.Passed, r.Failed)
}

// describeFailure prints why a case failed.
func describeFailure(p *textWriter, r scriptcase.Result) {
	text := r.About + "\n(-expected +got)\n" + r.Diff
	if r.Error != nil {
		text += r.Error.Code + ": " + r.Error.Description
	}
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		p.line("    %s", strings.TrimRight(line, "\n"))
	}
}
