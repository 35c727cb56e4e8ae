package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"registrar/scripts"
	"registrar/scripts/configschema"
	"registrar/scripts/wasmbin"
)

// scriptPackCommand makes the module that is uploaded.
type scriptPackCommand struct {
	File         string `arg:"" placeholder:"FILE" help:"Module to pack, as a compiler wrote it: FILE.wasm."`
	Out          string `short:"o" required:"" placeholder:"OUT.wasm" help:"File to write. It may be FILE."`
	ConfigSchema string `placeholder:"F.json" help:"JSON Schema of the configuration, for the module to carry."`
	outputFlags
}

// packed is what a pack prints.
type packed struct {
	File   string `json:"file"`   // that was written
	Digest string `json:"digest"` // of the module, as an upload of it has it
	Size   int    `json:"size"`   // in bytes
}

// Run packs the file. Nothing is written if the module or the schema is invalid.
func (c *scriptPackCommand) Run(_ context.Context, to *console) error {
	wasm, err := c.pack()
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
func (c *scriptPackCommand) pack() ([]byte, error) {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return nil, err
	}
	switch extension := filepath.Ext(c.File); extension {
	case ".wasm":
		if c.ConfigSchema == "" {
			return nil, usageError{errors.New("--config-schema is missing: there is nothing else to pack into a module")}
		}
		return c.withSchema(b)
	default:
		return nil, usageError{fmt.Errorf("%s: cannot pack a file that ends in %q: it must be .wasm", c.File, extension)}
	}
}

// withSchema returns a module with the schema of --config-schema in place of the one that it may have; without the
// flag, the module as it is.
func (c *scriptPackCommand) withSchema(wasm []byte) ([]byte, error) {
	if c.ConfigSchema == "" {
		return wasm, nil
	}
	schema, err := os.ReadFile(c.ConfigSchema)
	if err != nil {
		return nil, err
	}
	if _, err := configschema.Parse(schema); err != nil {
		return nil, fmt.Errorf("%s: %w", c.ConfigSchema, err)
	}
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		return nil, fmt.Errorf("%s: the module cannot be read: %w", c.File, err)
	}
	return m.WithCustom(wasm, configschema.Section, schema), nil
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
