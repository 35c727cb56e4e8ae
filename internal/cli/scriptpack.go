package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"registrar/scripts"
	"registrar/scripts/javascript"
)

// scriptPackCommand makes the module that is uploaded.
type scriptPackCommand struct {
	File         string `arg:"" placeholder:"FILE" help:"${script_pack_file}"`
	Out          string `short:"o" required:"" placeholder:"OUT.wasm" help:"File to write. It may be FILE."`
	ConfigSchema string `placeholder:"F.json" help:"${script_pack_config_schema}"`
	outputFlags
}

// packed is what a pack prints.
type packed struct {
	File   string `json:"file"`   // that was written
	Digest string `json:"digest"` // of the module, as an upload of it has it
	Size   int    `json:"size"`   // in bytes
}

// Run packs the file. Nothing is written if the module or the schema is invalid.
func (c *scriptPackCommand) Run(ctx context.Context, to *console) error {
	wasm, err := c.pack(ctx)
	if err != nil {
		return err
	}
	if err := replaceFile(c.Out, wasm); err != nil {
		return err
	}
	result := packed{File: c.Out, Digest: scripts.Digest(wasm), Size: len(wasm)}
	return c.write(to.out, result, func(p *textWriter) {
		p.table([][]string{
			{"digest", result.Digest},
			{"size", fmt.Sprintf("%d bytes", result.Size)},
			{"file", result.File},
		})
	})
}

// pack returns the module to write, by the kind of the file.
func (c *scriptPackCommand) pack(ctx context.Context) ([]byte, error) {
	extension := filepath.Ext(c.File)
	switch {
	case javascript.IsScript(c.File):
		return packScript(ctx, c.File, c.ConfigSchema)
	case extension != ".wasm":
		return nil, usageError{fmt.Errorf("%s: cannot pack a file that ends in %q: it must be .js, .mjs, .ts or .wasm",
			c.File, extension)}
	case c.ConfigSchema == "":
		return nil, usageError{errors.New("--config-schema is missing: there is nothing else to pack into a module")}
	}
	wasm, err := os.ReadFile(c.File)
	if err != nil {
		return nil, err
	}
	return withSchema(c.File, wasm, c.ConfigSchema)
}

// replaceFile writes a file as a whole: others see the old content or the new one, also if writing fails.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
