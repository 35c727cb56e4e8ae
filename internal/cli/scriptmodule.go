package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"registrar/scripts/configschema"
	"registrar/scripts/javascript"
	"registrar/scripts/wasmbin"
)

// schemaFile is the file with the JSON Schema of a configuration that is packed with a script of the same folder.
const schemaFile = "config.schema.json"

// readModule returns the module in a file. A script in JavaScript or TypeScript is packed, with the [schemaFile] of its
// folder.
func readModule(ctx context.Context, path string) ([]byte, error) {
	if javascript.IsScript(path) {
		return packScript(ctx, path, "")
	}
	return os.ReadFile(path)
}

// packScript packs a script with a schema; "" means the [schemaFile] of its folder, if there is one.
func packScript(ctx context.Context, path, schema string) ([]byte, error) {
	wasm, err := javascript.PackFile(ctx, path)
	if rejected, ok := errors.AsType[*javascript.Error](err); ok {
		return nil, fmt.Errorf("%s cannot be packed:\n%w", path, rejected)
	}
	if err != nil {
		return nil, err
	}
	if schema != "" {
		return withSchema(path, wasm, schema)
	}
	packed, err := withSchema(path, wasm, filepath.Join(filepath.Dir(path), schemaFile))
	if errors.Is(err, fs.ErrNotExist) {
		return wasm, nil
	}
	return packed, err
}

// withSchema returns the module of a file with a schema in place of the one that it may have.
func withSchema(path string, wasm []byte, schemaPath string) ([]byte, error) {
	schema, err := os.ReadFile(schemaPath)
	if err != nil {
		return nil, err
	}
	if _, err := configschema.Parse(schema); err != nil {
		return nil, fmt.Errorf("%s: %w", schemaPath, err)
	}
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		return nil, fmt.Errorf("%s: the module cannot be read: %w", path, err)
	}
	return m.WithCustom(wasm, configschema.Section, schema), nil
}
