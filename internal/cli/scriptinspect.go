package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"registrar/scripts"
)

// scriptInspectCommand checks a module.
type scriptInspectCommand struct {
	File string `arg:"" placeholder:"FILE" help:"${script_inspect_file}"`
	scriptFlags
	outputFlags
}

// Run checks the module as an upload would and describes it.
func (c *scriptInspectCommand) Run(ctx context.Context, to *console) error {
	wasm, err := readModule(ctx, c.File)
	if err != nil {
		return err
	}
	h, _, err := c.localHost(ctx, wasm)
	if err != nil {
		return err
	}
	defer h.Close(context.WithoutCancel(ctx))
	// Unlike Inspect, Upload also compiles. It stores nothing beyond this process.
	m, _, err := h.Upload(ctx, localName(c.File), wasm, "")
	if err != nil {
		return rejection(err)
	}
	return c.write(to.out, m, func(p *textWriter) {
		describeModule(p, m)
		if m.ConfigSchema != nil {
			p.line("config schema:")
			p.json(m.ConfigSchema)
		}
	})
}

// rejection lists the reasons of a [scripts.RejectedError], one per line.
func rejection(err error) error {
	if rejected, ok := errors.AsType[*scripts.RejectedError](err); ok {
		return fmt.Errorf("the module is rejected:\n  - %s", strings.Join(rejected.Reasons, "\n  - "))
	}
	return err
}

func describeModule(p *textWriter, m scripts.Module) {
	config := "any object: the module carries no schema"
	if m.ConfigSchema != nil {
		config = "checked against the schema that the module carries"
	}
	p.table([][]string{
		{"digest", m.Digest},
		{"size", fmt.Sprintf("%d bytes", m.Size)},
		{"steps", cmp.Or(strings.Join(m.Steps, ", "), "those of --step, or under steps in the deployment (a program)")},
		{"imports", cmp.Or(strings.Join(m.Imports, ", "), "none")},
		{"memory", fmt.Sprintf("at least %d KiB", m.MemoryMin>>10)},
		{"config", config},
	})
	for _, warning := range m.Warnings {
		p.line("warning: %s", warning)
	}
}
