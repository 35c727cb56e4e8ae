package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"registrar/scripts/javascript"
)

// scriptShowCommand prints the source that a module was packed from.
type scriptShowCommand struct {
	Module string `arg:"" placeholder:"DIGEST|FILE.wasm" help:"Module: the digest of an uploaded one, or a file."`
	remoteFlags
}

// shownSource is what a show prints.
type shownSource struct {
	Files    []javascript.File `json:"files"`    // the script's own first
	Verified bool              `json:"verified"` // whether this program makes the same module of them
}

// Run prints the source. It packs the source again to see whether that gives the module, since the maker of a module
// could have put any text beside it.
func (c *scriptShowCommand) Run(ctx context.Context, to *console) error {
	wasm, err := c.module(ctx)
	if err != nil {
		return err
	}
	files, err := javascript.Sources(wasm)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Module, err)
	}
	verified, err := javascript.Verify(ctx, wasm)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Module, err)
	}
	if !verified {
		fmt.Fprintln(to.err, "registrar: warning: this program does not make the module of this source: "+
			"another version packed it, it imports packages, or the source was replaced")
	}
	return c.write(to.out, shownSource{files, verified}, func(p *textWriter) {
		for _, f := range files {
			if len(files) > 1 {
				p.line("-- %s --", f.Name)
			}
			p.line("%s", strings.ReplaceAll(strings.TrimSuffix(f.Text, "\n"), "\t", "    "))
		}
	})
}

// module returns the module's bytes.
func (c *scriptShowCommand) module(ctx context.Context) ([]byte, error) {
	if filepath.Ext(c.Module) == ".wasm" {
		return readModule(ctx, c.Module)
	}
	api, err := c.api()
	if err != nil {
		return nil, err
	}
	return api.ModuleBytes(ctx, c.Module)
}
