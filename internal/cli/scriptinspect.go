package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"registrar/scripts"
)

// scriptInspectCommand judges a module.
type scriptInspectCommand struct {
	File string `arg:"" placeholder:"FILE.wasm" help:"Module."`
	scriptFlags
	outputFlags
}

// Run judges the module as an upload would.
func (c *scriptInspectCommand) Run(ctx context.Context, to *console) error {
	wasm, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	h, _, err := c.localHost(ctx, wasm)
	if err != nil {
		return err
	}
	defer h.Close(context.WithoutCancel(ctx))
	// Upload compiles too, which Inspect alone does not. What it stores is gone with this process.
	m, _, err := h.Upload(ctx, localName(c.File), wasm, "")
	if err != nil {
		return rejection(err)
	}
	return c.write(to.out, m, func(p *textWriter) { describeModule(p, m) })
}

// rejection puts the reasons against a module one a line.
func rejection(err error) error {
	if rejected, ok := errors.AsType[*scripts.RejectedError](err); ok {
		return fmt.Errorf("the module may not be uploaded:\n  - %s", strings.Join(rejected.Reasons, "\n  - "))
	}
	return err
}

func describeModule(p *textWriter, m scripts.Module) {
	p.table([][]string{
		{"digest", m.Digest},
		{"size", fmt.Sprintf("%d bytes", m.Size)},
		{"steps", cmp.Or(strings.Join(m.Steps, ", "), "those that the deployment lists: it is a program")},
		{"imports", cmp.Or(strings.Join(m.Imports, ", "), "none")},
		{"memory", fmt.Sprintf("%d KiB at least", m.MemoryMin>>10)},
	})
	for _, warning := range m.Warnings {
		p.line("warning: %s", warning)
	}
}
