// Package javascript packs scripts in JavaScript and TypeScript. [PackFile] and [PackText] make a WebAssembly module of
// a script, which is uploaded, signed and run like any other.
//
// A bundler (esbuild) removes types and joins the files of a script. The template, which is QuickJS compiled to
// WebAssembly (see template/README.md), compiles the result to bytecode. The module is the template with that bytecode
// in its data, without the exports of the steps that the script does not define. The same files give the same module,
// as long as the program is the same. A custom section keeps the files for reviewers; [Sources] reads it.
package javascript

import (
	"context"
	_ "embed"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxCode bounds a bundle, and the bytecode that it is compiled to, in bytes. The template has so much room for each.
const maxCode = 512<<10 - 1

// loadTimeout bounds how long the top level of a script may run while it is packed.
const loadTimeout = 10 * time.Second

// The template is described in template/README.md.
//
//go:embed template.wasm
var templateModule string

// Types is registrar.d.ts: the types of what scripts work with, for editors and compilers. It is not part of a module.
//
//go:embed registrar.d.ts
var Types string

// extensions are the extensions of files that can be packed.
var extensions = []string{".js", ".mjs", ".ts", ".mts"}

// IsScript reports whether a file is a script to be packed, by its extension: .js, .mjs, .ts or .mts.
func IsScript(path string) bool {
	return slices.Contains(extensions, filepath.Ext(path)) && !strings.HasSuffix(path, ".d.ts")
}

// PackFile makes a module of a script and of what it imports: files in the script's folder and below, and packages in
// node_modules. An *[Error] is the script's fault.
func PackFile(ctx context.Context, path string) ([]byte, error) {
	return pack(ctx, loadTimeout, func() (bundle, error) { return bundleFile(path) })
}

// PackText makes a module of a script that imports nothing. It reads and writes no file. name is the script's file, as
// messages show it; its extension tells JavaScript from TypeScript. An *[Error] is the script's fault.
func PackText(ctx context.Context, name string, text []byte) ([]byte, error) {
	return pack(ctx, loadTimeout, func() (bundle, error) { return bundleText(name, text) })
}

func pack(ctx context.Context, timeout time.Duration, read func() (bundle, error)) ([]byte, error) {
	b, err := read()
	if err != nil {
		return nil, err
	}
	t, err := newTemplate()
	if err != nil {
		return nil, err
	}
	loaded, err := t.load(ctx, timeout, b)
	if err != nil {
		return nil, err
	}
	if err := t.checkExports(b, loaded.exports); err != nil {
		return nil, err
	}
	return withSources(t.module(loaded), b.files)
}
