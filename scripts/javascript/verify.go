package javascript

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"registrar/scripts/wasmbin"
)

// Verify packs the files that a module keeps, and reports whether this program makes the same module of them, apart
// from custom sections. It returns false for a module that another version packed, and for one that imports packages.
func Verify(ctx context.Context, module []byte) (bool, error) {
	files, err := Sources(module)
	if err != nil {
		return false, err
	}
	folder, err := os.MkdirTemp("", "registrar-source-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(folder)
	for _, f := range files {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return false, nil
		}
		if slices.Contains(strings.Split(f.Name, "/"), "node_modules") {
			return false, nil // how a package's files find each other is not kept
		}
		file := filepath.Join(folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return false, err
		}
		if err := os.WriteFile(file, []byte(f.Text), 0o600); err != nil {
			return false, err
		}
	}
	packed, err := PackFile(ctx, filepath.Join(folder, filepath.FromSlash(files[0].Name)))
	if err != nil {
		return false, fmt.Errorf("packing the source that the module holds: %w", err)
	}
	return bytes.Equal(withoutCustom(module), withoutCustom(packed)), nil
}

// withoutCustom returns a module without its custom sections.
func withoutCustom(module []byte) []byte {
	m, err := wasmbin.Decode(module)
	if err != nil {
		return module
	}
	out := slices.Clone(module[:8])
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionCustom {
			out = append(out, s.Range.In(module)...)
		}
	}
	return out
}
